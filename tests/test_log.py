"""The log: seqs, listeners, readers, what a bounded one keeps, who paces it."""

from __future__ import annotations

import gc
from weakref import ref

import pytest

from rxloom.chunks import Gap, Told
from rxloom.errors import OwnershipLost, RunInterrupted
from rxloom.log import ChunkLog
from rxloom.memory import MemoryStore
from tests.logs import Ear, Pacer, Sleeper, filled, finish, opened, output, shown, start

pytestmark = pytest.mark.unwatched  # logs made by hand tell no workflow


# -- appending and telling -----------------------------------------------------------------------------------------


def test_chunks_get_the_seqs_0_1_2() -> None:
    log = filled("a", "b")

    assert [chunk.seq for chunk in log.chunks] == [0, 1, 2]
    assert (log.told, log.committed) == (3, 3)


def test_listener_is_told_each_chunk_once() -> None:
    log, ear = opened(), Ear()
    log.listen(ear)
    log.append(output("a"))
    log.append(finish())
    log.forget(ear)
    log.forget(ear)
    log.append(output("b"))

    assert shown(ear.heard) == ["a", "finish"]


def test_listener_that_is_not_keen_is_not_told_what_steps_write() -> None:
    log, ear = opened(), Ear(keen=False)
    log.listen(ear)
    log.append(output("a"))
    log.append(finish())

    assert shown(ear.heard) == ["finish"]


def test_what_is_appended_while_telling_comes_after_for_everybody() -> None:
    log = opened()
    first = Ear(then=lambda chunk: log.append(output("b")) if shown([chunk]) == ["a"] else None)
    second = Ear()
    log.listen(first)
    log.listen(second)
    log.append(output("a"))

    assert shown(first.heard) == shown(second.heard) == ["a", "b"]


def test_store_that_refuses_leaves_the_log_as_it_was() -> None:
    log, ear = opened(), Ear()
    log.listen(ear)
    log.reopen(7)
    with pytest.raises(OwnershipLost):
        log.append(output("a"))

    assert (ear.heard, log.told, log.snapshot.next_seq) == ([], 1, 1)


# -- interrupting --------------------------------------------------------------------------------------------------


def test_interruption_ends_everybody_once() -> None:
    log, ear, sleeper = opened(), Ear(), Sleeper()
    log.listen(ear)
    log.sleep(1, sleeper)
    woken: list[str] = []
    log.wait_for_room(lambda: woken.append("writer"))
    taken = RunInterrupted("taken")
    log.interrupt(taken)
    log.interrupt(RunInterrupted("again"))

    assert ear.ends == [taken]
    assert sleeper.woken == 1
    assert log.error is taken
    assert woken == ["writer"]


def test_interruption_while_telling_comes_after_what_was_appended() -> None:
    log = opened()
    taken = RunInterrupted("taken")

    def interrupt(chunk: Told) -> None:
        if shown([chunk]) == ["a"]:
            log.append(output("b"))
            log.interrupt(taken)

    first, second = Ear(then=interrupt), Ear()
    log.listen(first)
    log.listen(second)
    log.append(output("a"))

    assert shown(second.heard) == ["a", "b"]
    assert first.ends == second.ends == [taken]


def test_disowned_log_tells_nobody_and_ends_whoever_comes() -> None:
    log, ear = opened(), Ear()
    log.listen(ear)
    log.disown(RunInterrupted("forked"))
    sleeper = Sleeper()
    log.sleep(1, sleeper)

    assert (ear.heard, ear.ends, sleeper.woken) == ([], [], 1)


# -- reading -------------------------------------------------------------------------------------------------------


def test_slice_gives_what_was_told_from_a_seq_on() -> None:
    log = filled("a", "b", "c")

    assert shown(log.slice(0)) == ["start", "a", "b", "c"]
    assert shown(log.slice(2)) == ["b", "c"]
    assert shown(log.slice(1, 1)) == ["a"]
    assert log.slice(4) == []


def test_bounded_log_keeps_the_lifecycle_and_at_least_the_newest_outputs() -> None:
    log = filled(*range(500), keep=10)
    log.append(finish())
    chunks = log.slice(0)

    assert shown(chunks)[0] == "start"
    assert shown(chunks)[-11:] == [*range(490, 500), "finish"]
    gap = shown(chunks)[1]
    assert len(log.chunks) <= 10 + 10 + 64 + 2
    assert [gap.start, gap.stop + len(chunks) - 2] == [1, 502]


