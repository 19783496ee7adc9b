"""What holds for every operator over chunks."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
import reactivex as rx
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, Subject
from reactivex import operators as ops

from rxloom import MemoryStore, Runtime, StepContext, WorkflowStream, chunk_from_wire, create_workflow
from rxloom.chunks import Chunk, StepOutput, StepStart, StepStartPayload
from rxloom.observable import BoundObservable
from rxloom.operators import (
    data,
    fold,
    of_type,
    outputs,
    progress,
    results,
    smooth,
    step_chunks,
    text,
    to_sse,
    to_wire,
    until_suspended,
)
from tests.garbage import collector_off, ours_in_cycles
from tests.hearing import WRITER, hear, one
from tests.operators.marble import Op, heard, marked, meant, wrote
from tests.play import adding, play, turns
from tests.random_chunks import chunks
from tests.virtual import virtual


async def speak(words: int, ctx: StepContext) -> int:
    for number in range(words):
        await ctx.write(f"word {number} ")
        await ctx.custom("data-mood", number)
        await asyncio.sleep(1)
    return words


SPEAKER = one(speak)

OPERATORS: dict[str, Callable[[], Op]] = {
    "data": lambda: data("mood"),
    "fold": fold,
    "of_type": lambda: of_type("workflow-start", StepOutput),
    "outputs": lambda: outputs("step"),
    "progress": lambda: progress(1),
    "results": results,
    "smooth": lambda: lambda source: source.pipe(text(), smooth(0.5)),
    "step_chunks": lambda: step_chunks("**"),
    "text": text,
    "to_sse": to_sse,
    "to_wire": to_wire,
    "until_suspended": until_suspended,
}
every_operator = pytest.mark.parametrize("make", OPERATORS.values(), ids=OPERATORS)


@every_operator
@pytest.mark.parametrize("marbles", ["|", "---|", "#", "---#", "-------"])
def test_empty_sequence_ends_as_its_source_does(make: Callable[[], Op], marbles: str) -> None:
    assert heard(make(), marbles, {}) == meant(marbles, {})


@every_operator
@pytest.mark.parametrize("wrong", [3, "workflow-start", None, object()])
def test_what_is_no_chunk_is_an_error_of_the_sequence(make: Callable[[], Op], wrong: object) -> None:
    assert heard(make(), "-x-x|", {"x": wrong}) == [(1, TypeError)]


def test_chunk_of_which_nothing_can_be_made_is_an_error_of_the_sequence() -> None:
    odd = StepStart("r", StepStartPayload("a", "c", None, 0, metadata=cast("Any", ["no mapping"])), 1)

    assert heard(fold(), "-x-x|", {"x": odd}) == [(1, AttributeError)]


@every_operator
@virtual
async def test_source_that_cannot_be_stopped_is_not_heard_after_an_error(make: Callable[[], Op]) -> None:
    told = hear(rx.of(3, 4, wrote("step", "words")).pipe(make()))
    await turns()

    assert (told.items, type(told.end), told.wrong) == ([], TypeError, [])


@every_operator
@given(st.lists(chunks(), max_size=6))
def test_any_chunks_give_the_same_here_and_over_the_wire(make: Callable[[], Op], told: list[Chunk]) -> None:
    there = [chunk_from_wire(chunk.to_wire()) for chunk in told]
    here = [chunk_from_wire(chunk.to_wire()) for chunk in there]
    marbles = "".join(marked(told)) + "-------|"

    assert shown(heard(make(), marbles, marked(here))) == shown(heard(make(), marbles, marked(there)))


@every_operator
@virtual
async def test_wire_form_itself_is_refused_and_the_way_is_told(make: Callable[[], Op]) -> None:
    failed = hear(rx.of(wrote("a", 1).to_wire()).pipe(make()))
    await turns()

    assert "ops.map(chunk_from_wire)" in str(failed.end)


@every_operator
@virtual
async def test_chunk_of_a_later_version_is_an_error_that_names_its_type(make: Callable[[], Op]) -> None:
    wire = {**wrote("a", 1).to_wire(), "type": "workflow-step-dreamt"}
    failed = hear(rx.of(wire).pipe(ops.map(chunk_from_wire), make()))
    await turns()

    assert str(failed.end) == "workflow-step-dreamt: there is no such type of chunk"


@every_operator
def test_chunks_that_came_over_the_wire_give_the_same(make: Callable[[], Op]) -> None:
    here = marked(play(SPEAKER, 2).chunks)
    sent = [json.dumps(chunk.to_wire()) for chunk in here.values()]
    there = marked(chunk_from_wire(json.loads(text)) for text in sent)
    marbles = "".join(here) + "-----|"

    assert shown(heard(make(), marbles, here)) == shown(heard(make(), marbles, there))


def shown(told: Any) -> list[str]:
    """Show what was told, in its wire form where it has one: the time of a finish stays in its process."""
    return [repr((at.dash, at.what.to_wire() if hasattr(at.what, "to_wire") else at.what)) for at in told]


@every_operator
def test_each_subscription_begins_anew(make: Callable[[], Op]) -> None:
    chunks = marked(play(SPEAKER, 2).chunks)
    operator, marbles = make(), "".join(chunks) + "---|"

    assert shown(heard(operator, marbles, chunks)) == shown(heard(operator, marbles, chunks))


@every_operator
@virtual
async def test_late_subscriber_is_told_the_same(make: Callable[[], Op]) -> None:
    source = SPEAKER.create_run().stream_vnext(2).pipe(make())
    early = hear(source)
    await source.pipe(ops.default_if_empty(None))
    late = hear(source)
    await asyncio.sleep(20)

    assert [repr(item) for item in early.items] == [repr(item) for item in late.items]
    assert (early.wrong, early.end, late.wrong, late.end) == ([], "completed", [], "completed")


@every_operator
@virtual
async def test_subscriber_that_disposes_is_told_nothing_more(make: Callable[[], Op]) -> None:
    stream = SPEAKER.create_run().stream_vnext(3)
    first = hear(stream.pipe(make(), ops.take(1)))
    gone = hear(other := stream.pipe(make()))
    left: list[object] = []
    subscription = other.subscribe(left.append)
    await asyncio.sleep(1.5)
    subscription.dispose()
    seen = len(left)
    await stream
    await asyncio.sleep(20)

    assert len(left) == seen
    assert len(first.items) <= 1
    assert gone.end == "completed"


@every_operator
@virtual
async def test_subscriber_that_raises_hurts_nobody_else(make: Callable[[], Op]) -> None:
    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    runtime = Runtime(SPEAKER, on_subscriber_error=reported.append, store=MemoryStore())
    stream = runtime.create_run("flow").stream_vnext(2)
    bad = hear(stream.pipe(make()), _raise)
    good = hear(stream.pipe(make()))
    result = await stream
    await asyncio.sleep(20)
    await runtime.aclose()

    assert result.status == "success"
    assert (good.end, good.wrong) == ("completed", [])
    assert len(bad.items) == len(reported) == 1


def _raise(_: object) -> None:
    raise RuntimeError("a subscriber's own fault")


@every_operator
@virtual
async def test_scheduler_of_the_run_is_kept_so_that_no_thread_is_started(make: Callable[[], Op]) -> None:
    stream = SPEAKER.create_run().stream_vnext(2)
    before = threading.active_count()
    derived: Observable[Any] = make()(stream)
    timed = [hear(derived.pipe(ops.timeout(3600), ops.delay(1), ops.buffer_with_time(2))) for _ in range(20)]
    during = threading.active_count()
    await stream
    await asyncio.sleep(20)

    assert isinstance(derived, BoundObservable)
    assert derived.scheduler is stream.scheduler
    assert during == before
    assert {each.end for each in timed} == {"completed"}


@every_operator
def test_hundred_thousand_chunks_pass(make: Callable[[], Op]) -> None:
    source: Subject[Chunk] = Subject()
    counted = hear(source.pipe(make() if make is not OPERATORS["smooth"] else text()))
    chunk = StepOutput("r", "step", "c", "word ")
    for number in range(100_000):
        chunk.seq = number
        source.on_next(chunk)
    source.on_completed()

    assert counted.end == "completed"
    assert len(counted.items) in (0, 100_000)


@every_operator
@pytest.mark.unwatched
def test_nothing_is_left_to_the_garbage_collector(make: Callable[[], Op]) -> None:
    async def main() -> None:
        stream: WorkflowStream[Any] = WRITER.create_run().stream_vnext(3)
        hear(stream.pipe(make()))
        stream.pipe(make()).subscribe(lambda _: None).dispose()
        hear(stream.pipe(make(), ops.take(2)))
        hear(rx.of(3).pipe(make()))
        await stream

    asyncio.run(main())
    with collector_off():
        asyncio.run(main())
        assert ours_in_cycles() == []


def test_operators_compose_in_one_pipe() -> None:
    inner = create_workflow("inner", input=int, output=int).then(adding("double", 4)).commit()
    stream = create_workflow("flow", input=int).then(inner).commit().create_run().stream_vnext(4)
    told = stream.pipe(until_suspended(), step_chunks("**.double"), results(), ops.map(lambda ended: ended.output))

    assert told.run() == 8
