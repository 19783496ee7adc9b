"""The rows: who does what, and what is demanded of rxloom.

The figures of `must` and `floor` were measured together on one machine; what is demanded on another is their ratio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from tests.benchmarks import floors, ours
from tests.benchmarks.measure import (
    Contender,
    Row,
    Work,
    in_a_process,
    milliseconds_to_import,
    seconds,
    seconds_after_idling,
)
from tests.benchmarks.peers import installed

MICRO: Final = 1e6
MILLI: Final = 1e3
SLOWER: Final = "at most, times the floor"
FASTER: Final = "at least, times the floor"
ABSOLUTE: Final = "at most"
AT_LEAST: Final = "at least"


def rows() -> list[Row]:
    """Make all rows whose feature exists."""
    peers = installed()
    return [
        _steps("1 step, whole run streamed", (60, 9), (1, 1_000), ours.ONE, peers),
        _steps("10 steps", (120, 18), (10, 500), ours.TEN, peers),
        _steps("100 steps", (900, 105), (100, 100), ours.HUNDRED, peers),
        _writes(peers),
        _fan_out(peers),
        _concurrent_runs(peers),
        _live_run(),
        _concurrent_writes(peers),
        _first_chunk(),
        _import(),
        _holding_reader(),
        _late_subscriber(),
        _run_each("in order", limit=1, ordered=True),
        _run_each("16 at once, in order", limit=16, ordered=True),
        _run_each("16 at once, in any order", limit=16, ordered=False),
        _pulling(),
    ]


def _steps(
    name: str, figures: tuple[float, float], size: tuple[int, int], workflow: Any, peers: Mapping[str, Any]
) -> Row:
    length, times = size
    works = {"floor": partial(floors.steps, length), "rxloom": partial(ours.steps, workflow)}
    works |= {peer: can.steps(length) for peer, can in _able(peers, "steps")}
    return Row(name, "µs", SLOWER, *figures, {who: _timed(work, MICRO, times) for who, work in works.items()})


def _writes(peers: Mapping[str, Any]) -> Row:
    works: dict[str, Callable[[int], Work]] = {
        "floor": lambda count: partial(floors.writes, count),
        "rxloom": lambda count: partial(ours.writes, count),
    }
    works |= {peer: can.writes for peer, can in _able(peers, "writes")}
    contenders = {who: _rate(work, 20_000) for who, work in works.items()}
    return Row("one step writes 20 000 chunks, all read", "chunks/s", FASTER, 600_000, 1_380_000, contenders)


def _fan_out(peers: Mapping[str, Any]) -> Row:
    works: dict[str, Work] = {"floor": partial(floors.fan_out, 100), "rxloom": ours.fan_out}
    works |= {peer: can.fan_out(100) for peer, can in _able(peers, "fan_out")}
    contenders = {who: _timed(work, MICRO, 50) for who, work in works.items()}
    return Row("fan-out to 100, join", "µs", SLOWER, 1_800, 397, contenders)


def _concurrent_runs(peers: Mapping[str, Any]) -> Row:
    works: dict[str, Work] = {
        "floor": partial(floors.concurrent_runs, 1_000, 3),
        "rxloom": partial(ours.concurrent_runs, 1_000),
    }
    works |= {peer: _at_once(can.steps(3), 1_000) for peer, can in _able(peers, "steps")}
    contenders = {who: _timed(work, MILLI, 1) for who, work in works.items()}
    return Row("1 000 concurrent runs of 3 steps", "ms", SLOWER, 110, 25, contenders)


def _concurrent_writes(peers: Mapping[str, Any]) -> Row:
    runs = 200
    works: dict[str, Callable[[int], Work]] = {
        "floor": lambda count: partial(floors.concurrent_writes, runs, count // runs),
        "rxloom": lambda count: partial(ours.concurrent_writes, runs, count // runs),
    }
    for peer, can in _able(peers, "writes"):
        works[peer] = lambda count, can=can: _at_once(can.writes(count // runs, yielding=True), runs)
    contenders = {who: _rate(work, 40_000) for who, work in works.items()}
    return Row("200 runs of 200 chunks, sleep(0) after each", "chunks/s", FASTER, 240_000, 306_000, contenders)


def _first_chunk() -> Row:
    def after_idling(work: Callable[[], Awaitable[float]]) -> Contender:
        return lambda quick: seconds_after_idling(work, 15 if quick else 50) * MICRO

    contenders = {"floor": after_idling(floors.first_chunk), "rxloom": after_idling(ours.first_chunk)}
    return Row("call to first chunk, after 20 ms of idling", "µs", SLOWER, 180, 69, contenders)


def _live_run() -> Row:
    def parked(who: str) -> Contender:
        return lambda quick: in_a_process("live_run", who, str(500 if quick else 3_000))

    contenders = {who: parked(who) for who in ("floor", "rxloom")}
    return Row("a live run of 3 steps, waiting in the last", "KB", ABSOLUTE, 14, None, contenders)


def _import() -> Row:
    contenders: dict[str, Contender] = {
        "floor": lambda _quick: milliseconds_to_import("asyncio"),
        "rxloom": lambda _quick: milliseconds_to_import("rxloom"),
    }
    return Row("import, interpreter included", "ms", SLOWER, 160, 29, contenders)


def _holding_reader() -> Row:
    def holding(who: str) -> Contender:
        return lambda quick: in_a_process("holding_reader", who, str(20_000 if quick else 100_000))

    contenders = {who: holding(who) for who in ("floor", "rxloom")}
    return Row("100 000 chunks to a reader that holds still", "MB", ABSOLUTE, 5, None, contenders)


def _late_subscriber() -> Row:
    contenders: dict[str, Contender] = {
        "rxloom": lambda quick: in_a_process("late_subscriber", "rxloom", str(100_000 if quick else 1_000_000))
    }
    return Row("late subscriber to 1 000 000 kept chunks", "s", ABSOLUTE, 0.4, None, contenders)


def _run_each(name: str, *, limit: int, ordered: bool) -> Row:
    works: dict[str, Callable[[int], Work]] = {
        "floor": lambda count: partial(floors.run_each, count),
        "rxloom": lambda count: partial(ours.run_each, count, limit=limit, ordered=ordered),
    }
    contenders = {who: _rate(work, 10_000) for who, work in works.items()}
    return Row(f"as_operator, one inline step, {name}", "items/s", AT_LEAST, 15_000, None, contenders)


def _pulling() -> Row:
    contenders: dict[str, Contender] = {
        "rxloom": lambda quick: in_a_process("pulling", "rxloom", str(10_000 if quick else 100_000))
    }
    return Row("map_async, 100 000 items of 10 KB", "MB", ABSOLUTE, 20, None, contenders)


def _timed(work: Work, scale: float, times: int) -> Contender:
    """Measure the time of one call, over so many calls; a tenth of them when in a hurry."""
    return lambda quick: seconds(work, max(1, times // 10) if quick else times) * scale


def _rate(work: Callable[[int], Work], count: int) -> Contender:
    """Measure items per second of a call that makes so many."""
    return lambda _quick: count / seconds(work(count), 1)


def _able(peers: Mapping[str, Any], scenario: str) -> Iterable[tuple[str, Any]]:
    return [(name, peer) for name, peer in peers.items() if hasattr(peer, scenario)]


def _at_once(work: Work, times: int) -> Work:
    return lambda: asyncio.gather(*[work() for _ in range(times)])
