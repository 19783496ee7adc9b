"""Disposing from other threads: once `dispose` has returned no call begins, and no lock is waited for."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from reactivex import Observable
from typing_extensions import override

from rxloom import WorkflowStream, feed
from rxloom.chunks import Chunk
from rxloom.feed import Cursor, View
from tests.hearing import WRITER, Heard, hear, turning
from tests.play import turns

TURNING = turning(20)


@pytest.mark.parametrize("source", ["chunks", "status", "snapshots"])
async def test_no_call_begins_after_dispose_returned_on_another_thread(source: str) -> None:
    late: list[str] = []

    def hammer(stream: WorkflowStream[int]) -> None:
        observable: Observable[Any] = stream if source == "chunks" else getattr(stream, source)
        for _ in range(30):
            gone = threading.Event()
            subscription = observable.subscribe(lambda _, gone=gone: late.append("late") if gone.is_set() else None)
            subscription.dispose()
            gone.set()

    streams = [TURNING.create_run().stream_vnext(2000) for _ in range(3)]
    await asyncio.gather(*(asyncio.to_thread(hammer, stream) for stream in streams))
    results = [await stream for stream in streams]

    assert late == []
    assert [result.unwrap() for result in results] == [2000] * 3


async def test_calls_to_one_subscriber_never_overlap_whoever_subscribes_where() -> None:
    heard: list[Heard[Chunk]] = [Heard() for _ in range(12)]
    stream = TURNING.create_run().stream_vnext(5000)

    def subscribe(some: list[Heard[Chunk]]) -> None:
        for one_heard in some:
            stream.subscribe(one_heard)

    await asyncio.gather(*(asyncio.to_thread(subscribe, heard[at::4]) for at in range(4)))
    await stream
    await turns()

    assert [one_heard.wrong for one_heard in heard] == [[]] * 12
    assert {(len(one_heard.items), one_heard.end) for one_heard in heard} == {(5004, "completed")}


async def test_a_call_about_to_begin_has_begun_when_dispose_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BEGIN", 5.0)
    about, go_on, disposed = threading.Event(), threading.Event(), threading.Event()
    happened: list[str] = []

    class Gate(View):
        @override
        def skips(self, chunk: Chunk) -> bool:
            del chunk
            about.set()
            go_on.wait(5)
            return False

    class Noting(Cursor):
        @override
        def deliver(self, chunk: Chunk) -> None:
            del chunk
            happened.append("called")

    def dispose() -> None:
        cursor.dispose()
        happened.append("disposed")
        disposed.set()

    stream = WRITER.create_run().stream_vnext(3)
    await stream
    stream._feed.view = Gate(seamless=True)
    cursor = Noting(stream._feed)
    caller = threading.Thread(target=cursor.attach)
    caller.start()
    about.wait(5)
    disposer = threading.Thread(target=dispose)
    disposer.start()
    disposed.wait(0.05)  # it does not return: the call is only about to begin
    go_on.set()
    caller.join()
    disposer.join()

    assert happened == ["called", "disposed"]


async def test_disposing_does_not_wait_for_a_call_that_wants_a_lock_of_who_disposes() -> None:
    lock, inside, holding = threading.Lock(), threading.Event(), threading.Event()
    stream = WRITER.create_run().stream_vnext(3)
    acquired: list[bool] = []

    def wait_for_lock(chunk: Chunk) -> None:
        if chunk.type == "workflow-step-output" and not acquired:
            inside.set()
            acquired.append(lock.acquire(timeout=5))  # the thread below holds it until it has disposed

    def dispose() -> None:
        with lock:
            holding.set()
            inside.wait(5)
            subscription.dispose()

    subscription = stream.subscribe(wait_for_lock)
    disposer = threading.Thread(target=dispose)
    disposer.start()
    holding.wait(5)
    result = await stream
    disposer.join()

    assert acquired == [True]
    assert result.unwrap() == 3


async def test_disposing_twice_and_after_the_end_does_no_harm() -> None:
    stream = WRITER.create_run().stream_vnext(3)
    subscription = stream.subscribe(lambda _: None)
    await stream
    subscription.dispose()
    subscription.dispose()

    assert len(hear(stream).items) == 7
