"""Several callers resume at once, and the store takes its time."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

from typing_extensions import override

from rxloom import Runtime, create_workflow
from rxloom.memory import MemoryStore
from rxloom.ports.store import Head
from tests.play import adding, asking, read, told
from tests.suspend.test_race import counted, outcome
from tests.virtual import virtual


class SlowStore(MemoryStore):
    """A store that takes its time to give a run to another owner."""

    @override
    async def take(self, run_id: str) -> Head:
        """Raise the fence, later."""
        await asyncio.sleep(1)
        head = await super().take(run_id)
        await asyncio.sleep(1)
        return head


async def on_a_slow_store(calls: list[Any], *asks: Any) -> Any:
    """Start a run whose store takes its time."""
    workflow = counted(calls, *asks)
    runtime = Runtime(workflow, store=SlowStore())
    run = runtime.create_run("wf")
    await run.start(1)
    return run


@virtual
async def test_while_one_waits_for_the_store_the_others_wait_for_it() -> None:
    calls: list[Any] = []
    run = await on_a_slow_store(calls)
    found = await asyncio.gather(*(run.resume(number) for number in range(9)), return_exceptions=True)

    assert outcome(found)["success"] == 1
    assert len(calls) == 1
    assert told(await read(run.observe_stream_vnext())).count("start") == 2


@virtual
async def test_two_leaves_two_events_and_a_cancel_on_a_slow_store_come_one_after_the_other() -> None:
    calls: list[Any] = []
    run = await on_a_slow_store(calls, asking("a"), asking("b"))
    found = await asyncio.gather(
        run.resume("A", step="a"), run.send_event("x", 1), run.resume("B", step="b"), run.send_event("x", 2),
        return_exceptions=True,
    )  # fmt: skip
    snapshot = await run.snapshot()

    assert not [one for one in found if isinstance(one, BaseException)]
    assert calls == [{"a": (1, "A"), "b": (1, "B")}]
    assert snapshot.status == "success"


@virtual
async def test_who_finds_the_leg_of_another_when_its_turn_comes_joins_it() -> None:
    arm = create_workflow("arm").then(asking("a")).then(adding("slow", seconds=60, input=Any)).commit()
    runtime = Runtime(create_workflow("wf").parallel([arm, asking("b")], errors="collect").commit(), store=SlowStore())
    run = runtime.create_run("wf")
    await run.start(1)
    first, second = run.resume_stream_vnext("A", step="a"), run.resume_stream_vnext("B", step="b")

    assert await read(first) == await read(second)
    assert told(await read(first))[0] == "start"
    assert (await second.result).status == "success"


@virtual
async def test_a_cancel_while_a_resume_waits_for_the_store_wins_or_comes_after() -> None:
    calls: list[Any] = []
    run = await on_a_slow_store(calls)
    found = await asyncio.gather(run.resume("yes"), run.cancel("enough"), return_exceptions=True)
    snapshot = await run.snapshot()

    assert found[1] is None
    assert snapshot.status in {"success", "canceled"}
    assert told(await read(run.observe_stream_vnext()))[-1] == snapshot.status
