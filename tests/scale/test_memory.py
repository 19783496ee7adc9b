"""What runs leave behind: nothing."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rxloom import create_step, create_workflow
from tests.garbage import collector_off, ours_in_cycles
from tests.scale.workflows import add, add_after_a_turn, ask, chain, fail, nested, one, wait, wide, write

MB = 1_048_576

pytestmark = pytest.mark.unwatched  # watching makes objects of its own


def grown(what: str) -> int:
    """Ask a probe by how much a process grew."""
    command = [sys.executable, "-m", "tests.scale.probe", what]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=110)  # noqa: S603 - our own module
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
def test_million_chunks_through_a_bounded_log_take_no_memory() -> None:
    assert grown("chunks") <= 10 * MB


@pytest.mark.slow
def test_a_slow_reader_paces_a_hundred_thousand_chunks_in_five_megabytes() -> None:
    assert grown("paced") <= 5 * MB


@pytest.mark.slow
def test_runs_that_are_over_leave_no_memory() -> None:
    assert grown("runs") <= 2 * MB


async def read(workflow: Any, given: Any) -> None:
    async for _chunk in workflow.create_run().stream_vnext(given):
        pass


async def subscribe(workflow: Any, given: Any) -> None:
    stream = workflow.create_run().stream_vnext(given)
    seen: list[object] = []
    stream.subscribe(seen.append)
    stream.status.subscribe(seen.append)
    await stream.result


async def cancel(workflow: Any, given: Any) -> None:
    run = workflow.create_run()
    stream = run.stream_vnext(given)
    await asyncio.sleep(0)
    await run.cancel()
    assert await stream.status == "canceled"


async def answer(workflow: Any, given: Any) -> None:
    run = workflow.create_run()
    assert (await run.start(given)).status == "suspended"
    assert (await run.resume(5)).status == "success"


async def leave_early(workflow: Any, given: Any) -> None:
    stream = workflow.create_run().stream_vnext(given)
    async for _chunk in stream:
        break
    await stream.result


def threaded(value: int) -> int:
    return value + 1


EACH = create_workflow("each", input=list[int]).for_each(create_step("s", add_after_a_turn), concurrency=3).commit()
LOOP = create_workflow("loop", input=int).do_until(create_step("s", add), lambda value: value > 5).commit()
BRANCH = create_workflow("branch").branch([(lambda _v: True, create_step("s", add))], merge=True).commit()
NESTED = nested(20, lambda outer, inner: outer.then(inner))


async def holds(value: int) -> bool:
    await asyncio.sleep(0)
    return value > 0


def watched() -> Any:
    calls: list[object] = []
    return (
        create_workflow("watched", on_start=calls.append, on_finish=calls.append, on_error=calls.append)
        .branch([(holds, create_step("one", add))], merge=True)
        .map(lambda value: value + 1)
        .sleep(0)
        .then(create_step("two", fail_once()))
        .commit()
    )


def fail_once() -> Callable[[int], Awaitable[int]]:
    failed: list[int] = []

    async def execute(value: int) -> int:
        if not failed:
            failed.append(value)
            message = "once"
            raise ValueError(message)
        return value

    return execute


LIVES: dict[str, tuple[Callable[[Any, Any], Awaitable[None]], Any, Any]] = {
    "chain, read": (read, chain(5), 0),
    "chain, subscribed": (subscribe, chain(5), 0),
    "parallel": (read, wide(5), 0),
    "for_each": (read, EACH, [1, 2, 3, 4, 5]),
    "loop": (read, LOOP, 0),
    "branch": (read, BRANCH, 0),
    "nested": (read, NESTED, 0),
    "writes": (read, one(write), 20),
    "left early": (leave_early, one(write), 20),
    "failure": (read, one(fail), 0),
    "cancelled": (cancel, one(wait), 0),
    "suspended and resumed": (answer, one(ask), 1),
    "threaded": (read, one(threaded), 0),
    "with callbacks, conditions, a sleep and a map": (subscribe, watched(), 1),
    "cancelled among siblings": (cancel, create_workflow("w").parallel([create_step("a", wait)]).commit(), 0),
}


@pytest.fixture
def _collector_off() -> Iterator[None]:
    with collector_off():
        yield


@pytest.mark.usefixtures("_collector_off")
@pytest.mark.parametrize("life", LIVES)
async def test_run_that_is_over_leaves_no_task_and_no_cycle(life: str) -> None:
    live, workflow, given = LIVES[life]
    await live(workflow, given)  # the first run warms caches up
    gc.collect()
    await live(workflow, given)
    await asyncio.sleep(0)

    assert ours_in_cycles() == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.usefixtures("_collector_off")
async def test_finished_run_dies_with_the_last_reference() -> None:
    workflow = chain(3)
    run = workflow.create_run()
    stream = run.stream_vnext(0)
    async for _chunk in stream:
        pass
    result = await stream.result
    dead = [weakref.ref(run), weakref.ref(stream)]
    del run, stream
    await asyncio.sleep(0)

    assert [ref() for ref in dead] == [None, None]
    assert result.unwrap() == 3


async def test_runs_leave_no_thread() -> None:
    before = set(threading.enumerate())
    await read(one(threaded), 0)
    await asyncio.sleep(0)

    # The threads of the pool stay for the next step; they are daemons and hold nothing up.
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)
