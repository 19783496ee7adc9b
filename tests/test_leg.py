"""A leg: the workflow's own input and output, its callbacks, its ending."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from pydantic import BaseModel

from rxloom import InputInvalid, OutputInvalid, RunInfo, StepContext, create_step, create_workflow
from tests.ledger import ledger
from tests.play import adding, asking, failing, play, read, told
from tests.virtual import virtual

__all__ = ["ledger"]


class Order(BaseModel):
    """An order."""

    number: int


def test_the_input_is_checked_and_becomes_its_type() -> None:
    async def body(order: Order) -> int:
        return order.number

    wf = create_workflow("wf", input=Order, output=int).then(create_step("s", body)).commit()

    assert play(wf, {"number": "5"}).output == 5
    assert play(wf, Order(number=5)).result.input == Order(number=5)


def test_a_bad_input_is_a_failed_leg_of_two_chunks() -> None:
    played = play(create_workflow("wf", input=Order).map(str).commit(), {"number": "five"})

    assert played.told == ["start", "failed"]
    assert isinstance(played.error, InputInvalid)
    assert all(word in str(played.error) for word in ("'wf'", "number", "five"))
    assert played.chunks[-1].to_wire()["payload"]["metadata"]["error"]["name"] == "InputInvalid"


def test_a_bad_output_fails_the_run() -> None:
    lying: Any = create_workflow("wf", output=int).map(lambda _: "x")
    played = play(lying.commit(), 1)

    assert isinstance(played.error, OutputInvalid)
    assert played.told[-2:] == ["mapping_wf_0: success", "failed"]


def test_what_the_caller_changes_afterwards_is_not_changed_here() -> None:
    given: dict[str, Any] = {"x": [1]}

    async def body(value: Any) -> Any:
        await asyncio.sleep(1)
        return value

    @virtual
    async def test() -> Any:
        run = create_workflow("wf").then(create_step("s", body)).commit().create_run()
        stream = run.stream_vnext(given, initial_state={"s": given["x"]})
        given["x"].append(2)
        return await stream.result

    result = test()

    assert (result.unwrap(), result.input, result.state) == ({"x": [1]}, {"x": [1]}, {"s": [1]})


def test_a_step_that_changes_its_input_does_not_change_the_runs() -> None:
    async def spoil(value: Any) -> Any:  # no schema, which would make a copy
        value["x"] = 99
        return value

    played = play(create_workflow("wf").then(create_step("s", spoil)).commit(), {"x": 1})

    assert (played.output, played.result.input, played.result.steps["s"].input) == ({"x": 99}, {"x": 1}, {"x": 1})


# -- callbacks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_callbacks_are_told_of_the_run_and_awaited(kind: str) -> None:
    log: list[Any] = []

    def callback(name: str) -> Any:
        def now(info: Any) -> None:
            log.append((name, info.workflow_id, info.resource_id, info.input, info.state, info.status, info.result))

        async def later(info: Any) -> None:
            await asyncio.sleep(1)
            now(info)

        return now if kind == "sync" else later

    wf = create_workflow(
        "wf", on_start=callback("start"), on_finish=callback("finish"), on_error=callback("error")
    ).then(adding("a"))  # fmt: skip

    @virtual
    async def test() -> None:
        run = wf.commit().create_run(resource_id="ada")
        await run.start(1, initial_state={"x": 1})

    test()

    assert log == [
        ("start", "wf", "ada", 1, {"x": 1}, "running", None), ("finish", "wf", "ada", 1, {"x": 1}, "success", 2),
    ]  # fmt: skip


def test_a_failed_run_calls_on_finish_and_on_error_with_the_error() -> None:
    log: list[RunInfo] = []
    wf = create_workflow("wf", on_finish=log.append, on_error=log.append).then(failing("bad"))
    play(wf.commit(), 1)

    assert [(info.status, info.error and (info.error.message, info.error.step_path)) for info in log] == [
        ("failed", ("boom", "bad"))
    ] * 2


def test_on_start_is_awaited_before_the_first_step_and_its_exception_fails_the_run() -> None:
    entered: list[int] = []

    async def refuse(_: Any) -> None:
        await asyncio.sleep(1)
        raise PermissionError("not today")

    async def body(_: Any) -> None:
        entered.append(1)

    played = play(create_workflow("wf", on_start=refuse).then(create_step("s", body)).commit(), 1)

    assert isinstance(played.error, PermissionError)
    assert played.told == ["start", "failed"]
    assert entered == []


def test_what_the_others_raise_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Any) -> None:
        raise LookupError("no idea")

    with caplog.at_level(logging.ERROR, "rxloom"):
        assert play(create_workflow("wf", on_finish=broken).then(adding("a")).commit(), 1).output == 2
        assert play(create_workflow("wf", on_error=broken).then(failing("a")).commit(), 1).result.status == "failed"

    assert [record.message for record in caplog.records] == ["a callback of workflow 'wf' raised"] * 2


@virtual
async def test_a_run_is_cancelled_at_once_however_its_on_start_looks() -> None:
    for on_start in (lambda _: None, _later):
        run = create_workflow("wf", on_start=on_start).then(adding("slow", seconds=60)).commit().create_run()
        stream = run.stream_vnext(1)
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(2)
        await run.cancel("enough")

        assert (await stream.result).status == "canceled"
        assert asyncio.get_running_loop().time() - begun == 2
        assert told(await read(stream)) == ["start", "slow: running", "slow: canceled", "canceled", "canceled"]


async def _later(_: Any) -> None:
    await asyncio.sleep(1)


@virtual
async def test_callbacks_of_nested_workflows_are_not_called() -> None:
    log: list[str] = []
    inner = create_workflow("inner", on_start=lambda _: log.append("inner"), on_finish=lambda _: log.append("inner"))
    await create_workflow("wf").then(inner.then(adding("a")).commit()).commit().create_run().start(1)

    assert log == []


# -- endings -----------------------------------------------------------------------------------------------------


@virtual
async def test_the_finish_says_what_the_result_the_status_and_the_store_say() -> None:
    async def bail(_: Any, ctx: StepContext) -> None:
        ctx.bail("early")

    async def abort(_: Any, ctx: StepContext) -> None:
        ctx.abort()

    steps = {"success": adding("a"), "failed": failing("a"), "suspended": asking("a"), "canceled": None}
    steps |= {"bailed": create_step("a", bail), "aborted": create_step("a", abort)}
    for name, one in steps.items():
        run = create_workflow("wf").then(one or adding("a", seconds=60)).commit().create_run()
        stream = run.stream_vnext(1)
        if one is None:
            await asyncio.sleep(1)
            await run.cancel()
        status = {"bailed": "success", "aborted": "canceled"}.get(name, name)

        assert told(await read(stream))[-1] == status
        assert (await stream.result).status == status
        assert await stream.status == status
        assert (await run.snapshot()).status == status


def test_a_failed_parallel_is_told_by_the_first_declared_and_raised_as_a_group() -> None:
    wf = create_workflow("wf").parallel([failing("a", KeyError("a")), failing("b", OSError("b"))]).commit()
    result = play(wf, 1).result

    assert isinstance(result.exception, ExceptionGroup)
    assert (result.error.name, result.error.step_path) == ("KeyError", "a")
