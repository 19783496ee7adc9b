"""The vocabulary of a run: its chunks, and the private records that are stored beside them.

A run is told as a sequence of **chunks**. Every chunk is a slotted object with `type`, `run_id`, `source`,
`seq` and, except for custom `data-*` chunks and gaps, a typed `payload`. `match chunk:` and
`chunk.type == "…"` both narrow the union `Chunk`.

Chunks are immutable by contract, not by force: a frozen dataclass costs three times as much to make, and a
run makes millions of them.

**Private records** carry what the fold needs and the public shapes do not. They are stored, take no `seq`, and
are never told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

Source: TypeAlias = Literal["WORKFLOW", "USER", "AGENT"]
ResultStatus: TypeAlias = Literal["success", "failed", "bailed", "canceled", "skipped"]
FinishStatus: TypeAlias = Literal["success", "failed", "suspended", "canceled", "paused", "tripwire"]
ItemStatus: TypeAlias = Literal["success", "failed", "suspended"]
LegKind: TypeAlias = Literal["start", "resume", "cancel"]


@dataclass(slots=True)
class ErrorInfo:
    """An exception as data: what is stored, told and shown of a failure.

    Attributes:
        name: the class name of the exception.
        message: its text.
        attributes: its own public attributes, as plain data.
        cause: the same for `__cause__` or the first of a group, if any.
        step_path: path of the step that failed first, if a step did.
        attempt: 0-based attempt in which it failed.
        traceback: the formatted traceback; stays in this process, and is left out of the wire form.
    """

    name: str
    message: str
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cause: ErrorInfo | None = None
    step_path: str | None = None
    attempt: int = 0
    traceback: str | None = None


@dataclass(slots=True)
class WorkflowStartPayload:
    """Payload of `workflow-start`."""

    workflow_id: str


@dataclass(slots=True)
class WorkflowStart:
    """First chunk of every leg."""

    type: ClassVar[Literal["workflow-start"]] = "workflow-start"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: WorkflowStartPayload
    seq: int = -1


@dataclass(slots=True)
class StepStartPayload:
    """Payload of `workflow-step-start`: a step call opens, for the first time or again after a resume."""

    status: ClassVar[Literal["running"]] = "running"
    id: str
    step_call_id: str
    payload: Any
    started_at: int
    resume_payload: Any = None
    resumed_at: int | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def step_name(self) -> str:
        """Equal to `id`."""
        return self.id


@dataclass(slots=True)
class StepStart:
    """A step call opens."""

    type: ClassVar[Literal["workflow-step-start"]] = "workflow-step-start"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepStartPayload
    seq: int = -1


@dataclass(slots=True)
class StepOutputPayload:
    """Payload of `workflow-step-output`: what a step wrote. `index` is set inside an item of a `for_each`."""

    id: str
    step_call_id: str
    output: Any
    run_id: str
    index: int | None = None

    @property
    def step_name(self) -> str:
        """Equal to `id`."""
        return self.id


@dataclass(slots=True)
class StepOutput:
    """A step wrote something."""

    type: ClassVar[Literal["workflow-step-output"]] = "workflow-step-output"
    source: ClassVar[Literal["USER"]] = "USER"
    run_id: str
    payload: StepOutputPayload
    seq: int = -1


@dataclass(slots=True)
class StepProgressPayload:
    """Payload of `workflow-step-progress`: one item of a `for_each` settled."""

    id: str
    step_call_id: str
    completed_count: int
    total_count: int
    current_index: int
    iteration_status: ItemStatus
    iteration_output: Any = None

    @property
    def step_name(self) -> str:
        """Equal to `id`."""
        return self.id


@dataclass(slots=True)
class StepProgress:
    """One item of a `for_each` settled."""

    type: ClassVar[Literal["workflow-step-progress"]] = "workflow-step-progress"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepProgressPayload
    seq: int = -1


@dataclass(slots=True)
class StepRetryPayload:
    """Payload of `workflow-step-retry`: attempt number `attempt` (from 1) comes after `delay_ms`."""

    id: str
    step_call_id: str
    attempt: int
    error: ErrorInfo
    delay_ms: int
    index: int | None = None

    @property
    def step_name(self) -> str:
        """Equal to `id`."""
        return self.id


@dataclass(slots=True)
class StepRetry:
    """An attempt failed and another one comes."""

    type: ClassVar[Literal["workflow-step-retry"]] = "workflow-step-retry"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepRetryPayload
    seq: int = -1


@dataclass(slots=True)
class StepWaitingPayload:
    """Payload of `workflow-step-waiting`: a sleep (`until`, epoch milliseconds) or a wait for `event`."""

    status: ClassVar[Literal["waiting"]] = "waiting"
    id: str
    step_call_id: str
    payload: Any
    started_at: int
    until: int | None = None
    event: str | None = None

    @property
    def step_name(self) -> str:
        """Equal to `id`."""
        return self.id


@dataclass(slots=True)
class StepWaiting:
    """A sleep or a wait for an event begins."""

    type: ClassVar[Literal["workflow-step-waiting"]] = "workflow-step-waiting"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepWaitingPayload
    seq: int = -1


@dataclass(slots=True)
class StepSuspendedPayload:
    """Payload of `workflow-step-suspended`: the start's fields, and what the step asks for."""

    status: ClassVar[Literal["suspended"]] = "suspended"
    id: str
    step_call_id: str
    payload: Any
    started_at: int
    suspended_at: int
    suspend_payload: Any = None
    resume_payload: Any = None
    resumed_at: int | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def step_name(self) -> str:
        """Equal to `id`."""
        return self.id


