"""Contexts: what a step sees of its run, as a coroutine and as a plain function."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as ops

from rxloom import StepContext, SyncStepContext, Usage, WriterClosed, create_step, create_workflow
from rxloom.chunks import Custom
from rxloom.errors import DefinitionError
from tests.ledger import Ledger, ledger
from tests.play import Played, about, adding, doing, play, read, seeing
from tests.virtual import virtual

__all__ = ["ledger"]

KINDS = ["async", "thread", "inline"]


def looking(kind: str, look: Callable[[Any], Any], id: str = "look") -> Any:
    """Make a step of a kind that returns what `look` finds in its context."""

    async def later(_: Any, ctx: StepContext) -> Any:
        return look(ctx)

    def now(_: Any, ctx: SyncStepContext) -> Any:
        return look(ctx)

    return create_step(id, later if kind == "async" else now, inline=kind == "inline")


def one(step: Any, given: Any = 1, **options: Any) -> Played:
    """Play a workflow of one step."""
    return play(create_workflow("wf").then(step).commit(), given, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_knows_where_it_is(kind: str, ledger: Ledger) -> None:
    def look(ctx: Any) -> Any:
        return [ctx.run_id, ctx.workflow_id, ctx.resource_id, ctx.step_id, ctx.path, ctx.attempt, ctx.iteration]

    inner = create_workflow("inner").then(looking(kind, look)).commit()
    run = create_workflow("wf").then(inner).commit().create_run(run_id="r1", resource_id="ada")

    @virtual
    async def test() -> Any:
        return (await run.start(1)).unwrap()

    assert test() == ["r1", "inner", "ada", "look", "inner.look", 0, 0]
    assert ledger.run_ids() == ["r1"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_reads_the_input_and_the_results_of_others(kind: str) -> None:
    add = adding("add")

    def look(ctx: Any) -> Any:
        found = [ctx.get_step_result(add), ctx.get_step_result("add"), ctx.get_step_result("nobody")]
        return [ctx.init_data, *found, ctx.get_step_result("nobody", "default")]

    wf = create_workflow("wf").then(add).then(looking(kind, look)).commit()

    assert play(wf, 1).output == [1, 2, 2, None, "default"]


def test_results_are_looked_up_outwards_and_the_nearest_counts() -> None:
    seen: list[Any] = []
    look = seeing("look", lambda ctx: [ctx.get_step_result(of) for of in ("a", "b", "c", "inner")], seen)
    inner = create_workflow("inner").then(adding("b", 100)).then(look).commit()
    wf = create_workflow("wf").then(adding("a", 1)).then(adding("b", 10)).then(inner).then(adding("c")).commit()
    play(wf, 0)

    assert seen == [[1, 111, None, None]]


def test_the_result_of_an_item_and_of_a_failed_step_is_none() -> None:
    seen: list[Any] = []
    look = seeing("look", lambda ctx: [ctx.get_step_result("each"), ctx.get_step_result("bad", "none")], seen)
    wf = create_workflow("wf").for_each(adding("each")).then(look).commit()
    play(wf, [1, 2])

    assert seen == [[[2, 3], "none"]]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_step_reads_it_may_change_without_changing_it_for_others(kind: str) -> None:
    def spoil(ctx: Any) -> Any:
        ctx.init_data.append(99)
        ctx.get_step_result("list").append(99)
        ctx.state["x"].append(99)
        return [ctx.init_data, ctx.get_step_result("list"), ctx.state["x"]]

    wf = create_workflow("wf").map(lambda _: [2], id="list").then(looking(kind, spoil)).commit()

    assert play(wf, [1], initial_state={"x": [3]}).output == [[1], [2], [3]]


@pytest.mark.parametrize("kind", KINDS)
def test_writing_appends_a_copy_of_plain_containers(kind: str) -> None:
    data: dict[str, Any] = {"x": [1]}

    def act(ctx: Any) -> Any:
        done = ctx.write(data)
        data["x"].append(2)
        return done

    played = one(doing(act, kind))

    assert about(played.chunks, "act") == ["act: running", "act > {'x': [1]}", "act: success"]


@pytest.mark.parametrize("kind", KINDS)
def test_all_ways_of_writing_come_in_order(kind: str) -> None:
    def act(ctx: Any) -> Any:
        ctx.write_nowait(1)
        ctx.writer.on_next(2)
        rx.of(3, 4).subscribe(ctx.writer)
        ctx.writer.on_completed()
        ctx.writer.on_error(ValueError("ignored"))
        ctx.write_nowait(5)
        return ctx.write(6)

    assert [line for line in one(doing(act, kind)).told if ">" in line] == [f"act > {n}" for n in range(1, 7)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_custom_chunk_passes_through_unwrapped_also_from_a_nested_workflow(kind: str) -> None:
    inner = create_workflow("inner").then(doing(lambda ctx: ctx.custom("data-x", {"y": 1}), kind)).commit()
    played = play(create_workflow("wf").then(inner).commit(), 1)
    custom = next(chunk for chunk in played.chunks if isinstance(chunk, Custom))

    assert custom.to_wire() == {"type": "data-x", "runId": played.run.run_id, "from": "WORKFLOW", "data": {"y": 1},
                                "seq": 3}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("type", ["progress", "data-", "data-rxloom-gap", "workflow-start"])
def test_a_custom_chunk_of_a_type_that_is_not_its_own_is_refused(kind: str, type: str) -> None:
    played = one(doing(lambda ctx: ctx.custom(type, 1), kind))

    assert isinstance(played.error, DefinitionError)
    assert all(word in str(played.error) for word in (repr(type), "data-", "'act'"))


def test_a_custom_chunk_of_a_type_that_is_not_its_own_is_refused_on_a_thread_of_the_users_too() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        await asyncio.to_thread(ctx.custom, "progress", 1)

    played = play(create_workflow("wf").then(create_step("act", body)).commit(), 1)

    assert isinstance(played.error, DefinitionError)
    assert "'progress'" in str(played.error)


@pytest.mark.parametrize("kind", KINDS)
def test_usage_is_counted_for_the_step_and_the_run(kind: str) -> None:
    def act(ctx: Any) -> None:
        ctx.record_usage(Usage(1, 2, 3))
        ctx.record_usage(Usage(10, 20, 30))

    played = one(doing(act, kind))

    assert (played.result.usage.input_tokens, played.result.usage.total_tokens) == (11, 33)
    assert played.result.steps["act"].usage.output_tokens == 22


@pytest.mark.parametrize("kind", KINDS)
def test_the_runtime_context_is_a_mapping_that_later_steps_and_nested_runs_see(kind: str) -> None:
    def act(ctx: Any) -> Any:
        context = ctx.runtime_context
        context["b"] = 2
        del context["a"]
        context.update(c=3)
        seen = dict(context), len(context), "a" in context
        with pytest.raises(KeyError):
            del context["a"]
        return seen

    seen: list[Any] = []
    inner = create_workflow("inner").then(seeing("look", lambda ctx: dict(ctx.runtime_context), seen)).commit()
    wf = create_workflow("wf").then(doing(act, kind)).then(inner).commit()
    played = play(wf, 1, runtime_context={"a": 1})

    assert played.output == ({"b": 2, "c": 3}, 2, False)
    assert seen == [{"b": 2, "c": 3}]


@pytest.mark.parametrize("kind", KINDS)
def test_the_runtime_and_the_scheduler_are_those_of_the_run(kind: str, ledger: Ledger) -> None:
    def look(ctx: Any) -> Any:
        return ctx.runtime is ledger.runtime, ctx.scheduler.now.year

    assert one(looking(kind, look)).output == (True, 2023)


@virtual
async def test_cancelled_emits_the_reason_once_when_the_step_is_asked_to_stop() -> None:
    reasons: list[Any] = []

    async def body(_: Any, ctx: StepContext) -> None:
        ctx.cancelled.pipe(ops.materialize(), ops.map(lambda n: (n.kind, getattr(n, "value", None)))).subscribe(
            reasons.append
        )
        await asyncio.sleep(60)

    run = create_workflow("wf").then(create_step("s", body)).commit().create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(1)
    await run.cancel("because")

    assert (await stream.result).status == "canceled"
    assert reasons == [("N", "because"), ("C", None)]


def test_a_thread_may_watch_for_cancellation() -> None:
    stopped: list[Any] = []

    def body(_: Any, ctx: SyncStepContext) -> None:
        stop = threading.Event()
        ctx.cancelled.subscribe(stopped.append, on_completed=stop.set)
        ctx.write("ready")
        stop.wait(10)

    async def main() -> Any:
        run = create_workflow("wf").then(create_step("s", body)).commit().create_run()
        stream = run.stream_vnext(1)
        async for chunk in stream:
            if chunk.type == "workflow-step-output":
                await run.cancel("because")
        return await stream.result

    assert asyncio.run(asyncio.wait_for(main(), 10)).status == "canceled"
    assert stopped == ["because"]


@pytest.mark.parametrize("kind", KINDS)
def test_writing_after_the_step_is_over_is_refused(kind: str) -> None:
    kept: list[Any] = []

    async def late(_: Any) -> list[str]:
        errors: list[str] = []
        for write in (kept[0].write_nowait, kept[0].write, kept[0].record_usage):
            with pytest.raises(WriterClosed) as caught:
                write(Usage(1, 1, 2))
            errors.append(str(caught.value))
        with pytest.raises(WriterClosed):
            kept[0].custom("data-x", 1)
        return errors

    wf = create_workflow("wf").then(doing(kept.append, kind)).then(create_step("late", late)).commit()
    errors = play(wf, 1).output

    assert all("'act'" in error for error in errors)


def test_a_condition_reads_but_does_not_write_or_ask() -> None:
    def writes(_: Any, ctx: Any) -> bool:
        with pytest.raises(WriterClosed):
            ctx.write_nowait(1)
        return ctx.get_step_result("a") == 2

    def asks(_: Any, ctx: Any) -> bool:
        return ctx.suspend("?")

    wf = create_workflow("wf").then(adding("a"))

    assert play(wf.branch([(writes, adding("b"))]).commit(), 1).output == {"b": 3}
    assert isinstance(play(wf.branch([(asks, adding("b"))]).commit(), 1).error, DefinitionError)


@virtual
async def test_a_condition_may_abort() -> None:
    def aborts(_: Any, ctx: Any) -> bool:
        return ctx.abort("enough")

    stream = create_workflow("wf").branch([(aborts, adding("b"))]).commit().create_run().stream_vnext(1)
    await read(stream)
    result: Any = await stream.result

    assert (result.status, result.reason) == ("canceled", "enough")
