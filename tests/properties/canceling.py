"""A run that is cancelled at some moment, while its questions are answered as they come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from rxloom import MemoryStore, Run, Runtime, WorkflowStream
from rxloom.chunks import Chunk
from rxloom.errors import RefusedCall
from rxloom.snapshot import TERMINAL
from rxloom.testing import virtual_run
from tests.properties.bodies import Stage
from tests.properties.building import built
from tests.properties.graphs import Flow, Plain
from tests.properties.playing import Played, seen, still_there
from tests.properties.resuming import given

SOON = 0.1
"""Seconds within which cooperative steps end."""


@dataclass(frozen=True, repr=False)
class Moment(Plain):
    """When a run is cancelled, and how.

    Attributes:
        ms: after so many milliseconds.
        seq: when the chunk with this number is told, instead.
        how: by `cancel`, `twice` at the same time, or by `dispose` of a stream.
    """

    ms: int = 0
    seq: int | None = None
    how: str = "cancel"


def canceled(flow: Flow, moment: Moment) -> Played:
    """Run a workflow and cancel it."""
    return virtual_run(_Canceling(flow, moment).play())


class _Canceling:
    def __init__(self, flow: Flow, moment: Moment) -> None:
        self._moment = moment
        self._stage = Stage(flow, asking=True)
        self._workflow = built(flow, self._stage)

    async def play(self) -> Played:
        """Run, cancel, and see what is left."""
        store = MemoryStore()
        async with Runtime(self._workflow, store=store) as runtime:
            run: Run[Any, Any] = runtime.create_run(self._workflow.id)
            moment = self._at_the_moment(run)
            answering = asyncio.ensure_future(_answering(run, run.stream_vnext(1)))
            await moment
            await self._cancel(run)
            entered = self._stage.entered.copy()
            await answering
            left = still_there()
            assert left == [], left
            whole = run.observe_stream_vnext()
            chunks = [chunk async for chunk in whole]
            played = await seen(run, self._stage, store, chunks, await whole.result, await whole.status)
            await asyncio.sleep(60)
            assert self._stage.entered == entered
            return played

    def _at_the_moment(self, run: Run[Any, Any]) -> asyncio.Future[None]:
        """Return a future of the moment; where the run is cancelled by disposing a stream, it is then."""
        moment = self._moment
        loop = asyncio.get_running_loop()
        reached: asyncio.Future[None] = loop.create_future()

        def reach() -> None:
            if not reached.done():
                reached.set_result(None)
                if timer is not None:
                    timer.cancel()
                if moment.how == "dispose":
                    subscription.dispose()

        def on_next(chunk: Chunk) -> None:
            if moment.seq is not None and getattr(chunk, "seq", -1) >= moment.seq:
                reach()

        whole = run.observe_stream_vnext(close_on_suspend=False).cancel_on_dispose()
        subscription = whole.subscribe(on_next, on_completed=reach)
        timer = loop.call_later(moment.ms / 1000, reach) if moment.seq is None else None
        return reached

    async def _cancel(self, run: Run[Any, Any]) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        await asyncio.gather(*(run.cancel("enough") for _ in range(1 + (self._moment.how == "twice"))))
        assert clock() - begun <= SOON
        assert +self._stage.inside == {}


async def _answering(run: Run[Any, Any], stream: WorkflowStream[Any]) -> None:
    """Answer all questions, until the run is over."""
    while True:
        try:
            result = await stream.result
        except RefusedCall:
            return
        snapshot = await run.snapshot()
        if result.status != "suspended" or snapshot.status in TERMINAL:
            return
        stream = run.resume_all({path: given(snapshot, path) for path in snapshot.suspensions})
