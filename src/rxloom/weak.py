"""A mapping that does not keep its values alive, and costs little to fill.

The one of the standard library makes each entry with three calls of Python code; a run that starts and ends makes
several entries.
"""

from __future__ import annotations

from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class _Entry(ref[T]):
    """A reference that knows its name, so that one function can forget all of them."""

    __slots__ = ("name",)

    name: str


class WeakMap(Generic[T]):
    """Values by name, each as long as somebody else refers to it. Its methods may be called from any thread.

    Example:
        >>> class Thing: ...
        >>> things: WeakMap[Thing] = WeakMap()
        >>> thing = things["a"] = Thing()
        >>> things.get("a") is thing, "a" in things
        (True, True)
        >>> del thing
        >>> things.get("a"), "a" in things
        (None, False)
    """

    __slots__ = ("_forget", "_refs")

    def __init__(self) -> None:
        """Make an empty one."""
        self._refs: dict[str, ref[T]] = {}
        refs, entry = self._refs, _Entry  # held, since the module may be taken down before the last value is

        def forget(dead: ref[T]) -> None:
            if isinstance(dead, entry) and refs.get(dead.name) is dead:  # else another value has taken its place
                refs.pop(dead.name, None)

        self._forget = forget

    def get(self, name: str) -> T | None:
        """Return the value, or `None` if it is gone or never was there."""
        found = self._refs.get(name)
        return None if found is None else found()

    def __contains__(self, name: str) -> bool:
        """Tell whether the value is there."""
        found = self._refs.get(name)
        return found is not None and found() is not None

    def __setitem__(self, name: str, value: T) -> None:
        """Set a value, in place of an older one."""
        entry = _Entry(value, self._forget)
        entry.name = name
        self._refs[name] = entry

    def setdefault(self, name: str, value: T) -> T:
        """Return the value that is there, or set this one and return it."""
        found = self.get(name)
        if found is None:
            self[name] = found = value
        return found

    def pop(self, name: str) -> T | None:
        """Take the value out, and return it."""
        found = self._refs.pop(name, None)
        return None if found is None else found()

    def values(self) -> list[T]:
        """Return the values that are there, in the order in which they were set."""
        return [value for _, value in self.items()]

    def items(self) -> list[tuple[str, T]]:
        """Return the values that are there, with their names, in the order in which they were set."""
        found = [(name, one()) for name, one in list(self._refs.items())]
        return [(name, value) for name, value in found if value is not None]
