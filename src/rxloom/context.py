"""What a step body sees of its run: `StepContext` for coroutines, `SyncStepContext` for plain functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping
from threading import get_ident
from typing import Any, Final, Generic, NoReturn, cast

from reactivex import Observable
from reactivex.abc import ObserverBase, SchedulerBase
from reactivex.observer import Observer
from typing_extensions import TypeVar

from rxloom.chunks import Answer, Usage
from rxloom.errors import AbortSignal, BailSignal, DefinitionError, StepSignal, SuspendSignal
from rxloom.ports.call import CallPort
from rxloom.step_type import Step

StateT = TypeVar("StateT", default=Any)
ResumeT = TypeVar("ResumeT", default=Any)
T = TypeVar("T")


class Done(Generic[T]):
    """An awaitable that is done: awaiting it does not yield to the loop."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        """Make one that gives `value`."""
        self._value = value

    def __await__(self) -> Generator[Any, Any, T]:
        """Return the value at once."""
        return self._value
        yield


class _Nothing:
    """An awaitable that is done and gives `None`; awaiting it costs next to nothing."""

    __slots__ = ()
    __await__ = ().__iter__  # no frame of ours: this is awaited once for each written chunk


NOTHING: Final = cast("Awaitable[None]", _Nothing())


class _Context(Generic[StateT, ResumeT]):
    """What both contexts share: nothing in here waits."""

    __slots__ = ("_call", "_seen")

    def __init__(self, call: CallPort) -> None:
        """Make the context of one entry of a call."""
        self._call = call
        self._seen: Mapping[str, Any] | None = None

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._call.run_id

    @property
    def workflow_id(self) -> str:
        """The id of the workflow the step is in: the nested one, in a nested workflow."""
        return self._call.workflow_id

    @property
    def resource_id(self) -> str | None:
        """Whose run it is, as given to `create_run`."""
        return self._call.resource_id

    @property
    def step_id(self) -> str:
        """The id of the step."""
        return self._call.id.rpartition(".")[2]

    @property
    def path(self) -> str:
        """The path of the step call: ids joined by dots, an item of a `for_each` is `each[2]`."""
        return self._call.path

    @property
    def attempt(self) -> int:
        """The 0-based number of this attempt."""
        return self._call.attempt

    @property
    def iteration(self) -> int:
        """The round of the loop around the step, from 1; the index of an item of a `for_each`; else 0."""
        return self._call.iteration

    @property
    def idempotency_key(self) -> str:
        """A key that is equal for every execution of this step call: retries and re-entries included."""
        return self._call.idempotency_key

    @property
    def init_data(self) -> Any:
        """The input of the workflow the step is in."""
        return self._call.init_data

    @property
    def state(self) -> StateT:
        """The workflow state as it is now: an object of the `state` schema, or a dict. Changing it writes nothing."""
        self._seen = self._call.state_fields()
        return cast("StateT", self._call.state())

    @property
    def runtime_context(self) -> MutableMapping[str, Any]:
        """A mapping for the user's own things, carried into nested runs and snapshots."""
        return self._call.runtime_context

    @property
    def resume_data(self) -> ResumeT | None:
        """The newest answer to a suspension of this step, or `None`."""
        self._call.touched = True
        answers = self._call.answers
        return answers[-1].data if answers else None

    @property
    def resumed(self) -> bool:
        """Whether a suspension of this step was answered."""
        self._call.touched = True
        return bool(self._call.answers)

    @property
    def suspend_data(self) -> Any:
        """The payload of the suspension that the newest answer answers, or `None`."""
        answers = self._call.answers
        return answers[-1].payload if answers else None

    @property
    def cancelled(self) -> Observable[str | None]:
        """Emits the reason, once, when this step is asked to stop."""
        return self._call.cancelled

    @property
    def scheduler(self) -> SchedulerBase:
        """The run's Rx scheduler."""
        return self._call.scheduler

    @property
    def runtime(self) -> Any:
        """The runtime that carries the run out."""
        return self._call.runtime

    @property
    def writer(self) -> ObserverBase[Any]:
        """An Rx observer whose `on_next` writes an output; its terminal events do nothing."""
        return Observer(self.write_nowait, lambda _: None, lambda: None)

    def get_step_result(self, step: Step[Any, T, Any] | str, default: Any = None) -> Any:
        """Return the output of a step of this workflow, or of one around it; `default` if it has none."""
        return self._call.result_of(step if isinstance(step, str) else step.id, default)

    def write_nowait(self, value: Any) -> None:
        """Write an output without waiting for anybody; from any thread.

        Raises:
            WriterClosed: when the step is over.
        """
        call = self._call
        if get_ident() == call.thread:
            call.write(value)
        else:
            call.post(lambda: call.write(value))

    def record_usage(self, usage: Usage) -> None:
        """Count tokens for this step.

        Raises:
            WriterClosed: when the step is over.
        """
        call = self._call
        if call.on_thread():
            call.record_usage(usage)
        else:
            call.post(lambda: call.record_usage(usage))

    def bail(self, result: Any = None) -> NoReturn:
        """End the workflow now, with success and `result`; a nested workflow ends alone."""
        raise self._signal(BailSignal(result, owner=self._call))

    def abort(self, reason: str | None = None) -> NoReturn:
        """Cancel the run."""
        raise self._signal(AbortSignal(reason, owner=self._call))

    def _signal(self, signal: StepSignal) -> StepSignal:
        self._call.signal = signal
        return signal

    def _answer(self, payload: Any, label: str | None) -> Answer:
        answer = self._call.answer_to(payload, label)
        if answer is None:
            raise self._signal(SuspendSignal(payload, label, owner=self._call))
        return answer


