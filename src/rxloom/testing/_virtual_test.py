"""Tests that are coroutine functions, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, overload

from rxloom.testing._virtual import virtual_run

__all__ = ["virtual_test"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


@overload
def virtual_test(test: Callable[_P, Coroutine[Any, Any, _T]], /) -> Callable[_P, _T]: ...
@overload
def virtual_test(
    *, debug: bool | None = None
) -> Callable[[Callable[_P, Coroutine[Any, Any, _T]]], Callable[_P, _T]]: ...
def virtual_test(test: Callable[..., Any] | None = None, /, *, debug: bool | None = None) -> Any:
    """Make a plain function of a coroutine function: calling it runs it to its end in virtual time.

    What decorates a test like this needs no plug-in for coroutines, and none takes it for one. Its arguments, pytest's
    fixtures, stay as they are.

    Args:
        test: the coroutine function.
        debug: asyncio's debug mode.

    Raises:
        Deadlock: when it is called, and waits for something that cannot come.

    Example:
        >>> import asyncio
        >>> @virtual_test
        ... async def test_a_day_passes() -> None:
        ...     await asyncio.sleep(86400)
        >>> test_a_day_passes()
    """
    if test is None:
        return partial(_virtual, debug=debug)
    return _virtual(test, debug=debug)


def _virtual(test: Callable[_P, Coroutine[Any, Any, _T]], *, debug: bool | None) -> Callable[_P, _T]:
    @wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return virtual_run(test(*args, **kwargs), debug=debug)

    return run
