"""One play: a run of a scenario in shuffled virtual time, with everybody who acts on it from outside."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from random import Random
from typing import Any

from rxloom import Run, Runtime, WorkflowStream
from rxloom.chunks import Chunk, StepSuspended
from rxloom.errors import RefusedCall
from rxloom.scheduler import _Scheduled
from rxloom.snapshot import TERMINAL
from tests.hearing import Heard
from tests.races.listening import PARTS, Ear, Kind, Listened, Resume, Seen
from tests.races.scenarios import OTHER, Scenario
from tests.races.shelves import Shelves, SlowShelves
from tests.races.stage import Stage, enter, timers

POLLS = 25
"""So often the run is looked at; then it is cancelled."""


class Play:
    """A run and its surroundings."""

    def __init__(self, scenario: Scenario, random: Random) -> None:
        """Set the stage.

        Args:
            scenario: what is played.
            random: decides what chance decides.
        """
        self.scenario = scenario
        self.stage = Stage(random)
        self.store = SlowShelves(self.stage) if self.stage.happens(0.3) else Shelves(self.stage)
        self.runtime = Runtime(store=self.store, max_runs=random.choice((None, None, None, 1)))
        self.stage.ending = self._ending
        self.run: Run[Any, Any] = self._handle("run")
        self.seen: list[Seen] = []
        self.resumes: list[Resume] = []
        self.reasons = self.stage.reasons
        self.snapshots: list[Any] = []
        self.sent: list[str] = []
        self.sent_early = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.left: list[str] = []
        self.decided: float | None = None
        self.status = "pending"
        self.output: Any = None

    def _handle(self, run_id: str, **options: Any) -> Run[Any, Any]:
        return self.runtime.new_run(self.scenario.workflow, run_id, None, options.get("on_existing", "refuse"))

    def _ending(self) -> bool:
        leg = self.runtime.registry.live.get("run")
        late = self.decided is not None and asyncio.get_running_loop().time() > self.decided
        # A leg that ended otherwise at the moment of the cancel is over, whatever comes next.
        return late and leg is not None and leg.execution.canceling and leg._status in {None, "canceled"}

    @property
    def random(self) -> Random:
        """What draws everything."""
        return self.stage.random

    # -- the whole -----------------------------------------------------------------------------------------------

    async def main(self) -> None:
        """Play."""
        enter(self.stage)
        self._act_before()
        if self.stage.happens(0.3):
            await self.stage.moment()
        self.sent_early = len(self.sent)
        self._act_on(self.run.stream_vnext(self.scenario.given, **self.scenario.options))
        await self._drive()
        await self.ended()
        snapshot = await self.run.snapshot()
        self.status, self.output = snapshot.status, snapshot.output
        await self.runtime.aclose()
        self._look_for_leaks()

    def _act_before(self) -> None:
        """Have some act, perhaps before the run starts."""
        for name in self.scenario.events:
            self.spawn(self._send(name))
        if not self.runtime.registry.turns.open:
            self.spawn(self._other())
        for chance, act in ((0.35, self._cancel), (0.1, self._cancel), (0.3, self._observe), (0.2, self._look)):
            if self.stage.happens(chance):
                self.spawn(act())

    def _act_on(self, stream: WorkflowStream[Any]) -> None:
        """Have some act on a run that starts."""
        self.watch(stream, self._kind)
        if self.stage.happens(0.3):
            stream.subscribe(self._answer_at_once)
        for chance, act in ((0.12, partial(self._dispose, stream)), (0.2, self._join), (0.2, self._look)):
            if self.stage.happens(chance):
                self.spawn(act())

    @property
    def _kind(self) -> Kind:
        return "seamless" if "close_on_suspend" in self.scenario.options else "leg"

    async def ended(self) -> None:
        """Wait until everybody is done."""
        while self.tasks:
            tasks, self.tasks = self.tasks, []
            await asyncio.gather(*tasks)

    def spawn(self, act: Coroutine[Any, Any, None]) -> None:
        """Have somebody act."""
        self.tasks.append(asyncio.get_running_loop().create_task(act, name=act.__qualname__))

    def _look_for_leaks(self) -> None:
        own = asyncio.current_task()
        self.left += [repr(task) for task in asyncio.all_tasks() if task is not own]
        self.left += map(repr, timers())

    # -- going on ------------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        """Answer and send until the run has ended; in the end cancel it."""
        for poll in range(POLLS):
            await asyncio.sleep(self.random.choice((1, 1, 2, 3)))
            snapshot = await self.run.snapshot()
            if snapshot.status in TERMINAL:
                self._settle()
                return
            if snapshot.status == "suspended" and not snapshot.suspensions:
                self.stage.problems.append("the run is suspended, and there is nothing to answer")
            idle = snapshot.status in {"suspended", "paused"}
            if idle or (snapshot.suspensions and self.stage.happens(0.6)):
                self._resume(list(snapshot.suspensions))
            if poll > POLLS // 2:
                for name in self.scenario.events:
                    await self._tell(name)
        await self._end("enough")

    def _resume(self, waiting: list[str]) -> None:
        """Have some resume at the same time, as a rule the same step."""
        for _ in range(self.random.choice((1, 1, 2, 3))):
            paths: list[str | None] = [self.random.choice(waiting)] if waiting else [None]
            if len(waiting) > 1 and self.stage.happens(0.3):
                paths = [*waiting]
            if self.stage.happens(0.5):
                self._answer(paths)
            else:
                self.spawn(self._answer_later(paths))

    def _answer_at_once(self, chunk: Chunk) -> None:
        log = self.runtime.registry.logs.get("run")
        if isinstance(chunk, StepSuspended) and log is not None and chunk.payload.id in log.snapshot.suspensions:
            self._resume([chunk.payload.id])

    async def _answer_later(self, paths: list[str | None]) -> None:
        await self.stage.moment()
        self._answer(paths)

    def _answer(self, paths: list[str | None]) -> None:
        data: dict[Any, Any] = {path: f"{path} {self.random.random():.6f}" for path in paths}
        if len(data) > 1:
            stream = self.run.resume_all(data, **self.scenario.options)
        else:
            ((path, answer),) = data.items()
            stream = self.run.resume_stream_vnext(answer, step=path, **self.scenario.options)
        self.resumes.append(Resume(data, self.watch(stream, self._kind), late=self._ending()))

    # -- acting from outside -------------------------------------------------------------------------------------

    async def _cancel(self) -> None:
        await self.stage.moment()
        await self.stage.moment()
        await self._end(f"reason {len(self.reasons)}")

    async def _end(self, reason: str) -> None:
        leg = self.runtime.registry.live.get("run")
        if self.decided is None and leg is not None and not leg._ended:
            self.decided = asyncio.get_running_loop().time()
        self.reasons.append(reason)
        await self.run.cancel(reason)
        self._settle()

    def _settle(self) -> None:
        self.stage.settle()
        if self.decided is None and "run" in self.runtime.registry.live:
            return  # it was cancelled before it has started, and does so now, to end at once
        left = [timer for timer in timers() if isinstance(timer._callback, _Scheduled)]
        if left:
            self.stage.problems.append(f"timers are left of a run that is settled: {left}")

    async def _send(self, name: str) -> None:
        for _ in range(self.random.choice((0, 1, 2))):
            await self.stage.moment()
        for _ in range(self.random.choice((1, 1, 2))):
            await self._tell(name)

    async def _tell(self, name: str) -> None:
        data = f"{name} {self.random.random():.6f}"
        await self.run.send_event(name, data, event_id=data)
        self.sent.append(data)
        if self.stage.happens(0.2):
            await self.run.send_event(name, data, event_id=data)

    async def _other(self) -> None:
        """Have another run take the only place for a while."""
        other = self.runtime.new_run(OTHER, "other", None, "refuse")
        await self.stage.moment()
        result = await other.start(1)
        if result.status != "success":
            self.stage.problems.append(f"another run came to {result.status}")

    async def _observe(self) -> None:
        await self.stage.moment()
        first, terminal = self.random.choice((0, 0, 1, 4, 6, 9)), self.stage.happens(0.3)
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
        if heard.end is None:
            self.reasons.append(None)  # in the name of whoever disposed, nobody gives one
        subscription.dispose()

    # -- listening -----------------------------------------------------------------------------------------------

    def watch(
        self, stream: WorkflowStream[Any], kind: Kind, *, first: int | None = None, terminal: bool = False
    ) -> Seen:
        """Have somebody listen to everything a stream offers, and some others join and leave."""
        heard = Ear(Listened(kind, [], None, first, terminal), self.stage.problems)
        stream.subscribe(heard)
        seen = Seen(heard.listened)
        self.seen.append(seen)
        for name in PARTS:
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
        heard = Ear(seen.another(), self.stage.problems, leaves_after=self.random.choice((None, None, None, 1, 3)))
        subscription = heard.subscription = stream.subscribe(heard)
        if self.stage.happens(0.5):
            await self.stage.moment()
            subscription.dispose()
            heard.disposed()

    async def _read(self, seen: Seen, stream: WorkflowStream[Any]) -> None:
        await self.stage.moment()
        listened = seen.another()
        buffer = self.random.choice((None, 1, 2, 5))
        if self.stage.happens(0.3):
            listened.first = max(listened.first or 0, self.random.choice((2, 4, 6, 9)))
        policy: Any = self.random.choice(("wait", "wait", "drop_oldest"))
        left = self.random.choice((2, 5, 1000, 1000))
        pace = self.random.choice((0.0, 0.0, 0.3, 1.0))
        try:
            async with stream.aiter(from_seq=listened.first or 0, buffer=buffer, on_overflow=policy) as chunks:
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
