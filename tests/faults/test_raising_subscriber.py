"""A subscriber that raises is detached and reported; the others and the run go on as if nothing were."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any, NoReturn

import pytest
from reactivex import Observable
from reactivex import operators as ops

from rxloom import Runtime, SyncStepContext, WorkflowStream
from rxloom.chunks import Chunk
from tests.hearing import FAILER, SLOW_WRITER, WRITER, Heard, Numbers, hear, one
from tests.play import turns
from tests.virtual import virtual

CHUNKS = 50
WRITES = CHUNKS - 4  # start, step-start, step-result and finish come by themselves


class Bang(Exception):  # not an error of ours
    """What the subscribers of these tests raise."""


def bang(_: object = None) -> NoReturn:
    raise Bang


def start(workflow: Numbers, reported: list[BaseException], given: int = WRITES) -> WorkflowStream[int]:
    return Runtime(workflow, on_subscriber_error=reported.append).create_run("flow").stream_vnext(given)


@pytest.mark.parametrize("at", range(CHUNKS))
async def test_raising_at_any_chunk_hurts_nobody_else(at: int) -> None:
    reported: list[BaseException] = []
    stream = start(WRITER, reported)
    before = hear(stream)
    raising: Heard[Chunk] = Heard(then=lambda _: bang() if len(raising.items) == at + 1 else None)
    stream.subscribe(raising)
    after = hear(stream)
    result = await stream

    assert len(raising.items) == at + 1
    assert raising.end is None  # its own on_error is not called either
    assert before.items == after.items
    assert (len(before.items), before.end, after.end) == (CHUNKS, "completed", "completed")
    assert result.unwrap() == WRITES
    assert [type(error) for error in reported] == [Bang]


@pytest.mark.parametrize("at", range(CHUNKS))
async def test_raising_while_it_catches_up_hurts_nobody_else(at: int) -> None:
    reported: list[BaseException] = []
    stream = start(WRITER, reported)
    await stream
    raising: Heard[Chunk] = Heard(then=lambda _: bang() if len(raising.items) == at + 1 else None)
    stream.subscribe(raising)

    assert len(raising.items) == at + 1
    assert len(hear(stream).items) == CHUNKS
    assert [type(error) for error in reported] == [Bang]


async def test_raising_in_on_completed_hurts_nobody_else() -> None:
    reported: list[BaseException] = []
    stream = start(WRITER, reported)
    stream.subscribe(on_completed=bang)
    after = hear(stream)
    await stream

    assert (len(after.items), after.end) == (CHUNKS, "completed")
    assert [type(error) for error in reported] == [Bang]


@virtual
async def test_raising_in_on_error_hurts_nobody_else() -> None:
    reported: list[BaseException] = []
    runtime = Runtime(SLOW_WRITER, on_subscriber_error=reported.append)
    stream = runtime.create_run("flow").stream_vnext(9)
    stream.subscribe(on_error=bang)
    after = hear(stream)
    await runtime.aclose(drain=3.5)

    assert type(after.end).__name__ == "RunInterrupted"
    assert len(after.items) == 6
    assert [type(error) for error in reported] == [Bang]


@pytest.mark.parametrize("name", ["status", "usage", "snapshots", "result", "output"])
async def test_raising_in_a_derived_stream_hurts_nobody_else(name: str) -> None:
    reported: list[BaseException] = []
    stream = start(WRITER, reported)
    source: Observable[Any] = getattr(stream, name)
    source.subscribe(bang)
    after, derived = hear(stream), hear(source)
    result = await stream

    assert result.unwrap() == WRITES
    assert (len(after.items), after.end, derived.end) == (CHUNKS, "completed", "completed")
    assert [type(error) for error in reported] == [Bang]


async def test_an_error_nobody_handles_is_reported() -> None:
    reported: list[BaseException] = []
    stream = start(FAILER, reported)
    stream.output.subscribe()
    await stream

    assert [type(error).__name__ for error in reported] == ["WorkflowFailed"]


async def test_raising_is_told_to_the_loop_if_nobody_asks_for_it() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    stream = WRITER.create_run().stream_vnext(3)
    stream.subscribe(bang)
    await stream

    assert [type(context["exception"]) for context in told] == [Bang]
    assert "subscriber" in told[0]["message"]


def test_raising_off_any_loop_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    stream = asyncio.run(_ended())
    stream.subscribe(bang)

    assert [record.message for record in caplog.records] == [
        "a subscriber of a workflow stream raised and was detached"
    ]


async def _ended() -> WorkflowStream[int]:
    stream = WRITER.create_run().stream_vnext(3)
    await stream
    return stream


async def test_what_reports_may_raise_too(caplog: pytest.LogCaptureFixture) -> None:
    stream = Runtime(WRITER, on_subscriber_error=bang).create_run("flow").stream_vnext(3)
    stream.subscribe(bang)
    with caplog.at_level(logging.ERROR):
        result = await stream

    assert result.unwrap() == 3
    assert [record.message for record in caplog.records] == ["on_subscriber_error raised"]


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_on_next_goes_on_to_whoever_runs_the_loop(fatal: type[BaseException]) -> None:
    reported: list[BaseException] = []
    others: list[Heard[Chunk]] = []

    def interrupt(_: object) -> NoReturn:
        raise fatal

    async def main() -> None:
        stream = start(WRITER, reported)
        stream.subscribe(interrupt)
        others.append(hear(stream))
        await turns(50)
        await asyncio.Event().wait()

    with pytest.raises(fatal):
        asyncio.run(main())

    assert [type(error) for error in reported] == [fatal]
    assert (len(others[0].items), others[0].end) == (CHUNKS, "completed")


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_while_catching_up_off_any_loop_goes_to_who_subscribes(fatal: type[BaseException]) -> None:
    stream = asyncio.run(_ended())

    def interrupt(_: object) -> NoReturn:
        raise fatal

    with pytest.raises(fatal):
        stream.subscribe(interrupt)
    assert len(hear(stream).items) == 7


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_on_next_does_not_end_a_background_loop(fatal: type[BaseException]) -> None:
    reported: list[BaseException] = []

    def interrupt(_: object) -> NoReturn:
        raise fatal

    def body(count: int, ctx: SyncStepContext) -> int:
        assert go.wait(5)
        ctx.write(count)
        return count

    go = threading.Event()
    runtime = Runtime(one(body), on_subscriber_error=reported.append)
    stream = runtime.create_run("flow").stream_vnext(1)
    stream.pipe(ops.skip(2)).subscribe(interrupt)
    go.set()
    first = stream.run()
    second = runtime.create_run("flow").stream_vnext(2).run()
    asyncio.run(runtime.aclose())

    assert (first.unwrap(), second.unwrap()) == (1, 2)
    assert [type(error) for error in reported] == [fatal]
