"""What the verbs of a run do, on the thread of its loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, copy_context
from functools import partial
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from rxloom.admission import Turn
from rxloom.chunks import EventReceived
from rxloom.engine import Execution
from rxloom.errors import (
    NotSuspended,
    OwnershipLost,
    RefusedCall,
    ResumeConflict,
    RunAlreadyStarted,
    RunInterrupted,
    RunNotFound,
)  # fmt: skip
from rxloom.feed import Feed
from rxloom.leg import GRACE, Leg
from rxloom.log import ChunkLog
from rxloom.lookup import Lookup, committed, settled
from rxloom.ports.loop import LoopPort
from rxloom.registry import Early
from rxloom.schema import resume_invalid
from rxloom.snapshot import TERMINAL, Snapshot
from rxloom.target import Where, targets
from rxloom.values import copy_plain

T = TypeVar("T")
Answers = Callable[[Snapshot], Mapping[str, Any]]
Work = Callable[["Ticket"], Coroutine[Any, Any, None]]

_tasks: set[asyncio.Task[None]] = set()  # nobody else holds them


class Ticket(NamedTuple):
    """Where a leg is to run, and who waits for it.

    Attributes:
        port: the loop.
        feed: what the stream that was returned reads from.
        variables: the `contextvars` of the caller.
    """

    port: LoopPort
    feed: Feed
    variables: Context


class Opening(NamedTuple):
    """What a leg is opened with; see `Run.stream_vnext`."""

    value: Any = None
    state: Any = None
    context: Mapping[str, Any] | None = None
    resource_id: str | None = None
    per_step: bool = False
    join: bool = False


class Control(Lookup):
    """The run as its runtime sees it: owned, and carried out leg by leg."""

    __slots__ = ()

    # -- the first leg -------------------------------------------------------------------------------------------

    def start(self, opening: Opening, ticket: Ticket) -> None:
        """Carry out the first leg, as soon as the runtime lets one more run be live."""
        turns = self.registry.turns
        if turns.open:
            self._start(opening, ticket)
            return
        feed, early = ticket.feed, self.early
        turn = Turn(ticket.port, partial(self._start, opening, ticket), feed.refuse)
        if early is not None:
            early.turn = early.turn or turn  # of several that start it, the first one does
        try:
            begun = turns.enter(turn)
        except RunInterrupted as closed:
            feed.refuse(closed.locate(run_id=self.run_id))
            return
        if not begun and early is not None:
            for waiting in (feed, *early.watching):
                waiting.hold()

    def _start(self, opening: Opening, ticket: Ticket) -> None:
        feed, port, early = ticket.feed, ticket.port, self.early
        if early is None:
            feed.refuse(RunNotFound("only a run that was created with a workflow can be started", run_id=self.run_id))
            return
        early.turn = None
        if self.run_id in self.registry.logs or not early.enter():
            self._known_already(ticket, join=opening.join)
            return
        log = ChunkLog(self.run_id, self.runtime.store, Snapshot(self.run_id), keep=self.runtime.buffer)
        leg = self._leg(log, self.workflow, port, ticket.variables, fence=0)
        leg.execution.per_step = opening.per_step
        canceled, events = early.begin()  # the leg is registered: whoever comes from now on finds it
        if canceled is not None:
            leg.cancel_at_start(canceled[0])
        leg.start(opening.value, state=opening.state, context=opening.context, resource_id=opening.resource_id)
        for event in events:
            leg.receive(event)
        log.settled(partial(self._started, log, early, ticket, join=opening.join))

    def _started(self, log: ChunkLog, early: Early, ticket: Ticket, *, join: bool) -> None:
        """Show the leg to those who wait for it, if the store has taken the run."""
        feed = ticket.feed
        if log.error is not None and not log.told:
            self.log = None
            self.registry.logs.pop(self.run_id)
            early.fail()
            if isinstance(log.error, OwnershipLost):
                self._known_already(ticket, join=join)
            else:
                feed.refuse(log.error)
            return
        feed.bind(log, feed.view)
        for watcher in early.watchers() if early.watching else ():
            watcher.bind(log, watcher.view)

    def _known_already(self, ticket: Ticket, *, join: bool) -> None:
        feed = ticket.feed
        if join:
            self.look_for(partial(self.observe, 0), ticket)
        else:
            feed.refuse(
                RunAlreadyStarted(
                    "a run with this id was started already: observe it, or create it with on_existing='join'",
                    run_id=self.run_id,
                    workflow_id=self.workflow_id,
                )
            )

    def _leg(self, log: ChunkLog, workflow: Any, port: LoopPort, variables: Context, *, fence: int) -> Leg:
        """Make a leg that owns the run under `fence`, and register it as live."""
        outcome = log.reopen(fence)
        log.commit_on(port.loop, self._lost)
        self.log = log
        execution = Execution(log, port, variables)
        execution.runtime = self.runtime
        leg = Leg(execution, workflow, outcome, self.runtime.ended)
        registry = self.registry
        registry.live[self.run_id] = leg  # first: a log without it is that of a run which nobody carries out
        registry.logs[self.run_id] = log
        return leg

    def _lost(self, taken: RunInterrupted) -> None:
        """Take the run from this process: its store has refused what was told, or is lost."""
        leg = self.registry.live.get(self.run_id)
        if leg is not None:
            leg.execution.interrupt(taken.locate(run_id=self.run_id))

    # -- later legs ----------------------------------------------------------------------------------------------

    def look_for(self, work: Work, ticket: Ticket) -> None:
        """Carry out `work` in a task, and refuse the feed with whatever it raises."""
        feed = ticket.feed
        task = ticket.port.loop.create_task(self._guarded(work, ticket))
        self.registry.lookups.add(task)
        task.add_done_callback(partial(_found, feed, self.registry.lookups))

    async def _guarded(self, work: Work, ticket: Ticket) -> None:
        feed = ticket.feed
        try:
            await work(ticket)
        except OwnershipLost:
            feed.refuse(ResumeConflict("another resume of this run was first", run_id=self.run_id))
        except Exception as error:  # noqa: BLE001 # it is the caller's: the stream ends with it
            if isinstance(error, RefusedCall):
                error.locate(run_id=self.run_id, workflow_id=self.workflow_id or None)
            feed.refuse(error)

    def answers_to(
        self, data: Any, where: Where | None, label: str | None, index: int | None, snapshot: Snapshot
    ) -> Mapping[str, Any]:
        """Return `data` for each leaf that a resume means, checked against its schema."""
        return self._checked(snapshot, dict.fromkeys(targets(snapshot, where, label, index), data))

    def all_answers(self, given: Mapping[str, Any], snapshot: Snapshot) -> Mapping[str, Any]:
        """Return the given answers, checked."""
        unknown = [path for path in given if path not in snapshot.suspensions]
        if unknown or not given:
            waiting = ", ".join(snapshot.suspensions) or "none"
            raise NotSuspended(f"not suspended: {', '.join(unknown) or 'nothing was given'}; suspended: {waiting}")
        return self._checked(snapshot, given)

    def _checked(self, snapshot: Snapshot, answers: Mapping[str, Any]) -> dict[str, Any]:
        workflow = self.workflow_of(snapshot)
        checked: dict[str, Any] = {}
        for path, data in answers.items():
            schema = workflow.step_at(path).resume
            try:
                checked[path] = schema.validate(copy_plain(data))
            except ValidationError as error:
                raise resume_invalid(workflow.id, path, schema, data, error) from error
        return checked

    async def resume(self, chosen: Answers, opening: Opening, ticket: Ticket) -> None:
        """Carry out the next leg with the answers that `chosen` picks, or join the live one."""
        if self.run_id in self.registry.live:
            await self._resume(chosen, opening, ticket)
            return
        gate: asyncio.Future[None] = ticket.port.loop.create_future()
        turn = Turn(ticket.port, partial(gate.set_result, None), gate.set_exception, slow=True)
        try:
            if not self.registry.turns.enter(turn):
                chosen((await self.load()).seen)  # a refusal need not wait
                await gate
            await self._resume(chosen, opening, ticket)
        finally:
            self.registry.turns.leave(turn)

    async def _resume(self, chosen: Answers, opening: Opening, ticket: Ticket) -> None:
        while True:
            live = self.registry.live.get(self.run_id)
            if live is not None:
                if await self.on_loop(partial(self._join, live, chosen, ticket.feed)):
                    return
                continue
            async with self.owning():
                if self.run_id not in self.registry.live:
                    await self._next_leg(chosen, opening, ticket)
                    return

    async def _next_leg(self, chosen: Answers, opening: Opening, ticket: Ticket) -> None:
        feed = ticket.feed
        log = await self.load()
        workflow = self.workflow_of(log.seen)
        answers = chosen(log.seen)
        head = await self.runtime.store.take(self.run_id)
        first = log.seen.next_seq
        leg = self._leg(log, workflow, ticket.port, ticket.variables, fence=head.fence)
        leg.execution.per_step = opening.per_step
        leg.resume(answers, context=opening.context)
        await settled(log, ticket.port.loop)
        if log.error is not None and log.seen.next_seq == first:
            raise log.error
        feed.bind(log, feed.view._replace(first=first, end_after=first))

    async def _join(self, leg: Leg, chosen: Answers, feed: Feed) -> bool:
        """Give answers to a leg that is live, on its own loop; tell whether it could still take them."""
        execution = leg.execution
        if leg.closing:
            await leg.wait_ended()
            return False
        try:
            answers = chosen(execution.snapshot)
        except NotSuspended:
            if execution.recall is not None and execution.recall.answers:
                raise ResumeConflict("this suspension was answered already", run_id=self.run_id) from None
            raise
        if not answers:
            raise NotSuspended("the run is not paused", run_id=self.run_id)
        leg.join(answers)
        feed.bind(execution.log, feed.view._replace(first=leg.first_seq, end_after=leg.first_seq))
        return True

    # -- watching ------------------------------------------------------------------------------------------------

    async def observe(self, from_seq: int, ticket: Ticket) -> None:
        """Bind the feed to the run from `from_seq` on."""
        feed = ticket.feed
        log = await self.find()
        if isinstance(log, Early):
            if log.watch(feed):
                feed.hold()
                return
            log = await self.load()
        snapshot = log.seen
        live = self.registry.live.get(self.run_id)
        if live is not None:
            end_after = live.first_seq
        elif snapshot.status in {"running", "waiting", "pending"}:
            end_after = snapshot.next_seq
        else:
            end_after = snapshot.next_seq - 1
        feed.bind(log, feed.view._replace(first=from_seq, end_after=end_after, seamless=False))

    # -- ending --------------------------------------------------------------------------------------------------

    def report(self, error: BaseException) -> None:
        """Report what a subscriber raised."""
        self.runtime.report(error)

    def cancel_soon(self, port: LoopPort) -> None:
        """Cancel the run without waiting, in a task on `port` if need be; from any thread."""
        leg = self.registry.live.get(self.run_id)
        if leg is not None:
            leg.execution.port.call(leg.cancel)
        elif not port.loop.is_closed():
            port.call(partial(_spawn, port, partial(self.cancel, None, GRACE)))

    async def cancel(self, reason: str | None, grace: float) -> None:
        """Cancel the run, and wait until it is settled."""
        while not await self.on_loop(partial(self._cancel, reason, grace)):
            pass

    async def _cancel(self, reason: str | None, grace: float) -> bool:
        """Go one step towards a run that is settled; tell whether it is."""
        leg = self.registry.live.get(self.run_id)
        if leg is not None:
            port = leg.execution.port
            if port.is_here():  # else it has begun just now, on another loop
                leg.cancel(reason, grace)
                port.settle()
                await leg.wait_ended()
            return False
        log = await self.find()
        if isinstance(log, Early):
            kept = log.cancel(reason)
            if kept and log.turn is not None:
                self.registry.turns.hurry(log.turn)
                await asyncio.sleep(0)
                return False  # it has begun, and its callbacks may take a while
            return kept
        return log.seen.status in TERMINAL or await self._end_canceled(log, reason)

    async def _end_canceled(self, log: ChunkLog, reason: str | None) -> bool:
        """Append the leg that cancels a run which nobody carries out; tell whether it still was one."""
        async with self.owning():
            if self.run_id in self.registry.live or log.seen.status in TERMINAL:
                return False
            workflow = self.workflow_of(log.seen)
            head = await self.runtime.store.take(self.run_id)
            ended = self._leg(log, workflow, self.runtime.here(), copy_context(), fence=head.fence)
            ended.end_canceled(reason)
            await committed(log, asyncio.get_running_loop())
        return True

    # -- events --------------------------------------------------------------------------------------------------

    async def send(self, event: EventReceived) -> None:
        """Give the run an event."""
        while not await self.on_loop(partial(self._send, event)):
            pass

    async def _send(self, event: EventReceived) -> bool:
        """Give the event to whoever has the run; tell whether somebody took it."""
        registry = self.registry
        leg = registry.live.get(self.run_id)
        if leg is not None:
            here = leg.execution.port.is_here()  # or it has begun just now, on another loop
            if here and leg.told:  # its finish is on its way into the store, and the event comes after that
                await leg.wait_ended()
                return False
            if here:
                log = leg.execution.log
                leg.receive(event)
                await committed(log, leg.execution.loop)
            return here
        log = await self.find()
        if isinstance(log, Early):
            return log.send(event)
        async with self.owning():
            if self.run_id in registry.live:
                return False
            snapshot = log.seen
            if snapshot.status not in TERMINAL and event.event_id not in snapshot.event_ids:
                head = await self.runtime.store.take(self.run_id)
                await log.record(head.fence, event)
        return True


def _found(feed: Feed, lookups: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    """Let go of the task that looked for a leg; one that was cancelled may not even have begun."""
    lookups.discard(task)
    if task.cancelled():
        feed.refuse(RunInterrupted("the loop ended before the run went on", run_id=feed.run_id))


def _spawn(port: LoopPort, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = port.loop.create_task(work())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
