"""Bodies that raise what only looks fatal: they have failed, and that is all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rxloom import StepContext, create_step, create_workflow
from rxloom.errors import StepFailed
from tests.hearing import WAITER, one


async def cancelled_error(_: int) -> int:
    raise asyncio.CancelledError


async def awaits_what_is_cancelled(_: int) -> int:
    other = asyncio.ensure_future(asyncio.Event().wait())
    asyncio.get_running_loop().call_soon(other.cancel)
    await other
    return 0


async def cancels_its_own_task(_: int) -> int:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)
    return 0


async def generator_exit(_: int) -> int:
    await asyncio.sleep(0)
    raise GeneratorExit


async def stop_iteration(_: int) -> int:
    raise StopIteration


def stop_iteration_in_a_thread(_: int) -> int:
    raise StopIteration


async def stop_async_iteration(_: int) -> int:
    raise StopAsyncIteration


async def cancelled_and_failed(_: int, ctx: StepContext) -> int:
    raise BaseExceptionGroup("several", [asyncio.CancelledError(), ValueError(ctx.path)])


FAILURES: dict[str, tuple[Callable[..., Any], type[BaseException] | None]] = {
    "CancelledError": (cancelled_error, StepFailed),
    "a cancelled task": (awaits_what_is_cancelled, StepFailed),
    "its own task": (cancels_its_own_task, StepFailed),
    "GeneratorExit": (generator_exit, StepFailed),
    "StopIteration": (stop_iteration, RuntimeError),
    "StopIteration in a thread": (stop_iteration_in_a_thread, None),
    "StopAsyncIteration": (stop_async_iteration, StopAsyncIteration),
    "a group": (cancelled_and_failed, StepFailed),
}


@pytest.mark.parametrize("case", FAILURES)
@pytest.mark.parametrize("background", [False, True], ids=["on this loop", "in the background"])
def test_body_that_raises_what_only_looks_fatal_has_failed(case: str, *, background: bool) -> None:
    body, error = FAILURES[case]
    step: Any = create_step("step", body)  # pyright: ignore[reportUnknownVariableType] # bodies of every kind
    workflow = create_workflow("flow", input=int).then(step).then(WAITER).commit()

    async def main() -> Any:
        return await workflow.create_run().stream_vnext(1)

    result: Any = workflow.create_run().stream_vnext(1).run() if background else asyncio.run(main())

    assert result.status == "failed"
    assert error is None or isinstance(result.exception, error)
    assert result.steps["step"].status == "failed"


async def test_task_that_a_body_leaves_behind_cannot_write_any_more() -> None:
    errors: list[str] = []

    async def body(_: int, ctx: StepContext) -> int:
        async def later() -> None:
            await over.wait()
            try:
                await ctx.write("too late")
            except Exception as error:  # noqa: BLE001 # whatever it is, it is looked at
                errors.append(type(error).__name__)

        leaked.append(asyncio.ensure_future(later()))
        return 1

    over, leaked = asyncio.Event(), list[Any]()
    run = one(body).create_run()
    result = await run.start(1)
    over.set()
    await leaked[0]

    assert result.unwrap() == 1
    assert errors == ["WriterClosed"]
    assert (await run.snapshot()).next_seq == 4
