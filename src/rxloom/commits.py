"""Records on their way into a store that takes its time: what is written together is committed together."""

from __future__ import annotations

from asyncio import AbstractEventLoop, CancelledError, Task, TimerHandle
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from rxloom.chunks import Record
from rxloom.errors import RunInterrupted, StoreLost

COMPANY: Final = 0.02
"""Seconds that what is in no hurry waits for more to be committed together with it."""


class Commits:
    """Commits records in order, one append at a time; what comes while one is on its way goes with the next.

    All of it belongs to the thread of the loop.
    """

    __slots__ = (
        "_asked", "_done", "_flight", "_landed", "_loop", "_lost", "_put", "_records", "_soon", "_waiting", "_write",
    )  # fmt: skip

    def __init__(
        self,
        loop: AbstractEventLoop,
        write: Callable[[Sequence[Record]], Awaitable[None] | None],
        landed: Callable[[Sequence[Record]], None],
        lost: Callable[[RunInterrupted], None],
    ) -> None:
        """Make one with nothing on its way.

        Args:
            loop: the loop of the run.
            write: appends records to the store.
            landed: called with records that were committed.
            lost: called once, with why nothing more can be committed.
        """
        self._loop = loop
        self._write = write
        self._landed = landed
        self._lost: Callable[[RunInterrupted], None] | None = lost
        self._records: list[Record] = []
        self._flight: Task[None] | None = None
        self._soon: TimerHandle | None = None
        self._asked = False  # whether somebody waits for what is not yet on its way
        self._put = self._done = 0
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()

    def put(self, record: Record, *, hurry: bool) -> None:
        """Take a record; in a hurry it is on its way when this turn of the loop is over."""
        self._records.append(record)
        self._put += 1
        if hurry and not self._asked:
            self._asked = True
            self._loop.call_soon(self.flush)
        elif self._soon is None:
            self._soon = self._loop.call_later(COMPANY, self.flush)

    def flush(self) -> None:
        """Send what there is on its way, as soon as nothing else is."""
        self._asked = True
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._flight is None and self._lost is not None:
            self._asked = False
            if self._records:
                records, self._records = self._records, []
                self._flight = self._loop.create_task(self._fly(records))

    def settled(self, action: Callable[[], None]) -> None:
        """Call `action` when all that was put so far is committed, or lost; now, if it is."""
        if self._done == self._put or self._lost is None:
            action()
        else:
            self._waiting.append((self._put, action))
            self.flush()

    def abandon(self) -> None:
        """Send nothing more, and let nobody wait any longer: the run was taken from this process."""
        self._lost = None
        self._records = []
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._release()

    async def _fly(self, records: Sequence[Record]) -> None:
        try:
            committed = self._write(records)
            if committed is not None:
                await committed
        except RunInterrupted as taken:
            self._give_up(taken)
        except CancelledError:
            self._give_up(RunInterrupted("the loop ended before what the run had told was committed"))
            raise
        except Exception as error:  # noqa: BLE001 # whatever it is, nobody knows what the store has
            lost = StoreLost(f"the store failed: {error!r}")
            lost.__cause__ = error
            self._give_up(lost)
        else:
            self._flight = None
            if self._lost is not None:
                self._arrive(records)

    def _arrive(self, records: Sequence[Record]) -> None:
        self._done += len(records)
        self._landed(records)
        self._release()
        if self._asked:
            self.flush()

    def _release(self) -> None:
        """Call those who wait for nothing any more."""
        while self._waiting and (self._waiting[0][0] <= self._done or self._lost is None):
            self._waiting.popleft()[1]()

    def _give_up(self, taken: RunInterrupted) -> None:
        self._flight = None
        lost = self._lost
        if lost is not None:
            lost(taken)
            self.abandon()
