"""`cancel_on_dispose`: a run that lives as long as somebody listens."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.subject import Subject

from rxloom import Run, RunInterrupted, Runtime, Workflow
from rxloom.chunks import Chunk
from rxloom.scheduler import LoopScheduler
from tests.hearing import ASKER, FAILER, SLOW_WRITER, WAITER, WRITER, hear
from tests.leaving import Forgotten, Work, leave_often
from tests.play import told, turns
from tests.virtual import virtual


def started(workflow: Workflow[int, int], number: int, runs: list[Run[int, int]]) -> Observable[Chunk]:
    """Start a run, keep it in a list, and return its chunks."""
    run = workflow.create_run()
    runs.append(run)
    return run.stream_vnext(number).cancel_on_dispose()


async def statuses(runs: list[Run[int, int]]) -> list[str]:
    """Return the statuses of runs."""
    return [(await run.snapshot()).status for run in runs]


@virtual
async def test_subscriber_that_stays_gets_the_whole_run() -> None:
    stream = SLOW_WRITER.create_run().stream_vnext(2)
    early, alone = hear(stream.cancel_on_dispose()), hear(stream)
    await stream

    assert early.items == alone.items
    assert early.end == "completed"
    assert (await stream).status == "success"


@virtual
async def test_disposing_before_the_end_cancels_the_run() -> None:
    run = SLOW_WRITER.create_run()
    stream = run.stream_vnext(9)
    others = hear(stream)
    subscription = stream.cancel_on_dispose().subscribe(print)
    await asyncio.sleep(1.5)
    subscription.dispose()
    await turns()

    assert told(others.items)[-3:] == ["step: canceled", "canceled", "canceled"]
    assert (await stream).status == "canceled"
    assert asyncio.get_running_loop().time() == 1.5


@virtual
async def test_plain_subscription_beside_it_cancels_nothing() -> None:
    stream = SLOW_WRITER.create_run().stream_vnext(3)
    stream.subscribe(print).dispose()

    assert (await stream).status == "success"


@virtual
async def test_disposing_after_the_end_changes_nothing() -> None:
    runs: list[Run[int, int]] = []
    for workflow in (SLOW_WRITER, FAILER):
        heard = hear(started(workflow, 1, runs))
        subscription = started(workflow, 1, runs).subscribe(print)
        await asyncio.sleep(9)
        subscription.dispose()
        assert heard.end == "completed"
    await turns()

    assert await statuses(runs) == ["success", "success", "failed", "failed"]


@virtual
async def test_new_query_of_switch_map_cancels_the_old_run() -> None:
    runs: list[Run[int, int]] = []
    queries: Subject[int] = Subject()
    heard = hear(queries.pipe(ops.switch_map(lambda count: started(SLOW_WRITER, count, runs))))
    queries.on_next(5)
    await asyncio.sleep(1.5)
    queries.on_next(1)
    queries.on_completed()
    await asyncio.sleep(9)

    assert told(heard.items)[:5] == ["start", "step: running", "step > 0", "step > 1", "start"]
    assert told(heard.items)[5:] == ["step: running", "step > 0", "step: success", "success"]
    assert heard.end == "completed"
    assert await statuses(runs) == ["canceled", "success"]


def is_output(chunk: Chunk) -> bool:
    """Tell whether a step wrote it."""
    return chunk.type == "workflow-step-output"


def fail(_: object) -> None:
    """Raise."""
    raise KeyError


NOTHING: Observable[Any] = rx.empty()
ENOUGH: dict[str, Callable[[Observable[Chunk]], Observable[Any]]] = {
    "take": ops.take(3),
    "take_until": ops.take_until(rx.timer(0.5)),
    "take_until_with_time": ops.take_until_with_time(0.5),
    "first": ops.first(is_output),
    "timeout": ops.timeout(0.5),
    "timeout, another": ops.timeout(0.5, NOTHING),
    "map that raises": ops.map(fail),
}


@pytest.mark.parametrize("name", ENOUGH)
@virtual
async def test_operator_that_has_enough_cancels_the_run(name: str) -> None:
    runs: list[Run[int, int]] = []
    heard = hear(started(SLOW_WRITER, 9, runs).pipe(ENOUGH[name]))
    await asyncio.sleep(0.9)

    assert heard.end is not None
    assert await statuses(runs) == ["canceled"]


@virtual
async def test_merge_that_is_disposed_cancels_every_run() -> None:
    runs: list[Run[int, int]] = []
    merged = rx.merge(*[started(SLOW_WRITER, 9, runs) for _ in range(3)])
    subscription = merged.subscribe(print)
    await asyncio.sleep(1.5)
    subscription.dispose()
    await turns()

    assert await statuses(runs) == ["canceled"] * 3


@virtual
async def test_merge_of_which_one_fails_cancels_the_other_runs() -> None:
    runs: list[Run[int, int]] = []
    here = LoopScheduler(asyncio.get_running_loop())  # `rx.merge` hands none on
    failing = rx.timer(1, scheduler=here).pipe(ops.flat_map(lambda _: rx.throw(KeyError("other"))))
    heard = hear(rx.merge(started(SLOW_WRITER, 9, runs), failing))
    await asyncio.sleep(1.5)

    assert isinstance(heard.end, KeyError)
    assert await statuses(runs) == ["canceled"]


@virtual
async def test_observer_that_raises_is_detached_and_the_run_goes_on() -> None:
    runs: list[Run[int, int]] = []
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    started(SLOW_WRITER, 2, runs).subscribe(fail)
    await asyncio.sleep(9)

    assert await statuses(runs) == ["success"]
    assert [type(error) for error in reported] == [KeyError]


@virtual
async def test_disposing_before_the_first_chunk_cancels_the_run() -> None:
    runtime = Runtime(SLOW_WRITER, max_runs=1)
    first = runtime.create_run("flow").stream_vnext(9)
    waiting = runtime.create_run("flow")
    stream = waiting.stream_vnext(9)
    subscription = stream.cancel_on_dispose().subscribe(print)
    await asyncio.sleep(1.5)
    subscription.dispose()
    await turns()

    assert (await stream).status == "canceled"
    assert hear(first).end is None
    await runtime.aclose(drain=0)


@virtual
async def test_each_subscription_cancels_by_itself() -> None:
    stream = SLOW_WRITER.create_run().stream_vnext(9)
    chunks = stream.cancel_on_dispose()
    staying, leaving = hear(chunks), chunks.subscribe(print)
    await asyncio.sleep(1.5)
    leaving.dispose()

    assert (await stream).status == "canceled"
    assert told(staying.items)[-1] == "canceled"
    assert staying.end == "completed"


@virtual
async def test_run_that_is_taken_from_the_process_ends_with_the_interruption() -> None:
    runtime = Runtime(SLOW_WRITER)
    stream = runtime.create_run("flow").stream_vnext(9)
    heard = hear(stream.cancel_on_dispose())
    await asyncio.sleep(1.5)
    await runtime.aclose(drain=0)

    assert isinstance(heard.end, RunInterrupted)


async def test_disposing_cancels_a_run_that_is_suspended_meanwhile() -> None:
    run = ASKER.create_run()
    stream = run.stream_vnext(1, close_on_suspend=False)
    subscription = stream.cancel_on_dispose().subscribe(lambda _: None)
    await turns()
    before = (await run.snapshot()).status
    subscription.dispose()
    result = await stream

    assert (before, result.status) == ("suspended", "canceled")
    assert (await run.snapshot()).status == "canceled"


def test_disposing_cancels_a_run_that_a_background_loop_has_not_begun_yet() -> None:
    stream = WAITER.create_run().stream_vnext(1)
    stream.cancel_on_dispose().subscribe(lambda _: None).dispose()

    assert stream.run().status == "canceled"


# -- threads and finalizers ------------------------------------------------------------------------------------------


async def test_disposing_on_another_thread_cancels_the_run() -> None:
    stream = WAITER.create_run().stream_vnext(1)
    subscription = stream.cancel_on_dispose().subscribe(print)
    await turns()
    await asyncio.to_thread(subscription.dispose)

    assert (await stream).status == "canceled"


@virtual
async def test_disposing_on_another_thread_just_when_the_run_ends_does_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    runs: list[Run[int, int]] = []
    subscription = started(WRITER, 1, runs).subscribe(print)
    thread = threading.Thread(target=subscription.dispose)
    thread.start()  # the run is carried out in the next turn of the loop, and this comes after that
    thread.join()
    await asyncio.sleep(60)

    assert await statuses(runs) == ["success"]
    assert failures == []
    assert caplog.records == []


async def test_disposing_in_a_finalizer_cancels_the_run() -> None:
    stream = WAITER.create_run().stream_vnext(1)
    Forgotten(stream.cancel_on_dispose().subscribe(print))
    await turns()
    gc.collect()

    assert (await stream).status == "canceled"


async def test_many_who_leave_on_threads_and_in_finalizers_leave_nothing_behind() -> None:
    work = Work()
    wrong = await leave_often(
        2_000, lambda n, observer: work.workflow.create_run().stream_vnext(n).cancel_on_dispose().subscribe(observer)
    )

    assert wrong == []
    assert work.started == work.ended > 0
