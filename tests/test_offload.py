"""Blocking calls on threads: what they return, raise and see."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar, copy_context

import pytest

from rxloom.ports.offload import Outcome
from rxloom.testing import virtual_run
from tests.offload_bench import Bench, bench, narrow

__all__ = ["bench", "narrow"]


async def test_a_call_runs_on_a_thread_and_its_outcome_arrives_on_the_loop(bench: Bench) -> None:
    arrived: list[str] = []
    done = asyncio.Event()

    def on_done(outcome: Outcome[str]) -> None:
        arrived.extend([outcome.unwrap(), threading.current_thread().name])
        done.set()

    loop = asyncio.get_running_loop()
    bench.pool.submit(lambda: threading.current_thread().name, on_done, context=copy_context(), loop=loop)
    await done.wait()

    assert arrived == ["rxloom-worker-1", threading.current_thread().name]


@pytest.mark.parametrize(
    "error",
    [ValueError(), StopIteration(), StopAsyncIteration(), GeneratorExit(), SystemExit(3), KeyboardInterrupt(),
     asyncio.CancelledError()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_whatever_a_call_raises_is_its_outcome(bench: Bench, error: BaseException) -> None:
    def fail() -> None:
        raise error

    bench.submit(fail)
    (outcome,) = await bench.returned(1)

    assert outcome.error is error
    with pytest.raises(type(error)):
        outcome.unwrap()


async def test_a_call_runs_in_the_context_it_was_given(bench: Bench) -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("mine")
    context = copy_context()
    variable.set("changed")

    def change() -> str:
        before = variable.get()
        variable.set("inside")
        return before

    bench.submit(change, context=context)
    (outcome,) = await bench.returned(1)

    assert outcome.unwrap() == "mine"
    assert variable.get() == "changed"
    assert context[variable] == "inside"


async def test_calls_beyond_the_threads_queue_in_order(narrow: Bench) -> None:
    order: list[int] = []
    await narrow.block()
    for number in range(20):
        narrow.submit(lambda number=number: order.append(number))
    assert narrow.pool.open == 21
    narrow.gate.set()
    await narrow.returned(21)

    assert order == list(range(20))


async def test_a_call_that_queues_can_be_taken_back(narrow: Bench) -> None:
    running = await narrow.block()
    waiting = narrow.submit(lambda: pytest.fail("it was taken back"))

    assert running.cancel() is False
    assert waiting.cancel() is True
    assert waiting.cancel() is False
    narrow.gate.set()
    await narrow.returned(1)
    await narrow.rest()
    assert narrow.pool.open == 0


async def test_a_call_is_either_taken_back_or_runs(bench: Bench) -> None:
    ran: list[int] = []
    taken_back: list[int] = []
    for number in range(300):
        call = bench.submit(lambda number=number: ran.append(number))
        if number % 3:
            await asyncio.sleep(0)
        if call.cancel():
            taken_back.append(number)
    await bench.returned(300 - len(taken_back))

    assert sorted([*ran, *taken_back]) == list(range(300))
    assert bench.pool.open == 0


async def test_the_open_calls_are_counted(bench: Bench) -> None:
    assert bench.pool.open == 0
    await bench.block()
    await bench.block()
    assert bench.pool.open == 2
    bench.gate.set()
    await bench.returned(2)

    assert bench.pool.open == 0


def test_virtual_time_stands_still_while_a_call_is_open() -> None:
    async def main() -> tuple[float, float]:
        bench = Bench(1)
        loop = asyncio.get_running_loop()
        tick = asyncio.create_task(asyncio.sleep(3600))
        for _ in range(3):
            bench.submit(lambda: threading.Event().wait(0.005))
        taken_back = bench.submit(int).cancel()
        await bench.returned(3)
        at_return = loop.time()
        await tick
        bench.pool.close()
        assert taken_back
        return at_return, loop.time()

    assert virtual_run(main(), debug=True) == (0, 3600)
