"""One suspension: what is told, what may be answered, what is refused."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from rxloom import (
    NotSuspended,
    OutputInvalid,
    ResumeInvalid,
    StepContext,
    SyncStepContext,
    create_step,
    create_workflow,
)
from rxloom.chunks import StepResult, StepStart, StepSuspended
from rxloom.errors import WorkflowSuspended
from tests.ledger import Ledger
from tests.play import adding, asking, play
from tests.virtual import virtual


class Approval(BaseModel):
    """An answer."""

    approved: bool
    by: str = "nobody"


def wf(*steps: Any) -> Any:
    """Build a workflow of steps in a row."""
    builder: Any = create_workflow("wf")
    for step in steps:
        builder = builder.then(step)
    return builder.commit()


def test_a_step_suspends_is_answered_and_goes_on() -> None:
    played = play(
        wf(adding("a"), asking("ask", {"q": 1}), asking("last")), 1, {"resume_data": "yes"}, {"resume_data": 2}
    )

    assert played.output == ((2, "yes"), 2)
    assert played.told == [
        "start", "a: running", "a: success", "ask: running", "ask: suspended", "suspended",
        "start", "ask: resumed", "ask: success", "last: running", "last: suspended", "suspended",
        "start", "last: resumed", "last: success", "success",
    ]  # fmt: skip
    assert [result.status for result in played.results] == ["suspended", "suspended", "success"]


@pytest.mark.parametrize("kind", ["async", "thread", "inline"])
def test_every_kind_of_function_may_ask(kind: str) -> None:
    async def later(value: int, ctx: StepContext) -> Any:
        return value, await ctx.suspend("?")

    def now(value: int, ctx: SyncStepContext) -> Any:
        return value, ctx.suspend("?")

    step = create_step("ask", later if kind == "async" else now, output=Any, inline=kind == "inline")

    assert play(wf(step), 1, {"resume_data": "yes"}).output == (1, "yes")


def test_a_forgotten_await_suspends_all_the_same() -> None:
    async def body(_: Any, ctx: StepContext) -> str:
        ctx.suspend("?")
        return "went on"

    played = play(wf(create_step("s", body)), 1, {"resume_data": 1})

    assert played.results[0].status == "suspended"
    assert played.output == "went on"


def test_the_chunks_say_what_is_asked_and_what_was_answered() -> None:
    played = play(wf(asking("ask", {"q": [1]})), "in", {"resume_data": {"a": 1}})
    suspended = next(chunk.payload for chunk in played.chunks if isinstance(chunk, StepSuspended))
    first, again = (chunk.payload for chunk in played.chunks if isinstance(chunk, StepStart))
    result = next(chunk.payload for chunk in played.chunks if isinstance(chunk, StepResult))

    assert (suspended.payload, suspended.suspend_payload) == ("in", {"q": [1]})
    assert suspended.step_call_id == first.step_call_id != again.step_call_id == result.step_call_id
    assert (again.payload, again.resume_payload, again.started_at) == ("in", {"a": 1}, first.started_at)
    assert again.resumed_at is not None
    assert (result.resume_payload, result.resumed_at) == ({"a": 1}, again.resumed_at)


def test_the_result_says_who_waits_and_for_what() -> None:
    inner = create_workflow("inner").then(asking("ask", {"q": 1}, label="name")).commit()
    result = play(wf(inner), 1).result

    assert result.suspended == [["inner", "ask"]]
    assert result.suspend_payload == {"inner.ask": {"q": 1}}
    assert [(one.path, one.label, one.payload) for one in result.suspensions] == [("inner.ask", "name", {"q": 1})]
    assert result.suspensions[0].suspended_at > 0
    assert result.steps["inner.ask"].suspend_payload == {"q": 1}
    with pytest.raises(WorkflowSuspended, match=r"inner\.ask"):
        result.unwrap()


@pytest.mark.parametrize("answer", [0, "", None, False, [], {}, 0.0], ids=repr)
@pytest.mark.parametrize("style", ["call", "resumed"])
def test_a_falsy_answer_is_an_answer(answer: Any, style: str) -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        if style == "call":
            return [await ctx.suspend("?")]
        if not ctx.resumed:
            await ctx.suspend("?")
        return [ctx.resume_data]

    played = play(wf(create_step("s", body)), 1, {"resume_data": answer})

    assert played.output == [answer]
    assert type(played.output[0]) is type(answer)


def test_no_answer_at_all_answers_none() -> None:
    assert play(wf(asking("ask")), 1, {}).output == (1, None)


def test_what_is_asked_and_answered_is_copied() -> None:
    question, answer = {"q": [1]}, {"a": [1]}
    seen: list[Any] = []

    async def body(_: Any, ctx: StepContext) -> Any:
        got = await ctx.suspend(question)
        question["q"].append(2)
        seen.append(got)
        got["a"].append(2)
        return got

    @virtual
    async def test() -> None:
        run = wf(create_step("s", body)).create_run()
        first: Any = await run.start(1)
        stream = run.resume_stream_vnext(answer)
        answer["a"].append(99)
        result: Any = await stream.result
        snapshot = await run.snapshot()

        assert first.suspend_payload == {"s": {"q": [1]}}
        assert seen == [{"a": [1, 2]}]
        assert snapshot.answers["s"][0].data == {"a": [1]}
        assert result.status == "success"

    test()


def test_answers_are_checked_and_become_their_type() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        return await ctx.suspend("?")

    step = create_step("s", body, resume=Approval)

    assert play(wf(step), 1, {"resume_data": {"approved": "yes"}}).output == Approval(approved=True)


@virtual
async def test_a_bad_answer_is_refused_and_the_run_stays_resumable(ledger: Ledger) -> None:
    step = asking("s", resume=Approval)
    run = wf(create_workflow("inner").then(step).commit()).create_run()
    await run.start(1)
    before = list(ledger.records(run.run_id))
    with pytest.raises(ResumeInvalid) as caught:
        await run.resume({"approved": "perhaps"})

    assert all(word in str(caught.value) for word in ("inner.s", "approved", "perhaps", "'wf'", run.run_id))
    assert list(ledger.records(run.run_id)) == before
    assert (await run.snapshot()).status == "suspended"
    assert (await run.resume({"approved": True})).unwrap() == (1, Approval(approved=True))


@virtual
async def test_a_refused_answer_ends_every_face_of_its_stream_with_the_refusal() -> None:
    run = wf(asking("s", resume=int)).create_run()
    await run.start(1)
    stream = run.resume_stream_vnext("x")
    for face in (stream.result, stream.status, stream.usage, stream.output):
        with pytest.raises(ResumeInvalid):
            await face
    with pytest.raises(ResumeInvalid):
        async for _ in stream:
            pass
    with pytest.raises(ResumeInvalid):
        await stream

    assert (await run.resume(1)).unwrap() == (1, 1)


def test_what_is_asked_is_checked_too() -> None:
    class Question(BaseModel):
        """A question."""

        text: str

    async def body(given: Any, ctx: StepContext) -> Any:
        return await ctx.suspend(given)

    step = create_step("s", body, suspend=Question)
    good, bad = play(wf(step), {"text": "ok"}), play(wf(step), {"txt": "no"})

    assert good.result.suspend_payload == {"s": Question(text="ok")}
    assert isinstance(bad.error, OutputInvalid)
    assert all(word in str(bad.error) for word in ("the suspend payload does not fit", "'s'", "text"))
    assert bad.told[-2:] == ["s: failed", "failed"]


def test_a_question_that_becomes_its_type_is_recognised_when_it_is_asked_again() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        return await ctx.suspend({"approved": "yes"}), await ctx.suspend({"approved": False})

    step = create_step("s", body, suspend=Approval)

    assert play(wf(step), 1, {"resume_data": 1}, {"resume_data": 2}).output == (1, 2)


@virtual
async def test_what_does_not_wait_cannot_be_resumed() -> None:
    run = wf(adding("a", seconds=5), asking("ask")).create_run()
    with pytest.raises(Exception, match="nobody knows"):
        await run.resume(1)
    stream = run.stream_vnext(1)
    with pytest.raises(NotSuspended):
        await run.resume(1)
    await stream.result
    await run.resume(1)
    with pytest.raises(NotSuspended, match="success"):
        await run.resume(1)


@virtual
async def test_status_goes_from_running_to_suspended_and_on() -> None:
    run = wf(asking("ask"), adding("a").with_id("later")).create_run()
    statuses: list[str] = []
    first = run.stream_vnext(1)
    first.status.subscribe(statuses.append)
    await first.result
    again = run.resume_stream_vnext(1)
    again.status.subscribe(statuses.append)
    await asyncio.sleep(1)

    assert statuses == ["running", "suspended", "running", "failed"]
