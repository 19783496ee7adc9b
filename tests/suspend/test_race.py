"""Several callers resume at once: on one loop, on several, from threads."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from rxloom import NotSuspended, ResumeConflict, create_step, create_workflow
from tests.ledger import Ledger
from tests.play import adding, asking, read, told
from tests.virtual import virtual


def counted(calls: list[Any], *asks: Any) -> Any:
    """Build a workflow that asks side by side, and counts how often it went on."""

    async def note(value: Any) -> Any:
        calls.append(value)
        return value

    return create_workflow("wf").parallel(asks or [asking("ask")]).then(create_step("note", note)).commit()


def outcome(found: Sequence[Any]) -> Counter[str]:
    """Count what became of some resumes."""
    return Counter(type(one).__name__ if isinstance(one, BaseException) else one.status for one in found)


@virtual
async def test_of_many_on_one_loop_exactly_one_wins() -> None:
    calls: list[Any] = []
    run = counted(calls).create_run()
    await run.start(1)
    found = await asyncio.gather(*(run.resume(number) for number in range(20)), return_exceptions=True)

    assert outcome(found)["success"] == 1
    assert set(outcome(found)) <= {"success", "ResumeConflict", "NotSuspended"}
    assert len(calls) == 1


@virtual
async def test_of_many_run_objects_exactly_one_wins(ledger: Ledger) -> None:
    calls: list[Any] = []
    wf = counted(calls)
    run = wf.create_run()
    await run.start(1)
    others = [wf.create_run(run_id=run.run_id, on_existing="join") for _ in range(5)]
    found = await asyncio.gather(*(one.resume(number) for number, one in enumerate(others)), return_exceptions=True)

    assert outcome(found)["success"] == 1
    assert len(calls) == 1
    assert len(ledger.run_ids()) == 1


@virtual
async def test_the_losers_run_nothing_and_use_no_seq(ledger: Ledger) -> None:
    run = counted([]).create_run()
    await run.start(1)
    await asyncio.gather(*(run.resume(number) for number in range(5)), return_exceptions=True)
    chunks = await read(run.observe_stream_vnext())

    assert told(chunks).count("start") == 2
    assert told(chunks).count("ask: resumed") == 1
    assert ledger.problems() == []


@virtual
async def test_two_resumes_of_two_leaves_both_win() -> None:
    calls: list[Any] = []
    run = counted(calls, asking("a"), asking("b")).create_run()
    await run.start(1)
    found = await asyncio.gather(run.resume("A", step="a"), run.resume("B", step="b"), return_exceptions=True)

    assert "success" in outcome(found)
    assert set(outcome(found)) <= {"success", "suspended"}
    assert calls == [{"a": (1, "A"), "b": (1, "B")}]


@virtual
async def test_many_resumes_of_many_leaves_all_win() -> None:
    calls: list[Any] = []
    run = counted(calls, *(asking(f"s{n}") for n in range(12))).create_run()
    await run.start(1)
    await asyncio.gather(*(run.resume(n, step=f"s{n}") for n in range(12)))

    assert calls == [{f"s{n}": (1, n) for n in range(12)}]


@virtual
async def test_two_who_go_on_after_a_pause_are_one_winner_and_one_loser() -> None:
    run = create_workflow("wf").then(adding("a")).then(adding("b", seconds=1)).commit().create_run()
    await run.start(1, per_step=True)
    found = await asyncio.gather(run.resume(), run.resume(), return_exceptions=True)

    assert sorted(outcome(found).elements()) == ["NotSuspended", "success"]


def in_threads(run: Any, calls: list[tuple[Any, dict[str, Any]]]) -> list[Any]:
    """Resume from as many threads, each with a loop of its own, at the same time."""
    barrier = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def one(at: int, data: Any, where: dict[str, Any]) -> None:
        async def main() -> None:
            barrier.wait(10)
            try:
                found[at] = await asyncio.wait_for(run.resume(data, **where), 20)
            except Exception as error:  # noqa: BLE001 # it is looked at
                found[at] = error

        asyncio.run(main())

    threads = [threading.Thread(target=one, args=(at, *call)) for at, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


@pytest.mark.parametrize("attempt", range(5))
def test_of_many_threads_with_loops_of_their_own_exactly_one_wins(attempt: int) -> None:
    calls: list[Any] = []
    run = counted(calls).create_run(run_id=f"run-{attempt}")
    asyncio.run(_started(run))
    found = in_threads(run, [(number, {}) for number in range(6)])

    assert outcome(found)["success"] == 1
    assert set(outcome(found)) <= {"success", "ResumeConflict", "NotSuspended"}
    assert len(calls) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_threads_that_resume_different_leaves_all_win(attempt: int) -> None:
    calls: list[Any] = []
    run = counted(calls, *(asking(f"s{n}") for n in range(4))).create_run(run_id=f"run-{attempt}")
    asyncio.run(_started(run))
    found = in_threads(run, [(n, {"step": f"s{n}"}) for n in range(4)])

    assert set(outcome(found)) <= {"success", "suspended"}
    assert calls == [{f"s{n}": (1, n) for n in range(4)}]


async def _started(run: Any) -> None:
    await run.start(1)


def test_an_answer_from_another_loop_joins_the_leg_on_its_own() -> None:
    loops: list[Any] = []

    async def where(pair: Any) -> Any:
        loops.append(asyncio.get_running_loop())
        return pair

    async def main() -> Any:
        arms = [create_workflow("arm").then(asking("ask")).then(create_step("where", where)).commit(),
                adding("slow", seconds=0.5)]  # fmt: skip
        run = create_workflow("wf").parallel(arms).commit().create_run()
        stream = run.stream_vnext(1)
        await asyncio.sleep(0.1)
        other = await asyncio.to_thread(lambda: asyncio.run(_resumed(run)))
        return asyncio.get_running_loop(), other, await stream.result

    async def _resumed(run: Any) -> Any:
        stream = run.resume_stream_vnext("yes")
        return told(await read(stream)), await stream.result

    loop, (lines, seen), result = asyncio.run(asyncio.wait_for(main(), 20))

    assert loops == [loop]
    assert seen == result
    assert lines[-1] == "success"
    assert "arm.ask: resumed" in lines


def test_a_run_without_a_loop_is_resumed_without_one() -> None:
    run = counted([]).create_run()
    assert run.stream_vnext(1).result.run().status == "suspended"
    assert run.resume_stream_vnext("yes").result.run().unwrap() == {"ask": (1, "yes")}


@virtual
async def test_a_resume_and_a_cancel_at_once_leave_one_ending() -> None:
    for _ in range(5):
        calls: list[Any] = []
        run = counted(calls).create_run()
        await run.start(1)
        found = await asyncio.gather(run.resume("yes"), run.cancel(), return_exceptions=True)
        snapshot = await run.snapshot()

        assert snapshot.status in {"success", "canceled"}
        assert not isinstance(found[1], BaseException)
        if isinstance(found[0], BaseException):
            assert isinstance(found[0], NotSuspended | ResumeConflict)
        else:
            assert found[0].status == snapshot.status


@virtual
async def test_a_resume_and_an_event_at_once_both_arrive() -> None:
    run = create_workflow("wf").then(asking("ask")).wait_for_event("go").commit().create_run()
    await run.start(1)
    found = await asyncio.gather(run.resume("yes"), run.send_event("go", 5))

    assert found[0].unwrap() == 5


def test_a_cancel_from_another_loop_while_the_loop_of_the_run_ends_settles_it_all_the_same() -> None:
    async def stubborn(_: Any) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    run = create_workflow("wf").then(create_step("s", stubborn)).commit().create_run()
    started = threading.Event()

    async def main() -> None:
        run.stream_vnext(1)
        started.set()
        await asyncio.sleep(0.3)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    started.wait(10)
    asyncio.run(asyncio.wait_for(run.cancel("enough"), 20))
    thread.join(10)

    assert asyncio.run(run.snapshot()).status == "canceled"
