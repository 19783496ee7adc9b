"""Stock time operators on a stream, on a step's items and around a step: no thread, and the time of the run."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from reactivex import Observable
from reactivex import operators as ops

from rxloom import StepTimeout, create_step, create_workflow, step_from_operator
from rxloom.chunks import Chunk, StepOutput
from tests.flow.overlapping import gathering, producing
from tests.hearing import hear, one, write_slowly
from tests.play import adding, play, read, told
from tests.virtual import virtual

MANY = 200
SLOW = one(write_slowly)  # a number a second


def numbers(stream: Observable[Chunk]) -> Observable[int]:
    """Take the outputs."""
    return stream.pipe(ops.filter(lambda chunk: isinstance(chunk, StepOutput)), ops.map(output_of))


def output_of(chunk: Any) -> Any:
    """Return what a step wrote."""
    return chunk.payload.output


def counted(source: Observable[Any]) -> Observable[int]:
    """Count what comes in a window of time."""
    return source.pipe(ops.window_with_time(2.5), ops.flat_map(ops.count()))


TIMED: dict[str, tuple[Callable[[Observable[Any]], Observable[Any]], list[Any]]] = {
    "timeout": (ops.timeout(1.5), [0, 1, 2, 3]),
    "buffer_with_time": (ops.buffer_with_time(2.5), [[0, 1, 2], [3]]),
    "debounce": (ops.debounce(0.5), [0, 1, 2, 3]),
    "sample": (ops.sample(2.5), [2, 3]),
    "throttle_first": (ops.throttle_first(1.5), [0, 2]),
    "delay": (ops.delay(0.5), [0, 1, 2, 3]),
    "window_with_time": (counted, [3, 1]),
}


@pytest.mark.parametrize("name", TIMED)
@virtual
async def test_two_hundred_time_operators_on_a_stream_start_no_thread_and_run_in_virtual_time(name: str) -> None:
    operator, expected = TIMED[name]
    before = set(threading.enumerate())
    stream = SLOW.create_run().stream_vnext(4)
    heard = [hear(stream.pipe(numbers, operator)) for _ in range(MANY)]
    during = set(threading.enumerate())
    await stream
    await asyncio.sleep(10)

    assert during | set(threading.enumerate()) <= before  # idle workers of other tests may end meanwhile
    assert [one_heard.items for one_heard in heard] == [expected] * MANY
    assert {one_heard.end for one_heard in heard} == {"completed"}
    assert {thread for one_heard in heard for thread in one_heard.threads} == {threading.get_ident()}


@virtual
async def test_a_timeout_on_a_stream_that_falls_silent_ends_it_and_not_the_run() -> None:
    stream = SLOW.create_run().stream_vnext(4)
    heard = hear(stream.pipe(ops.timeout(0.5)))
    result = await stream

    assert isinstance(heard.end, Exception)
    assert result.unwrap() == 4


@pytest.mark.parametrize("where", ["around a step", "in the middle", "in a step of an operator", "on the items"])
def test_time_operators_elsewhere_start_no_thread_either(where: str) -> None:
    begun = create_workflow("wf", input=int)
    delayed: Any = {
        "around a step": begun.then(adding("a").pipe(ops.delay(5.0), ops.timeout(60.0))),
        "in the middle": begun.pipe(ops.delay(5.0)),
        "in a step of an operator": begun.then(step_from_operator("a", ops.delay(5.0))),
        "on the items": begun.then(producing(every=0)).pipe(ops.last(), ops.delay(5.0), observable_input=True),
    }[where]
    before = set(threading.enumerate())
    seen: list[set[threading.Thread]] = []

    async def look(value: Any) -> Any:
        seen.append(set(threading.enumerate()))
        return value

    played = play(delayed.then(create_step("look", look)).commit(), 3)

    assert [threads - before for threads in seen] == [set()]
    assert played.duration == 5


def test_a_timeout_and_a_retry_around_a_step_are_three_tries_of_five_seconds() -> None:
    slow = adding("a", seconds=60).pipe(ops.timeout(5.0), ops.retry(3))
    played = play(create_workflow("wf").then(slow).commit(), 1)

    assert isinstance(played.error, StepTimeout)
    assert played.duration == 15
    assert played.told == ["start", "a: running", "a: retry 1", "a: retry 2", "a: failed", "failed"]


@pytest.mark.parametrize("operators", [(ops.retry(3), ops.timeout(5.0)), (ops.timeout(5.0), ops.retry(3))])
@virtual
async def test_a_cancellation_passes_retry_and_timeout_by(operators: tuple[Any, Any]) -> None:
    run = create_workflow("wf").then(adding("a", seconds=60).pipe(*operators)).commit().create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(2)
    await run.cancel()

    assert told(await read(stream)) == ["start", "a: running", "a: canceled", "canceled", "canceled"]
    assert asyncio.get_running_loop().time() == 2


def test_a_timeout_around_a_step_that_takes_an_observable_waits_for_it() -> None:
    late = create_workflow("wf").then(producing(every=3)).then(gathering().pipe(ops.timeout(5.0))).commit()

    assert isinstance(play(late, 4).error, StepTimeout)
