"""Resuming into nested workflows."""

from __future__ import annotations

from typing import Any

from rxloom import StepContext, create_step, create_workflow
from tests.cases.kit import Arms, Builder, Data, adding, asking, giving


def _chain(calls: list[str]) -> Builder:
    """Make the workflow `start` (+1), `other` (asks, then gives 26), `final` (adds both up)."""

    async def other(_data: Data, ctx: StepContext) -> Data:
        calls.append("other")
        await ctx.suspend({"for": "other"})
        return {"other": 26}

    async def final(_data: Data, ctx: StepContext) -> Data:
        calls.append("final")
        return {"finalValue": ctx.get_step_result("start")["newValue"] + ctx.get_step_result("other")["other"]}

    async def start(data: Data) -> Data:
        calls.append("start")
        return {"newValue": data["startValue"] + 1}

    builder = create_workflow("nested").then(create_step("start", start)).then(create_step("other", other))
    return builder.then(create_step("final", final))


async def test_a_loop_over_a_nested_workflow_suspends_in_each_round() -> None:
    async def answer(data: Data, ctx: StepContext) -> Data:
        more: Data = await ctx.suspend({"have": data["value"]})
        return {"value": data["value"] + more["value"]}

    nested = create_workflow("nested").then(adding("increment", 1)).then(create_step("resume", answer)).commit()
    run = create_workflow("wf").do_until(nested, lambda data: data["value"] >= 10).commit().create_run()
    await run.start({"value": 0})
    second = await run.resume({"value": 2}, step="nested.resume")
    third = await run.resume({"value": 21}, step="nested.resume")

    assert second.status == "suspended"
    assert third.unwrap() == {"value": 25}


async def _resumed_nested(step: str, calls: list[str]) -> Any:
    nested = _chain(calls).commit()
    builder = create_workflow("wf").then(giving("begin", {"startValue": 0}, calls)).then(nested)
    run = builder.then(giving("last-step", {"success": True}, calls)).commit().create_run()
    first = await run.start({})
    assert first.status == "suspended"
    assert "last-step" not in first.steps
    return await run.resume({}, step=step)


async def test_a_nested_workflow_is_resumed_by_its_own_id() -> None:
    calls: list[str] = []
    result = await _resumed_nested("nested", calls)

    assert result.steps["nested"].output == {"finalValue": 27}
    assert [calls.count(id_) for id_ in ("start", "other", "final", "last-step")] == [1, 2, 1, 1]


async def test_a_nested_step_is_resumed_by_its_path() -> None:
    calls: list[str] = []
    result = await _resumed_nested("nested.other", calls)

    assert result.steps["nested"].output == {"finalValue": 27}
    assert [calls.count(id_) for id_ in ("start", "other", "final", "last-step")] == [1, 2, 1, 1]


async def test_nested_workflows_in_a_row_are_resumed_one_after_the_other() -> None:
    calls: list[str] = []

    def once(id: str, output: Data) -> Any:
        async def body(_data: Data, ctx: StepContext) -> Data:
            calls.append(id)
            await ctx.suspend({"for": id})
            return output

        return create_step(id, body)

    first = create_workflow("sub-workflow-1").then(once("step-1", {"suspect": "first-suspect"})).commit()
    second = create_workflow("sub-workflow-2").then(once("step-2", {"suspect": "second-suspect"})).commit()
    run = create_workflow("wf").then(first).then(second).commit().create_run()
    await run.start({})
    middle = await run.resume({}, step="sub-workflow-1.step-1")
    result = await run.resume({}, step="sub-workflow-2.step-2")

    assert middle.steps["sub-workflow-1"].status == "success"
    assert middle.steps["sub-workflow-2"].status == "suspended"
    assert result.unwrap() == {"suspect": "second-suspect"}
    assert (calls.count("step-1"), calls.count("step-2")) == (2, 2)


async def test_init_data_of_a_nested_run_follows_each_round_of_the_loop() -> None:
    seen: list[int] = []
    contexts: list[Data] = []

    async def answer(data: Data, ctx: StepContext) -> Data:
        seen.append(ctx.init_data["value"])
        contexts.append(dict(ctx.runtime_context))
        more: Data = await ctx.suspend({"have": data["value"]})
        return {"value": data["value"] + more["value"]}

    nested = create_workflow("nested").then(create_step("resume", answer)).commit()
    run = create_workflow("wf").do_until(nested, lambda data: data["value"] >= 10).commit().create_run()
    await run.start({"value": 2}, runtime_context={"mine": 1})
    result = await run.resume({"value": 2})

    assert result.status == "suspended"
    assert seen == [2, 2, 4]
    assert contexts == [{"mine": 1}] * 3


