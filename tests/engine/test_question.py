"""Questions to users' functions between the steps: conditions, delays, callbacks."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from rxloom import StepContext, create_step, create_workflow
from tests.play import adding, asking, failing, play, read, seeing, told
from tests.virtual import virtual

WHO: ContextVar[str] = ContextVar("who", default="nobody")


@virtual
async def test_a_cancel_ends_an_async_condition_at_once() -> None:
    log: list[str] = []

    async def slow(_: Any) -> bool:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
        return True

    for wf in (
        create_workflow("wf").branch([(slow, adding("a"))]),
        create_workflow("wf").do_while(adding("a"), slow),
        create_workflow("wf").sleep(slow),
        create_workflow("wf").map(slow),
    ):
        run = wf.commit().create_run()
        stream = run.stream_vnext(1)
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(1)
        await run.cancel()

        assert told(await read(stream))[-2:] == ["canceled", "canceled"]
        assert asyncio.get_running_loop().time() - begun == 1
    assert log == ["cancelled"] * 4


def test_a_run_fails_when_its_time_is_up_while_a_condition_is_asked() -> None:
    async def slow(_: Any) -> bool:
        await asyncio.sleep(60)
        return True

    played = play(create_workflow("wf", timeout=5).branch([(slow, adding("a"))]).commit(), 1)

    assert played.told == ["start", "failed"]
    assert played.duration == 5


def test_the_run_is_not_over_before_a_condition_that_takes_its_time_to_end() -> None:
    log: list[str] = []

    async def stubborn(_: Any) -> bool:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(2)
            log.append("done")
        return True

    @virtual
    async def test() -> float:
        run = create_workflow("wf").branch([(stubborn, adding("a"))]).commit().create_run()
        run.stream_vnext(1)
        await asyncio.sleep(1)
        await run.cancel()
        return asyncio.get_running_loop().time()

    assert test() == 3
    assert log == ["done"]


def test_conditions_see_the_context_of_the_run_and_leave_nothing_in_it() -> None:
    seen: list[str] = []

    def first(_: Any) -> bool:
        seen.append(WHO.get())
        WHO.set("first condition")
        return True

    async def second(_: Any) -> bool:
        seen.append(WHO.get())
        WHO.set("second condition")
        return True

    look = seeing("look", lambda _: WHO.get(), seen)

    @virtual
    async def test() -> None:
        WHO.set("caller")
        await create_workflow("wf").branch([(first, look), (second, adding("b"))]).commit().create_run().start(1)

    test()

    assert seen == ["caller"] * 3


def test_siblings_go_on_while_one_of_them_is_asked() -> None:
    async def slow(_: Any) -> bool:
        await asyncio.sleep(5)
        return True

    asked = create_workflow("asked").branch([(slow, adding("a", seconds=1))], merge=True).commit()
    played = play(create_workflow("wf").parallel([asked, adding("b", seconds=3)]).commit(), 1)

    assert played.output == {"asked": 2, "b": 2}
    assert played.duration == 6


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=lambda e: type(e).__name__)
def test_an_interrupt_in_a_condition_ends_the_loop_and_not_the_run(error: BaseException) -> None:
    def interrupted(_: Any) -> bool:
        raise error

    async def main() -> None:
        run = create_workflow("wf").then(adding("a")).branch([(interrupted, adding("b"))]).commit().create_run()
        await run.start(1)

    with pytest.raises(type(error)):
        asyncio.run(main())


def test_a_bail_in_an_item_that_is_a_workflow_ends_that_item_alone() -> None:
    async def bail(value: int, ctx: StepContext) -> int:
        if value == 2:
            ctx.bail("early")
        return value

    inner = create_workflow("inner").then(create_step("bail", bail)).map(lambda value: value * 10).commit()

    assert play(create_workflow("wf").for_each(inner).commit(), [1, 2, 3]).output == [10, "early", 30]


def test_a_bail_in_an_arm_of_a_nested_parallel_ends_the_nested_workflow() -> None:
    async def bail(_: int, ctx: StepContext) -> None:
        ctx.bail("early")

    inner = create_workflow("inner").parallel([create_step("bail", bail), adding("slow", seconds=60)]).commit()
    played = play(create_workflow("wf").then(inner).map(lambda value: [value]).commit(), 1)

    assert played.output == ["early"]
    assert played.told[-5:] == [
        "inner.slow: canceled", "inner: success", "mapping_wf_0: running", "mapping_wf_0: success", "success",
    ]  # fmt: skip


def test_a_bail_beside_a_suspension_ends_the_workflow_and_nobody_waits() -> None:
    async def bail(_: int, ctx: StepContext) -> None:
        await asyncio.sleep(1)
        ctx.bail("early")

    played = play(create_workflow("wf").parallel([asking("ask"), create_step("bail", bail)]).commit(), 1)

    assert played.output == "early"
    assert played.told[-3:] == ["ask: suspended", "bail: bailed", "success"]


def test_a_failure_in_an_arm_that_is_a_list_ends_that_arm() -> None:
    arms = [(bool, [failing("a"), adding("b")]), (bool, [adding("c"), adding("d")])]
    played = play(create_workflow("wf").branch(arms).commit(), 1)

    assert played.told == [
        "start", "a: running", "c: running", "a: failed", "c: success", "d: running", "d: success", "failed",
    ]  # fmt: skip
