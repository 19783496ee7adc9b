"""Inputs that come faster than runs end: each policy, with its exact outcome."""

from __future__ import annotations

import asyncio

import pytest
from reactivex.subject import Subject

from rxloom import StreamOverflow
from rxloom.arriving import OnOverflow
from tests.map_runs.kit import Clocked, Pool
from tests.virtual import virtual


async def overflow(on_overflow: OnOverflow, *, buffer: int | None, limit: int = 1) -> tuple[Pool, Clocked[float]]:
    """Emit 10, 11, … 15 at once, each of which takes so many seconds, and 20 when the first has ended."""
    pool = Pool()
    source: Subject[float] = Subject()
    operator = pool.workflow.as_operator(max_concurrency=limit, buffer=buffer, on_overflow=on_overflow)
    heard = Clocked(source.pipe(operator))
    for seconds in range(10, 16):
        source.on_next(float(seconds))
    await asyncio.sleep(10.5)
    source.on_next(20.0)
    source.on_completed()
    await heard.over.wait()
    assert heard.wrong == []
    return pool, heard


@virtual
async def test_without_a_bound_everything_waits() -> None:
    _, heard = await overflow("error", buffer=None)

    assert heard.items == [10, 11, 12, 13, 14, 15, 20]


@virtual
async def test_buffer_that_is_just_large_enough_does_not_overflow() -> None:
    _, heard = await overflow("error", buffer=5)

    assert heard.items == [10, 11, 12, 13, 14, 15, 20]


@virtual
async def test_error_cancels_the_open_runs_and_forgets_what_waits() -> None:
    pool, heard = await overflow("error", buffer=3, limit=2)

    assert heard.log == [(0, StreamOverflow)]
    assert pool.started == pool.canceled == []  # the runs were canceled before their steps were entered
    assert "2 runs were open and 3 inputs waited" in str(heard.end)


@virtual
async def test_error_comes_at_once_while_runs_are_open() -> None:
    pool = Pool()
    source: Subject[float] = Subject()
    heard = Clocked(source.pipe(pool.workflow.as_operator(buffer=1)))
    source.on_next(10.0)
    await asyncio.sleep(1)
    source.on_next(11.0)
    source.on_next(12.0)
    source.on_next(13.0)
    await asyncio.sleep(1)

    assert heard.log == [(1, StreamOverflow)]
    assert pool.canceled == [(1, 10.0)]
    assert pool.started == [(0, 10.0)]


@virtual
async def test_drop_oldest_forgets_what_has_waited_longest() -> None:
    _, heard = await overflow("drop_oldest", buffer=2)

    assert heard.items == [10, 14, 15, 20]


@virtual
async def test_drop_newest_forgets_what_has_just_come() -> None:
    _, heard = await overflow("drop_newest", buffer=2)

    assert heard.items == [10, 11, 12, 20]


@pytest.mark.parametrize("on_overflow", ["drop_oldest", "drop_newest"])
def test_without_a_buffer_what_comes_while_all_runs_are_open_is_forgotten(on_overflow: OnOverflow) -> None:
    @virtual
    async def play() -> None:
        _, heard = await overflow(on_overflow, buffer=0, limit=2)

        assert heard.items == [10, 11, 20]

    play()


@virtual
async def test_in_order_room_is_made_when_an_outcome_is_told() -> None:
    pool = Pool()
    source: Subject[float] = Subject()
    heard = Clocked(source.pipe(pool.workflow.as_operator(max_concurrency=2, buffer=0, on_overflow="drop_newest")))
    source.on_next(3.0)
    source.on_next(1.0)
    await asyncio.sleep(2)
    source.on_next(9.0)  # the run of 1 has ended, and waits for the one of 3
    source.on_completed()
    await heard.over.wait()

    assert heard.items == [3, 1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_concurrency": 0}, "max_concurrency must be a whole number of at least 1; got 0"),
        ({"max_concurrency": True}, "max_concurrency must be a whole number of at least 1; got True"),
        ({"max_concurrency": None}, "max_concurrency must be a whole number of at least 1; got None"),
        ({"buffer": -1}, "buffer must be a whole number of at least 0, or None for any; got -1"),
        ({"buffer": 1.5}, "got 1.5"),
        ({"on_overflow": "wait"}, "on_overflow must be one of 'error', 'drop_oldest', 'drop_newest'; got 'wait'"),
    ],
)
def test_options_out_of_range_are_refused_at_once(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Pool().workflow.as_operator(**options)  # type: ignore[call-overload] # that is the point


def test_on_chunk_that_cannot_be_called_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="on_chunk must be a function of a chunk; got 3"):
        Pool().workflow.as_operator(on_chunk=3)  # type: ignore[call-overload] # that is the point
