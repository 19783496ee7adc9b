"""The records say it all: the fold of what is stored equals the live snapshot, after each chunk of any run."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel
from reactivex import operators as ops

from rxloom import Retry, StepContext, Usage, create_step, create_workflow
from rxloom.chunks import (
    Answer,
    Choice,
    ContextWrite,
    EventReceived,
    EventTaken,
    ItemEnd,
    ItemStart,
    LegStarted,
    Record,
    StateWrite,
    Suspension,
)
from rxloom.snapshot import Snapshot
from tests.ledger import Ledger, cuts, public, rebuilt
from tests.play import adding, asking, failing
from tests.virtual import virtual


class State(BaseModel):
    """A state."""

    count: int = 0


async def busy(value: Any, ctx: StepContext) -> Any:
    """Do a bit of everything."""
    await ctx.update_state(count=1)
    ctx.runtime_context["seen"] = value
    await ctx.write({"x": value})
    ctx.record_usage(Usage(1, 2, 3))
    await ctx.custom("data-x", value)
    answer = await ctx.suspend({"about": value}, label="busy")
    ctx.runtime_context.pop("seen", None)
    return answer


def nested_and_fanned() -> Any:
    inner = create_workflow("inner").then(asking("ask")).map(lambda pair: pair[1])
    inner = inner.then(failing("bad", times=1)).commit()
    wf: Any = create_workflow("wf", state=State, retries=1).then(create_step("busy", busy)).map(lambda v: [v, v])
    return wf.parallel([inner, failing("lost")], errors="collect").then(asking("end")).commit()


def items() -> Any:
    async def body(value: int, ctx: StepContext) -> Any:
        if value == 0:
            raise ValueError("zero")
        await ctx.write(value)
        return await ctx.suspend("?") if value % 2 else value

    each = create_workflow("each").then(create_step("odd", body)).commit()
    wf: Any = create_workflow("wf").for_each(create_step("plain", body), concurrency=3, errors="collect")
    return wf.map(lambda _: [1, 2]).for_each(each, concurrency=2).commit()


def loops_and_branches() -> Any:
    async def body(value: int, ctx: StepContext) -> int:
        return value + (await ctx.suspend(value) if value < 3 else 1)

    def small(value: int) -> bool:
        return value < 10

    wf: Any = create_workflow("wf").do_while([create_step("s", body), adding("t")], small)
    wf = wf.branch([(lambda v: v > 5, asking("big")), (lambda v: v > 500, adding("huge"))], default=adding("other"))
    return wf.sleep(5).wait_for_event("go").commit()


def retried_and_piped() -> Any:
    wf: Any = create_workflow("wf").then(failing("a", times=2, retries=Retry(2, delay=1)))
    return wf.then(failing("b", times=1).pipe(ops.retry(2))).then(asking("c")).then(failing("d")).commit()


SCENARIOS: dict[str, tuple[Callable[[], Any], Any, list[Any]]] = {
    "nested and fanned": (nested_and_fanned, 7, [{"label": "busy"}, {}, {"resume_data": 2}, {"resume_data": 3}]),
    "items": (items, [0, 1, 2, 3, 4], [{"step": "plain[1]"}, {}, {"step": "odd"}]),
    "loops and branches": (loops_and_branches, 0, [{"resume_data": 1}, {"resume_data": 5}, {"resume_data": 6}]),
    "retried and piped": (retried_and_piped, 1, [{}]),
}


async def carried_out(workflow: Any, given: Any, resumes: list[Any], seen: list[Snapshot]) -> Any:
    """Run a workflow through all its legs, and keep each snapshot that is told."""
    run = workflow.create_run()
    stream = run.stream_vnext(given, runtime_context={"k": 1})
    stream.snapshots.subscribe(seen.append)
    await run.send_event("go", "gone")
    await stream.result
    for resume in resumes:
        stream = run.resume_stream_vnext(**{"resume_data": 1, **resume})
        stream.snapshots.subscribe(seen.append)
        await stream.result
    seen.append(await run.snapshot())
    return run


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_at_every_chunk_the_fold_of_the_records_is_the_live_snapshot(scenario: str, ledger: Ledger) -> None:
    build, given, resumes = SCENARIOS[scenario]
    seen: list[Snapshot] = []
    run = virtual(lambda: carried_out(build(), given, resumes, seen))()
    records = ledger.records(run.run_id)
    folds = list(cuts(run.run_id, records))

    assert seen[-1].status in {"success", "failed"}
    assert seen[-1].next_pos == len(records)
    assert len({snapshot.next_seq for snapshot in seen}) == seen[-1].next_seq
    for snapshot in seen:
        assert public(snapshot) == public(folds[snapshot.next_pos])


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_a_run_read_from_the_store_before_each_leg_goes_on_the_same(scenario: str, ledger: Ledger) -> None:
    build, given, resumes = SCENARIOS[scenario]

    async def forgetful(workflow: Any) -> Any:
        run_id = "forgetful"
        run: Any = workflow.create_run(run_id=run_id)
        await run.send_event("go", "gone")
        result = await run.start(given, runtime_context={"k": 1})
        for resume in resumes:
            del run, result
            assert run_id not in ledger.runtime.registry.logs
            run = workflow.create_run(run_id=run_id, on_existing="join")
            result = await run.resume(**{"resume_data": 1, **resume})
        return result

    kept = virtual(lambda: carried_out(build(), given, resumes, []))()
    result = virtual(lambda: forgetful(build()))()
    one, other = rebuilt("x", ledger.records(kept.run_id)), rebuilt("x", ledger.records("forgetful"))

    assert result.status == one.status == other.status
    assert (one.output, one.state, one.context, one.usage) == (other.output, other.state, other.context, other.usage)
    assert [(r.path, r.status, r.output, r.attempt) for r in one.steps.values()] == [
        (r.path, r.status, r.output, r.attempt) for r in other.steps.values()
    ]
    assert one.next_pos == other.next_pos


def test_the_private_records_are_those_that_the_chunks_have_no_place_for(ledger: Ledger) -> None:
    for name, (build, given, resumes) in SCENARIOS.items():
        run = virtual(lambda b=build, g=given, r=resumes: carried_out(b(), g, r, []))()
        kinds = {type(record) for record in ledger.private(run.run_id)}

        assert kinds <= {
            LegStarted, StateWrite, ContextWrite, Choice, ItemStart, ItemEnd, Suspension, Answer, EventReceived,
            EventTaken,
        }, name  # fmt: skip


def test_what_a_leg_records_first(ledger: Ledger) -> None:
    @virtual
    async def test() -> str:
        wf = create_workflow("wf", state=State).then(asking("ask", "?", label="l")).commit()
        run = wf.create_run(resource_id="ada")
        await run.start(1, initial_state={"count": 2}, runtime_context={"k": 1})
        await run.resume("yes", runtime_context={"k": 2})
        return run.run_id

    records: list[Record] = list(ledger.records(test()))
    private = [record for record in records if not hasattr(record, "seq")]
    first, second = (record for record in private if isinstance(record, LegStarted))

    assert [type(record).__name__ for record in records] == [
        "LegStarted", "ContextWrite", "WorkflowStart", "StepStart", "Suspension", "StepSuspended", "WorkflowFinish",
        "LegStarted", "ContextWrite", "Answer", "WorkflowStart", "StepStart", "StepResult", "WorkflowFinish",
    ]  # fmt: skip
    assert (first.kind, first.input, first.state, first.resource_id) == ("start", 1, {"count": 2}, "ada")
    assert (second.kind, second.input) == ("resume", None)
    answer = next(record for record in private if isinstance(record, Answer))
    assert (answer.path, answer.label, answer.payload, answer.data) == ("ask", "l", "?", "yes")


def test_reduce_leaves_the_snapshot_before_alone(ledger: Ledger) -> None:
    build, given, resumes = SCENARIOS["items"]
    run = virtual(lambda: carried_out(build(), given, resumes, []))()
    folds = [(snapshot, public(snapshot)) for snapshot in cuts(run.run_id, ledger.records(run.run_id))]

    assert all(public(snapshot) == before for snapshot, before in folds)
