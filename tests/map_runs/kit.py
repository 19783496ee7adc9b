"""What the tests of `as_operator` and `map_async` share: runs that take as long as they are told; who notes when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

from reactivex import Observable
from typing_extensions import override

from rxloom import StepContext, Workflow, create_step, create_workflow, step
from tests.hearing import Heard

T = TypeVar("T")


class Clocked(Heard[T]):
    """A subscriber that notes when it is told what: `(seconds, item)`, and at last `(seconds, end)`."""

    def __init__(self, source: Observable[T]) -> None:
        """Subscribe to `source` at once."""
        super().__init__(then=self._note)
        self._loop = asyncio.get_running_loop()
        self.log: list[tuple[float, object]] = []
        self.over = asyncio.Event()
        self.subscription = source.subscribe(self)

    def _note(self, item: object) -> None:
        self.log.append((self._loop.time(), item))

    @override
    def on_error(self, error: Exception) -> None:
        super().on_error(error)
        self.log.append((self._loop.time(), type(error)))
        self.over.set()

    @override
    def on_completed(self) -> None:
        super().on_completed()
        self.log.append((self._loop.time(), "completed"))
        self.over.set()


async def clocked(source: Observable[T]) -> Clocked[T]:
    """Subscribe, and wait for the end."""
    heard = Clocked(source)
    await heard.over.wait()
    assert heard.wrong == []
    return heard


class Source:
    """Numbers that are pulled, and what was done with them.

    Attributes:
        pulled: when each was pulled.
        closed: how many iterators were closed, or came to their end.
    """

    def __init__(self, *numbers: float, fails: bool = False) -> None:
        """Give these numbers, then perhaps fail."""
        self._numbers = numbers
        self._fails = fails
        self.pulled: list[tuple[float, float]] = []
        self.closed: int = 0

    def _pull(self, number: float) -> float:
        self.pulled.append((asyncio.get_running_loop().time(), number))
        return number

    def _end(self) -> None:
        if self._fails:
            raise KeyError("source")


class Plain(Source):
    """A plain iterable."""

    def __iter__(self) -> Iterator[float]:
        try:
            for number in self._numbers:
                yield self._pull(number)
            self._end()
        finally:
            self.closed += 1


class Async(Source):
    """An async one."""

    async def __aiter__(self) -> AsyncIterator[float]:
        try:
            for number in self._numbers:
                await asyncio.sleep(0)
                yield self._pull(number)
            self._end()
        finally:
            self.closed += 1


Kind = type[Plain] | type[Async]


class Pool:
    """A workflow whose one step takes as many seconds as its input says, and what became of its runs.

    Attributes:
        workflow: gives its input back; raises where that is negative.
        started: the inputs with which runs were started, and when.
        canceled: the inputs of runs that were cancelled, and when.
        open: how many steps are running.
        most: how many were running at once.
    """

    def __init__(self) -> None:
        """Make one without runs."""
        self.started: list[tuple[float, float]] = []
        self.canceled: list[tuple[float, float]] = []
        self.open = self.most = 0
        body = create_step("wait", self._wait)
        self.workflow: Workflow[float, float] = create_workflow("wait", input=float, output=float).then(body).commit()

    async def _wait(self, seconds: float) -> float:
        now = asyncio.get_running_loop().time
        self.started.append((now(), seconds))
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(abs(seconds))
        except asyncio.CancelledError:
            self.canceled.append((now(), seconds))
            raise
        finally:
            self.open -= 1
        if seconds < 0:
            raise ValueError(seconds)
        return seconds


@step(inline=True)
def increment(number: int) -> int:
    """Add one."""
    return number + 1


@step
async def ask(number: int, ctx: StepContext) -> int:
    """Suspend where the number is 0."""
    if number == 0:
        await ctx.suspend("zero?")
    return number


@step
async def abort(number: int, ctx: StepContext) -> int:
    """Cancel the run where the number is 0."""
    if number == 0:
        ctx.abort()
    return number


def one(only: Any) -> Workflow[int, int]:
    """Make a workflow of one step."""
    return create_workflow("one", input=int, output=int).then(only).commit()


INCREMENT, ASK, ABORT = one(increment), one(ask), one(abort)
