"""The store in memory: compare-and-set, owners, what it keeps."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from rxloom import MemoryStore
from rxloom.chunks import LegStarted, Record, StepOutput
from rxloom.errors import OwnershipLost, RunNotFound
from tests.logs import finish, output, start


def leg(at: int = 0, kind: Any = "start") -> list[Record]:
    return [LegStarted(kind, "flow", at, resource_id="Ada"), start()]


def ended(store: MemoryStore, run_id: str, at: int = 0, status: Any = "success") -> None:
    store.append(run_id, 0, 0, leg(at))
    store.append(run_id, 0, 2, [finish(status)])


async def test_records_come_back_as_they_were_appended() -> None:
    store = MemoryStore()
    records = [*leg(), output("a"), output("b"), finish()]
    store.append("run", 0, 0, records[:2])
    store.append("run", 0, 2, records[2:4])
    store.append("run", 0, 4, records[4:])

    assert await store.read("run") == records
    assert await store.read("run", 3) == records[3:]
    assert await store.read("run", 9) == []


async def test_head_tells_what_is_known_of_a_run() -> None:
    store = MemoryStore()
    store.append("run", 0, 0, leg(7))
    running = await store.head("run")
    store.append("run", 0, 2, [finish("suspended")])
    suspended = await store.head("run")

    assert running is not None
    assert (running.run_id, running.workflow_id, running.resource_id) == ("run", "flow", "Ada")
    assert (running.status, running.created_at, running.fence, running.next_pos) == ("running", 7, 0, 2)
    assert suspended is not None
    assert (suspended.status, suspended.next_pos) == ("suspended", 3)
    assert await store.head("nobody") is None


@pytest.mark.parametrize(("fence", "pos"), [(0, 1), (0, 3), (1, 2), (0, 0)], ids=str)
async def test_append_elsewhere_or_by_somebody_else_is_refused_and_changes_nothing(fence: int, pos: int) -> None:
    store = MemoryStore()
    store.append("run", 0, 0, leg())
    before = await store.head("run")
    with pytest.raises(OwnershipLost):
        store.append("run", fence, pos, [output("a")] if pos else leg())

    assert await store.head("run") == before
    assert len(await store.read("run")) == 2


async def test_who_takes_a_run_shuts_the_owner_before_out() -> None:
    store = MemoryStore()
    store.append("run", 0, 0, leg())
    head = await store.take("run")
    with pytest.raises(OwnershipLost):
        store.append("run", 0, 2, [output("late")])
    store.append("run", head.fence, 2, [output("mine")])

    assert head.fence == 1
    assert len(await store.read("run")) == 3


@pytest.mark.parametrize(("pos", "records"), [(2, [output("a")]), (0, [output("a")])], ids=["later", "no start"])
def test_first_append_of_a_run_is_its_start(pos: int, records: list[Record]) -> None:
    with pytest.raises(OwnershipLost):
        MemoryStore().append("run", 0, pos, records)


async def test_newest_runs_that_ended_are_kept_and_all_others() -> None:
    store = MemoryStore(keep=2)
    store.append("live", 0, 0, leg())
    ended(store, "asks", status="suspended")
    for number in range(5):
        ended(store, f"{number}", at=number + 1)
    gc.collect()

    assert [head.run_id for head in await store.heads()] == ["live", "asks", "3", "4"]


async def test_pin_keeps_a_run_that_ended() -> None:
    store = MemoryStore(keep=0)
    store.append("run", 0, 0, leg())
    pin = store.pin("run")
    store.append("run", 0, 2, [finish()])
    kept = len(await store.read("run"))
    del pin
    gc.collect()

    assert kept == 3
    assert await store.heads() == []


async def test_run_that_was_deleted_is_unknown_and_its_id_is_free() -> None:
    store = MemoryStore(keep=2)
    ended(store, "run")
    await store.delete("run")
    for verb in (store.read, store.take, store.delete):
        with pytest.raises(RunNotFound):
            await verb("run")
    ended(store, "run", at=1)
    ended(store, "other", at=2)

    assert [head.run_id for head in await store.heads()] == ["run", "other"]  # the first "run" is not counted


async def test_outputs_over_a_bound_are_dropped_and_nothing_else() -> None:
    store = MemoryStore()
    store.append("run", 0, 0, leg(), 10)
    for number in range(300):
        store.append("run", 0, number + 2, [output(number)], 10)
    store.append("run", 0, 302, [finish()], 10)
    records = await store.read("run")
    outputs = [record.output for record in records if isinstance(record, StepOutput)]

    assert [type(record).__name__ for record in (*records[:2], records[-1])] == [
        "LegStarted", "WorkflowStart", "WorkflowFinish",
    ]  # fmt: skip
    assert outputs[-10:] == list(range(290, 300))
    assert len(outputs) <= 10 + 10 + 64
    assert len(await store.read("run", 250)) == 53


def test_keep_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="keep"):
        MemoryStore(keep=-1)


async def test_threads_may_use_one_store() -> None:
    def use(name: int) -> None:
        for number in range(200):
            ended(store, f"{name}-{number}", at=number)
            asyncio.run(store.heads())

    store = MemoryStore(keep=3)
    await asyncio.gather(*(asyncio.to_thread(use, name) for name in range(4)))
    gc.collect()

    assert len(await store.heads()) == 3
