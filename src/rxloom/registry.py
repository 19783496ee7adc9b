"""Which runs this process knows: those created, those live, and the logs that somebody still refers to."""

from __future__ import annotations

from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from rxloom.feed import Feed
from rxloom.leg import Leg
from rxloom.log import ChunkLog


class Registry:
    """The runs of one runtime in this process. Its methods may be called from any thread."""

    __slots__ = ("_claims", "_lock", "created", "expected", "live", "logs")

    def __init__(self) -> None:
        """Make an empty registry."""
        self._lock = Lock()
        self._claims: set[str] = set()
        self.created: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self.live: dict[str, Leg] = {}
        self.logs: WeakValueDictionary[str, ChunkLog] = WeakValueDictionary()
        self.expected: dict[str, list[Feed]] = {}

    def claim(self, run_id: str) -> bool:
        """Reserve the run for one caller who changes its owner; tell whether it was free."""
        with self._lock:
            if run_id in self._claims:
                return False
            self._claims.add(run_id)
            return True

    def release(self, run_id: str) -> None:
        """Give the reservation back."""
        with self._lock:
            self._claims.discard(run_id)

    def expect(self, feed: Feed) -> None:
        """Bind `feed` when its run starts."""
        with self._lock:
            self.expected.setdefault(feed.run_id, []).append(feed)

    def arrived(self, run_id: str) -> list[Feed]:
        """Return the feeds that wait for the run, which has started."""
        with self._lock:
            return self.expected.pop(run_id, [])
