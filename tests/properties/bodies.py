"""The bodies of the steps: they do what their description says, and note that they did."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any

import reactivex
from reactivex import Observable
from reactivex import operators as ops

from rxloom import StepContext, SyncStepContext, Usage
from rxloom.errors import NonRetryable
from tests.properties.bounds import Bounds
from tests.properties.graphs import Flow, Step, steps
from tests.properties.values import Body, answer, output, shown

HANG = 1000.0
"""Seconds that a body hangs which is to time out."""


class Boom(Exception):
    """What bodies raise."""


class Stage:
    """What the bodies of one run did, and what they still have to do.

    Attributes:
        asking: whether steps really suspend; if not, they know the answers.
        entered: how often each path was entered.
        inside: bodies that run now.
        bodies: the attempts that got their answers.
        aborted: the steps that aborted the run.
        crowded: where more bodies ran at once than may.
    """

    def __init__(self, flow: Flow, *, asking: bool = False) -> None:
        """Make a stage for one run of `flow`."""
        self.asking = asking
        self.entered: Counter[str] = Counter()
        self.inside: Counter[str] = Counter()
        self.bodies: list[Body] = []
        self.aborted: set[str] = set()
        self.crowded: list[str] = []
        self._steps = steps(flow)
        self._left: dict[str, int] = {}
        self._bounds = Bounds(flow)
        self._entering = Lock()  # some bodies are on threads

    def enter(self, path: str) -> None:
        """Note that a body is entered."""
        with self._entering:
            self.entered[path] += 1
            self.inside[path] += 1
            self.crowded += self._bounds.crowded([*+self.inside])

    def leave(self, path: str) -> None:
        """Note that a body is left."""
        with self._entering:
            self.inside[path] -= 1

    def passed(self, value: Any, ctx: Any) -> None:
        """Note an attempt, with its input as it is now."""
        self.bodies.append(Body(ctx.path, ctx.iteration, ctx.attempt, shown(value)))

    def fault(self, step: Step, path: str) -> str:
        """Return how this attempt is to go wrong, or nothing."""
        if step.fault is None:
            return ""
        left = self._left.get(path, step.fault.times)
        self._left[path] = max(0, left - 1)
        return step.fault.how if left else ""

    def counts(self) -> tuple[int, int]:
        """Return the tokens and the additions to the state that the bodies account for."""
        made = [self._steps[body.path.rpartition(".")[2].partition("[")[0]] for body in self.bodies]
        return sum(step.usage for step in made), sum(step.adds for step in made)


def fail(how: str, path: str) -> None:
    """Raise what a fault raises."""
    if how == "fatal":
        raise NonRetryable(path)
    if how:
        raise Boom(path)


def spoil(value: Any) -> None:
    """Change a value that was handed over: nobody else may see it."""
    if isinstance(value, list):
        value.append("spoiled")  # pyright: ignore[reportUnknownMemberType] # of anything
    elif isinstance(value, dict):
        value["spoiled"] = True


def question(step: Step, number: int) -> dict[str, Any]:
    """Return what a step asks."""
    return {"step": step.id, "number": number}


def ask(stage: Stage, step: Step, ctx: Any) -> Iterator[tuple[int, Any]]:
    """Ask the questions of a step: yield what `suspend` returned for each."""
    for number, style in enumerate(step.asks):
        if not stage.asking:
            continue
        payload = question(step, number)
        if style == "l":
            yield number, ctx.suspend({**payload, "at": ctx.path}, label=f"{step.id}-{number}")
        elif style == "r":
            if not ctx.resumed:
                ctx.suspend(payload)
            assert ctx.resume_data == answer(step.id, number)
        else:
            yield number, ctx.suspend(payload)


def effects(stage: Stage, step: Step, value: Any, ctx: Any) -> None:
    """Do what a body does before anything can go wrong."""
    stage.passed(value, ctx)
    if step.adds:
        ctx.update_state(partial(added, step))
    if step.usage:
        ctx.record_usage(Usage(step.usage, 0, step.usage))
    for at in range(step.writes):
        ctx.write_nowait({"wrote": at, "by": step.id})
    if step.writes > 1:
        ctx.custom("data-wrote", {"by": step.id, "all": [step.writes, None]})


def added(step: Step, state: dict[str, int]) -> dict[str, int]:
    """Return what a step changes in the state."""
    return {"count": state.get("count", 0) + step.adds}


def end(stage: Stage, step: Step, value: Any, ctx: Any) -> Any:
    """Return the output, or end more than the step."""
    made = output(step, value)
    spoil(value)
    if step.ends == "bail":
        ctx.bail(made)
    if step.ends == "abort":
        stage.aborted.add(step.id)
        ctx.abort(step.id)
    return made


@contextmanager
def inside(stage: Stage, path: str) -> Generator[None]:
    """Note that a body is entered, and that it is left."""
    stage.enter(path)
    try:
        yield
    finally:
        stage.leave(path)


# -- bodies ------------------------------------------------------------------------------------------------------


def coroutine(stage: Stage, step: Step) -> Callable[..., Any]:
    async def body(value: Any, ctx: StepContext) -> Any:
        with inside(stage, ctx.path):
            for number, given in ask(stage, step, ctx):
                assert await given == answer(step.id, number)
            effects(stage, step, value, ctx)
            how = stage.fault(step, ctx.path)
            await patience(step, HANG if how == "hang" else step.delay / 1000)
            if how:
                spoil(value)
                fail(how, ctx.path)
            made = end(stage, step, value, ctx)
            return made - 1 if step.kind == "piped" else made

    return body


async def patience(step: Step, seconds: float) -> None:
    """Wait; a stubborn body does not stop at once when it is cancelled."""
    if not seconds:
        return
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if not step.stubborn:
            raise
        await asyncio.sleep(0.007)


def plain(stage: Stage, step: Step) -> Callable[..., Any]:
    def body(value: Any, ctx: SyncStepContext) -> Any:
        with inside(stage, ctx.path):
            prepare(stage, step, value, ctx)
            fail(stage.fault(step, ctx.path), ctx.path)
            return end(stage, step, value, ctx)

    return body


def prepare(stage: Stage, step: Step, value: Any, ctx: SyncStepContext) -> None:
    """Do in a plain function what comes before anything can go wrong."""
    for number, given in ask(stage, step, ctx):
        assert given == answer(step.id, number)
    effects(stage, step, value, ctx)


def async_generator(stage: Stage, step: Step) -> Callable[..., Any]:
    async def body(value: Any, ctx: StepContext) -> AsyncIterator[Any]:
        with inside(stage, ctx.path):
            for number, given in ask(stage, step, ctx):
                assert await given == answer(step.id, number)
            effects(stage, step, value, ctx)
            for item in output(step, value):
                yield item
                await patience(step, step.delay / 1000)
            spoil(value)
            fail(stage.fault(step, ctx.path), ctx.path)

    return body


def generator(stage: Stage, step: Step) -> Callable[..., Any]:
    def body(value: Any, ctx: SyncStepContext) -> Iterator[Any]:
        with inside(stage, ctx.path):
            prepare(stage, step, value, ctx)
            yield from output(step, value)
            fail(stage.fault(step, ctx.path), ctx.path)

    return body


def observable(stage: Stage, step: Step) -> Callable[..., Any]:
    def body(value: Any, ctx: SyncStepContext) -> Observable[Any]:
        with inside(stage, ctx.path):
            prepare(stage, step, value, ctx)
        items: Observable[Any] = reactivex.from_iterable(output(step, value))
        if stage.fault(step, ctx.path):
            items = reactivex.concat(items, reactivex.throw(boom(step, ctx.path)))
        if not step.delay:
            return items
        return reactivex.timer(step.delay / 1000).pipe(ops.flat_map(lambda _: items))

    return body


def boom(step: Step, path: str) -> Exception:
    """Return what an Observable ends with."""
    return NonRetryable(path) if step.fault is not None and step.fault.how == "fatal" else Boom(path)


BODIES: dict[str, Callable[[Stage, Step], Callable[..., Any]]] = {
    "async": coroutine,
    "piped": coroutine,
    "inline": plain,
    "thread": plain,
    "async_generator": async_generator,
    "generator": generator,
    "observable": observable,
}
