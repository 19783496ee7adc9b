"""Readers that are slower than the runs: pushed to, nobody can wait; pulled, the source does."""

from __future__ import annotations

import asyncio

import pytest

from rxloom import to_async_iterator
from tests.map_runs.kit import INCREMENT, Async, Kind, Plain, Pool
from tests.play import turns
from tests.virtual import virtual

KINDS = pytest.mark.parametrize("kind", [Plain, Async])


@KINDS
@virtual
async def test_reader_that_is_slow_slows_down_the_pulling(kind: Kind) -> None:
    source = kind(*[1.0] * 5)
    took: list[float] = []
    async for _ in to_async_iterator(Pool().workflow.map_async(source, max_concurrency=2)):
        await asyncio.sleep(10)
        took.append(asyncio.get_running_loop().time())

    assert [when for when, _ in source.pulled] == [0, 0, 1, 11, 21]
    assert took == [11, 21, 31, 41, 51]


@KINDS
@virtual
async def test_reader_that_leaves_closes_the_iterator(kind: Kind) -> None:
    pool, source = Pool(), kind(*[1.0] * 5)
    async with to_async_iterator(pool.workflow.map_async(source)) as outputs:
        async for _ in outputs:
            break
    await turns()

    assert source.closed == 1
    assert pool.open == 0


@virtual
async def test_bound_of_a_reader_is_not_needed() -> None:
    outputs = to_async_iterator(INCREMENT.map_async(range(9), max_concurrency=4), buffer=1)
    await asyncio.sleep(1)

    assert [number async for number in outputs] == list(range(1, 10))
