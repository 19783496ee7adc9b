"""The async-iterator face of a run: a cursor that is pulled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from sys import maxsize
from threading import get_ident
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias, cast

from typing_extensions import override

from rxloom.chunks import Chunk, Gap, Told, WorkflowFinish
from rxloom.engine import CURRENT_RUNS
from rxloom.errors import StreamOverflow
from rxloom.feed import Feed, fresh
from rxloom.log import ChunkLog
from rxloom.scheduler import call_on, ring

OnOverflow: TypeAlias = Literal["wait", "drop_oldest", "error"]
POLICIES: Final = ("wait", "drop_oldest", "error")


class ChunkIterator(AsyncIterator[Chunk]):
    """Iterates over the chunks of a stream, each once and in order.

    Made by `stream.aiter(...)` and by `async for chunk in stream`. Leaving early, `aclose()`, `async with` and garbage
    collection free it; none of them touches the run. It may be used on any loop, by one task at a time.
    """

    __slots__ = (
        "__weakref__", "_ahead", "_asleep", "_batch", "_closed", "_feed", "_keen", "_limit", "_log", "_paced", "_plain",
        "_policy", "_ready", "_thread", "_waiter", "bound", "cursor", "moved",
    )  # fmt: skip

    def __init__(
        self, feed: Feed, *, from_seq: int = 0, buffer: int | None = None, on_overflow: OnOverflow = "wait"
    ) -> None:
        """Make an iterator over `feed`.

        Raises:
            ValueError: when an option is out of range.
        """
        if on_overflow not in POLICIES:
            raise ValueError(f"on_overflow must be one of {', '.join(POLICIES)}; got {on_overflow!r}")
        if buffer is not None and buffer < 1:
            raise ValueError(f"buffer must be at least 1, or None for no bound; got {buffer}")
        if from_seq < 0:
            raise ValueError(f"from_seq must not be negative; got {from_seq}")
        self._feed = feed
        self._policy: OnOverflow = on_overflow
        self._log: ChunkLog | None = None
        self._closed = False
        self._paced = False
        self._plain = False
        self._asleep = False
        self._keen = True
        self._ahead = False  # it was told to begin with what may come after the end of its stream
        self._thread = 0
        self._waiter: asyncio.Future[None] | None = None
        self._batch: list[Chunk] = []  # what was fetched and has to be looked at, the next one last
        self._ready: list[Told] | None = None  # what was fetched and only has to be handed out, the next one last
        self._limit = buffer if buffer is not None and on_overflow != "wait" else maxsize
        self.bound: int = buffer or 0
        self.cursor: int = from_seq
        self.moved: float = 0.0

    @override
    def __aiter__(self) -> Self:
        return self

    @override
    async def __anext__(self) -> Chunk:
        if self._ready:
            self.cursor += 1
            return self._ready.pop()
        while True:
            log = self._log or self._begin()
            found = None
            if log is not None and self.cursor < log.told:
                found = self._newest(log)
            if found is None and (log is None or log.told != self.cursor or log.endings or log.error is not None):
                found = self._pull()
            if found is not None:
                return found
            if self._keen:
                # One turn of the loop, before lying down for real: as a rule it brings the next chunk, and waking up
                # costs more than looking again.
                self._keen = False
                await _TURN
            else:
                self._keen = True
                await self._doze()

    def _newest(self, log: ChunkLog) -> Chunk | None:
        """Return the next chunk if it is among the newest ones, as it is for a reader that keeps up."""
        cursor = self.cursor
        if self._batch or self._ahead or log.told - cursor > self._limit:
            return None
        try:
            chunk = log.chunks[cursor - log.base]
        except IndexError:
            return None
        if chunk.seq != cursor:  # another thread has dropped chunks just now, so that this is another one
            return None
        self.cursor = cursor + 1
        self._keen = True
        if not self._plain or type(chunk) is WorkflowFinish:
            return chunk if self._takes(chunk, log) else None
        if log.told > self.cursor and not self.bound:
            self._ready = log.stretch(self.cursor)
            self._ready.reverse()
        return chunk

    def _takes(self, chunk: Chunk, log: ChunkLog) -> bool:
        if self._paced:
            self.moved = self._feed.scheduler.loop.time()
            log.make_room()
        return self._keeps(chunk)

    def _pull(self) -> Chunk | None:
        """Return the next chunk if there is one.

        Raises:
            StopAsyncIteration: at the end, and after it was closed.
        """
        log = self._log
        if self._closed:
            raise StopAsyncIteration
        while log is not None and not self._closed:
            if not self._batch:
                self._refill(log)
                if not self._batch:
                    return self._at_end(log)
            chunk = self._batch.pop()
            self.cursor = chunk.data.to_seq + 1 if isinstance(chunk, Gap) else chunk.seq + 1
            if self._takes(chunk, log):
                return chunk
        if self._closed:
            raise StopAsyncIteration
        return None

    def _keeps(self, chunk: Chunk) -> bool:
        view = self._feed.view
        skipped = view.skips(chunk)
        if isinstance(chunk, WorkflowFinish) and view.ends_with(chunk):
            self.close()
        return not skipped

    def _refill(self, log: ChunkLog) -> None:
        ending = self._feed.ending
        told = log.told if ending is None else ending.finish.seq + 1
        if told - self.cursor > self._limit:
            if self._policy == "error":
                self.close()
                raise StreamOverflow(self.bound, run_id=self._feed.run_id)
            # With the chunk after it: else a reader that is slower than its writer would be told of gaps alone.
            self._batch.extend(reversed(log.slice(told - self.bound, 1)))
            self._batch.append(log.gap(self.cursor, told - self.bound))
        elif self.cursor < told:
            # A bounded reader takes one at a time: what is in a batch counts as read, and would not pace the writer.
            self._batch.extend(reversed(log.slice(self.cursor, 1) if self.bound else log.slice(self.cursor)))

    def _at_end(self, log: ChunkLog) -> None:
        """End if there will be no more.

        Raises:
            StopAsyncIteration: the stream is complete.
            RunInterrupted: the run was taken from this process.
        """
        ending = self._feed.ending
        if ending is not None and self.cursor > ending.finish.seq:
            self.close()
            raise StopAsyncIteration
        if log.error is not None:
            self.close()
            raise fresh(log.error)

    def _begin(self) -> ChunkLog | None:
        feed = self._feed
        if self._closed:
            return None
        if feed.refused is not None:
            self.close()
            raise fresh(feed.refused)
        log = feed.log
        if log is None:
            return None
        self._log = log
        self.cursor = max(self.cursor, feed.view.first)
        ending = feed.ending
        self._ahead = self.cursor > (log.told if ending is None else ending.finish.seq)
        feed.look()
        if self.bound and self._policy == "wait" and feed.run_id not in CURRENT_RUNS.get():
            self._paced = True
            self.moved = feed.scheduler.loop.time()
            log.pace(self)
        self._plain = not self._paced and not feed.view.seamless
        return log

    def lags(self, told: int, share: float) -> bool:
        """Tell whether it lags by more than a share of its bound; never once its stream has ended."""
        return told - self.cursor > self.bound * share and self._feed.ending is None

    # -- sleeping ------------------------------------------------------------------------------------------------

    def _doze(self) -> asyncio.Future[None]:
        """Return what is done when there may be more."""
        if self._waiter is not None and not self._waiter.done():
            raise RuntimeError("this iterator is being pulled already: use it in one place at a time")
        self._thread = get_ident()
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        log = self._log
        if log is None:
            if not self._feed.wait(self):
                self.ready()
        elif not self._asleep:  # a pull that was cancelled has left it lying there
            self._asleep = True
            log.sleep(self.cursor, self)
        return waiter

    def held(self) -> None:
        """Take note that the run waits for its turn."""

    def ready(self) -> None:
        """Look whether there is more; on any thread."""
        self._asleep = False
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if get_ident() == self._thread:
            waiter.set_result(None)
        else:
            call_on(waiter.get_loop(), partial(ring, waiter))

    def close(self) -> None:
        """Free the reader; writers that wait for it go on."""
        if self._closed:
            return
        self._closed = True
        self._batch = []
        self._ready = None
        log, self._log = self._log, None
        if self._paced and log is not None:
            self._paced = False
            log.unpace(self)

    async def aclose(self) -> None:
        """Free the reader; writers that wait for it go on."""
        self.close()
        self.ready()

    async def __aenter__(self) -> Self:
        """Return the iterator; it is closed at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the iterator."""
        await self.aclose()


class _Turn:
    """An awaitable that lets everything else that is ready run once."""

    __slots__ = ()
    __await__ = (None,).__iter__  # no frame of ours: a reader that keeps up awaits this for each chunk


_TURN: Final = cast("Awaitable[None]", _Turn())
