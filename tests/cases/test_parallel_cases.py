"""Steps side by side, and the state that all of a run share."""

from __future__ import annotations

import operator
from typing import Annotated, Any

from typing_extensions import TypedDict

from rxloom import Reduce, StepContext, create_step, create_workflow
from tests.cases.kit import Data, asking, failing, giving


class Total(TypedDict):
    """A state whose writes add up."""

    total: Annotated[int, Reduce(operator.add)]


async def test_the_outputs_of_parallel_steps_are_keyed_by_their_ids() -> None:
    result = await create_workflow("wf").parallel([giving("a", 1), giving("b", 2)]).commit().create_run().start({})

    assert result.unwrap() == {"a": 1, "b": 2}


async def test_parallel_steps_share_the_state() -> None:
    def setting(id: str) -> Any:
        async def body(data: Data, ctx: StepContext) -> Data:
            await ctx.update_state(lambda _: {id: f"by {id}"})
            return data

        return create_step(id, body)

    wf = create_workflow("wf").parallel([setting("a"), setting("b")]).commit()
    result = await wf.create_run().start({}, initial_state={"a": "", "b": ""})

    assert result.state == {"a": "by a", "b": "by b"}


async def test_no_update_of_parallel_steps_is_lost() -> None:
    def adding(id: str, number: int) -> Any:
        async def body(data: Data, ctx: StepContext) -> Data:
            await ctx.update_state(total=number)
            return data

        return create_step(id, body)

    wf = create_workflow("wf", state=Total).parallel([adding("a", 2), adding("b", 3)]).commit()
    result = await wf.create_run().start({}, initial_state={"total": 1})

    assert result.state == {"total": 6}


async def test_one_failing_step_fails_the_run_with_its_error() -> None:
    wf = create_workflow("wf").parallel([giving("a", 1), failing("b", ValueError("b boom"))]).commit()
    result = await wf.create_run().start({})

    assert result.status == "failed"
    assert result.error.message == "b boom"


async def test_failures_that_are_allowed_are_none_in_the_output() -> None:
    boom = failing("b", ValueError("b boom"))
    some = create_workflow("wf").parallel([giving("a", 1), boom], errors="collect").commit()
    every = create_workflow("wf").parallel([boom.with_id("c"), boom], errors="collect").commit()
    asked = create_workflow("wf").parallel([boom, asking("ask")], errors="collect").commit()

    assert (await some.create_run().start({})).unwrap() == {"a": 1, "b": None}
    assert (await every.create_run().start({})).unwrap() == {"c": None, "b": None}
    assert (await asked.create_run().start({})).status == "suspended"


async def test_the_initial_state_reaches_the_steps() -> None:
    async def shout(_data: Data, ctx: StepContext) -> Data:
        await ctx.set_state({"value": ctx.state["value"] + "!!!"})
        return {"value": ctx.state["value"]}

    result = (
        await create_workflow("wf")
        .then(create_step("a", shout))
        .commit()
        .create_run()
        .start({}, initial_state={"value": "test-state"})
    )

    assert result.unwrap() == {"value": "test-state!!!"}