@dataclass(slots=True)
class StepSuspended:
    """A step, or the container of a suspended step, waits for an answer."""

    type: ClassVar[Literal["workflow-step-suspended"]] = "workflow-step-suspended"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepSuspendedPayload
    seq: int = -1


@dataclass(slots=True)
class StepResultPayload:
    """Payload of `workflow-step-result`: the start's fields, and how the call ended."""

    id: str
    step_call_id: str
    payload: Any
    started_at: int
    status: ResultStatus
    ended_at: int
    output: Any = None
    error: ErrorInfo | None = None
    handled: bool = False
    resume_payload: Any = None
    resumed_at: int | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def step_name(self) -> str:
        """Equal to `id`."""
        return self.id


@dataclass(slots=True)
class StepResult:
    """A step call closed."""

    type: ClassVar[Literal["workflow-step-result"]] = "workflow-step-result"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepResultPayload
    seq: int = -1


@dataclass(slots=True)
class EmptyPayload:
    """Payload of `workflow-canceled` and `workflow-paused`."""


@dataclass(slots=True)
class WorkflowCanceled:
    """The run was cancelled; the finish follows."""

    type: ClassVar[Literal["workflow-canceled"]] = "workflow-canceled"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: EmptyPayload = field(default_factory=EmptyPayload)
    seq: int = -1


