"""The threads of the pool: made, reused, ended, never in the way."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref

import pytest

from rxloom.offload import ThreadPool
from tests.offload_bench import Bench, bench, narrow

__all__ = ["bench", "narrow"]


async def test_threads_are_reused(bench: Bench) -> None:
    for count in range(1, 6):
        bench.submit(threading.get_ident)
        await bench.returned(count)
        await bench.rest()

    assert len({outcome.value for outcome in bench.outcomes}) == 1


async def test_there_are_never_more_threads_than_allowed() -> None:
    bench = Bench(3)
    running: set[int] = set()
    most = 0
    lock = threading.Lock()

    def call() -> None:
        nonlocal most
        with lock:
            running.add(threading.get_ident())
            most = max(most, len(running))
        with lock:
            running.discard(threading.get_ident())

    for _ in range(500):
        bench.submit(call)
    await bench.returned(500)

    assert 1 <= most <= 3
    assert bench.pool.close(wait=10) == []


async def test_idle_threads_end(bench: Bench) -> None:
    hasty = Bench(idle=0.01)
    hasty.submit(threading.current_thread)
    (outcome,) = await hasty.returned(1)
    outcome.unwrap().join(10)
    hasty.submit(threading.current_thread)
    await hasty.returned(2)

    assert hasty.outcomes[1].value is not outcome.value
    assert hasty.pool.close() == []
    assert bench.outcomes == []


async def test_calls_are_not_lost_while_threads_end() -> None:
    bench = Bench(2, idle=0.0005)
    for count in range(1, 301):
        bench.submit(int)
        await bench.returned(count)
        await asyncio.sleep(0.0005 * (count % 3))

    assert bench.pool.close() == []


async def test_closing_reports_the_calls_that_do_not_answer(bench: Bench) -> None:
    await bench.block("the stuck one")
    bench.submit(int)
    await bench.returned(1)

    assert bench.pool.close(wait=0.01) == ["the stuck one"]
    bench.gate.set()
    await bench.returned(2)


async def test_calls_that_queue_when_it_closes_are_told(narrow: Bench) -> None:
    await narrow.block()
    narrow.submit(int)
    narrow.pool.close()
    (outcome,) = await narrow.returned(1)

    assert isinstance(outcome.error, RuntimeError)
    with pytest.raises(RuntimeError, match="closed"):
        narrow.submit(int)


async def test_closing_leaves_no_thread(bench: Bench) -> None:
    before = set(threading.enumerate())
    for _ in range(10):
        bench.submit(int)
    await bench.returned(10)
    assert bench.pool.close(wait=10) == []

    assert set(threading.enumerate()) <= before


async def _blocked(bench: Bench) -> None:
    await bench.block()


def test_an_outcome_for_a_closed_loop_is_dropped() -> None:
    bench = Bench()
    asyncio.run(_blocked(bench))
    bench.gate.set()

    assert bench.pool.close(wait=10) == []
    assert bench.outcomes == []


async def test_nothing_of_a_call_is_kept_by_an_idle_thread(bench: Bench) -> None:
    class Payload:
        pass

    def call() -> weakref.ref[Payload]:
        payload = Payload()
        bench.submit(lambda: payload)
        return weakref.ref(payload)

    gc.collect()
    gc.disable()
    try:
        payload = call()
        (await bench.returned(1)).clear()
        await bench.rest()
        assert payload() is None
    finally:
        gc.enable()


async def test_when_the_system_has_no_more_threads_those_there_are_do_the_work(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    await bench.block()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    bench.submit(int)
    assert bench.pool.open == 2
    bench.gate.set()
    await bench.returned(2)
    with pytest.raises(RuntimeError, match="can't start"):
        Bench().submit(int)

    assert bench.pool.open == 0


@pytest.mark.parametrize("max_threads", [0, -1])
def test_a_pool_without_threads_is_refused(max_threads: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ThreadPool(max_threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # 3.12 warns of what is tried here
def test_the_child_of_a_fork_starts_afresh() -> None:
    bench = Bench()
    asyncio.run(_blocked(bench))
    child = os.fork()
    if child == 0:
        os._exit(bench.pool.open)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert bench.pool.open == 1
    bench.gate.set()
    assert bench.pool.close(wait=10) == []


def test_a_call_that_never_returns_does_not_hold_the_interpreter() -> None:
    script = """
import asyncio, contextvars, threading
from rxloom.offload import ThreadPool

async def main():
    pool = ThreadPool()
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    def stuck():
        loop.call_soon_threadsafe(begun.set)
        threading.Event().wait()
    pool.submit(stuck, print, context=contextvars.copy_context(), loop=loop, label="stuck")
    await begun.wait()
    print(pool.close())

asyncio.run(main())
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603  our own script

    assert (done.returncode, done.stdout, done.stderr) == (0, "['stuck']\n", "")
