"""Structural copies of plain containers: what a chunk holds of a value that was handed over.

A chunk must not change when its maker goes on working with the same list. So plain containers (exactly `dict`,
`list`, `set` and `tuple`) are copied, all the way down; everything else, models above all, is taken by reference.

The common cases are scalars and models, and this function is called several times per step and once per written
output, hence the order of the checks: one look at the type and out. Containers take a plain recursive path without
a memo; only what is nested deeper than real data ever is (a cycle is) is copied again, iteratively, with one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

type_of: Callable[[object], type[Any]] = type
"""The builtin; to a checker, `type(x)` of an `Any` would be a half-known type."""
_CONTAINERS = frozenset[type]((dict, list, set, tuple))
_MAX_RECURSION = 12


class _TooDeepError(Exception):
    """Unwinds the recursive path."""


def copy_plain(value: Any) -> Any:
    """Copy the plain containers of a value, and take everything else by reference.

    Exact `dict`, `list` and `set` objects are copied at every depth, a `tuple` where it holds one of them; a subclass
    of a container, a frozen set, a model or any other object is returned as it is. Cycles stay cycles, and any depth
    of nesting works.

    >>> given = {"tags": ["a"], "at": (1, 2)}
    >>> copy = copy_plain(given)
    >>> given["tags"].append("b")
    >>> copy
    {'tags': ['a'], 'at': (1, 2)}
    >>> copy["at"] is given["at"]
    True
    """
    kind = type_of(value)
    if kind not in _CONTAINERS:
        return value
    if kind is dict:  # the commonest container to be written, a flat one: saves a call and the stores
        flat = value.copy()
        for item in flat.values():
            if type(item) in _CONTAINERS:
                break
        else:
            return flat
    try:
        return _copy(value, 0)
    except _TooDeepError:
        return _copy_deep(value)


def _copy(value: Any, depth: int) -> Any:
    if depth > _MAX_RECURSION:
        raise _TooDeepError
    kind = type_of(value)
    if kind is tuple:
        return _copy_tuple(value, depth + 1)
    # `copy()` is one step under the interpreter lock, and from then on only our own copy is walked: another thread
    # that changes the original cannot make the iteration fail.
    out = value.copy()
    if kind is set:
        return out  # its elements are hashable, so there is nothing to copy in them
    for key, item in out.items() if kind is dict else enumerate(out):
        if type(item) in _CONTAINERS:
            out[key] = _copy(item, depth + 1)
    return out


def _copy_tuple(value: tuple[Any, ...], depth: int) -> tuple[Any, ...]:
    for item in value:
        if type(item) in _CONTAINERS:
            copied = tuple([_copy(item, depth) if type(item) in _CONTAINERS else item for item in value])
            return _unless_same(value, copied)
    return value


def _unless_same(value: tuple[Any, ...], copied: tuple[Any, ...]) -> tuple[Any, ...]:
    return value if all(map(_is, value, copied)) else copied


def _is(left: object, right: object) -> bool:
    return left is right


def _copy_deep(root: Any) -> Any:
    """Copy iteratively: find all containers, copy them one by one, then put the copies in each other's places."""
    found = _reachable(root)
    copies: dict[int, Any] = {key: item.copy() for key, item in found.items() if type(item) is not tuple}
    shells = list(copies.values())
    for item in found.values():
        if type_of(item) is tuple:
            _resolve_tuple(item, copies)
    for shell in shells:
        if type_of(shell) is not set:
            _fill(shell, copies)
    return copies[id(root)]


def _reachable(root: Any) -> dict[int, Any]:
    """Find every plain container, by `id`; holding them keeps the ids theirs."""
    found: dict[int, Any] = {id(root): root}
    stack = [root]
    while stack:
        for item in _children(stack.pop()):
            if type(item) in _CONTAINERS and id(item) not in found:
                found[id(item)] = item
                stack.append(item)
    return found


def _children(container: Any) -> tuple[Any, ...]:
    kind = type_of(container)
    if kind is set:
        return ()
    return tuple(container.values() if kind is dict else container)


def _resolve_tuple(root: tuple[Any, ...], copies: dict[int, Any]) -> None:
    """Copy a tuple after the tuples in it; a cycle always goes through a list or a dict, which is there already."""
    stack = [root]
    while stack:
        value = stack[-1]
        waits = [item for item in value if type_of(item) is tuple and id(item) not in copies]
        if waits:
            stack.extend(waits)
            continue
        stack.pop()
        if id(value) not in copies:
            copies[id(value)] = _unless_same(value, tuple([copies.get(id(item), item) for item in value]))


def _fill(shell: Any, copies: dict[int, Any]) -> None:
    for key, item in shell.items() if type_of(shell) is dict else enumerate(shell):
        shell[key] = copies.get(id(item), item)
