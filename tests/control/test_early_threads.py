"""A run that starts on one thread while others cancel it, send it events, watch it or start it too."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rxloom import RunAlreadyStarted, create_step, create_workflow
from tests.ledger import ledger

__all__ = ["ledger"]

TIMES = 60


@pytest.fixture(autouse=True)
def threads_change_often() -> Iterator[None]:
    """Let threads take turns after each few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Do things on as many threads at the same time, and return what they give or raise."""
    barrier = threading.Barrier(len(actions))
    found: list[Any] = [None] * len(actions)

    def one(at: int, action: Callable[[], Any]) -> None:
        barrier.wait(10)
        try:
            found[at] = action()
        except Exception as error:  # noqa: BLE001 # it is looked at
            found[at] = error

    threads = [threading.Thread(target=one, args=each) for each in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return found


async def forever(_: Any) -> None:
    """Do not end."""
    await asyncio.sleep(60)


def test_a_cancel_that_has_returned_is_never_lost() -> None:
    wf = create_workflow("wf").then(create_step("s", forever)).commit()
    for _ in range(TIMES):
        run = wf.create_run()
        stream, cancelled = at_once(lambda run=run: run.stream_vnext(1), lambda run=run: asyncio.run(run.cancel()))

        assert cancelled is None
        assert stream.result.run().status == "canceled"


def test_an_event_that_was_sent_is_never_lost() -> None:
    wf = create_workflow("wf").wait_for_event("go").commit()
    for number in range(TIMES):
        run = wf.create_run()
        stream, sent = at_once(
            lambda run=run: run.stream_vnext(1), lambda run=run, n=number: asyncio.run(run.send_event("go", n))
        )

        assert sent is None
        assert stream.result.run().unwrap() == number


def test_whoever_watches_it_sees_all_of_it() -> None:
    async def body(value: int) -> int:
        return value

    async def read(run: Any) -> list[int]:
        return [chunk.seq async for chunk in run.observe_stream_vnext()]

    wf = create_workflow("wf").then(create_step("s", body)).commit()
    for _ in range(TIMES):
        run = wf.create_run()
        stream, seen = at_once(lambda run=run: run.stream_vnext(1), lambda run=run: asyncio.run(read(run)))

        assert stream.result.run().status == "success"
        assert seen == [0, 1, 2, 3]


def test_of_many_who_start_one_run_id_exactly_one_does_and_it_can_be_cancelled() -> None:
    entered: list[int] = []

    async def body(value: int) -> None:
        entered.append(value)
        await asyncio.sleep(60)

    wf = create_workflow("wf").then(create_step("s", body)).commit()
    for number in range(20):
        runs = [wf.create_run(run_id=f"run-{number}") for _ in range(3)]
        streams = at_once(*(lambda run=run, n=number: run.stream_vnext(n) for run in runs))
        asyncio.run(runs[0].cancel())
        found: list[Any] = []
        for stream in streams:
            try:
                found.append(stream.result.run().status)
            except RunAlreadyStarted as error:
                found.append(type(error).__name__)

        assert sorted(found) == ["RunAlreadyStarted", "RunAlreadyStarted", "canceled"]
    assert len(entered) <= 20
    assert len(set(entered)) == len(entered)
