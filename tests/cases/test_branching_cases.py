"""Branches and their conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rxloom import StepContext, create_step, create_workflow
from tests.cases.kit import Arms, Builder, Data, failing, giving


def _finalizing(id: str, calls: list[str]) -> Any:
    async def body(_data: Data, ctx: StepContext) -> Data:
        calls.append(id)
        other = ctx.get_step_result("other")
        return {"finalValue": ctx.get_step_result("start")["newValue"] + (other["other"] if other else 0)}

    return create_step(id, body)


def _if_else(calls: list[str]) -> Any:
    async def start(data: Data) -> Data:
        calls.append("start")
        return {"newValue": data["startValue"] + 1}

    nested = create_workflow("nested").then(giving("other", {"other": 26}, calls)).then(_finalizing("finalElse", calls))
    arms: Arms = [
        (lambda data: data["newValue"] < 5, _finalizing("finalIf", calls)),
        (lambda data: data["newValue"] >= 5, nested.commit()),
    ]
    return create_workflow("wf").then(create_step("start", start)).branch(arms).commit()


async def test_the_first_arm_is_taken_when_its_condition_holds() -> None:
    calls: list[str] = []
    result = await _if_else(calls).create_run().start({"startValue": 1})

    assert calls == ["start", "finalIf"]
    assert result.steps["start"].output == {"newValue": 2}
    assert result.steps["finalIf"].output == {"finalValue": 2}


async def test_the_other_arm_is_taken_otherwise() -> None:
    calls: list[str] = []
    result = await _if_else(calls).create_run().start({"startValue": 6})

    assert calls == ["start", "other", "finalElse"]
    assert result.steps["start"].output == {"newValue": 7}
    assert result.steps["nested"].output == {"finalValue": 33}


@pytest.mark.parametrize(("value", "taken"), [(10, "low"), (50, "medium"), (80, "high")])
async def test_of_three_arms_only_the_matching_one_is_entered(value: int, taken: str) -> None:
    calls: list[str] = []
    checked: list[int] = []

    async def check(data: Data) -> Data:
        checked.append(data["value"])
        return data

    arms: Arms = [
        (lambda data: data["value"] < 33, giving("low", {"result": "low"}, calls)),
        (lambda data: 33 <= data["value"] < 66, giving("medium", {"result": "medium"}, calls)),
        (lambda data: data["value"] >= 66, giving("high", {"result": "high"}, calls)),
    ]
    wf = create_workflow("wf").then(create_step("check", check)).branch(arms).commit()
    result = await wf.create_run().start({"value": value})

    assert result.status == "success"
    assert calls == [taken]
    assert checked == [value]
    assert result.steps[taken].output == {"result": taken}


@pytest.mark.parametrize(("value", "text"), [(100, "processed: 200, flag: True"), (25, "small: 50")])
async def test_the_taken_arm_gets_the_data(value: int, text: str) -> None:
    async def initial(data: Data) -> Data:
        return {"doubled": data["rawValue"] * 2, "flag": data["rawValue"] > 50}

    async def big(data: Data) -> Data:
        return {"text": f"processed: {data['doubled']}, flag: {data['flag']}"}

    async def small(data: Data) -> Data:
        return {"text": f"small: {data['doubled']}"}

    arms: Arms = [
        (lambda d: d["flag"], create_step("big", big)),
        (lambda d: not d["flag"], create_step("small", small)),
    ]
    wf = create_workflow("wf").then(create_step("initial", initial)).branch(arms, merge=True, first_match=True).commit()

    assert (await wf.create_run().start({"rawValue": value})).unwrap() == {"text": text}


async def test_a_condition_may_look_at_an_earlier_step() -> None:
    calls: list[str] = []

    def after_success(_data: Data, ctx: StepContext) -> bool:
        return ctx.get_step_result("step1")["status"] == "success"

    builder = create_workflow("wf").then(giving("step1", {"status": "success"}))
    wf = builder.branch([(after_success, giving("step2", 1, calls))]).commit()
    result = await wf.create_run().start({})

    assert calls == ["step2"]
    assert result.status == "success"


async def test_a_condition_may_look_at_the_state() -> None:
    calls: list[str] = []

    def ready(_data: Data, ctx: StepContext) -> bool:
        return ctx.state["ready"]

    wf = create_workflow("wf").branch([(ready, giving("step2", 1, calls))]).commit()
    await wf.create_run().start({}, initial_state={"ready": True})
    await wf.create_run().start({}, initial_state={"ready": False})

    assert calls == ["step2"]


async def test_what_depends_on_a_failed_step_is_not_entered() -> None:
    calls: list[str] = []
    wf = create_workflow("wf").then(failing("step1", RuntimeError("Failed")))
    result = await wf.branch([(lambda _: True, giving("step2", 1, calls))]).commit().create_run().start({})

    assert result.steps["step1"].error is not None
    assert result.steps["step1"].error.message == "Failed"
    assert calls == []


async def test_a_condition_may_compare_strings() -> None:
    arms: Arms = [
        (lambda data: data["status"] == "success", giving("step2", "2")),
        (lambda data: not data, giving("x", "x")),
    ]
    wf = create_workflow("wf").then(giving("step1", {"status": "success"})).branch(arms).commit()

    assert (await wf.create_run().start({})).unwrap() == {"step2": "2"}


async def test_a_condition_may_combine_results_of_several_steps() -> None:
    def enough(_data: Data, ctx: StepContext) -> bool:
        return ctx.get_step_result("step1")["count"] > 1 and ctx.get_step_result("nowhere") is None

    wf = create_workflow("wf").then(giving("step1", {"count": 2})).then(giving("between", {}))
    result = await wf.branch([(enough, giving("step2", {"done": True}))]).commit().create_run().start({})

    assert result.unwrap() == {"step2": {"done": True}}


async def test_conditions_combine_and_and_or() -> None:
    def both(data: Data) -> bool:
        return data["status"] == "partial" and (data["score"] >= 70 or data["flag"])

    async def asynchronous(data: Data) -> bool:
        return not both(data)

    arms: Arms = [(both, giving("step2", 2)), (asynchronous, giving("step3", 3))]
    wf = create_workflow("wf").branch(arms).commit()

    assert (await wf.create_run().start({"status": "partial", "score": 75, "flag": False})).unwrap() == {"step2": 2}
    assert (await wf.create_run().start({"status": "partial", "score": 5, "flag": False})).unwrap() == {"step3": 3}


async def test_several_chains_run_in_parallel() -> None:
    calls: list[str] = []

    def chain(name: str) -> Any:
        builder: Builder = create_workflow(name)
        for number in (1, 2):
            builder = builder.then(giving(f"step{number}", number, calls))
        return builder.commit()

    result = await create_workflow("wf").parallel([chain("left"), chain("right")]).commit().create_run().start({})

    assert result.unwrap() == {"left": 2, "right": 2}
    assert sorted(calls) == ["step1", "step1", "step2", "step2"]


async def test_all_kinds_of_nodes_work_in_one_workflow() -> None:
    async def inc(data: Data) -> Data:
        return {"n": data["n"] + 1}

    def unwrap(key: str) -> Callable[[Data], Any]:
        return lambda data: data[key]

    def enough(data: Data) -> bool:
        return data["n"] >= 6

    def more(data: Data) -> bool:
        return data["n"] < 8

    def yes(_data: Data) -> bool:
        return True

    def twice(data: Data) -> list[Data]:
        return [data, data]

    def first(items: list[Data]) -> Data:
        return items[0]

    one = create_step("inc", inc)
    builder: Builder = create_workflow("wf").then(one.with_id("chain"))
    builder = builder.parallel([one.with_id("left"), one.with_id("right")]).map(unwrap("left"))
    builder = builder.branch([(yes, one.with_id("arm"))]).map(unwrap("arm"))
    builder = builder.do_until(one.with_id("until"), enough)
    builder = builder.do_while(one.with_id("while"), more)
    builder = builder.map(twice).for_each(one.with_id("each"))
    builder = builder.then(create_workflow("nested").map(first).then(one).commit())

    assert (await builder.commit().create_run().start({"n": 0})).unwrap() == {"n": 10}


async def test_a_raising_condition_fails_the_run_and_no_arm_is_entered() -> None:
    calls: list[str] = []

    def boom(_data: Data) -> bool:
        raise ValueError("cond boom")

    arms: Arms = [
        (lambda _: True, giving("p", 1, calls)),
        (boom, giving("r", 3, calls)),
        (lambda _: True, giving("q", 2, calls)),
    ]
    result = await create_workflow("wf").branch(arms).commit().create_run().start({})

    assert result.status == "failed"
    assert result.error.message == "cond boom"
    assert calls == []


async def test_all_true_arms_run_and_the_output_is_keyed_by_step() -> None:
    arms: Arms = [(lambda _: True, giving("a", 1)), (lambda _: False, giving("b", 2)), (lambda _: True, giving("c", 3))]
    result = await create_workflow("wf").branch(arms).commit().create_run().start({})

    assert result.unwrap() == {"a": 1, "c": 3}
