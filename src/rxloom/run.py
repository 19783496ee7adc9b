"""`Run`: one execution of a workflow, and the verbs that start, resume, watch and cancel it."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import copy_context
from functools import partial
from typing import Any, Final, Generic, Literal, TypeVar

from typing_extensions import override

from rxloom.chunks import EventReceived
from rxloom.control import Control, Opening, Ticket, Work
from rxloom.errors import RunAlreadyStarted
from rxloom.feed import Feed, View
from rxloom.ports.loop import LoopPort
from rxloom.ports.runtime import RuntimePort
from rxloom.results import WorkflowResult
from rxloom.snapshot import Snapshot
from rxloom.step_type import Step
from rxloom.stream import WorkflowStream
from rxloom.target import Path, path_of
from rxloom.values import copy_plain

In = TypeVar("In")
Out = TypeVar("Out")
ResumeT = TypeVar("ResumeT")


_ONE_LEG: Final = View()
_ALL_LEGS: Final = View(terminal=True, seamless=True, whole=True)


class Run(Generic[In, Out]):
    """One execution of a workflow: it has a `run_id`, and any number of legs.

    Made by `workflow.create_run()`; nothing happens before the first verb. Every method may be called from any
    thread, and every awaitable awaited on any loop.
    """

    __slots__ = ("__weakref__", "_control", "_join", "_started", "resource_id", "run_id")

    def __init__(
        self, runtime: RuntimePort, workflow: Any, run_id: str, resource_id: str | None,
        on_existing: Literal["refuse", "join"] = "refuse",
    ) -> None:  # fmt: skip
        """Make a handle. Use `workflow.create_run()`."""
        self.run_id: str = run_id
        self.resource_id: str | None = resource_id
        self._control = Control(runtime, workflow, run_id)
        self._join = on_existing == "join"
        self._started = False

    @override
    def __repr__(self) -> str:
        return f"Run(workflow_id={self.workflow_id!r}, run_id={self.run_id!r})"

    @property
    def workflow_id(self) -> str:
        """The id of the workflow."""
        return self._control.workflow_id

    # -- verbs ---------------------------------------------------------------------------------------------------

    def stream_vnext(
        self,
        input_data: In | None = None,
        *,
        initial_state: Any = None,
        runtime_context: Mapping[str, Any] | None = None,
        close_on_suspend: bool = True,
        per_step: bool = False,
    ) -> WorkflowStream[Out]:
        """Start the run now, whether or not anybody subscribes, and return its stream.

        Args:
            input_data: the input of the workflow.
            initial_state: the workflow state to begin with.
            runtime_context: the user's own things, by key.
            close_on_suspend: whether the stream ends when the run is suspended. `False` gives a view over all legs
                up to a terminal status, without the seams.
            per_step: run one top-level step, then pause.

        Raises:
            RunAlreadyStarted: when this object has started the run already.
        """
        view = _ONE_LEG if close_on_suspend else _ALL_LEGS
        opening = Opening(
            copy_plain(input_data),
            copy_plain(initial_state),
            _taken(runtime_context),
            self.resource_id,
            per_step,
            self._join,
        )
        if self._started and not self._join:
            raise RunAlreadyStarted("this run was started already", run_id=self.run_id, workflow_id=self.workflow_id)
        self._started = True
        port = self._control.runtime.here()
        feed = self._feed(view, port)
        port.call(partial(self._control.start, opening, Ticket(port, feed, copy_context())))
        return WorkflowStream(feed)

    def resume_stream_vnext(
        self,
        resume_data: ResumeT | None = None,
        *,
        step: Step[Any, Any, ResumeT] | Path | None = None,
        label: str | None = None,
        index: int | None = None,
        runtime_context: Mapping[str, Any] | None = None,
        close_on_suspend: bool = True,
        per_step: bool = False,
    ) -> WorkflowStream[Out]:
        """Answer a suspended step, or go on after a pause, and return the stream of the next leg.

        While siblings of the suspended step still run, the answer joins the open leg, and its stream is returned.
        A call that is refused gives a stream that ends with the refusal, and changes nothing.

        Args:
            resume_data: the answer.
            step: the suspended step, or its path. May be left out when one leaf is suspended, or all suspended ones
                are items of one `for_each`, which then all get the data.
            label: the label of the suspension.
            index: the index of an item of a `for_each`.
            runtime_context: set in the runtime context first.
            close_on_suspend: see `stream_vnext`.
            per_step: see `stream_vnext`.

        Raises (in the stream):
            NotSuspended, AmbiguousResume, ResumeConflict, ResumeInvalid, RunNotFound: the call was refused.
        """
        view = _ONE_LEG if close_on_suspend else _ALL_LEGS
        chosen = partial(self._control.answers_to, copy_plain(resume_data), step, label, index)
        work = partial(self._control.resume, chosen, Opening(context=_taken(runtime_context), per_step=per_step))
        return self._later(view, work, self._control.runtime.here())

    def resume_all(
        self,
        answers: Mapping[str, Any],
        *,
        runtime_context: Mapping[str, Any] | None = None,
        close_on_suspend: bool = True,
        per_step: bool = False,
    ) -> WorkflowStream[Out]:
        """Answer several suspended steps in one leg.

        Args:
            answers: the data by path.
            runtime_context: set in the runtime context first.
            close_on_suspend: see `stream_vnext`.
            per_step: see `stream_vnext`.
        """
        view = _ONE_LEG if close_on_suspend else _ALL_LEGS
        given = {path_of(path): copy_plain(data) for path, data in _mapping("answers", answers).items()}
        chosen = partial(self._control.all_answers, given)
        work = partial(self._control.resume, chosen, Opening(context=_taken(runtime_context), per_step=per_step))
        return self._later(view, work, self._control.runtime.here())

    def observe_stream_vnext(self, *, from_seq: int = 0, close_on_suspend: bool = True) -> WorkflowStream[Out]:
        """Return the run from chunk `from_seq` on: what was told, then what is told, whoever carries it out.

        Args:
            from_seq: the seq of the first chunk to deliver; status, result and usage are of the whole run.
            close_on_suspend: whether the stream ends with the leg that is live, or, if none is, the last one.
                `False` waits over suspensions for a terminal status.

        Raises:
            ValueError: when `from_seq` is negative.
        """
        if from_seq < 0:
            raise ValueError(f"from_seq must not be negative; got {from_seq}")
        view = View(first=from_seq, terminal=not close_on_suspend, whole=True)
        return self._later(view, partial(self._control.observe, from_seq), self._control.port())

    async def start(
        self,
        input_data: In | None = None,
        *,
        initial_state: Any = None,
        runtime_context: Mapping[str, Any] | None = None,
        close_on_suspend: bool = True,
        per_step: bool = False,
    ) -> WorkflowResult[Out]:
        """Start the run and wait for its result; see `stream_vnext`.

        Raises:
            RefusedCall: when the call was refused.
        """
        return await self.stream_vnext(
            input_data, initial_state=initial_state, runtime_context=runtime_context,
            close_on_suspend=close_on_suspend, per_step=per_step,
        ).result  # fmt: skip

    async def resume(
        self,
        resume_data: ResumeT | None = None,
        *,
        step: Step[Any, Any, ResumeT] | Path | None = None,
        label: str | None = None,
        index: int | None = None,
        runtime_context: Mapping[str, Any] | None = None,
        close_on_suspend: bool = True,
        per_step: bool = False,
    ) -> WorkflowResult[Out]:
        """Answer a suspended step and wait for the result; see `resume_stream_vnext`.

        Raises:
            RefusedCall: when the call was refused.
        """
        return await self.resume_stream_vnext(
            resume_data, step=step, label=label, index=index, runtime_context=runtime_context,
            close_on_suspend=close_on_suspend, per_step=per_step,
        ).result  # fmt: skip

    async def cancel(self, reason: str | None = None, *, grace: float = 5.0) -> None:
        """Cancel the run; when this returns it is settled, and no step body is entered any more.

        Idempotent; works on a running, waiting, suspended or not yet started run, and does nothing to one that ended.

        Args:
            reason: told in the result.
            grace: seconds for steps to end; one that does not is reported, and its result discarded.

        Raises:
            ValueError: when `grace` is no number of seconds.
            RunNotFound: when nobody knows the run.
        """
        if isinstance(grace, bool) or not isinstance(grace, (int, float)) or not grace >= 0:  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
            raise ValueError(f"grace must be 0 or more seconds; got {grace!r}")
        await self._control.cancel(reason, grace)

    async def send_event(self, name: str, data: Any = None, *, event_id: str | None = None) -> None:
        """Send an event to the run, for a `wait_for_event(name)`, now or later.

        Args:
            name: the name of the event.
            data: its data.
            event_id: sending another event with the same id does nothing.

        Raises:
            RunNotFound: when nobody knows the run.
        """
        await self._control.send(EventReceived(name, copy_plain(data), event_id))

    async def snapshot(self) -> Snapshot:
        """Return the state of the run as it is now.

        Raises:
            RunNotFound: when nobody knows the run.
        """
        return await self._control.snapshot()

    # -- inside --------------------------------------------------------------------------------------------------

    def _feed(self, view: View, port: LoopPort) -> Feed:
        control = self._control
        feed = Feed(self.run_id, control.workflow_id, port.scheduler, control, view)
        feed.port = port
        return feed

    def _later(self, view: View, work: Work, port: LoopPort) -> WorkflowStream[Out]:
        """Return a stream whose leg is looked for in a task on `port`."""
        control = self._control
        feed = self._feed(view, port)
        port.call(partial(control.look_for, work, Ticket(port, feed, copy_context())))
        return WorkflowStream(feed)


def _taken(context: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Take the items as they are now, whatever becomes of the caller's mapping."""
    return None if context is None else dict(_mapping("runtime_context", context))


def _mapping(name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        raise TypeError(f"{name} is a mapping; got {given!r}")
    return given
