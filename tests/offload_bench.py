"""A thread pool under test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from typing import Any

import pytest

from rxloom.offload import ThreadPool
from rxloom.ports.offload import Call, Outcome


class Bench:
    """A pool, and what came back from it."""

    def __init__(self, max_threads: int = 40, *, idle: float = 5.0) -> None:
        self.pool = ThreadPool(max_threads, idle=idle)
        self.outcomes: list[Outcome[Any]] = []
        self.gate = threading.Event()
        self._news = asyncio.Event()

    def submit(self, fn: Callable[[], Any], *, context: Context | None = None, label: str = "") -> Call:
        """Hand a call over, its outcome to be noted."""
        loop = asyncio.get_running_loop()
        return self.pool.submit(fn, self._note, context=context or copy_context(), loop=loop, label=label)

    def _note(self, outcome: Outcome[Any]) -> None:
        self.outcomes.append(outcome)
        self._news.set()

    async def block(self, label: str = "") -> Call:
        """Run a call that does not return until the gate opens."""
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait() -> None:
            loop.call_soon_threadsafe(begun.set)
            self.gate.wait(30)

        call = self.submit(wait, label=label)
        await begun.wait()
        return call

    async def returned(self, count: int) -> list[Outcome[Any]]:
        """Wait until so many outcomes have come."""
        while len(self.outcomes) < count:
            await self._news.wait()
            self._news.clear()
        return self.outcomes

    async def rest(self, threads: int = 1) -> None:
        """Wait until so many threads have nothing to do."""
        while self.pool._free < threads:  # noqa: ASYNC110  a thread that goes to rest tells nobody
            await asyncio.sleep(0.0005)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A pool that has to be closed with nothing running."""
    yield from _closed(Bench())


@pytest.fixture
def narrow() -> Iterator[Bench]:
    """A bench with one thread."""
    yield from _closed(Bench(1))


def _closed(bench: Bench) -> Iterator[Bench]:
    yield bench
    bench.gate.set()
    assert bench.pool.close(wait=30) == []
