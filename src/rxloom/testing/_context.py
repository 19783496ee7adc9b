"""Contexts for calling a step function directly, without a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from threading import get_ident
from typing import Any, Literal, TypedDict, TypeVar, overload

import reactivex
from reactivex import Observable
from reactivex.abc import SchedulerBase
from reactivex.scheduler import CurrentThreadScheduler
from typing_extensions import Unpack

from rxloom.chunks import Answer, Usage
from rxloom.context import StepContext, SyncStepContext
from rxloom.errors import StepSignal
from rxloom.scheduler import LoopScheduler, running_loop
from rxloom.state import StateSpec, differing, fields_of
from rxloom.values import copy_plain

__all__ = ["Identity", "RecordingContext", "RecordingSyncContext", "context"]

_T = TypeVar("_T")


class Identity(TypedDict, total=False):
    """Who the step call under test takes itself for."""

    run_id: str
    workflow_id: str
    resource_id: str | None
    path: str
    attempt: int
    iteration: int


class RecordingContext(StepContext[Any, Any]):
    """A `StepContext` that belongs to no run, and keeps what was done through it.

    Attributes:
        written: the values written, in order.
        custom_written: the types and data of custom chunks, in order.
        usage: the token counts recorded, in order.
    """

    __slots__ = ("custom_written", "usage", "written")

    def __init__(self, call: _LoneCall) -> None:
        super().__init__(call)
        self.written: list[Any] = call.written
        self.custom_written: list[tuple[str, Any]] = call.custom_written
        self.usage: list[Usage] = call.usage


class RecordingSyncContext(SyncStepContext[Any, Any]):
    """A `SyncStepContext` that belongs to no run, and keeps what was done through it.

    Attributes:
        written: the values written, in order.
        custom_written: the types and data of custom chunks, in order.
        usage: the token counts recorded, in order.
    """

    __slots__ = ("custom_written", "usage", "written")

    def __init__(self, call: _LoneCall) -> None:
        super().__init__(call)
        self.written: list[Any] = call.written
        self.custom_written: list[tuple[str, Any]] = call.custom_written
        self.usage: list[Usage] = call.usage


@overload
def context(
    *,
    sync: Literal[False] = False,
    init_data: Any = None,
    results: Mapping[str, Any] | None = None,
    state: Any = None,
    runtime_context: Mapping[str, Any] | None = None,
    resume: Sequence[Any] | Mapping[str, Any] = (),
    **identity: Unpack[Identity],
) -> RecordingContext: ...
@overload
def context(
    *,
    sync: Literal[True],
    init_data: Any = None,
    results: Mapping[str, Any] | None = None,
    state: Any = None,
    runtime_context: Mapping[str, Any] | None = None,
    resume: Sequence[Any] | Mapping[str, Any] = (),
    **identity: Unpack[Identity],
) -> RecordingSyncContext: ...
def context(
    *,
    sync: bool = False,
    init_data: Any = None,
    results: Mapping[str, Any] | None = None,
    state: Any = None,
    runtime_context: Mapping[str, Any] | None = None,
    resume: Sequence[Any] | Mapping[str, Any] = (),
    **identity: Unpack[Identity],
) -> RecordingContext | RecordingSyncContext:
    """Make what a step function takes besides its input: `await price(order, ctx)` then calls it without a run.

    Suspending, bailing and aborting raise their signals, which `pytest.raises` can catch.

    Args:
        sync: make the context of a plain function.
        init_data: the input of the workflow.
        results: outputs of other steps, by id.
        state: the workflow state: a mapping, or an object of the state schema.
        runtime_context: what the runtime context holds.
        resume: the answers to the function's suspensions: one after the other, or by label.
        identity: `run_id`, `workflow_id`, `resource_id`, `path`, `attempt`, `iteration`.

    Raises:
        TypeError: the answers are not in a list or dict.

    Returns:
        A context whose `written` is a list of what the step wrote.

    Example:
        >>> import asyncio
        >>> async def greet(name: str, ctx: StepContext) -> str:
        ...     await ctx.write({"greeting": name})
        ...     return f"{await ctx.suspend('how?')}, {name}"
        >>> ctx = context(resume=["hello"])
        >>> asyncio.run(greet("Ada", ctx)), ctx.written
        ('hello, Ada', [{'greeting': 'Ada'}])
    """
    call = _LoneCall(identity, _answers(resume, identity.get("path", "step")))
    call.init_data = init_data
    call.results = dict(results or {})
    call.runtime_context = dict(runtime_context or {})
    call.set_state(state)
    return RecordingSyncContext(call) if sync else RecordingContext(call)


def _answers(resume: Sequence[Any] | Mapping[str, Any], path: str) -> list[Answer]:
    if isinstance(resume, str | bytes):
        raise TypeError(f"resume is a list of answers, or a dict of them by label, not {resume!r}")
    if isinstance(resume, Mapping):
        return [Answer(path, label, None, data, at=0) for label, data in resume.items()]
    return [Answer(path, None, None, data, at=0) for data in resume]


class _LoneCall:
    """A step call without a run: what a context needs, and nothing around it."""

    def __init__(self, identity: Identity, answers: list[Answer]) -> None:
        self.thread: int = get_ident()
        self.run_id: str = identity.get("run_id", "run")
        self.workflow_id: str = identity.get("workflow_id", "workflow")
        self.resource_id: str | None = identity.get("resource_id")
        self.path: str = identity.get("path", "step")
        self.id: str = self.path
        self.attempt: int = identity.get("attempt", 0)
        self.iteration: int = identity.get("iteration", 0)
        self.answers = answers
        self.touched = False
        self.signal: StepSignal | None = None
        self.init_data: Any = None
        self.results: dict[str, Any] = {}
        self.runtime_context: MutableMapping[str, Any] = {}
        self.runtime: Any = None
        self.written: list[Any] = []
        self.custom_written: list[tuple[str, Any]] = []
        self.usage: list[Usage] = []
        self._open_answers = list(answers)
        self.set_state(None)

    @property
    def idempotency_key(self) -> str:
        return f"{self.run_id}:0:{self.path}:{self.iteration}"

    @property
    def scheduler(self) -> SchedulerBase:
        loop = running_loop()
        return CurrentThreadScheduler.singleton() if loop is None else LoopScheduler(loop)

    @property
    def cancelled(self) -> Observable[str | None]:
        return reactivex.never()

    # -- everything happens here and now -------------------------------------------------------------------------

    def on_thread(self) -> bool:
        return True

    def post(self, action: Callable[[], object]) -> None:
        action()

    def blocking(self, call: Callable[[], Awaitable[Any] | None]) -> None:
        call()

    async def on_worker(self, work: Callable[[], _T]) -> _T:
        return work()

    def crowded(self) -> bool:
        return False

    async def room(self) -> None:
        """Return at once: there is no reader to wait for."""

    # -- answers and results -------------------------------------------------------------------------------------

    def answer_to(self, payload: Any, label: str | None) -> Answer | None:
        for answer in self._open_answers:
            if answer.label in (None, label):
                self._open_answers.remove(answer)
                answer.payload = payload
                return answer
        return None

    def result_of(self, step_id: str, default: Any) -> Any:
        return self.results.get(step_id, default)

    # -- writing -------------------------------------------------------------------------------------------------

    def write(self, value: Any) -> bool:
        self.written.append(copy_plain(value))
        return False

    def custom(self, type: str, data: Any) -> None:
        self.custom_written.append((type, copy_plain(data)))

    def record_usage(self, usage: Usage) -> None:
        self.usage.append(usage)

    # -- state ---------------------------------------------------------------------------------------------------

    def set_state(self, given: Any) -> None:
        """Begin with a state; an object that is no mapping is its own schema."""
        self._spec = StateSpec(self.workflow_id, None if given is None or isinstance(given, Mapping) else type(given))
        self._state = dict(fields_of(given))

    def state(self) -> Any:
        return self._spec.present(self._state)

    def state_fields(self) -> Mapping[str, Any]:
        fields: Mapping[str, Any] = copy_plain(self._spec.view(self._state))
        return fields

    def write_state(self, new: Any, seen: Mapping[str, Any] | None) -> None:
        self._state |= self._spec.checked(differing(new, self._state if seen is None else seen))

    def update_state(self, change: Callable[[Any], Mapping[str, Any]]) -> None:
        self._state |= self._spec.checked(self._spec.joined(self._state, change))
