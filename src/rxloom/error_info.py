"""Exceptions as data, and back: what a chunk, a result and a store hold of a failure."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

from rxloom.chunks import ErrorInfo
from rxloom.errors import StepFailed

_SCALARS = (type(None), bool, int, float, complex, str, bytes, Decimal, UUID, Enum, date, time, timedelta)
_SEQUENCES: tuple[type[Any], ...] = (list, tuple, set, frozenset)
_MAX_CAUSES = 16
_MAX_NESTING = 8
_LAST_FRAMES = -50


def error_info(
    exc: object, *, step_path: str | None = None, attempt: int = 0, with_traceback: bool = True
) -> ErrorInfo:
    """Describe an exception as data.

    The attributes are the exception's own public ones as far as they are plain data; an object inside a container is
    told by the name of its type. The cause is `__cause__`, or the first exception of a group. Nothing of the user's
    can make this raise, and nothing of the exception is kept alive by what is returned.

    Args:
        exc: what was raised; anything is taken, as an Observable may end with anything.
        step_path: path of the step that failed.
        attempt: 0-based attempt in which it failed.
        with_traceback: whether to format the traceback, which is ten times the work of all the rest.

    Example:
        >>> class CardDeclined(Exception):
        ...     def __init__(self, code):
        ...         super().__init__(f"declined: {code}")
        ...         self.code = code
        >>> info = error_info(CardDeclined(51), step_path="pay")
        >>> info.name, info.message, info.attributes
        ('CardDeclined', 'declined: 51', {'code': 51})
    """
    chain = list(_chain(exc))
    info: ErrorInfo | None = None
    for link in reversed(chain[1:]):
        info = ErrorInfo(type(link).__name__, _message(link), _attributes(link), info)
    text = _traceback(exc) if with_traceback and isinstance(exc, BaseException) else None
    return ErrorInfo(type(exc).__name__, _message(exc), _attributes(exc), info, step_path, attempt, text)


def exception_from(info: ErrorInfo) -> Exception:
    """Make an exception that stands for one raised in another process, or before a restart.

    It is a `StepFailed` whose message names the original class, whatever that was: no class is looked up by the name
    that stands in a store. Causes become its `__cause__` chain.

    Example:
        >>> exception_from(ErrorInfo("ValueError", "no such item", step_path="pay"))
        StepFailed("ValueError: no such item (step 'pay')")
    """
    link: ErrorInfo | None = info
    links: list[ErrorInfo] = []
    while link is not None and len(links) <= _MAX_CAUSES:
        links.append(link)
        link = link.cause
    error: StepFailed | None = None
    for link in reversed(links):
        cause, error = error, StepFailed(f"{link.name}: {link.message}", step_path=link.step_path)
        error.__cause__ = cause
    return cast("StepFailed", error)


def _chain(exc: object) -> Iterator[object]:
    seen: set[int] = set()
    link: object = exc
    while id(link) not in seen and len(seen) <= _MAX_CAUSES:
        seen.add(id(link))
        yield link
        following = _cause(link)
        if following is None:
            return
        link = following


def _cause(exc: object) -> BaseException | None:
    if not isinstance(exc, BaseException):
        return None
    if exc.__cause__ is not None:
        return exc.__cause__
    if isinstance(exc, BaseExceptionGroup):
        return cast("BaseExceptionGroup[BaseException]", exc).exceptions[0]
    return None


def _message(exc: object) -> str:
    try:
        return str(exc)
    except Exception as failure:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"<str() raised {type(failure).__name__}>"


def _traceback(exc: BaseException) -> str | None:
    try:
        return "".join(traceback.format_exception(exc, limit=_LAST_FRAMES))
    except Exception:  # noqa: BLE001 - formatting runs the user's __str__, __notes__ and the like
        return None


def _attributes(exc: object) -> dict[str, Any]:
    own = cast("dict[str, Any]", getattr(exc, "__dict__", {}))
    try:
        return {name: _plain(value, 0) for name, value in own.copy().items() if _is_told(name, value)}
    except Exception:  # noqa: BLE001 - keys and values are the user's
        return {}


def _is_told(name: str, value: object) -> bool:
    return not name.startswith("_") and isinstance(value, (*_SCALARS, dict, *_SEQUENCES))


def _plain(value: Any, depth: int) -> Any:
    """Copy a value as plain data: what is no data, or nested too deeply, is told by the name of its type."""
    if isinstance(value, _SCALARS):
        return value
    if depth < _MAX_NESTING:
        if isinstance(value, dict):
            items = cast("dict[Any, Any]", value).copy().items()
            return {key if isinstance(key, str) else _name(key): _plain(item, depth + 1) for key, item in items}
        for kind in _SEQUENCES:
            if isinstance(value, kind):
                return kind([_plain(item, depth + 1) for item in cast("list[Any]", value)])
    return f"<{type(value).__name__}>"


def _name(key: object) -> str:
    return str(key) if isinstance(key, _SCALARS) else f"<{type(key).__name__}>"
