"""Resuming: which step, with which data, and what is refused."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from rxloom import StepContext, create_step, create_workflow
from rxloom.errors import AmbiguousResume, NotSuspended, ResumeInvalid
from tests.cases.kit import Arms, Compute, Data, adding, asking, giving


class Answer(BaseModel):
    """What the asking steps of these tests want."""

    value: Annotated[int, Field(ge=10)] = 21


def _calculating(id: str, compute: Compute) -> Any:
    """Make a step that suspends and then computes with its input and the answer."""

    async def body(data: Data, ctx: StepContext) -> Any:
        answer = await ctx.suspend({"for": id})
        return compute(data, answer)

    return create_step(id, body)


def _scaling(id: str) -> Any:
    return _calculating(id, lambda data, answer: {"result": data["value"] * answer["factor"]})


async def test_parallel_suspensions_are_resumed_one_by_one() -> None:
    steps = [
        _calculating("parallel-step-1", lambda data, answer: {"result": data["value"] + answer["increment"]}),
        _calculating("parallel-step-2", lambda data, answer: {"result": data["value"] * answer["multiplier"]}),
    ]
    run = create_workflow("wf").parallel(steps).commit().create_run()
    await run.start({"value": 10})
    second = await run.resume({"increment": 5}, step="parallel-step-1")
    third = await run.resume({"multiplier": 3}, step="parallel-step-2")

    assert second.status == "suspended"
    assert third.unwrap() == {"parallel-step-1": {"result": 15}, "parallel-step-2": {"result": 30}}


async def test_with_several_suspensions_a_resume_must_name_its_step() -> None:
    arms: Arms = [(lambda _: True, _scaling("branch-step-1")), (lambda _: True, _scaling("branch-step-2"))]
    run = create_workflow("wf").branch(arms).commit().create_run()
    await run.start({"value": 10})
    with pytest.raises(AmbiguousResume):
        await run.resume({"factor": 2})
    result = await run.resume({"factor": 2}, step="branch-step-1")

    assert result.status == "suspended"
    assert len(result.suspended) == 1


@pytest.mark.parametrize(("how", "step"), [("explicit", "suspend-step"), ("auto", None)])
async def test_a_single_suspension_is_resumed_with_or_without_its_name(how: str, step: str | None) -> None:
    processing = _calculating("suspend-step", lambda _data, answer: {"result": f"processed-{answer['text']}"})

    async def complete(data: Data) -> Data:
        return {"final": f"Completed: {data['result']}"}

    run = create_workflow("wf").then(processing).then(create_step("complete", complete)).commit().create_run()
    first = await run.start({"value": 42})
    result = await run.resume({"text": f"{how}-resume"}, step=step)

    assert first.status == "suspended"
    assert "suspend-step" in first.suspended[0]
    assert result.unwrap() == {"final": f"Completed: processed-{how}-resume"}


async def test_arms_of_a_branch_are_resumed_one_by_one_and_keep_their_states() -> None:
    arms: Arms = [(lambda _: True, _scaling("branch-step-1")), (lambda _: True, _scaling("branch-step-2"))]
    run = create_workflow("wf").branch(arms).commit().create_run()
    first = await run.start({"value": 10})
    second = await run.resume({"factor": 2}, step="branch-step-1")
    third = await run.resume({"factor": 3}, step="branch-step-2")

    assert first.status == "suspended"
    assert first.suspended == [["branch-step-1"], ["branch-step-2"]]
    assert second.status == "suspended"
    assert (second.steps["branch-step-1"].status, second.steps["branch-step-2"].status) == ("success", "suspended")
    assert len(second.suspended) == 1
    assert third.unwrap() == {"branch-step-1": {"result": 20}, "branch-step-2": {"result": 30}}


async def test_each_round_of_a_loop_suspends_with_its_own_input() -> None:
    counting = _calculating("loop-step", lambda data, answer: {"value": data["value"] + 1, **answer})
    run = create_workflow("wf").do_while(counting, lambda data: data["shouldContinue"]).commit().create_run()
    await run.start({"value": 0})
    inputs: list[int] = []
    for _ in range(3):
        result = await run.resume({"shouldContinue": True})
        assert result.status == "suspended"
        inputs.append(result.steps["loop-step"].input["value"])

    assert inputs == [1, 2, 3]


async def test_a_step_before_a_map_is_resumed_and_the_next_one_suspends() -> None:
    tone = {"toneScore": 0.8, "completenessScore": 0.7}

    def average(data: Data, answer: Data) -> Data:
        return {key: (data[key] + answer[key]) / 2 for key in data}

    async def same(data: Data) -> Data:
        return data

    builder = create_workflow("wf").then(giving("getUserInput", {"userInput": "hi"}))
    builder = builder.then(_calculating("promptAgent", lambda _data, answer: {"modelOutput": answer["text"]}))
    builder = builder.map(lambda _: tone, id="evaluateToneConsistency").then(_calculating("improveResponse", average))
    run = builder.then(create_step("evaluateImproved", same)).commit().create_run()
    await run.start({})
    second = await run.resume({"text": "test input for resumption"}, step="promptAgent")
    third = await run.resume({"toneScore": 0.9, "completenessScore": 0.8}, step="improveResponse")

    assert second.steps["promptAgent"].output == {"modelOutput": "test input for resumption"}
    assert second.steps["evaluateToneConsistency"].output == tone
    assert second.steps["improveResponse"].status == "suspended"
    assert third.steps["improveResponse"].output == pytest.approx({"toneScore": 0.85, "completenessScore": 0.75})
    assert third.steps["evaluateImproved"].output == third.steps["improveResponse"].output


async def test_of_two_parallel_suspensions_the_other_one_waits_on() -> None:
    double = _scaling("step-1")
    divide = _calculating("step-2", lambda data, answer: {"result": data["value"] / answer["divisor"]})
    run = create_workflow("wf").parallel([double, divide]).commit().create_run()
    first = await run.start({"value": 100})
    second = await run.resume({"factor": 2}, step="step-1")
    third = await run.resume({"divisor": 5}, step="step-2")

    assert first.status == "suspended"
    assert len(first.suspended) == 2
    assert second.status == "suspended"
    assert second.suspended == [["step-2"]]
    assert third.unwrap() == {"step-1": {"result": 200}, "step-2": {"result": 20}}


async def test_the_runtime_context_is_kept_over_a_suspension() -> None:
    async def prompt(data: Data, ctx: StepContext) -> Data:
        if not ctx.resumed:
            ctx.runtime_context["messages"] = ["first message"]
            await ctx.suspend()
        ctx.runtime_context["messages"] = [*ctx.runtime_context["messages"], "promptAgentAction"]
        return data

    async def last(_data: Data, ctx: StepContext) -> Data:
        return {"messages": ctx.runtime_context["messages"]}

    run = (
        create_workflow("wf")
        .then(create_step("promptAgent", prompt))
        .then(create_step("last", last))
        .commit()
        .create_run()
    )
    await run.start({})
    result = await run.resume({})

    assert result.unwrap() == {"messages": ["first message", "promptAgentAction"]}


async def test_one_suspended_step_is_found_without_its_name() -> None:
    run = create_workflow("wf").then(_scaling("ask")).commit().create_run()
    await run.start({"value": 10})

    assert (await run.resume({"factor": 5})).unwrap() == {"result": 50}


def _asking_for_a_number() -> Any:
    async def body(data: Data, ctx: StepContext) -> Data:
        answer: Answer = await ctx.suspend()
        return {"value": data["value"] + answer.value}

    step = create_step("ask", body, resume=Answer)
    return create_workflow("wf").then(adding("increment", 1)).then(step).commit().create_run()


async def test_resume_data_gets_the_defaults_of_its_schema() -> None:
    run = _asking_for_a_number()
    await run.start({"value": 0})

    assert (await run.resume({})).unwrap() == {"value": 22}


async def test_two_parallels_in_a_row_suspend_one_after_the_other() -> None:
    def saying(id: str, key: str) -> Any:
        return _calculating(id, lambda data, answer: {key: f"{answer}-{data['text']}"})

    async def combine(data: Data) -> Data:
        return {"text": f"{data['one']['processed']}-{data['two']['transformed']}"}

    first_two = [
        _calculating("one", lambda data, _answer: {"processed": f"processed-{data['text']}"}),
        _calculating("two", lambda data, _answer: {"transformed": f"transformed-{data['text']}"}),
    ]
    second_two = [saying("three", "combined"), saying("four", "final")]
    builder = create_workflow("wf").parallel(first_two).then(create_step("merge", combine)).parallel(second_two)
    run = builder.commit().create_run()
    await run.start({"text": "test"})
    await run.resume({}, step="one")
    second = await run.resume({}, step="two")
    await run.resume("combined", step="three")
    result = await run.resume("final", step="four")

    assert second.status == "suspended"
    assert sorted(second.suspended) == [["four"], ["three"]]
    assert second.steps["three"].input == {"text": "processed-test-transformed-test"}
    assert result.unwrap() == {
        "three": {"combined": "combined-processed-test-transformed-test"},
        "four": {"final": "final-processed-test-transformed-test"},
    }


async def test_a_finished_run_is_not_resumed() -> None:
    run = create_workflow("wf").then(asking("ask")).commit().create_run()
    await run.start({})
    await run.resume({})

    with pytest.raises(NotSuspended, match="suspended"):
        await run.resume({})


async def test_bad_resume_data_is_refused_and_the_run_stays_resumable() -> None:
    run = _asking_for_a_number()
    await run.start({"value": 0})
    with pytest.raises(ResumeInvalid):
        await run.resume({"value": 2})

    assert (await run.resume({"value": 21})).unwrap() == {"value": 22}


async def test_a_step_that_is_not_suspended_is_not_resumed() -> None:
    run = _asking_for_a_number()
    await run.start({"value": 0})
    with pytest.raises(NotSuspended, match="suspended"):
        await run.resume({"value": 21}, step="increment")

    assert (await run.resume({"value": 21}, step="ask")).unwrap() == {"value": 22}