class StepContext(_Context[StateT, ResumeT]):
    """What an asynchronous step sees of its run.

    A parameter annotated `StepContext`, or named `ctx`, receives it. `StepContext[State, Answer]` gives `state` and
    the answers their types.
    """

    __slots__ = ()

    def write(self, value: Any) -> Awaitable[None]:
        """Write an output chunk; awaiting it waits while a reader that asked for it lags too far.

        The chunk is written at the call. Plain containers in `value` are copied, other objects are not.

        Raises:
            WriterClosed: when the step is over.
        """
        call = self._call
        if get_ident() == call.thread:
            return call.room() if call.write(value) else NOTHING
        call.post(lambda: call.write(value))
        return NOTHING

    def custom(self, type: str, data: Any) -> Awaitable[None]:
        """Write a chunk of your own type, which has to start with `data-`.

        Raises:
            DefinitionError: when the type does not start with `data-`, or starts with `data-rxloom-`.
            WriterClosed: when the step is over.
        """
        call = self._call
        _check_custom(type, call.path)
        if call.on_thread():
            call.custom(type, data)
            return call.room() if call.crowded() else NOTHING
        call.post(lambda: call.custom(type, data))
        return NOTHING

    def suspend(self, payload: Any = None, *, label: str | None = None) -> Awaitable[ResumeT]:
        """Wait for an answer from outside, or return the one that was given.

        Without an answer the step ends here and its run is suspended. When it is resumed the function is entered
        again from its top, and this call returns the answer: the one with the same label, or, unlabelled, the next
        one to an equal payload.
        """
        return Done(self._answer(payload, label).data)

    def set_state(self, new: Any) -> Awaitable[None]:
        """Write the fields in which `new` differs from the state this step last saw.

        Raises:
            InputInvalid: when a value does not fit the state schema.
        """
        self._call.write_state(new, self._seen)
        self._seen = self._call.state_fields()
        return NOTHING

    def update_state(
        self, change: Callable[[StateT], Mapping[str, Any]] | None = None, **changes: Any
    ) -> Awaitable[None]:
        """Change fields of the run's state in one go, so that no update of a sibling is lost.

        Args:
            change: called with the current state, returns the fields to change.
            changes: fields to change; a field annotated with `Reduce` is joined with its present value.

        Raises:
            InputInvalid: when a value does not fit the state schema.
        """
        self._call.update_state(_changer(change, changes))
        return NOTHING

    def on_worker(self, work: Callable[[], T]) -> Awaitable[T]:
        """Run a blocking call on a worker thread of the runtime.

        Cancelling the step waits for it: a thread cannot be cancelled.
        """
        return self._call.on_worker(work)

    def on_loop(self, action: Callable[[], None]) -> None:
        """Run `action` on the thread of the run: now, if this is it."""
        call = self._call
        if call.on_thread():
            action()
        else:
            call.post(action)


class SyncStepContext(_Context[StateT, ResumeT]):
    """What a plain function sees of its run: the names of `StepContext` as plain, blocking calls.

    On a worker thread they hop to the run's thread and back. In an `inline` step they never block: `write` does not
    wait for readers there.
    """

    __slots__ = ()

    def write(self, value: Any) -> None:
        """Write an output chunk, and wait while a reader that asked for it lags too far.

        Raises:
            WriterClosed: when the step is over.
        """
        call = self._call
        if call.on_thread():
            call.write(value)
        else:
            call.blocking(lambda: _written(call, lambda: call.write(value)))

    def custom(self, type: str, data: Any) -> None:
        """Write a chunk of your own type, which has to start with `data-`.

        Raises:
            DefinitionError: when the type does not start with `data-`, or starts with `data-rxloom-`.
            WriterClosed: when the step is over.
        """
        call = self._call
        _check_custom(type, call.path)
        if call.on_thread():
            call.custom(type, data)
        else:
            call.blocking(lambda: _written(call, lambda: call.custom(type, data)))

    def suspend(self, payload: Any = None, *, label: str | None = None) -> ResumeT:
        """Wait for an answer from outside, or return the one that was given; see `StepContext.suspend`."""
        return self._answer(payload, label).data

    def set_state(self, new: Any) -> None:
        """Write the fields in which `new` differs from the state this step last saw.

        Raises:
            InputInvalid: when a value does not fit the state schema.
        """
        call, seen = self._call, self._seen
        call.blocking(lambda: call.write_state(new, seen))
        self._seen = call.state_fields()

    def update_state(self, change: Callable[[StateT], Mapping[str, Any]] | None = None, **changes: Any) -> None:
        """Change fields of the run's state in one go; see `StepContext.update_state`.

        Raises:
            InputInvalid: when a value does not fit the state schema.
        """
        call = self._call
        call.blocking(lambda: call.update_state(_changer(change, changes)))


def _check_custom(type: str, path: str) -> None:
    if not type.startswith("data-") or type == "data-" or type.startswith("data-rxloom-"):
        raise DefinitionError(
            f"the type of a custom chunk starts with 'data-', and not with 'data-rxloom-'; got {type!r}", step_path=path
        )


def _written(call: CallPort, write: Callable[[], object]) -> Awaitable[None] | None:
    write()
    return call.room() if call.crowded() else None


def _changer(
    change: Callable[[Any], Mapping[str, Any]] | None, changes: Mapping[str, Any]
) -> Callable[[Any], Mapping[str, Any]]:
    if change is None:
        return lambda _: changes
    return lambda state: {**change(state), **changes}
