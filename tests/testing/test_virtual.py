"""The event loop whose time jumps."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from rxloom.scheduler import LoopScheduler
from rxloom.testing import Deadlock, VirtualLoop, virtual_run


def test_sleeping_takes_no_time_and_moves_the_clock() -> None:
    async def main() -> float:
        await asyncio.sleep(86_400 * 365)
        return asyncio.get_running_loop().time()

    assert virtual_run(main()) == 86_400 * 365


def test_timers_come_in_exact_order() -> None:
    async def main() -> list[tuple[int, float]]:
        loop = asyncio.get_running_loop()
        seen: list[tuple[int, float]] = []

        async def nap(number: int) -> None:
            await asyncio.sleep(number / 10)
            seen.append((number, loop.time()))

        await asyncio.gather(*(nap(number) for number in [5, 3, 9, 1]))
        return seen

    assert virtual_run(main()) == [(1, 0.1), (3, 0.3), (5, 0.5), (9, 0.9)]


def test_what_is_ready_comes_before_any_jump() -> None:
    async def main() -> float:
        nap = asyncio.create_task(asyncio.sleep(10))
        for _ in range(1000):
            await asyncio.sleep(0)
        before = asyncio.get_running_loop().time()
        await nap
        return before

    assert virtual_run(main()) == 0


def test_timeouts_are_virtual() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert virtual_run(main()) == 60


def test_the_epoch_is_fixed() -> None:
    async def main() -> int:
        await asyncio.sleep(1.5)
        return LoopScheduler(asyncio.get_running_loop()).epoch_ms()

    assert virtual_run(main()) == 1_700_000_001_500


def test_the_clock_stands_still_during_a_call_on_a_thread() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        nap = asyncio.create_task(asyncio.sleep(0.001))
        await asyncio.to_thread(threading.Event().wait, 0.02)
        during = loop.time()
        await nap
        return [during, loop.time()]

    assert virtual_run(main(), debug=True) == [0, 0.001]


def test_a_held_clock_waits_for_a_release_on_another_thread() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.hold()
        nap = asyncio.create_task(asyncio.sleep(100))
        released_at: list[float] = []

        def release() -> None:
            released_at.append(loop.time())
            loop.release()

        timer = threading.Timer(0.01, release)
        timer.start()
        await nap
        timer.join()
        return [*released_at, loop.time()]

    assert virtual_run(main(), debug=True) == [0, 100]


def test_sockets_work() -> None:
    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(0)
            theirs.settimeout(0)
            await loop.sock_sendall(theirs, b"hello")
            return await loop.sock_recv(ours, 10)

    assert virtual_run(main()) == b"hello"


def test_a_deadlock_is_told_with_the_tasks_that_wait_and_where() -> None:
    async def inner() -> None:
        await asyncio.Event().wait()

    async def outer() -> None:
        await inner()

    async def main() -> None:
        await asyncio.sleep(5)
        await asyncio.create_task(outer(), name="the other")

    with pytest.raises(Deadlock) as caught:
        virtual_run(main())

    text = str(caught.value)
    assert "at 5 s: no timer is set" in text  # what else is not there depends on the threads of other tests
    assert "outer > " in text
    assert "inner > Event.wait" in text
    assert "the other" in text
    assert "test_virtual.py:" in text


def test_a_deadlock_takes_the_threads_nobody_counts_into_account() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        threading.Timer(0.05, loop.call_soon_threadsafe, (done.set,)).start()
        await done.wait()
        return "woken"

    assert virtual_run(main()) == "woken"


def test_a_thread_that_does_not_call_in_is_a_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxloom.testing._virtual._THREADS", 0.02)
    over = threading.Event()
    thread = threading.Thread(target=over.wait, args=(10,))
    thread.start()
    with pytest.raises(Deadlock, match=r"no thread has called in for so long \(0.02 s of real time\)"):
        virtual_run(asyncio.Event().wait())
    over.set()
    thread.join()


@pytest.mark.parametrize("what", ["call", "socket"])
def test_patience_with_calls_and_sockets_ends(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr("rxloom.testing._virtual._PATIENCE", 0.02)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        if what == "call":
            loop.hold()
            try:
                await asyncio.sleep(1)
            finally:
                loop.release()
        else:
            with socket.socket(type=socket.SOCK_DGRAM) as silent:
                silent.settimeout(0)
                silent.bind(("127.0.0.1", 0))
                await loop.sock_recv(silent, 1)

    with pytest.raises(Deadlock, match=what):
        virtual_run(main())


def test_a_loop_that_only_runs_is_not_deadlocked() -> None:
    loop = VirtualLoop()
    seen: list[float] = []

    def work() -> None:
        loop.call_later(100, loop.stop)
        seen.append(loop.time())

    threading.Timer(0.02, loop.call_soon_threadsafe, (work,)).start()
    loop.run_forever()
    seen.append(loop.time())
    loop.close()

    assert seen == [0, 100]


def test_the_result_and_the_error_come_through() -> None:
    async def fail() -> Any:
        raise ValueError("no")

    assert virtual_run(asyncio.sleep(1, "value")) == "value"
    with pytest.raises(ValueError, match="no"):
        virtual_run(fail())


def test_no_thread_is_left() -> None:
    before = threading.active_count()

    async def main() -> None:
        await asyncio.gather(*(asyncio.to_thread(int) for _ in range(5)))
        await asyncio.sleep(1000)

    virtual_run(main())

    assert threading.active_count() <= before
