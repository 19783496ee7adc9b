"""What a leg knows of the suspensions before it: who waits, and who was answered, below every path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Recall:
    """Who waits and whose answer is still to be used, by the path of each call around them.

    Attributes:
        answers: what was answered in this leg, by the path of the leaf.
    """

    __slots__ = ("_newest", "_pending", "_waiting", "answers")

    def __init__(self, suspended: Iterable[str]) -> None:
        """Begin with the leaves that are suspended."""
        self.answers: dict[str, Any] = {}
        self._waiting: dict[str, dict[str, None]] = {}
        self._pending: dict[str, dict[str, None]] = {}
        self._newest: dict[str, Any] = {}
        for path in suspended:
            self.asked(path)

    def asked(self, path: str) -> None:
        """Take note that a leaf is suspended."""
        for place in around(path):
            self._waiting.setdefault(place, {})[path] = None

    def answered(self, path: str, data: Any) -> None:
        """Take note that a leaf was answered."""
        self.answers[path] = data
        for place in around(path):
            self._waiting[place].pop(path, None)
            self._pending.setdefault(place, {})[path] = None
            self._newest[place] = data

    def entered(self, path: str) -> None:
        """Take note that a call is entered again: if it is a leaf, its answer is used."""
        if path in self._pending.get(path, ()):
            for place in around(path):
                del self._pending[place][path]

    def goes_on(self, path: str) -> bool:
        """Tell whether the call at `path` has to be entered again: it, or a leaf inside, was answered."""
        return bool(self._pending.get(path))

    def waiting(self, path: str) -> Iterable[str]:
        """Return the leaves that wait at `path` or inside."""
        return self._waiting.get(path, ())

    def newest(self, path: str) -> Any:
        """Return the newest answer to a leaf at `path` or inside."""
        return self._newest.get(path)


def around(path: str) -> list[str]:
    """Return the paths of a call and of all calls around it.

    >>> around("outer.each[2].ask")
    ['outer', 'outer.each', 'outer.each[2]', 'outer.each[2].ask']
    """
    return [*(path[:at] for at, character in enumerate(path) if character in ".["), path]
