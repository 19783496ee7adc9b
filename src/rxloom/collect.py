"""Ways to fold the items of a stream into one output."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TypeVar

from rxloom.errors import CollectError

T = TypeVar("T")


def only(items: Iterable[T]) -> T:
    """Give the item of a stream that has exactly one.

    Raises:
        CollectError: if there is none, or several.

    Example:
        >>> only([7])
        7
    """
    iterator = iter(items)
    for item in iterator:
        for _ in iterator:
            raise CollectError(2)
        return item
    raise CollectError(0)


def first(items: Iterable[T]) -> T:
    """Give the first item of a stream.

    Raises:
        CollectError: if there is none.

    Example:
        >>> first("abc")
        'a'
    """
    for item in items:
        return item
    raise CollectError(0)


def last(items: Iterable[T]) -> T:
    """Give the last item of a stream.

    Raises:
        CollectError: if there is none.

    Example:
        >>> last("abc")
        'c'
    """
    newest = deque(items, maxlen=1)
    if not newest:
        raise CollectError(0)
    return newest[0]
