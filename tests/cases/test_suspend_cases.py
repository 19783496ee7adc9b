"""Suspending: what stops, what is kept, what is told."""

from __future__ import annotations

from typing import Any

from rxloom import StepContext, create_step, create_workflow
from tests.cases.kit import Arms, Data, asking, giving


async def test_a_run_has_the_id_it_was_given() -> None:
    wf = create_workflow("wf").then(asking("ask")).commit()
    result = await wf.create_run(run_id="my-run").start({})

    assert result.run_id == "my-run"
    assert result.status == "suspended"


async def test_a_suspended_step_stops_the_run_and_keeps_what_was_done() -> None:
    wf = create_workflow("wf").then(giving("step1", {"value": "step1-done"}))
    result = await wf.then(asking("step2", {"reason": "waiting for approval"})).commit().create_run().start({})

    assert result.status == "suspended"
    assert result.steps["step1"].status == "success"
    assert result.steps["step1"].output == {"value": "step1-done"}
    assert result.steps["step2"].status == "suspended"
    assert result.steps["step2"].suspend_payload == {"reason": "waiting for approval"}


async def test_a_step_may_suspend_without_a_payload() -> None:
    result = await create_workflow("wf").then(asking("ask")).commit().create_run().start({})

    assert result.status == "suspended"
    assert result.suspended == [["ask"]]


async def test_the_payload_of_a_suspension_is_kept() -> None:
    payload = {"approvalRequired": True, "requestedBy": "user-123", "amount": 500}
    result = await create_workflow("wf").then(asking("ask", payload)).commit().create_run().start({})

    assert result.status == "suspended"
    assert result.suspend_payload == {"ask": payload}
    assert result.steps["ask"].suspend_payload == payload


async def test_later_steps_are_neither_entered_nor_recorded() -> None:
    calls: list[str] = []
    wf = create_workflow("wf").then(asking("ask")).then(giving("later", 1, calls)).commit()
    result = await wf.create_run().start({})

    assert calls == []
    assert "later" not in result.steps


async def test_a_step_of_a_branch_suspends_and_the_other_arm_is_not_entered() -> None:
    calls: list[str] = []
    question = {"type": "manager-approval"}
    arms: Arms = [
        (lambda data: data["needsApproval"], asking("approval", question)),
        (lambda data: not data["needsApproval"], giving("autoApprove", 1, calls)),
    ]
    wf = create_workflow("wf").then(giving("check", {"needsApproval": True})).branch(arms).commit()
    result = await wf.create_run().start({})

    assert result.status == "suspended"
    assert result.suspend_payload == {"approval": question}
    assert calls == []


async def test_state_set_before_a_suspension_is_seen_after_it() -> None:
    async def set_and_ask(data: Data, ctx: StepContext) -> Data:
        if not ctx.resumed:
            await ctx.update_state(value=ctx.state["value"] + "-modified")
        await ctx.suspend()
        return {"step2": ctx.state["value"]} | data

    async def see(data: Data, ctx: StepContext) -> Data:
        return data | {"step3": ctx.state["value"]}

    wf = create_workflow("wf").then(giving("step1", {})).then(create_step("step2", set_and_ask))
    run = wf.then(create_step("step3", see)).commit().create_run()
    await run.start({}, initial_state={"value": "test-state"})
    result = await run.resume({})

    assert result.unwrap() == {"step2": "test-state-modified", "step3": "test-state-modified"}


async def test_a_parallel_with_one_suspended_step_is_suspended_and_the_other_is_done() -> None:
    wf = create_workflow("wf").parallel([giving("normal", {"value": 10}), asking("ask")]).commit()
    result = await wf.create_run().start({})

    assert result.status == "suspended"
    assert result.steps["normal"].status == "success"
    assert result.suspended == [["ask"]]


async def test_a_parallel_without_a_suspension_goes_through() -> None:
    steps = [giving("step1", {"value": 10}), giving("step2", {"value": 20})]
    result = await create_workflow("wf").parallel(steps).commit().create_run().start({})

    assert result.unwrap() == {"step1": {"value": 10}, "step2": {"value": 20}}


async def test_a_suspension_in_a_nested_workflow_suspends_the_outer_run() -> None:
    nested = create_workflow("nested").then(asking("ask")).commit()
    result = await create_workflow("wf").then(giving("outer-step", 1)).then(nested).commit().create_run().start({})

    assert result.status == "suspended"
    assert result.steps["outer-step"].status == "success"
    assert result.steps["nested"].status == "suspended"


async def test_a_resumed_step_gets_the_resume_data() -> None:
    async def body(_data: Data, ctx: StepContext) -> Data:
        answer: Data = await ctx.suspend()
        return {"result": "completed", "userInput": answer["userInput"]}

    run = create_workflow("wf").then(giving("step1", {})).then(create_step("step2", body)).commit().create_run()
    await run.start({})
    result = await run.resume({"userInput": "hello from resume"}, step="step2")

    assert result.unwrap() == {"result": "completed", "userInput": "hello from resume"}


async def test_a_suspension_is_resumed_by_its_label() -> None:
    async def body(_data: Data, ctx: StepContext) -> Any:
        return await ctx.suspend({"q": 1}, label="my-custom-label")

    run = create_workflow("wf").then(create_step("ask", body)).commit().create_run()
    first = await run.start({})
    result = await run.resume({"ok": True}, label="my-custom-label")

    assert first.status == "suspended"
    assert first.suspensions[0].label == "my-custom-label"
    assert result.unwrap() == {"ok": True}


async def test_state_goes_on_over_a_cycle_of_suspend_and_resume() -> None:
    seen: list[Data] = []

    async def first(data: Data, ctx: StepContext) -> Data:
        seen.append(dict(ctx.state))
        if not ctx.resumed:
            await ctx.set_state({"count": 1, "items": ["item-1"]})
        await ctx.suspend()
        return data

    async def second(data: Data, ctx: StepContext) -> Data:
        seen.append(dict(ctx.state))
        return data

    wf = create_workflow("wf").then(create_step("step1", first)).then(create_step("step2", second)).commit()
    run = wf.create_run()
    await run.start({}, initial_state={"count": 0, "items": []})
    await run.resume({})

    assert seen[0] == {"count": 0, "items": []}
    assert seen[-1] == {"count": 1, "items": ["item-1"]}


async def test_a_resumed_step_reads_what_it_asked() -> None:
    async def body(data: Data, ctx: StepContext) -> Data:
        if not ctx.resumed:
            await ctx.suspend({"reason": "User confirmation required"})
        asked: Data = ctx.suspend_data
        return {"result": f"Processed {data['value']} after {asked['reason']}"}

    run = create_workflow("wf").then(create_step("ask", body)).commit().create_run()
    await run.start({"value": "test-value"})
    result = await run.resume({"confirmed": True})

    assert result.unwrap() == {"result": "Processed test-value after User confirmation required"}


async def test_labels_are_told_with_their_suspensions_nested_ones_with_the_full_path() -> None:
    def labelled(id: str, label: str) -> Any:
        async def body(_data: Data, ctx: StepContext) -> Any:
            return await ctx.suspend({"for": label}, label=label)

        return create_step(id, body)

    inner = create_workflow("inner").then(labelled("approval", "inner-approve")).commit()
    run = create_workflow("wf").parallel([labelled("approval", "approve"), inner]).commit().create_run()
    result = await run.start({})
    assert result.status == "suspended"
    found = {one.path: (one.label, one.payload) for one in result.suspensions}

    assert found == {
        "approval": ("approve", {"for": "approve"}),
        "inner.approval": ("inner-approve", {"for": "inner-approve"}),
    }