async def test_context_and_init_data_are_there_in_a_nested_run_after_a_resume() -> None:
    async def inside(data: Data, ctx: StepContext) -> Data:
        has = "testData" in ctx.runtime_context
        return {"success": ctx.init_data == data == {"confirmed": True}, "hasTestData": has}

    nested = create_workflow("nested").then(create_step("inside", inside)).commit()
    run = create_workflow("wf").then(asking("ask")).then(nested).commit().create_run()
    await run.start({}, runtime_context={"testData": "test-context-value"})
    result = await run.resume({"confirmed": True})

    assert result.unwrap() == {"success": True, "hasTestData": True}


async def test_a_deeply_nested_step_is_resumed_by_the_path_that_the_result_names() -> None:
    calls: list[str] = []

    async def passthrough(data: Data) -> Data:
        calls.append("passthrough")
        return data

    through = create_step("passthrough", passthrough)
    c: Builder = create_workflow("c")
    b: Builder = create_workflow("b")
    inner = create_workflow("a").then(_chain(calls).commit()).commit()
    middle = b.then(through).then(inner).commit()
    outer = c.then(through.with_id("passthrough2")).then(middle).commit()
    run = create_workflow("wf").then(outer).commit().create_run()
    first = await run.start({"startValue": 0})
    assert first.status == "suspended"
    result = await run.resume({}, step=".".join(first.suspended[0]))

    assert first.suspended[0] == ["c", "b", "a", "nested", "other"]
    assert result.unwrap() == {"finalValue": 27}
    assert calls.count("passthrough") == 2


async def test_arms_not_taken_before_a_suspension_are_not_entered_after_it() -> None:
    calls: list[str] = []

    def kind(name: str, *steps: Any) -> Any:
        builder: Builder = create_workflow(f"{name}-workflow")
        for one in steps:
            builder = builder.then(one)

        def is_it(item: Data) -> bool:
            return item["type"] == name

        return is_it, builder.commit()

    async def process(_data: Data, ctx: StepContext) -> Data:
        date = await ctx.suspend({"message": "a date, please"})
        return {"processed": "second", "date": date["date"]}

    async def final(data: Data) -> Data:
        calls.append("final")
        return data["second-workflow"]

    arms: Arms = [
        kind("first", giving("first-step", 1, calls)),
        kind("second", create_step("second-step", process)),
        kind("third", giving("third-step", 1, calls)),
    ]
    builder = create_workflow("wf").then(giving("select", {"type": "second"})).branch(arms)
    run = builder.then(create_step("final", final)).commit().create_run()
    await run.start({})
    result = await run.resume({"date": "2024-12-31"})

    assert result.unwrap() == {"processed": "second", "date": "2024-12-31"}
    assert calls == ["final"]
    assert "first-workflow" not in result.steps
    assert "third-workflow" not in result.steps


async def test_a_branch_is_not_asked_again_when_a_rebuilt_workflow_resumes() -> None:
    asked: list[Any] = []

    def build() -> Any:
        def condition(data: Data) -> bool:
            asked.append(data["mappedValue"])
            return True

        nested = create_workflow("nested").then(asking("ask")).commit()
        mapped = create_workflow("wf").map(lambda data: {"mappedValue": data["value"] * 2}, id="double")
        return mapped.branch([(condition, nested)]).commit()

    run = build().create_run()
    await run.start({"value": 10})
    asked_before = list(asked)
    result = await build().create_run(run_id=run.run_id).resume({"done": True})

    assert asked_before == [20]
    assert asked == [20]
    assert result.steps["nested"].status == "success"


async def test_one_leaf_is_suspended_and_nothing_of_it_is_left_after_the_resume() -> None:
    inner = create_workflow("inner-loop").then(asking("inner-step", {"q": 1})).commit()
    run = create_workflow("wf").then(inner).commit().create_run()
    await run.start({})
    before = await run.snapshot()
    await run.resume({})
    after = await run.snapshot()

    assert list(before.suspensions) == ["inner-loop.inner-step"]
    assert "inner-loop" in before.steps
    assert not after.suspensions
    assert [record.suspend_payload for record in after.steps.values()] == [None, None]
