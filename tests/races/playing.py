"""One play: a run of a scenario in shuffled virtual time, with everybody who acts on it from outside."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal

from typing_extensions import override

from rxloom import MemoryStore, Run, Runtime, WorkflowStream
from rxloom.chunks import Chunk
from rxloom.errors import RefusedCall
from rxloom.snapshot import TERMINAL
from rxloom.testing import VirtualLoop
from tests.hearing import Heard
from tests.races.scenarios import Scenario
from tests.races.stage import Stage, enter

Kind = Literal["leg", "seamless", "observed"]

POLLS = 25
"""So often the run is looked at; then it is cancelled."""


@dataclass
class Listened:
    """A listener of chunks, and how far it is to have heard.

    Attributes:
        kind: what its stream shows.
        items: what it heard.
        end: how that ended: `completed`, `disposed` or an error.
        first: the seq to begin with, if it was named.
        terminal: whether only a terminal finish may end it.
    """

    kind: Kind
    items: list[Chunk]
    end: Any = None
    first: int | None = None
    terminal: bool = False


@dataclass
class Seen:
    """A stream, and what became of everything it offers.

    Attributes:
        main: a subscriber from the beginning to the end.
        others: further subscribers and readers.
        ends: what its result, status, usage and output came to, a value or an error each.
    """

    main: Listened
    others: list[Listened] = field(default_factory=list[Listened])
    ends: dict[str, Any] = field(default_factory=dict[str, Any])

    def another(self) -> Listened:
        """Return one more listener."""
        self.others.append(replace(self.main, items=[], end=None))
        return self.others[-1]


class Play:
    """A run and its surroundings."""

    def __init__(self, scenario: Scenario, random: Random) -> None:
        """Set the stage."""
        self.scenario = scenario
        self.stage = Stage(random)
        self.store = MemoryStore(keep=100)
        self.runtime = Runtime(store=self.store)
        self.run: Run[Any, Any] = self._handle("run")
        self.seen: list[Seen] = []
        self.resumes: list[tuple[dict[str, Any], Seen]] = []
        self.reasons: list[str] = []
        self.snapshots: list[Any] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.left: list[str] = []
        self.status = "pending"
        self.output: Any = None

    def _handle(self, run_id: str, **options: Any) -> Run[Any, Any]:
        return self.runtime.new_run(self.scenario.workflow, run_id, None, options.get("on_existing", "refuse"))

    @property
    def random(self) -> Random:
        """What draws everything."""
        return self.stage.random

    # -- the whole -----------------------------------------------------------------------------------------------

    async def main(self) -> None:
        """Play."""
        enter(self.stage)
        scenario, happens = self.scenario, self.stage.happens
        for name in scenario.events:
            self.spawn(self._send(name))
        for chance, act in ((0.35, self._cancel), (0.1, self._cancel), (0.3, self._observe), (0.2, self._look)):
            if happens(chance):
                self.spawn(act())
        if happens(0.3):
            await self.stage.moment()
        stream = self.run.stream_vnext(scenario.given, **(scenario.options or {}))
        seamless = scenario.options is not None and scenario.options.get("close_on_suspend") is False
        self.watch(stream, "seamless" if seamless else "leg")
        for chance, act in ((0.12, self._dispose(stream)), (0.2, self._join()), (0.2, self._look())):
            if happens(chance):
                self.spawn(act)
            else:
                act.close()
        await self._drive()
        await self.ended()
        snapshot = await self.run.snapshot()
        self.status, self.output = snapshot.status, snapshot.output
        await self.runtime.aclose()
        self._look_for_leaks()

    async def ended(self) -> None:
        """Wait until everybody is done."""
        while self.tasks:
            tasks, self.tasks = self.tasks, []
            await asyncio.gather(*tasks)

    def spawn(self, act: Coroutine[Any, Any, None]) -> None:
        """Have somebody act."""
        self.tasks.append(asyncio.get_running_loop().create_task(act, name=act.__qualname__))

    def _look_for_leaks(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        own = asyncio.current_task()
        self.left += [repr(task) for task in asyncio.all_tasks() if task is not own]
        self.left += [repr(timer) for timer in loop._scheduled if not timer.cancelled()]

    # -- going on ------------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        """Answer and send until the run has ended; in the end cancel it."""
        for poll in range(POLLS):
            await asyncio.sleep(self.random.choice((1, 1, 2, 3)))
            snapshot = await self.run.snapshot()
            if snapshot.status in TERMINAL:
                return
            idle = snapshot.status in {"suspended", "paused"}
            if idle or (snapshot.suspensions and self.stage.happens(0.6)):
                self._resume(list(snapshot.suspensions))
            if poll > POLLS // 2:
                for name in self.scenario.events:
                    await self.run.send_event(name, 0)
        await self.run.cancel("enough")
        self.stage.settle()
        self.reasons.append("enough")

    def _resume(self, waiting: list[str]) -> None:
        """Have some resume at the same time, as a rule the same step."""
        for _ in range(self.random.choice((1, 1, 2, 3))):
            path = self.random.choice(waiting) if waiting else None
            several = len(waiting) > 1 and self.stage.happens(0.3)
            self.spawn(self._answer({one: f"{one} {len(self.resumes)}" for one in (waiting if several else [path])}))

    async def _answer(self, answers: dict[Any, Any]) -> None:
        if self.stage.happens(0.5):
            await self.stage.moment()
        data = {one: f"{said}/{self.random.random():.6f}" for one, said in answers.items()}
        options: dict[str, Any] = dict(self.scenario.options or {})
        if len(data) > 1:
            stream = self.run.resume_all(data, **options)
        else:
            ((path, answer),) = data.items()
            stream = self.run.resume_stream_vnext(answer, step=path, **options)
        seen = self.watch(stream, "seamless" if "close_on_suspend" in options else "leg")
        self.resumes.append((data, seen))

    # -- acting from outside -------------------------------------------------------------------------------------

    async def _cancel(self) -> None:
        await self.stage.moment()
        await self.stage.moment()
        reason = f"reason {len(self.reasons)}"
        self.reasons.append(reason)
        await self.run.cancel(reason)
        self.stage.settle()

    async def _send(self, name: str) -> None:
        for _ in range(self.random.choice((0, 1, 2))):
            await self.stage.moment()
        for _ in range(self.random.choice((1, 1, 2))):
            await self.run.send_event(name, 1, event_id=self.random.choice((None, f"{name}-id")))

    async def _observe(self) -> None:
        await self.stage.moment()
        first, terminal = self.random.choice((0, 0, 1, 5)), self.stage.happens(0.3)
        stream = self.run.observe_stream_vnext(from_seq=first, close_on_suspend=not terminal)
        self.watch(stream, "observed", first=first, terminal=terminal)

    async def _join(self) -> None:
        await self.stage.moment()
        self.watch(self._handle("run", on_existing="join").stream_vnext(1), "observed")

    async def _look(self) -> None:
        for _ in range(self.random.choice((1, 3, 6))):
            self.snapshots.append(await self.run.snapshot())
            await self.stage.moment()

    async def _dispose(self, stream: WorkflowStream[Any]) -> None:
        await self.stage.moment()
        heard: Heard[Chunk] = Heard()
        subscription = stream.cancel_on_dispose().subscribe(heard)
        await self.stage.moment()
        self.reasons.append("disposed")
        subscription.dispose()

    # -- listening -----------------------------------------------------------------------------------------------

    def watch(
        self, stream: WorkflowStream[Any], kind: Kind, *, first: int | None = None, terminal: bool = False
    ) -> Seen:
        """Have somebody listen to everything a stream offers, and some others join and leave."""
        heard = _Ear(Listened(kind, [], None, first, terminal), self.stage.problems)
        stream.subscribe(heard)
        seen = Seen(heard.listened)
        self.seen.append(seen)
        for name in ("result", "status", "usage", "output"):
            self.spawn(self._wait(seen, stream, name))
        for _ in range(self.random.choice((0, 0, 1, 2))):
            self.spawn(self._subscribe(seen, stream) if self.stage.happens(0.5) else self._read(seen, stream))
        return seen

    async def _wait(self, seen: Seen, stream: WorkflowStream[Any], name: str) -> None:
        if self.stage.happens(0.3):
            await self.stage.moment()
        try:
            seen.ends[name] = await getattr(stream, name)
        except Exception as error:  # noqa: BLE001 # it is looked at in the end
            seen.ends[name] = error

    async def _subscribe(self, seen: Seen, stream: WorkflowStream[Any]) -> None:
        await self.stage.moment()
        heard = _Ear(seen.another(), self.stage.problems)
        subscription = stream.subscribe(heard)
        if self.stage.happens(0.5):
            await self.stage.moment()
            subscription.dispose()
            heard.disposed()

    async def _read(self, seen: Seen, stream: WorkflowStream[Any]) -> None:
        await self.stage.moment()
        listened = seen.another()
        buffer = self.random.choice((None, 1, 2, 5))
        policy: Any = self.random.choice(("wait", "wait", "drop_oldest"))
        left = self.random.choice((2, 5, 1000, 1000))
        pace = self.random.choice((0.0, 0.0, 0.3, 1.0))
        try:
            async with stream.aiter(buffer=buffer, on_overflow=policy) as chunks:
                async for chunk in chunks:
                    listened.items.append(chunk)
                    left -= 1
                    if not left:
                        listened.end = "disposed"
                        return
                    if self.stage.happens(pace):
                        await asyncio.sleep(self.random.choice((0, 0, 0, 1, 40)))
        except RefusedCall as error:
            listened.end = error
        else:
            listened.end = "completed"


class _Ear(Heard[Chunk]):
    """A subscriber whose notes go to a listener."""

    def __init__(self, listened: Listened, problems: list[str]) -> None:
        super().__init__()
        self.listened = listened
        self.items = listened.items
        self.wrong = problems

    @override
    def on_error(self, error: Exception) -> None:
        super().on_error(error)
        self.listened.end = error

    @override
    def on_completed(self) -> None:
        super().on_completed()
        self.listened.end = "completed"

    def disposed(self) -> None:
        """Take note that it is to hear nothing any more."""
        if self.end is None:
            self.listened.end = self.end = "disposed"
