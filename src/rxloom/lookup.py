"""Finding a run: among those this process has, and in the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from rxloom.errors import RunInterrupted, RunNotFound
from rxloom.feed import fresh
from rxloom.log import ChunkLog
from rxloom.ports.loop import LoopPort
from rxloom.ports.runtime import RuntimePort
from rxloom.registry import Early, Registry
from rxloom.scheduler import call_on, ring
from rxloom.snapshot import Snapshot

T = TypeVar("T")


class Lookup:
    """A run that is looked for when it is needed.

    Attributes:
        runtime: the runtime it is looked for in.
        registry: the runs that the runtime knows.
        run_id: its id.
        workflow: the workflow it was created with, if whoever looks knows.
        log: its log, once it was found: who holds this holds that.
        early: what came before it started, if it was created here.
    """

    __slots__ = ("early", "log", "registry", "run_id", "runtime", "workflow")

    def __init__(self, runtime: RuntimePort, workflow: Any, run_id: str) -> None:
        """Look for a run of `workflow`, or of whichever workflow the records name, if it is `None`."""
        self.runtime: RuntimePort = runtime
        self.registry: Registry = runtime.registry
        self.run_id: str = run_id
        self.workflow: Any = workflow
        self.log: ChunkLog | None = None
        # Who only knows an id has not created the run, and cannot start it.
        self.early: Early | None = None if workflow is None else self.registry.early(run_id)

    @property
    def workflow_id(self) -> str:
        """The id of the workflow, as far as it is known."""
        if self.workflow is not None:
            return self.workflow.id
        return self.log.seen.workflow_id if self.log is not None else ""

    def workflow_of(self, snapshot: Snapshot) -> Any:
        """Return the workflow of a recorded run.

        Raises:
            RunNotFound: when it is another one than the run was asked for with.
            KeyError: when the runtime does not know it.
        """
        workflow = self.workflow or self.runtime.workflow(snapshot.workflow_id)
        if snapshot.workflow_id and workflow.id != snapshot.workflow_id:
            raise RunNotFound(
                f"the run belongs to workflow {snapshot.workflow_id!r}, not to {workflow.id!r}", run_id=self.run_id
            )
        return workflow

    def port(self) -> LoopPort:
        """Return the loop of the live leg, or the one to run on from here."""
        leg = self.registry.live.get(self.run_id)
        return self.runtime.here() if leg is None else leg.execution.port

    # -- finding -----------------------------------------------------------------------------------------------------

    async def load(self) -> ChunkLog:
        """Return the log of the run: the one this process has, or one made of the records in the store.

        Raises:
            RunNotFound: when nobody knows the run.
        """
        registry = self.registry
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
        self.log = log
        return log

    async def find(self) -> ChunkLog | Early:
        """Return the log of the run, or what is known of it if it was created here and has not started.

        Raises:
            RunNotFound: when nobody knows the run.
        """
        early = self.registry.created.get(self.run_id)
        try:
            return await self.load()
        except RunNotFound:
            if early is None:
                raise
        return await self.load() if early.started else early  # it may have started just now, on another thread

    async def snapshot(self) -> Snapshot:
        """Return a copy of the fold."""
        while (copy := await self.on_loop(self._copy)) is None:
            pass
        return copy

    async def _copy(self) -> Snapshot | None:
        log = await self.find()
        leg = self.registry.live.get(self.run_id)
        if leg is not None and not leg.execution.port.is_here():  # it has begun just now, on another loop
            return None
        return Snapshot(self.run_id, self.workflow_id) if isinstance(log, Early) else log.seen.copy()

    # -- owning --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def owning(self) -> AsyncGenerator[None]:
        """Reserve the run for somebody who changes its owner; whoever else does waits, on whichever loop."""
        loop = asyncio.get_running_loop()
        while True:
            freed: asyncio.Future[None] = loop.create_future()
            if self.registry.claim(self.run_id, partial(call_on, loop, partial(ring, freed))):
                break
            await freed
        try:
            yield
        finally:
            self.registry.release(self.run_id)

    # -- threads -------------------------------------------------------------------------------------------------

    async def on_loop(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await `work` on the loop of the run, from whichever loop this is.

        Where that loop ends before `work` does, it is done again on the loop where the run is by then.

        Raises:
            RunInterrupted: when the run is still bound to a loop that is closed.
        """
        while True:
            port = self.port()
            if port.is_here():
                return await work()
            there = work()
            try:
                elsewhere = asyncio.run_coroutine_threadsafe(there, port.loop)
            except RuntimeError:  # closed
                there.close()
                if self.port() is port:
                    raise RunInterrupted("the loop of the run was closed", run_id=self.run_id) from None
                continue
            try:
                return await asyncio.wrap_future(elsewhere)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise


async def settled(log: ChunkLog, loop: asyncio.AbstractEventLoop) -> None:
    """Wait until all that was appended is committed, or lost."""
    if log.commits is not None:
        done: asyncio.Future[None] = loop.create_future()
        log.settled(partial(ring, done))
        await done


async def committed(log: ChunkLog, loop: asyncio.AbstractEventLoop) -> None:
    """Wait until all that was appended is committed.

    Raises:
        RunInterrupted: when it was lost.
    """
    await settled(log, loop)
    if log.error is not None:
        raise fresh(log.error)
