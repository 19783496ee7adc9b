"""Pacing: writers wait for the readers that asked for it, as long as those are there and move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from weakref import ref

from rxloom.lock import LOCK


class PacingReader(Protocol):
    """A reader that makes `await ctx.write` wait while it lags by more than its bound."""

    @property
    def cursor(self) -> int:
        """The seq it reads next."""
        ...

    @property
    def moved(self) -> float:
        """When it read last, by the clock of the run's loop."""
        ...

    def lags(self, told: int, share: float) -> bool:
        """Tell whether it lags by more than a share of its bound, when the chunks up to `told` were told."""
        ...


class Paced:
    """What readers read, and what some of them pace. All of it may be called from any thread.

    Attributes:
        told: readers may read up to here.
        error: what the run was taken from this process by, if it was.
        pacing: the readers that pace, if they are still there.
    """

    __slots__ = ("_space", "error", "pacing", "told")

    def __init__(self, told: int) -> None:
        """Make one that nobody paces."""
        self.told: int = told
        self.error: Exception | None = None
        self.pacing: tuple[ref[PacingReader], ...] = ()
        self._space: list[Callable[[], None]] | None = None

    def pace(self, reader: PacingReader) -> None:
        """Let `reader` make writers wait, for as long as it is referred to and not released."""
        with LOCK:
            self.pacing = (*self._alive(), ref(reader, self._gone))

    def unpace(self, reader: PacingReader) -> None:
        """Let nobody wait for `reader` any more."""
        with LOCK:
            self.pacing = tuple(one for one in self._alive() if one() is not reader)
        self.make_room()

    def _alive(self) -> list[ref[PacingReader]]:
        return [one for one in self.pacing if one() is not None]

    def _gone(self, _: ref[PacingReader]) -> None:
        # The collector may call this anywhere, inside `pace` too: the dead reference is left for the next one there.
        self.make_room()

    @property
    def written(self) -> int:
        """How far readers can lag: what was written, told or not yet."""
        return self.told

    @property
    def crowded(self) -> bool:
        """Whether a pacing reader lags by more than its bound."""
        return bool(self.pacing) and bool(self.laggards(1.0))

    def laggards(self, share: float) -> list[PacingReader]:
        """Return the pacing readers that lag by more than `share` of their bound."""
        told = self.written
        readers = [one() for one in self.pacing]
        return [one for one in readers if one is not None and one.lags(told, share)]

    def leave_behind(self, since: float) -> float | None:
        """Let nobody wait any more for readers that lag, and have not moved since then.

        Returns:
            When the one of the others moved that has stood still for longest; `None` if no other lags.
        """
        lagging = self.laggards(1.0)
        for reader in lagging:
            if reader.moved <= since:
                self.unpace(reader)
        return min((reader.moved for reader in lagging if reader.moved > since), default=None)

    def wait_for_room(self, wake: Callable[[], None]) -> None:
        """Have `wake` called when no pacing reader lags much any more, perhaps at once."""
        with LOCK:
            self._space = [*(self._space or ()), wake]
        self.make_room()  # a reader on another thread may have caught up just before

    def make_room(self) -> None:
        """Wake the writers that wait, if no pacing reader lags by more than half its bound."""
        if self._space and (self.error is not None or not self.laggards(0.5)):
            self.release_writers()

    def release_writers(self) -> None:
        """Wake the writers that wait."""
        with LOCK:
            space, self._space = self._space, None
        for wake in space or ():
            wake()
