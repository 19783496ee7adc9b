"""Refused calls: everything ends with the refusal, and nothing was begun, told or stored."""

from __future__ import annotations

import gc
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from rxloom import Run, Runtime, StepContext, WorkflowStream, create_step, create_workflow
from rxloom.errors import (
    AmbiguousResume,
    NotSuspended,
    RefusedCall,
    ResumeConflict,
    ResumeInvalid,
    RunAlreadyStarted,
    RunNotFound,
)  # fmt: skip
from tests.garbage import collector_off, ours_in_cycles
from tests.hearing import WRITER, Numbers, hear
from tests.play import told, turns

entered: list[str] = []


async def ask_for_an_int(question: int, ctx: StepContext[Any, int]) -> int:
    entered.append(ctx.path)
    return question + await ctx.suspend(question)


def asker(id: str) -> Any:
    return create_step(id, ask_for_an_int, resume=int)


ONE: Numbers = create_workflow("flow", input=int, output=int).then(asker("a")).commit()
TWO: Any = create_workflow("flow", input=int).parallel([asker("a"), asker("b")]).commit()

Refused = Callable[[Runtime], Coroutine[Any, Any, tuple[Run[Any, Any], WorkflowStream[Any]]]]


async def _start_again(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    await runtime.create_run("flow", run_id="run").start(1)
    run = runtime.create_run("flow", run_id="run")
    return run, run.stream_vnext(1)


async def _start_what_the_store_knows(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    await runtime.create_run("flow", run_id="run").start(1)
    gc.collect()
    assert "run" not in runtime.registry.logs
    run = runtime.create_run("flow", run_id="run")
    return run, run.stream_vnext(1)


async def _resume_an_unknown_run(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    run = runtime.run("nobody")
    return run, run.resume_stream_vnext(1)


async def _observe_an_unknown_run(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    run = runtime.run("nobody")
    return run, run.observe_stream_vnext()


async def _resume_a_run_that_was_not_started(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    run = runtime.create_run("flow", run_id="run")
    return run, run.resume_stream_vnext(1)


async def _resume_a_run_that_ended(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    run = runtime.create_run("flow", run_id="run")
    await run.start(1)
    await run.resume(1)
    return run, run.resume_stream_vnext(1)


async def _resume_another_step(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    run = runtime.create_run("flow", run_id="run")
    await run.start(1)
    return run, run.resume_stream_vnext(1, step="c")


async def _resume_with_what_does_not_fit(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    run = runtime.create_run("flow", run_id="run")
    await run.start(1)
    return run, run.resume_stream_vnext("no number", step="a")


async def _resume_one_of_two(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    run = runtime.create_run("flow", run_id="run")
    await run.start(1)
    return run, run.resume_stream_vnext(1)


async def _resume_all_of_none(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    run = runtime.create_run("flow", run_id="run")
    await run.start(1)
    return run, run.resume_all({"c": 1})


async def _resume_the_second(runtime: Runtime) -> tuple[Run[Any, Any], WorkflowStream[Any]]:
    run = runtime.create_run("flow", run_id="run")
    await run.start(1)
    streams = [run.resume_stream_vnext(1, step="a") for _ in range(2)]
    await streams[0]
    return run, streams[1]


REFUSALS: dict[str, tuple[Any, Refused, type[RefusedCall] | tuple[type[RefusedCall], ...]]] = {
    "started twice": (ONE, _start_again, RunAlreadyStarted),
    "started though the store knows it": (ONE, _start_what_the_store_knows, RunAlreadyStarted),
    "resumed, unknown": (ONE, _resume_an_unknown_run, RunNotFound),
    "observed, unknown": (ONE, _observe_an_unknown_run, RunNotFound),
    "resumed, not started": (ONE, _resume_a_run_that_was_not_started, RunNotFound),
    "resumed, ended": (ONE, _resume_a_run_that_ended, NotSuspended),
    "resumed, another step": (ONE, _resume_another_step, NotSuspended),
    "resumed, does not fit": (ONE, _resume_with_what_does_not_fit, ResumeInvalid),
    "resumed, one of two": (TWO, _resume_one_of_two, AmbiguousResume),
    "resumed, none": (TWO, _resume_all_of_none, NotSuspended),
    "resumed, the second": (ONE, _resume_the_second, (ResumeConflict, NotSuspended)),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_everything_ends_with_the_refusal_and_nothing_happened(case: str) -> None:
    workflow, call, expected = REFUSALS[case]
    runtime = Runtime(workflow)
    run, stream = await call(runtime)
    entered.clear()
    sources: list[Any] = [stream, stream.status, stream.result, stream.usage, stream.output, stream.snapshots]
    before = [hear(source) for source in sources]
    await turns()
    stored = await runtime.store.read("run") if await runtime.store.head("run") else None
    heads = await runtime.list_runs()
    after = [hear(source) for source in sources]

    for heard in before + after:
        assert isinstance(heard.end, expected)
        assert heard.items == []
    for source in sources:
        with pytest.raises(expected):
            await source
    with pytest.raises(expected):
        [chunk async for chunk in stream]
    assert entered == []
    assert (await runtime.store.read("run") if stored is not None else None) == stored
    assert await runtime.list_runs() == heads
    error = before[0].end
    assert isinstance(error, RefusedCall)
    assert error.run_id == run.run_id


@pytest.mark.parametrize("verb", ["start", "resume"])
async def test_awaited_verbs_raise_the_refusal(verb: str) -> None:
    runtime = Runtime(ONE)
    await runtime.create_run("flow", run_id="run").start(1)
    run = runtime.create_run("flow", run_id="run")
    with pytest.raises(RunAlreadyStarted if verb == "start" else NotSuspended):
        await (run.start(1) if verb == "start" else run.resume(1, step="other"))


async def test_second_start_of_one_object_is_refused_at_the_call() -> None:
    run = WRITER.create_run()
    stream = run.stream_vnext(1)
    with pytest.raises(RunAlreadyStarted):
        run.stream_vnext(1)

    assert (await stream).unwrap() == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"run_id": ""}, ValueError), ({"run_id": "x" * 257}, ValueError), ({"run_id": 7}, ValueError),
        ({"on_existing": "replace"}, ValueError),
    ],
    ids=str,
)  # fmt: skip
def test_what_can_be_known_without_io_is_refused_at_the_call(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        WRITER.create_run(**arguments)


async def test_runtime_context_that_is_no_mapping_is_refused_at_the_call() -> None:
    run = WRITER.create_run()
    with pytest.raises((TypeError, ValueError)):
        run.stream_vnext(1, runtime_context="no mapping")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "step", "error"), [(1, "other", NotSuspended), ("no number", "a", ResumeInvalid)], ids=str
)
async def test_refused_resumes_leave_no_cycle_and_the_run_resumable(
    answer: Any, step: str, error: type[Exception]
) -> None:
    run = ONE.create_run()
    await run.start(1)
    with collector_off():
        for _ in range(2):
            with pytest.raises(error):
                await run.resume(answer, step=step)
        left = ours_in_cycles()

    assert left == []
    assert (await run.resume(2)).unwrap() == 3


# -- invalid input is no refusal -------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["no number", None, [1]], ids=str)
async def test_invalid_start_input_is_a_leg_that_failed(given: Any) -> None:
    run = WRITER.create_run()
    stream = run.stream_vnext(given)
    chunks = [chunk async for chunk in stream]
    result = await stream
    finish = chunks[-1].to_wire()

    assert told(chunks) == ["start", "failed"]
    assert finish["payload"]["metadata"]["error"]["name"] == "InputInvalid"
    assert "flow" in finish["payload"]["metadata"]["errorMessage"]
    assert result.status == await stream.status == (await run.snapshot()).status == "failed"
    assert type(result.exception).__name__ == "InputInvalid"  # type: ignore[union-attr]