@dataclass(slots=True)
class WorkflowPaused:
    """A run with `per_step=True` did one step; the finish follows."""

    type: ClassVar[Literal["workflow-paused"]] = "workflow-paused"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: EmptyPayload = field(default_factory=EmptyPayload)
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens counted in a run, a leg or a step; `None` is a number that some counted part left out.

    Zero means nothing was counted. Addition keeps an unknown unknown:

    >>> Usage(1, 2, 3) + Usage(10, 20, 30)
    Usage(input_tokens=11, output_tokens=22, total_tokens=33, reasoning_tokens=0, cached_input_tokens=0, \
cache_creation_input_tokens=0)
    >>> (Usage(1, 2, 3) + Usage(None, 5, None)).input_tokens is None
    True
    """

    input_tokens: int | None = 0
    output_tokens: int | None = 0
    total_tokens: int | None = 0
    reasoning_tokens: int | None = 0
    cached_input_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0

    def __add__(self, other: Usage) -> Usage:
        """Add field by field; an unknown (`None`) stays unknown."""
        return Usage(
            _plus(self.input_tokens, other.input_tokens),
            _plus(self.output_tokens, other.output_tokens),
            _plus(self.total_tokens, other.total_tokens),
            _plus(self.reasoning_tokens, other.reasoning_tokens),
            _plus(self.cached_input_tokens, other.cached_input_tokens),
            _plus(self.cache_creation_input_tokens, other.cache_creation_input_tokens),
        )


def _plus(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


@dataclass(slots=True)
class WorkflowFinishPayload:
    """Payload of `workflow-finish`: the status of the leg, its usage, and its result or error."""

    workflow_status: FinishStatus
    usage: Usage
    error: ErrorInfo | None = None
    final_workflow_result: Any = None
    ended_at: int = 0


@dataclass(slots=True)
class WorkflowFinish:
    """Last chunk of every leg."""

    type: ClassVar[Literal["workflow-finish"]] = "workflow-finish"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: WorkflowFinishPayload
    seq: int = -1


@dataclass(slots=True)
class GapData:
    """The chunks that one reader did not get: `count` of those from `from_seq` to `to_seq`, both included."""

    from_seq: int
    to_seq: int
    count: int


@dataclass(slots=True)
class Gap:
    """Stands, for one reader, in place of chunks that were dropped. Never in the log, and without a `seq`."""

    type: ClassVar[Literal["data-rxloom-gap"]] = "data-rxloom-gap"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    data: GapData


CustomType: TypeAlias = Literal["data-*"]
"""How a checker sees the type of a custom chunk: a `str` here would keep `chunk.type == "…"` from narrowing."""


@dataclass(slots=True)
class Custom:
    """A chunk of the user's own type, which starts with `data-`; passes through unwrapped.

    At run time `type` is the user's own, `"data-progress"` say. To a type checker it is one literal, so that
    `chunk.type == "workflow-finish"` narrows the union; compare `name` where a checker reads your code.
    """

    run_id: str
    type: CustomType
    data: Any
    seq: int = -1
    source: Source = "WORKFLOW"
    extra: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The chunk's own type as a plain string, for example `data-progress`."""
        return self.type


StepChunk: TypeAlias = StepStart | StepOutput | StepProgress | StepRetry | StepWaiting | StepSuspended | StepResult
Told: TypeAlias = WorkflowStart | StepChunk | WorkflowCanceled | WorkflowPaused | WorkflowFinish | Custom
"""A chunk that is in the log, so that it has a `seq`."""
Chunk: TypeAlias = Told | Gap


# -- private records -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class LegStarted:
    """What a leg started with. The first one of a run carries its input."""

    kind: LegKind
    workflow_id: str
    at: int
    input: Any = None
    state: Mapping[str, Any] | None = None
    resource_id: str | None = None
    fingerprint: str = ""
    epoch: int = 0


@dataclass(slots=True)
class StateWrite:
    """Fields of the run's state that a step set."""

    changes: Mapping[str, Any]


@dataclass(slots=True)
class ContextWrite:
    """Keys of the runtime context that were set or removed."""

    changes: Mapping[str, Any]
    removed: tuple[str, ...] = ()


@dataclass(slots=True)
class Choice:
    """What a node decided, so that it is not asked again: the arms a branch took, the rounds a loop made."""

    node: str
    taken: tuple[int, ...]


@dataclass(slots=True)
class ItemStart:
    """A `for_each` item of a plain step begins (or begins again, with an answer)."""

    path: str
    input: Any
    at: int


@dataclass(slots=True)
class Suspension:
    """A leaf that waits for an answer: where, under which label, and what it asks.

    Attributes:
        path: the path of the step, `each[2]` for an item of a `for_each`.
        label: the label given to `suspend`, if any.
        payload: what the step asks.
        suspended_at: epoch milliseconds.
        mismatches: how many answers in a row the step left untouched before it suspended again.
    """

    path: str
    label: str | None
    payload: Any
    suspended_at: int
    mismatches: int = 0


@dataclass(slots=True)
class Answer:
    """What was answered to one suspension: the suspension's label and payload, and the data."""

    path: str
    label: str | None
    payload: Any
    data: Any
    at: int


@dataclass(slots=True)
class EventReceived:
    """An event from outside reached the run."""

    name: str
    data: Any
    event_id: str | None = None


@dataclass(slots=True)
class EventTaken:
    """The wait at `path` took the oldest event called `name`."""

    name: str
    path: str


Private: TypeAlias = (
    LegStarted
    | StateWrite
    | ContextWrite
    | Choice
    | ItemStart
    | Suspension
    | Answer
    | EventReceived
    | EventTaken
)
Record: TypeAlias = Told | Private
