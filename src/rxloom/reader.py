"""The async-iterator face of a run: a cursor that is pulled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from typing_extensions import override

from rxloom.chunks import Chunk, Gap, WorkflowFinish
from rxloom.engine import CURRENT_RUNS
from rxloom.errors import StreamOverflow
from rxloom.feed import Feed
from rxloom.log import ChunkLog

OnOverflow: TypeAlias = Literal["wait", "drop_oldest", "error"]
POLICIES: Final = ("wait", "drop_oldest", "error")


class ChunkIterator(AsyncIterator[Chunk]):
    """Iterates over the chunks of a stream, each once and in order.

    Made by `stream.aiter(...)` and by `async for chunk in stream`. Leaving early, `aclose()`, `async with` and garbage
    collection free it; none of them touches the run. It may be used on any loop, by one task at a time.
    """

    __slots__ = (
        "__weakref__", "_batch", "_closed", "_feed", "_local", "_log", "_loop", "_paced", "_policy", "_started",
        "_waiter", "bound", "cursor",
    )  # fmt: skip

    def __init__(self, feed: Feed, *, from_seq: int, buffer: int | None, on_overflow: OnOverflow) -> None:
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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._local = False
        self._started = False
        self._closed = False
        self._paced = False
        self._waiter: asyncio.Future[None] | None = None
        self._batch: deque[Chunk] = deque()
        self.bound: int = buffer or 0
        self.cursor: int = from_seq

    @override
    def __aiter__(self) -> Self:
        return self

    @override
    async def __anext__(self) -> Chunk:
        while True:
            log = self._log
            if log is not None and self._local and not self._batch:
                cursor = self.cursor
                lag = log.told - cursor
                if lag > 0 and cursor >= log.base and (lag <= self.bound or not self.bound or self._paced):
                    chunk: Chunk = log.chunks[cursor - log.base]
                    self.cursor = cursor + 1
                    if self._paced:
                        log.make_room()
                    if (type(chunk) is WorkflowFinish or self._feed.view.seamless) and not self._keeps(chunk):
                        continue
                    return chunk
                if not lag and not log.finishes and log.error is None:
                    await self._doze(log)
                    continue
            found = self._pull()
            if found is not None:
                return found
            await self._wait()

    def _pull(self) -> Chunk | None:
        """Return the next chunk if there is one.

        Raises:
            StopAsyncIteration: at the end, and after it was closed.
        """
        if self._closed:
            raise StopAsyncIteration
        log = self._log or self._begin()
        while log is not None and not self._closed:
            if not self._batch:
                self._refill(log)
                if not self._batch:
                    return self._at_end(log)
            chunk = self._batch.popleft()
            self.cursor = chunk.data.to_seq + 1 if isinstance(chunk, Gap) else chunk.seq + 1
            if self._paced:
                log.make_room()
            if self._keeps(chunk):
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
        lag = log.told - self.cursor
        if self.bound and lag > self.bound and self._policy != "wait":
            if self._policy == "error":
                self.close()
                raise StreamOverflow(self.bound, run_id=self._feed.run_id)
            newest = log.told - self.bound
            self._batch.append(log.gap(self.cursor, newest))
            return
        # A bounded reader takes one at a time: what is in a batch counts as read, and would not pace the writer.
        self._batch.extend(log.slice(self.cursor)[: 1 if self.bound else None])

    def _at_end(self, log: ChunkLog) -> Chunk | None:
        last = self._feed.last_seq
        if log.error is not None:
            self.close()
            raise log.error
        if last is not None and self.cursor > last:
            self.close()
            raise StopAsyncIteration
        return None

    def _begin(self) -> ChunkLog | None:
        feed = self._feed
        self._loop = asyncio.get_running_loop()
        if feed.refused is not None:
            self.close()
            raise feed.refused
        log = feed.log
        if log is None:
            return None
        self._log = log
        self._local = feed.scheduler.loop is self._loop
        self.cursor = max(self.cursor, feed.view.first)
        if feed.outcome is not None:
            feed.outcome.looked_at = True
        if self.bound and self._policy == "wait" and feed.run_id not in CURRENT_RUNS.get():
            self._paced = True
            log.pace(self)
        return log

    async def _wait(self) -> None:
        """Sleep until there is more."""
        log = self._log
        if log is not None and self._local:
            await self._doze(log)
            return
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiter = waiter
        bell = _Bell(loop, waiter)
        if log is None:
            if not self._feed.wait(bell):
                return
        else:
            cursor = self.cursor
            self._feed.hop(lambda: log.sleep(bell.ring) if log.told <= cursor and log.error is None else bell.ring())
        try:
            await waiter
        finally:
            self._waiter = None

    def _doze(self, log: ChunkLog) -> asyncio.Future[None]:
        """Sleep on the loop of the run: whoever appends is on this thread."""
        self._waiter = waiter = self._feed.scheduler.loop.create_future()
        log.sleep(self._rouse)
        return waiter

    def _rouse(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def close(self) -> None:
        """Free the reader; writers that wait for it go on."""
        if self._closed:
            return
        self._closed = True
        self._batch.clear()
        log, self._log = self._log, None
        if self._paced and log is not None:
            self._paced = False
            log.unpace(self)

    async def aclose(self) -> None:
        """Free the reader; writers that wait for it go on."""
        self.close()
        self._rouse()

    async def __aenter__(self) -> Self:
        """Return the iterator; it is closed at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the iterator."""
        await self.aclose()


class _Bell:
    """Wakes a sleeping reader, from any thread."""

    __slots__ = ("_loop", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
        self._loop = loop
        self._waiter = waiter

    def ring(self) -> None:
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            self._set()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._set)

    ready = ring

    def _set(self) -> None:
        if not self._waiter.done():
            self._waiter.set_result(None)
