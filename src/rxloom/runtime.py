"""`Runtime`: the composition root. It brings a store, loops and threads together, and holds the live runs."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakSet

from reactivex.abc import SchedulerBase
from typing_extensions import override

from rxloom.closing import on_loop_of, take
from rxloom.errors import DefinitionError, RunInterrupted, RunNotFound
from rxloom.leg import Leg
from rxloom.loops import BackgroundLoop, LoopBinding, bound
from rxloom.memory import MemoryStore
from rxloom.offload import ThreadPool
from rxloom.ports.store import Head, Store
from rxloom.registry import Registry
from rxloom.run import Run
from rxloom.run_ids import new_run_id
from rxloom.scheduler import FATAL, raise_in, running_loop
from rxloom.snapshot import RunStatus
from rxloom.workflow import Workflow, checked_workflow

logger: logging.Logger = logging.getLogger("rxloom")

MAX_RUN_ID = 256


class Runtime:
    """Where runs live.

    A workflow that is used without a runtime runs on an implicit one, whose memory store holds live and suspended
    runs, and ended ones only as long as something refers to them.

    Example:
        >>> import asyncio
        >>> from rxloom import create_workflow, step
        >>> @step
        ... async def double(number: int) -> int:
        ...     return 2 * number
        >>> doubling = create_workflow("doubling", input=int, output=int).then(double).commit()
        >>> async def main() -> None:
        ...     async with Runtime(doubling) as runtime:
        ...         result = await runtime.create_run("doubling").start(21)
        ...         print(result.unwrap())
        >>> asyncio.run(main())
        42
    """

    def __init__(
        self,
        *workflows: Workflow[Any, Any],
        store: Store | None = None,
        buffer: int | None = None,
        max_runs: int | None = None,
        max_threads: int = 40,
        scheduler: SchedulerBase | None = None,
        exit_grace: float = 5.0,
        on_subscriber_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Make a runtime.

        Args:
            workflows: those it can find by id.
            store: where records are kept; a `MemoryStore()` if left out.
            buffer: how many written outputs a live run keeps in memory; `None` is all. Lifecycle chunks are all kept.
            max_runs: how many runs may be live at once; others stay `pending`. `None` is any number.
            max_threads: how many worker threads plain functions may use at once.
            scheduler: what runs live on, wherever they are started: the scheduler of an event loop, which is then that
                loop, or another one, a `TestScheduler` say. Then there is no event loop, and a step that needs one, a
                coroutine or a threaded one, fails with `NoEventLoop`. If left out, it is the running loop, or a
                background one where none runs.
            exit_grace: seconds that runs on the background loop get to end when the interpreter exits.
            on_subscriber_error: called with what a subscriber raised; if left out, the loop's exception handler is.

        Raises:
            DefinitionError: when two workflows have the same id, or one is none.
            WorkflowNotCommitted: when one was not committed.
            ValueError: when a number is out of range, or the scheduler starts threads or blocks to wait.
        """
        for name, number in (("buffer", buffer), ("max_runs", max_runs), ("max_threads", max_threads)):
            if number is not None and (type(number) is not int or number < 1):
                raise ValueError(f"{name} must be a whole number of at least 1, got {number!r}")
        self._workflows: dict[str, Workflow[Any, Any]] = {}
        for workflow in workflows:
            if checked_workflow(workflow).id in self._workflows:
                raise DefinitionError("two workflows have this id", workflow_id=workflow.id)
            self._workflows[workflow.id] = workflow
        self.store: Store = MemoryStore() if store is None else store
        self.buffer = buffer
        self.registry: Registry = Registry(max_runs)
        self._exit_grace = exit_grace
        self._on_subscriber_error = on_subscriber_error
        self._pool = ThreadPool(max_threads)
        self._loops: dict[asyncio.AbstractEventLoop, LoopBinding] = {}
        self._given = None if scheduler is None else bound(scheduler, self._pool, self._loop_ended)
        self._background: BackgroundLoop | None = None
        self._lock = threading.Lock()
        RUNTIMES.add(self)

    @override
    def __repr__(self) -> str:
        return f"Runtime({', '.join(self._workflows)})"

    # -- finding -------------------------------------------------------------------------------------------------

    def workflow(self, id: str) -> Workflow[Any, Any]:
        """Return a workflow by id.

        Raises:
            KeyError: when the runtime was not given one with this id.
        """
        try:
            return self._workflows[id]
        except KeyError:
            known = ", ".join(self._workflows) or "none"
            raise KeyError(f"this runtime has no workflow {id!r}; it has {known}") from None

    def create_run(
        self, id: str, *, run_id: str | None = None, resource_id: str | None = None, on_existing: str = "refuse"
    ) -> Run[Any, Any]:
        """Return a new run of the workflow `id`; see `Workflow.create_run`.

        Raises:
            KeyError: when the runtime was not given one with this id.
        """
        return self.new_run(self.workflow(id), run_id, resource_id, on_existing)

    def new_run(
        self, workflow: Workflow[Any, Any], run_id: str | None, resource_id: str | None, on_existing: str
    ) -> Run[Any, Any]:
        """Make the handle of a run of `workflow`, and remember it for observers."""
        if on_existing not in {"refuse", "join"}:
            raise ValueError(f"on_existing must be 'refuse' or 'join'; got {on_existing!r}")
        if run_id is not None and (not isinstance(run_id, str) or not run_id or len(run_id) > MAX_RUN_ID):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
            raise ValueError(f"a run id is a string of 1 to 256 characters; got {run_id!r}")
        run: Run[Any, Any] = Run(
            self, workflow, run_id or new_run_id(), resource_id, "join" if on_existing == "join" else "refuse"
        )
        return run

    def run(self, run_id: str) -> Run[Any, Any]:
        """Return a handle of a run that exists; the first verb that is refused tells if it does not."""
        run: Run[Any, Any] = Run(self, None, run_id, None, "join")
        return run

    async def list_runs(
        self,
        workflow: str | None = None,
        *,
        status: RunStatus | None = None,
        resource_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Sequence[Head]:
        """Return the head rows of runs, oldest first.

        Args:
            workflow: only runs of this workflow.
            status: only runs with this status.
            resource_id: only runs of this resource.
            since: only runs created at or after this time, in epoch milliseconds.
            until: only runs created before this time.
            limit: at most so many.
            cursor: the id of the last run of the page before.
        """
        heads = [
            head
            for head in await self.store.heads()
            if (workflow is None or head.workflow_id == workflow)
            and (status is None or head.status == status)
            and (resource_id is None or head.resource_id == resource_id)
            and (since is None or head.created_at >= since)
            and (until is None or head.created_at < until)
        ]
        if cursor is not None:
            at = next((i for i, head in enumerate(heads) if head.run_id == cursor), -1)
            heads = heads[at + 1 :]
        return heads[:limit]

    async def delete_run(self, id: str) -> None:
        """Forget a run that is not live.

        Raises:
            RunNotFound: when nobody knows the run.
            RuntimeError: when it is live; cancel it first.
        """
        if id in self.registry.live:
            raise RuntimeError(f"run {id!r} is live: cancel it first")
        await self.store.delete(id)
        log = self.registry.logs.pop(id)
        if log is not None:  # streams that wait for its next leg
            log.interrupt(RunNotFound("the run was deleted", run_id=id))

    # -- carrying out --------------------------------------------------------------------------------------------

    def here(self) -> LoopBinding:
        """Return what the scheduler is bound to, else the running loop, or the background one where none runs."""
        if self._given is not None:
            return self._given.open()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._in_background()
        return self._loops.get(loop) or self._bind(loop)

    def _bind(self, loop: asyncio.AbstractEventLoop) -> LoopBinding:
        for known, binding in list(self._loops.items()):
            if known.is_closed():  # without having said so
                binding.end()
        binding = self._loops[loop] = LoopBinding(loop, self._pool, self._loop_ended)
        binding.watch()
        return binding

    def _in_background(self) -> LoopBinding:
        with self._lock:
            background = self._background
            if background is None or not background.alive:
                background = self._background = BackgroundLoop(self._pool, self._loop_ended)
                self._loops[background.binding.loop] = background.binding
                atexit.register(self._at_exit)
            return background.binding

    def _loop_ended(self, binding: LoopBinding) -> None:
        """Take the runs of a loop that ends from this process: they can be continued where their store survives."""
        self._loops.pop(binding.loop, None)
        for leg in list(self.registry.live.values()):
            execution = leg.execution
            if execution.port is binding:
                execution.abandon(RunInterrupted("the loop ended before the run did", run_id=execution.run_id))
        self.registry.turns.drop(binding, RunInterrupted("the loop ended before it was the turn of the run"))

    def ended(self, run_id: str) -> None:
        """Take note that the live leg of a run is over, and let the next one in."""
        self.registry.live.pop(run_id, None)
        self.registry.turns.next()

    @property
    def loops(self) -> list[asyncio.AbstractEventLoop]:
        """The event loops it has runs on, or had."""
        return [loop for loop in list(self._loops) if not loop.is_closed()]

    @property
    def thread(self) -> threading.Thread | None:
        """The thread of its background loop, if there is one."""
        return None if self._background is None else self._background.thread

    def report(self, error: BaseException) -> None:
        """Report what a subscriber raised; what is to end the program goes on to whoever runs the loop."""
        self._tell(error)
        if isinstance(error, FATAL):
            loop = running_loop()
            if loop is None:
                raise error
            if self._background is None or loop is not self._background.binding.loop:
                raise_in(loop, error)

    def _tell(self, error: BaseException) -> None:
        if self._on_subscriber_error is not None:
            try:
                self._on_subscriber_error(error)
            except Exception:
                logger.exception("on_subscriber_error raised")
            return
        message = "a subscriber of a workflow stream raised and was detached"
        loop = running_loop()
        if loop is None:
            logger.error(message, exc_info=error)
        else:
            loop.call_exception_handler({"message": message, "exception": error})

    # -- closing -------------------------------------------------------------------------------------------------

    async def aclose(self, *, drain: float = 5.0) -> None:
        """Take no more runs, wait for the live ones, then take them from this process.

        Args:
            drain: seconds for live runs to end; then their streams end with `RunInterrupted`, and nothing is
                recorded: they can be continued where their store survives.
        """
        self.registry.turns.drop(None, RunInterrupted("the runtime was closed before it was the turn of the run"))
        for early in self.registry.created.values():
            early.forsake(RunInterrupted("the runtime was closed before the run was started"))
        legs = [leg for leg in self.registry.live.values() if not leg.execution.loopless]  # a test starts its scheduler
        waits = [asyncio.ensure_future(on_loop_of(leg, leg.wait_ended)) for leg in legs]
        if waits:
            _, open_ = await asyncio.wait(waits, timeout=drain)
            for one in open_:
                one.cancel()
        for leg in list(self.registry.live.values()):
            await on_loop_of(leg, partial(take, leg))
        for log in self.registry.logs.values():  # of runs that are suspended, say: whoever waits for what comes next
            log.interrupt(RunInterrupted("the runtime was closed", run_id=log.run_id))
        for label in self._pool.close():
            logger.error("the thread that runs %r does not answer; it is left behind", label)
        self._stop_background()

    def _stop_background(self) -> None:
        background, self._background = self._background, None
        if background is not None:
            atexit.unregister(self._at_exit)
            background.stop()

    def _at_exit(self) -> None:
        """Give runs on the background loop some time, then stop it."""
        background = self._background
        if background is not None and background.alive:
            background.wait_for(partial(self._idle, background.binding), self._exit_grace)
            for leg in self._legs_in(background.binding):
                logger.error("run %s is left unfinished: the interpreter exits", leg.execution.run_id)
        self._stop_background()

    def _legs_in(self, binding: LoopBinding) -> list[Leg]:
        return [leg for leg in list(self.registry.live.values()) if leg.execution.port is binding]

    async def _idle(self, binding: LoopBinding) -> None:
        """Wait, in a loop, until it has no live runs."""
        while True:
            waits = [asyncio.ensure_future(leg.wait_ended()) for leg in self._legs_in(binding)]
            waits += [task for task in self.registry.lookups if task.get_loop() is binding.loop]
            if not waits:
                return
            await asyncio.wait(waits)

    def start_afresh(self) -> None:
        """In the child of a fork: leave the runs, loops and threads to the parent, which has them."""
        self._lock = threading.Lock()
        self._background = None
        self._loops = {}
        for run_id in list(self.registry.live):
            log = self.registry.logs.get(run_id)
            if log is not None:
                log.disown(RunInterrupted("the process was forked, and the run goes on in the parent", run_id=run_id))
        self.registry.live.clear()

    async def __aenter__(self) -> Self:
        """Return the runtime; it is closed at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the runtime."""
        await self.aclose()


def _after_fork() -> None:
    for runtime in list(RUNTIMES):
        runtime.start_afresh()


RUNTIMES: Final[WeakSet[Runtime]] = WeakSet()
"""All that this process has."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def implicit() -> Runtime:
    """Return the runtime of workflows that were given none; it is made when it is first asked for."""
    if not _implicit:
        with _making:
            if not _implicit:
                _implicit.append(Runtime(store=MemoryStore(keep=0)))
    return _implicit[0]


_making = threading.Lock()
_implicit: list[Runtime] = []