def test_slices_of_a_bounded_log_add_up_without_a_gap_that_is_not_told() -> None:
    log = opened(keep=5)
    for number in range(1000):
        log.append(output(number) if number % 7 else start())
    at = 0
    seqs: list[int] = []
    while batch := log.slice(at, 13):
        for chunk in batch:
            seqs += range(chunk.data.from_seq, chunk.data.to_seq + 1) if isinstance(chunk, Gap) else [chunk.seq]
        at = seqs[-1] + 1

    assert seqs == list(range(1001))


def test_who_sleeps_is_woken_once_there_is_more() -> None:
    log, sleeper = opened(), Sleeper()
    log.sleep(1, sleeper)
    before = sleeper.woken
    log.append(output("a"))
    log.append(output("b"))

    assert (before, sleeper.woken) == (0, 1)


def test_who_sleeps_too_late_is_woken_at_once() -> None:
    log, sleeper = filled("a"), Sleeper()
    log.sleep(1, sleeper)

    assert sleeper.woken == 1


def test_who_sleeps_is_not_held() -> None:
    log, sleeper = opened(), Sleeper()
    log.sleep(1, sleeper)
    gone = ref(sleeper)
    del sleeper

    assert gone() is None
    log.append(output("a"))


# -- pacing --------------------------------------------------------------------------------------------------------


def test_writers_wait_for_a_reader_over_its_bound_and_go_on_at_half_of_it() -> None:
    log, reader = opened(), Pacer(cursor=1, bound=4)
    log.pace(reader)
    crowded: list[bool] = []
    for number in range(5):
        log.append(output(number))
        crowded.append(log.crowded)
    woken: list[int] = []
    log.wait_for_room(lambda: woken.append(reader.cursor))
    for _ in range(4):
        reader.cursor += 1
        log.make_room()

    assert crowded == [False, False, False, False, True]
    assert woken == [4]


def _crowd(log: ChunkLog) -> list[str]:
    for number in range(5):
        log.append(output(number))
    woken: list[str] = []
    log.wait_for_room(lambda: woken.append("writer"))
    return woken


def test_reader_that_leaves_frees_the_writers() -> None:
    log, reader = opened(), Pacer(cursor=1)
    log.pace(reader)
    woken = _crowd(log)
    before = list(woken)
    log.unpace(reader)

    assert (before, woken, log.crowded) == ([], ["writer"], False)


def test_reader_that_is_collected_frees_the_writers() -> None:
    log, reader = opened(), Pacer(cursor=1)
    log.pace(reader)
    woken = _crowd(log)
    log.leave_behind(-1)
    del reader
    gc.collect()

    assert (woken, log.crowded) == (["writer"], False)


def test_only_readers_that_stood_still_are_left_behind() -> None:
    log, still, slow = opened(), Pacer(cursor=1, moved=10), Pacer(cursor=1, moved=11)
    log.pace(still)
    log.pace(slow)
    _crowd(log)

    assert log.leave_behind(10) == 11
    assert log.laggards(1.0) == [slow]
    assert log.leave_behind(11) is None
    assert not log.crowded


def test_bounded_log_drops_nothing_that_a_pacing_reader_has_still_to_read() -> None:
    log, reader = opened(keep=1), Pacer(cursor=1)
    log.pace(reader)
    for number in range(300):
        log.append(output(number))
    held = shown(log.slice(1, 2))
    log.unpace(reader)
    log.append(output(300))

    assert held == [0, 1]
    assert len(log.chunks) <= 1 + 1 + 64


# -- legs ----------------------------------------------------------------------------------------------------------


def test_each_leg_keeps_its_own_outcome() -> None:
    log = filled("a")
    log.append(finish("suspended"))
    log.reopen(0)
    log.append(start())
    log.append(finish("success"))

    assert [ending.outcome.result.status for ending in log.endings] == ["suspended", "success"]


async def test_adopted_log_reads_like_the_one_that_was_recorded() -> None:
    store = MemoryStore()
    log = opened(store=store)
    log.append(output("a"))
    log.append(finish("suspended"))
    log.reopen(0)
    log.append(start())
    log.append(finish("failed"))
    again = ChunkLog("run", store, type(log.snapshot)("run"), keep=None)
    again.adopt(await store.read("run"), log.snapshot.next_pos)

    assert again.slice(0) == log.slice(0)
    assert (again.told, again.base) == (5, 5)
    assert [ending.outcome.result.status for ending in again.endings] == ["suspended", "failed"]


def test_stretch_ends_before_the_next_finish() -> None:
    log = opened()
    log.append(output("a"))
    log.append(output("b"))
    log.append(finish("suspended"))
    log.reopen(0)
    log.append(start())

    assert [chunk.seq for chunk in log.stretch(1)] == [1, 2]
    assert [chunk.seq for chunk in log.stretch(4)] == [4]
