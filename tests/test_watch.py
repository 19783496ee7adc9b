"""The watch of this suite catches what it is there for."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rxloom import create_workflow, step
from rxloom.log import ChunkLog
from tests import watch


@step
async def double(n: int) -> int:
    return 2 * n


doubling = create_workflow("doubling", input=int, output=int).then(double).commit()


async def log_of_a_run() -> ChunkLog:
    stream = doubling.create_run().stream_vnext(1)
    await stream.result
    seen = watch._logs[-1].peek()
    assert seen is not None
    return seen[0]


async def test_sound_log_is_sound() -> None:
    log = await log_of_a_run()

    assert watch.damage() == []
    assert len(log.chunks) == 4


async def test_missing_chunk_is_seen_while_the_log_lives() -> None:
    log = await log_of_a_run()
    del log.chunks[1]

    assert watch.damage() != []


async def test_missing_chunk_is_seen_when_the_log_has_gone() -> None:
    log = await log_of_a_run()
    del log.chunks[1]
    del log

    assert watch.damage() != []


@pytest.mark.unwatched
async def test_unwatched_log_is_left_alone() -> None:
    await doubling.create_run().start(1)

    assert watch._logs == []


def test_thread_that_stays_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "GRACE", 0.05)
    before, leave = set(threading.enumerate()), threading.Event()
    thread = threading.Thread(target=leave.wait, name="the one that stays", daemon=True)
    thread.start()

    assert watch.threads_left(before) == ["the one that stays"]
    leave.set()
    thread.join()
    assert watch.threads_left(before) == []


async def test_task_that_stays_is_seen() -> None:
    task = asyncio.create_task(asyncio.Event().wait(), name="the one that stays")

    assert [left for left in await watch.tasks_left() if "the one that stays" in left] != []
    task.cancel()
    await asyncio.wait([task])
