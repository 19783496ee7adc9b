"""A run that is suspended and paused on its way, and answered in whatever order a script says."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from rxloom import MemoryStore, Run, Runtime, WorkflowResult, WorkflowStream
from rxloom.chunks import Chunk, Suspension, WorkflowFinish, WorkflowStart
from rxloom.errors import RefusedCall
from rxloom.snapshot import TERMINAL, Snapshot
from rxloom.testing import virtual_run
from tests.properties.bodies import Stage
from tests.properties.building import built
from tests.properties.graphs import Flow
from tests.properties.playing import Played, seen, still_there
from tests.properties.values import answer

MAX_LEGS = 200


class Script:
    """What is decided, number by number, over and over; the simplest thing when there is none."""

    def __init__(self, numbers: Sequence[int]) -> None:
        """Take the numbers in this order."""
        self._numbers = cycle(numbers or [0])

    def choose(self, count: int) -> int:
        """Return a number below `count`."""
        return next(self._numbers) % count


@dataclass
class Resumed(Played):
    """What was seen of a run in several legs.

    Attributes:
        legs: the chunks of each stream that was read, and its result.
        refused: how many calls were refused since another one had been first.
    """

    legs: list[tuple[list[Chunk], WorkflowResult[Any]]] = field(default_factory=list[Any])
    refused: int = 0

    @property
    def suspensions(self) -> Counter[str]:
        """How often each path was suspended."""
        return Counter(record.path for record in self.records if isinstance(record, Suspension))


def resumed(flow: Flow, value: Any, numbers: Sequence[int], *, certain: bool = True) -> Resumed:
    """Run a workflow, and answer its questions as the script says, until it is over.

    Args:
        flow: what to run.
        value: its input.
        numbers: the script.
        certain: nothing but its answer ends a question, so that an answer is never refused.
    """
    return virtual_run(_Resuming(flow, Script(numbers), certain=certain).play(value))


class _Resuming:
    def __init__(self, flow: Flow, script: Script, *, certain: bool) -> None:
        self._script = script
        self._certain = certain
        self._stage = Stage(flow, asking=True)
        self._workflow = built(flow, self._stage)
        self._store = MemoryStore()
        self._runtimes: list[Runtime] = []
        self._streams: deque[WorkflowStream[Any]] = deque()
        self._legs: list[tuple[list[Chunk], WorkflowResult[Any]]] = []
        self._refused = 0

    async def play(self, value: Any) -> Resumed:
        """Play the run to its end."""
        run: Run[Any, Any] = self._runtime().create_run(self._workflow.id)
        self._streams.append(run.stream_vnext(value, per_step=self._per_step()))
        while self._streams:
            assert len(self._legs) < MAX_LEGS
            await self._follow(run, self._streams.popleft())
            if not self._streams:
                run = self._handle(run)
                await self._go_on(run)
        left = still_there()
        assert left == [], left
        chunks = [chunk async for chunk in run.observe_stream_vnext()]
        result = self._legs[-1][1]
        played = await seen(run, self._stage, self._store, chunks, result, result.status)
        for runtime in self._runtimes:
            await runtime.aclose()
        return Resumed(**vars(played), legs=self._legs, refused=self._refused)

    def _runtime(self) -> Runtime:
        runtime = Runtime(self._workflow, store=self._store)
        self._runtimes.append(runtime)
        return runtime

    def _per_step(self) -> bool:
        return self._script.choose(3) == 1

    def _handle(self, run: Run[Any, Any]) -> Run[Any, Any]:
        """Go on with the same handle, another one, or one of another runtime, which knows only what is stored."""
        match self._script.choose(4):
            case 2:
                return self._runtimes[-1].run(run.run_id)
            case 3:
                return self._runtime().run(run.run_id)
            case _:
                return run

    async def _follow(self, run: Run[Any, Any], stream: WorkflowStream[Any]) -> None:
        """Read a leg, and answer some question while it runs, if there is one and the script says so."""
        chunks: list[Chunk] = []
        async for chunk in stream:
            chunks.append(chunk)
            if self._script.choose(2) == 1:
                await asyncio.sleep(self._script.choose(12) / 1000)
                snapshot = await run.snapshot()
                if snapshot.suspensions:
                    await self._answer_one(run, snapshot, live=True)
        result = await stream.result
        assert await stream.status == result.status
        self._legs.append((chunks, result))

    async def _go_on(self, run: Run[Any, Any]) -> None:
        """Begin the next leg, if the run is not over."""
        snapshot = await run.snapshot()
        if snapshot.status in TERMINAL:
            return
        if not snapshot.suspensions:
            assert snapshot.status == "paused"
            self._streams.append(run.resume_stream_vnext(per_step=self._per_step()))
            return
        paths = list(snapshot.suspensions)
        match self._script.choose(4):
            case 1:
                self._answer(run, snapshot, paths)
            case 2:
                first = self._script.choose(len(paths))
                self._answer(run, snapshot, paths[first:])
            case 3 if alike(snapshot):
                self._streams.append(run.resume_stream_vnext(given(snapshot, paths[0]), per_step=self._per_step()))
            case _:
                await self._answer_one(run, snapshot, live=False)

    def _answer(self, run: Run[Any, Any], snapshot: Snapshot, paths: Sequence[str]) -> None:
        answers = {path: given(snapshot, path) for path in paths}
        self._streams.append(run.resume_all(answers, per_step=self._per_step()))

    async def _answer_one(self, run: Run[Any, Any], snapshot: Snapshot, *, live: bool) -> None:
        """Answer one question, perhaps twice at the same time: then one of the calls is refused.

        While the run is `live` the same label may come up anew at any time, and name several questions.
        """
        paths = list(snapshot.suspensions)
        path = paths[self._script.choose(len(paths))]
        label = snapshot.suspensions[path].label
        alone = [one.label for one in snapshot.suspensions.values()].count(label) == 1
        where: dict[str, Any] = {"label": label} if label and alone and not live else {"step": path}
        data = given(snapshot, path)
        times = 2 if self._script.choose(5) == 1 else 1
        streams = [run.resume_stream_vnext(data, **where, per_step=self._per_step()) for _ in range(times)]
        begun = await asyncio.gather(*(first_of(stream) for stream in streams))
        self._refused += begun.count(None)
        assert not self._certain or begun.count(None) == times - 1, begun
        self._streams.extend(stream for stream, first in zip(streams, begun, strict=True) if first is not None)


async def first_of(stream: WorkflowStream[Any]) -> Chunk | None:
    """Return the first chunk of a stream, or `None` if the call was refused."""
    reader = stream.aiter()
    try:
        return await anext(reader)
    except RefusedCall:
        return None
    finally:
        await reader.aclose()


def given(snapshot: Snapshot, path: str) -> int:
    """Return the answer to the question at a path."""
    asked = snapshot.suspensions[path].payload
    return answer(asked["step"], asked["number"])


def alike(snapshot: Snapshot) -> bool:
    """Tell whether all questions are the same one, asked by items of one `for_each`."""
    asked = {(one.payload["step"], one.payload["number"]) for one in snapshot.suspensions.values()}
    places = {re.sub(r"\[\d+\]([^\[]*)$", r"[]\1", path) for path in snapshot.suspensions}
    return len(asked) == len(places) == 1


def check_legs(played: Resumed) -> None:
    """Check that each stream gave exactly its leg, and that its result says what its finish says."""
    for chunks, result in played.legs:
        first, last = chunks[0], chunks[-1]
        assert isinstance(first, WorkflowStart)
        assert isinstance(last, WorkflowFinish)
        assert chunks == played.chunks[first.seq : last.seq + 1]
        assert result.status == last.payload.workflow_status
        assert result.usage == last.payload.usage
