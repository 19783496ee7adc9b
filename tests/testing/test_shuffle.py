"""A virtual loop with a seed: another order of what is ready, the same one each time, and one that could have come."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from rxloom import StepContext, create_step, create_workflow
from rxloom.testing import Deadlock, run_virtual, virtual_run
from tests.play import turns

SEEDS = range(30)


def orders(main: Callable[[], Coroutine[Any, Any, str]]) -> set[str]:
    """Return the orders that some seeds bring."""
    return {virtual_run(main(), seed=seed) for seed in SEEDS}


async def noting(*acts: Callable[[list[str]], object]) -> str:
    """Do something with a list of notes, wait a second, and return them."""
    notes: list[str] = []
    kept = [act(notes) for act in acts]
    await asyncio.sleep(1)
    del kept
    return "".join(notes)


def task(name: str) -> Callable[[list[str]], object]:
    """Start a task that notes its name."""

    async def note(notes: list[str]) -> None:
        notes.append(name)

    return lambda notes: asyncio.get_running_loop().create_task(note(notes))


def callback(name: str) -> Callable[[list[str]], object]:
    """Have the loop note a name soon."""
    return lambda notes: asyncio.get_running_loop().call_soon(notes.append, name)


def timer(name: str) -> Callable[[list[str]], object]:
    """Have the loop note a name in half a second."""
    return lambda notes: asyncio.get_running_loop().call_at(0.5, notes.append, name)


def test_tasks_that_are_ready_come_in_any_order() -> None:
    assert orders(lambda: noting(task("a"), task("b"), task("c"))) == {"abc", "acb", "bac", "bca", "cab", "cba"}


def test_a_seed_brings_the_same_order_each_time() -> None:
    tasks = [task(name) for name in "abcdefgh"]
    found = [virtual_run(noting(*tasks), seed=5) for _ in range(3)]

    assert len(set(found)) == 1
    assert found[0] != virtual_run(noting(*tasks), seed=6)


def test_without_a_seed_the_order_is_asyncios() -> None:
    assert virtual_run(noting(task("a"), callback("b"), task("c"), timer("d"), timer("e"))) == "abcde"


def test_callbacks_keep_their_order_among_themselves_and_tasks_come_anywhere_between() -> None:
    found = orders(lambda: noting(callback("1"), task("a"), callback("2")))

    assert found == {"a12", "1a2", "12a"}


def test_timers_that_are_due_at_the_same_moment_come_in_any_order() -> None:
    assert orders(lambda: noting(timer("a"), timer("b"))) == {"ab", "ba"}


def test_a_timer_that_was_cancelled_stays_so() -> None:
    def cancelled(notes: list[str]) -> object:
        handle = asyncio.get_running_loop().call_at(0.5, notes.append, "x")
        return asyncio.get_running_loop().call_later(0.4, handle.cancel)

    assert orders(lambda: noting(timer("a"), cancelled)) == {"a"}


def test_who_waits_for_one_future_is_woken_in_the_order_of_asking() -> None:
    async def main() -> str:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        notes: list[str] = []

        async def wait(name: str) -> None:
            await future
            notes.append(name)

        first = asyncio.create_task(wait("a"))
        await turns(2)
        future.add_done_callback(lambda _: notes.append("b"))
        second = asyncio.create_task(wait("c"))
        await turns(2)
        future.set_result(None)
        await asyncio.gather(first, second)
        return "".join(notes)

    assert orders(main) == {"abc"}


def test_what_threads_tell_a_loop_is_not_lost() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        found: list[int] = []
        over = asyncio.Event()

        def tell() -> None:
            for number in range(2_000):
                loop.call_soon_threadsafe(found.append, number)
            loop.call_soon_threadsafe(over.set)

        thread = threading.Thread(target=tell)
        thread.start()
        while not over.is_set():
            await turns(1)
        thread.join()
        return len(found)

    assert virtual_run(main(), seed=1) == 2_000


def test_a_deadlock_names_the_seed() -> None:
    with pytest.raises(Deadlock, match=r"at 0 s \(seed 42\)"):
        virtual_run(asyncio.Event().wait(), seed=42)


def racing() -> Any:
    """Make a workflow whose output depends on who comes first."""
    order: list[str] = []

    def note(name: str) -> Any:
        async def body(_: int, ctx: StepContext) -> list[str]:
            await asyncio.sleep(1)
            order.append(name)
            await ctx.write(name)
            return order

        return create_step(name, body)

    return create_workflow("race", input=int).parallel([note(name) for name in "abc"]).commit()


def order(seed: int | None) -> str:
    """Return the order in which the steps of a race ran."""
    outputs = run_virtual(racing(), 1, seed=seed).result.unwrap().values()
    return "".join(max(outputs, key=len))


def test_a_workflow_runs_in_the_order_of_its_seed() -> None:
    assert {order(seed) for seed in SEEDS} == {"abc", "acb", "bac", "bca", "cab", "cba"}
    assert order(None) == "abc"


def test_a_seed_brings_the_same_order_in_another_process() -> None:
    code = (
        "import asyncio\nfrom rxloom.testing import virtual_run\nfrom tests.testing.test_shuffle import noting, task\n"
        "print(virtual_run(noting(*[task(name) for name in 'abcdefgh']), seed=5))"
    )
    called = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert called.stdout.strip() == virtual_run(noting(*[task(name) for name in "abcdefgh"]), seed=5)
