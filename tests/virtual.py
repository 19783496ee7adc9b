"""Tests in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from rxloom.testing import virtual_run

_P = ParamSpec("_P")
_T = TypeVar("_T")


def virtual(test: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, _T]:
    """Make a test of a coroutine function, on a loop with virtual time, in asyncio's debug mode."""

    @wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return virtual_run(test(*args, **kwargs), debug=True)

    return run


def does(action: Callable[[], object]) -> Callable[..., Any]:
    """Make a scheduled action of a function without arguments."""

    def act(*_: Any) -> Any:
        return action()

    return act
