"""What the verbs of a run do, on the thread of its loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import Context
from functools import partial
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from rxloom.chunks import EventReceived
from rxloom.engine import Execution, fresh_context
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
from rxloom.leg import Leg
from rxloom.log import ChunkLog
from rxloom.ports.loop import LoopPort
from rxloom.ports.runtime import RuntimePort
from rxloom.registry import Registry
from rxloom.schema import resume_invalid
from rxloom.snapshot import TERMINAL, Snapshot
from rxloom.target import Where, targets
from rxloom.values import copy_plain

T = TypeVar("T")
Answers = Callable[[Snapshot], Mapping[str, Any]]


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


class Control:
    """The run as its runtime sees it: found, loaded, owned, and carried out leg by leg."""

    __slots__ = ("_canceled_before", "_early", "_log", "_workflow", "run_id", "runtime")

    def __init__(self, runtime: RuntimePort, workflow: Any, run_id: str) -> None:
        """Make the control of a run of `workflow`, or of whichever workflow the records name, if it is `None`."""
        self.runtime: RuntimePort = runtime
        self.run_id: str = run_id
        self._workflow = workflow
        self._log: ChunkLog | None = None
        self._early: list[EventReceived] = []
        self._canceled_before: tuple[str | None] | None = None

    @property
    def workflow_id(self) -> str:
        """The id of the workflow, as far as it is known."""
        if self._workflow is not None:
            return self._workflow.id
        return self._log.snapshot.workflow_id if self._log is not None else ""

    @property
    def _registry(self) -> Registry:
        return self.runtime.registry

    def _workflow_of(self, snapshot: Snapshot) -> Any:
        workflow = self._workflow or self.runtime.workflow(snapshot.workflow_id)
        if snapshot.workflow_id and workflow.id != snapshot.workflow_id:
            raise RunNotFound(
                f"the run belongs to workflow {snapshot.workflow_id!r}, not to {workflow.id!r}", run_id=self.run_id
            )
        return workflow

    def port(self) -> LoopPort:
        """Return the loop of the live leg, or the one to run on from here."""
        leg = self._registry.live.get(self.run_id)
        return self.runtime.here() if leg is None else leg.execution.port

    # -- the first leg -------------------------------------------------------------------------------------------

    def admit(self, begin: Callable[[], None]) -> None:
        """Begin as soon as the runtime lets one more run be live."""
        self.runtime.admit(self.run_id, begin)

    def start(self, opening: Opening, ticket: Ticket) -> None:
        """Carry out the first leg."""
        feed, port = ticket.feed, ticket.port
        if self.run_id in self._registry.logs:
            self._known_already(ticket, join=opening.join)
            return
        log = ChunkLog(self.run_id, self.runtime.store, Snapshot(self.run_id), keep=self.runtime.buffer)
        leg = self._leg(log, self._workflow, port, ticket.variables, fence=0)
        leg.execution.per_step = opening.per_step
        if self._canceled_before is not None:
            leg.cancel_at_start(self._canceled_before[0])
        leg.start(opening.value, state=opening.state, context=opening.context, resource_id=opening.resource_id)
        if log.error is not None and not log.told:
            self._registry.logs.pop(self.run_id, None)
            self._known_already(ticket, join=opening.join)
            return
        for event in self._early:
            leg.receive(event)
        feed.bind(log, feed.view._replace(first=0, end_after=0))
        for expected in self._registry.arrived(self.run_id):
            expected.bind(log, expected.view)

    def _known_already(self, ticket: Ticket, *, join: bool) -> None:
        feed = ticket.feed
        if join:
            feed.keep = ticket.port.loop.create_task(self.guarded(feed, self.observe(0, ticket)))
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
        registry = self._registry
        self._log = log
        registry.logs[self.run_id] = log
        execution = Execution(log, port, variables)
        execution.runtime = self.runtime
        leg = Leg(execution, workflow, outcome, partial(self.runtime.ended, self.run_id))
        registry.live[self.run_id] = leg
        return leg

    # -- later legs ----------------------------------------------------------------------------------------------

    async def guarded(self, feed: Feed, work: Coroutine[Any, Any, None]) -> None:
        """Carry out `work`, and refuse the feed with whatever it raises."""
        try:
            await work
        except OwnershipLost:
            feed.refuse(ResumeConflict("another resume of this run was first", run_id=self.run_id))
        except Exception as error:  # noqa: BLE001 # it is the caller's: the stream ends with it
            if isinstance(error, RefusedCall):
                error.locate(run_id=self.run_id, workflow_id=self.workflow_id or None)
            feed.refuse(error)
        except BaseException:
            feed.refuse(RunInterrupted("the loop ended before the run went on", run_id=self.run_id))
            raise

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
        workflow = self._workflow_of(snapshot)
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
        feed = ticket.feed
        live = self._registry.live.get(self.run_id)
        if live is not None:
            self._join_live(live, chosen, feed)
            return
        if not self._registry.claim(self.run_id):
            raise ResumeConflict("another resume of this run is going on", run_id=self.run_id)
        try:
            log = await self._load()
            snapshot = log.snapshot
            workflow = self._workflow_of(snapshot)
            answers = chosen(snapshot)
            head = await self.runtime.store.take(self.run_id)
            first = snapshot.next_seq
            leg = self._leg(log, workflow, ticket.port, ticket.variables, fence=head.fence)
            leg.execution.per_step = opening.per_step
            leg.resume(answers, context=opening.context)
            if log.error is not None and snapshot.next_seq == first:
                raise log.error
        finally:
            self._registry.release(self.run_id)
        feed.bind(log, feed.view._replace(first=first, end_after=first))

    def _join_live(self, leg: Leg, chosen: Answers, feed: Feed) -> None:
        execution = leg.execution
        snapshot = execution.snapshot
        try:
            answers = chosen(snapshot)
        except NotSuspended:
            if execution.answered or execution.canceling:
                raise ResumeConflict("this suspension was answered already", run_id=self.run_id) from None
            raise
        if not answers:
            raise NotSuspended("the run is not paused", run_id=self.run_id)
        leg.join(answers)
        first = leg.first_seq
        feed.bind(execution.log, feed.view._replace(first=first, end_after=first))

    async def _load(self) -> ChunkLog:
        """Return the log of the run: the one this process has, or one made of the records in the store.

        Raises:
            RunNotFound: when nobody knows the run.
        """
        registry = self._registry
        log = registry.logs.get(self.run_id)
        if log is None:
            store = self.runtime.store
            head = await store.head(self.run_id)
            if head is None:
                raise RunNotFound("nobody knows a run with this id", run_id=self.run_id)
            records = await store.read(self.run_id)
            log = ChunkLog(self.run_id, store, Snapshot(self.run_id), keep=self.runtime.buffer, fence=head.fence)
            log.adopt(records, head.next_pos)
            log = registry.logs.setdefault(self.run_id, log)
        self._log = log
        return log

    # -- watching ------------------------------------------------------------------------------------------------

    async def observe(self, from_seq: int, ticket: Ticket) -> None:
        """Bind the feed to the run from `from_seq` on."""
        feed = ticket.feed
        try:
            log = await self._load()
        except RunNotFound:
            if self.run_id not in self._registry.created:
                raise
            self._registry.expect(feed)
            return
        snapshot = log.snapshot
        live = self._registry.live.get(self.run_id)
        if live is not None:
            end_after = live.first_seq
        elif snapshot.status in {"running", "waiting", "pending"}:
            end_after = snapshot.next_seq
        else:
            end_after = snapshot.next_seq - 1
        feed.bind(log, feed.view._replace(first=from_seq, end_after=end_after, seamless=False))

    async def snapshot(self) -> Snapshot:
        """Return a copy of the fold."""
        return await self._on_loop(self._copy)

    async def _copy(self) -> Snapshot:
        if self.run_id in self._registry.created and self.run_id not in self._registry.logs:
            head = await self.runtime.store.head(self.run_id)
            if head is None:
                return Snapshot(self.run_id, self.workflow_id)
        return (await self._load()).snapshot.copy()

    # -- ending --------------------------------------------------------------------------------------------------

    def cancel_soon(self) -> None:
        """Cancel the run without waiting; from any thread."""
        leg = self._registry.live.get(self.run_id)
        if leg is not None:
            leg.execution.port.call(leg.cancel)

    async def cancel(self, reason: str | None, grace: float) -> None:
        """Cancel the run, and wait until it is settled."""
        await self._on_loop(partial(self._cancel, reason, grace))

    async def _cancel(self, reason: str | None, grace: float) -> None:
        registry = self._registry
        leg = registry.live.get(self.run_id)
        if leg is None and self.run_id not in registry.logs and self.run_id in registry.created:
            self._canceled_before = (reason,)
            return
        while leg is not None:
            leg.cancel(reason, grace)
            await leg.wait_ended()
            leg = registry.live.get(self.run_id)
        log = await self._load()
        if log.snapshot.status in TERMINAL or log.error is not None or not registry.claim(self.run_id):
            return
        try:
            workflow = self._workflow_of(log.snapshot)
            head = await self.runtime.store.take(self.run_id)
            ended = self._leg(log, workflow, self.runtime.here(), fresh_context(), fence=head.fence)
            ended.end_canceled(reason)
        finally:
            registry.release(self.run_id)

    # -- events --------------------------------------------------------------------------------------------------

    async def send(self, event: EventReceived) -> None:
        """Give the run an event."""
        await self._on_loop(partial(self._send, event))

    async def _send(self, event: EventReceived) -> None:
        registry = self._registry
        leg = registry.live.get(self.run_id)
        if leg is not None:
            leg.receive(event)
            return
        if self.run_id not in registry.logs and self.run_id in registry.created:
            self._early.append(event)
            return
        log = await self._load()
        if log.snapshot.status in TERMINAL or (event.event_id is not None and event.event_id in log.snapshot.event_ids):
            return
        head = await self.runtime.store.take(self.run_id)
        log.reown(head.fence)
        log.note(event)
        log.commit()

    # -- threads -------------------------------------------------------------------------------------------------

    async def _on_loop(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await `work` on the loop of the run, from whichever loop this is."""
        port = self.port()
        if port.scheduler.on_loop():
            return await work()

        async def there() -> T:
            return await work()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(), port.loop))
