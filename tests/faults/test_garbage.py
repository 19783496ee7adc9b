"""However a run is used, watched, left or ended, only the reference counter is needed to free it."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import ref

import pytest
from reactivex import operators as ops

from rxloom import MemoryStore, RunInterrupted, Runtime, WorkflowStream, create_workflow
from rxloom.errors import RefusedCall, StreamOverflow
from rxloom.log import ChunkLog
from tests.garbage import collector_off, ours_in_cycles
from tests.hearing import ASKER, FAILER, WAITER, WRITER, hear
from tests.play import turns

pytestmark = pytest.mark.unwatched  # the watch would keep what is to be freed

Logs = list[ref[ChunkLog]]
SLEEPER = create_workflow("flow").sleep(3600).commit()


def note(stream: WorkflowStream[Any], logs: Logs) -> WorkflowStream[Any]:
    assert stream._feed.log is not None
    logs.append(ref(stream._feed.log))
    return stream


async def everything_subscribed(logs: Logs) -> None:
    stream = note(WRITER.create_run().stream_vnext(5), logs)
    for source in (stream, stream.status, stream.usage, stream.snapshots, stream.result, stream.output):
        hear(source)
    await stream


async def disposed_early(logs: Logs) -> None:
    stream = note(WRITER.create_run().stream_vnext(5), logs)
    stream.subscribe(lambda _: None).dispose()
    stream.pipe(ops.take(2)).subscribe(lambda _: None)
    await stream


async def raising_subscriber(logs: Logs) -> None:
    runtime = Runtime(WRITER, on_subscriber_error=lambda _: None, store=MemoryStore(keep=0))
    stream = note(runtime.create_run("flow").stream_vnext(5), logs)
    stream.subscribe(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    await stream


async def paced(logs: Logs) -> None:
    stream = note(WRITER.create_run().stream_vnext(50), logs)
    async for _ in stream.aiter(buffer=2):
        pass


async def left_early(logs: Logs) -> None:
    stream = note(WRITER.create_run().stream_vnext(50), logs)
    async for _ in stream.aiter(buffer=2):
        break
    await stream


async def timed_out(logs: Logs) -> None:
    run = WAITER.create_run()
    stream = note(run.stream_vnext(1), logs)
    reader = stream.aiter(from_seq=2)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(reader), 0.001)
    await run.cancel()


async def overflowed(logs: Logs) -> None:
    stream = note(WRITER.create_run().stream_vnext(50), logs)
    reader = stream.aiter(buffer=2, on_overflow="error")
    await anext(reader)
    await stream
    with pytest.raises(StreamOverflow):
        await anext(reader)


async def read_elsewhere(logs: Logs) -> None:
    stream = note(WRITER.create_run().stream_vnext(50), logs)

    counts: list[int] = []

    async def read() -> None:
        counts.append(len([chunk async for chunk in stream]))

    # Not on a thread of an executor: that lets go of its work a moment after it is done.
    thread = threading.Thread(target=lambda: asyncio.run(read()))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert counts == [54]


async def output_of_a_failure(logs: Logs) -> None:
    stream = note(FAILER.create_run().stream_vnext(1), logs)
    with pytest.raises(Exception, match="boom"):
        await stream.output
    with pytest.raises(Exception, match="boom"):
        (await stream).unwrap()


async def interrupted(logs: Logs) -> None:
    runtime = Runtime(WAITER, store=MemoryStore(keep=0))
    stream = note(runtime.create_run("flow").stream_vnext(1), logs)
    heard = [hear(stream), hear(stream.result)]
    reading = asyncio.ensure_future(_drain(stream))
    await turns()
    await runtime.aclose(drain=0)
    with pytest.raises(RunInterrupted):
        await stream
    (raised,) = await asyncio.gather(reading, return_exceptions=True)
    assert type(raised) is RunInterrupted
    assert len({id(one_heard.end) for one_heard in heard}) == 2


async def _drain(stream: WorkflowStream[Any]) -> None:
    async for _ in stream:
        pass


async def canceled_before(logs: Logs) -> None:
    run = WAITER.create_run()
    await run.cancel()
    await note(run.stream_vnext(1), logs)


async def canceled_while_suspended(logs: Logs) -> None:
    run = ASKER.create_run()
    stream = note(run.stream_vnext(1, close_on_suspend=False), logs)
    await turns()
    await run.cancel()
    await stream


async def canceled_by_disposing(logs: Logs) -> None:
    stream = note(WAITER.create_run().stream_vnext(1), logs)
    stream.cancel_on_dispose().subscribe().dispose()
    await stream


async def refused(logs: Logs) -> None:
    run = WRITER.create_run()
    await note(run.stream_vnext(1), logs)
    stream = run.resume_stream_vnext(1)
    with pytest.raises(RefusedCall):
        await stream
    with pytest.raises(RefusedCall):
        [chunk async for chunk in stream]


async def observed(logs: Logs) -> None:
    run = WRITER.create_run()
    early = run.observe_stream_vnext()
    hear(early)
    await turns()
    await note(run.stream_vnext(1), logs)
    await early
    await run.observe_stream_vnext(from_seq=3)


async def pending(logs: Logs) -> None:
    runtime = Runtime(WRITER, max_runs=1, store=MemoryStore(keep=0))
    streams = [runtime.create_run("flow").stream_vnext(2) for _ in range(3)]
    await asyncio.gather(*streams)
    for stream in streams:
        note(stream, logs)


async def invalid(logs: Logs) -> None:
    given: Any = "no number"
    await note(WRITER.create_run().stream_vnext(given), logs)


async def slept(logs: Logs) -> None:
    run = SLEEPER.create_run()
    stream = note(run.stream_vnext(1), logs)
    await turns()
    await run.cancel()
    await stream


LIVES: list[Callable[[Logs], Awaitable[None]]] = [
    everything_subscribed, disposed_early, raising_subscriber, paced, left_early, timed_out, overflowed, read_elsewhere,
    output_of_a_failure, interrupted, canceled_before, canceled_while_suspended, canceled_by_disposing, refused,
    observed, pending, invalid, slept,
]  # fmt: skip


@pytest.mark.parametrize("live", LIVES, ids=lambda live: live.__name__)
async def test_nothing_is_left_in_cycles_and_the_log_dies(live: Callable[[Logs], Awaitable[None]]) -> None:
    await live([])  # the first one warms caches up
    await turns()
    logs: Logs = []
    with collector_off():
        await live(logs)
        await turns()
        alive = [log for log in logs if log() is not None]
        left = ours_in_cycles()

    assert left == []
    assert alive == []


def test_runs_in_the_background_are_freed_too() -> None:
    logs: Logs = []

    def live() -> None:
        stream = WRITER.create_run().stream_vnext(5)
        stream.run()
        note(stream, logs)

    live()
    threads = set(threading.enumerate())
    with collector_off():
        live()
        asyncio.run(asyncio.sleep(0.01))
        alive = [log for log in logs if log() is not None]

    assert alive == []
    assert set(threading.enumerate()) <= threads  # an idle worker of another test may have ended
    assert gc.isenabled()
