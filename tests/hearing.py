"""What a subscriber hears of a stream, and the workflows that the tests of streams share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeAlias, TypeVar

from reactivex import Observable
from reactivex.abc import ObserverBase
from typing_extensions import override

from rxloom import StepContext, Workflow, WorkflowStream, create_step, create_workflow
from rxloom.chunks import Chunk, Gap

T = TypeVar("T")
Numbers: TypeAlias = Workflow[int, int]


class Heard(ObserverBase[T], Generic[T]):
    """A subscriber that notes what it is told, and that no call comes inside or beside another.

    Attributes:
        items: what it was told.
        end: `"completed"`, the error, or `None` while neither came.
        wrong: calls that overlapped, or came after the end.
        threads: the threads it was called on.
    """

    def __init__(self, *, then: Callable[[T], object] | None = None) -> None:
        """Make one that calls `then` with each item."""
        self.items: list[T] = []
        self.end: Exception | str | None = None
        self.wrong: list[str] = []
        self.threads: set[int] = set()
        self._then = then
        self._inside = False

    @override
    def on_next(self, value: T) -> None:
        self._enter(f"on_next({value!r})")
        try:
            self.items.append(value)
            if self._then is not None:
                self._then(value)
        finally:
            self._inside = False

    @override
    def on_error(self, error: Exception) -> None:
        self._enter("on_error")
        self.end = error
        self._inside = False

    @override
    def on_completed(self) -> None:
        self._enter("on_completed")
        self.end = "completed"
        self._inside = False

    def _enter(self, call: str) -> None:
        if self._inside or self.end is not None:
            self.wrong.append(call)
        self._inside = True
        self.threads.add(threading.get_ident())


def hear(source: Observable[T], then: Callable[[T], object] | None = None) -> Heard[T]:
    """Subscribe, and return what is heard."""
    heard: Heard[T] = Heard(then=then)
    source.subscribe(heard)
    return heard


async def by_subscribing(stream: WorkflowStream[Any]) -> list[Chunk]:
    """Read a whole stream with Rx."""
    over = asyncio.Event()
    heard: list[Chunk] = []
    failed: list[Exception] = []

    def ended(error: Exception | None = None) -> None:
        if error is not None:
            failed.append(error)
        over.set()

    stream.subscribe(heard.append, ended, ended)
    await over.wait()
    if failed:
        raise failed.pop()
    return heard


async def by_iterating(stream: WorkflowStream[Any]) -> list[Chunk]:
    """Read a whole stream without Rx."""
    return [chunk async for chunk in stream]


def seqs(chunks: Iterable[Chunk]) -> list[int]:
    """Return the seqs of the chunks that have one."""
    return [chunk.seq for chunk in chunks if not isinstance(chunk, Gap)]


FACES = (by_subscribing, by_iterating)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait on this thread, a few seconds at most, until what other threads do has made something hold."""
    never = threading.Event()
    for _ in range(500):
        if holds():
            return
        never.wait(0.01)
    raise AssertionError("it does not come to hold")


async def write_all(count: int, ctx: StepContext) -> int:
    """Write numbers up to a count, and wait for slow readers."""
    for number in range(count):
        await ctx.write(number)
    return count


async def write_slowly(count: int, ctx: StepContext) -> int:
    """Write numbers, one a second."""
    for number in range(count):
        await ctx.write(number)
        await asyncio.sleep(1)
    return count


def turning(every: int) -> Numbers:
    """Make a workflow that writes numbers up to a count without waiting, and gives the loop a turn after so many."""

    async def write_with_turns(count: int, ctx: StepContext) -> int:
        for number in range(count):
            ctx.write_nowait(number)
            if number % every == 0:
                await asyncio.sleep(0)
        return count

    return one(write_with_turns)


async def forever(_: int) -> int:
    """Wait for what does not come."""
    await asyncio.Event().wait()
    return 0


async def fail(_: int) -> int:
    """Raise."""
    raise ValueError("boom")


async def ask(question: int, ctx: StepContext) -> int:
    """Suspend, and add the answer."""
    return question + await ctx.suspend(question)


def one(body: Any, **options: Any) -> Numbers:
    """Make a workflow of one step."""
    return create_workflow("flow", input=int, output=int).then(create_step("step", body, **options)).commit()


WRITER: Numbers = one(write_all)
SLOW_WRITER: Numbers = one(write_slowly)
WAITER: Numbers = one(forever)
FAILER: Numbers = one(fail)
ASKER: Numbers = one(ask)
