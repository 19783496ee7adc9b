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
from typing import Any, ClassVar, Literal, TypeAlias, final

from typing_extensions import override

from rxloom.payloads import (
    EmptyPayload,
    ErrorInfo,
    FinishStatus,
    GapData,
    ItemStatus,
    ResultStatus,
    StepOutputPayload,
    StepProgressPayload,
    StepResultPayload,
    StepRetryPayload,
    StepStartPayload,
    StepSuspendedPayload,
    StepWaitingPayload,
    Usage,
    WorkflowFinishPayload,
    WorkflowStartPayload,
)
from rxloom.wire_form import Envelope

# fmt: off
__all__ = [
    "Answer", "Choice", "Chunk", "ContextWrite", "Custom", "CustomType", "Emitted", "EmptyPayload", "ErrorInfo",
    "EventReceived", "EventTaken", "FinishStatus", "Gap", "GapData", "ItemEnd", "ItemStart", "ItemStatus", "LegKind",
    "LegStarted", "Private", "Record", "ResultStatus", "Source", "StateWrite", "StepChunk", "StepOutput",
    "StepOutputPayload", "StepProgress", "StepProgressPayload", "StepResult", "StepResultPayload", "StepRetry",
    "StepRetryPayload", "StepStart", "StepStartPayload", "StepSuspended", "StepSuspendedPayload", "StepWaiting",
    "StepWaitingPayload", "Suspension", "Told", "Usage", "WorkflowCanceled", "WorkflowFinish", "WorkflowFinishPayload",
    "WorkflowPaused", "WorkflowStart", "WorkflowStartPayload",
]
# fmt: on

Source: TypeAlias = Literal["WORKFLOW", "USER", "AGENT"]
LegKind: TypeAlias = Literal["start", "resume", "cancel"]


@dataclass(slots=True)
class WorkflowStart(Envelope):
    """First chunk of every leg."""

    type: ClassVar[Literal["workflow-start"]] = "workflow-start"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: WorkflowStartPayload
    seq: int = -1


@dataclass(slots=True)
class StepStart(Envelope):
    """A step call opens."""

    type: ClassVar[Literal["workflow-step-start"]] = "workflow-step-start"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepStartPayload
    seq: int = -1


@dataclass(slots=True)
class StepOutput(Envelope):
    """A step wrote something.

    A run makes and keeps millions of these, so that each is one object; its `payload` is made when it is asked for.

    Attributes:
        run_id: the run.
        id: the path of the step.
        step_call_id: the step call.
        output: what it wrote.
        index: the index of the `for_each` item it is, or `None`.
        seq: the number of the chunk.
    """

    type: ClassVar[Literal["workflow-step-output"]] = "workflow-step-output"
    source: ClassVar[Literal["USER"]] = "USER"
    run_id: str
    id: str
    step_call_id: str
    output: Any
    index: int | None = None
    seq: int = -1

    @classmethod
    def of(cls, run_id: str, payload: StepOutputPayload, seq: int = -1) -> StepOutput:
        """Make the chunk that has this payload."""
        return cls(run_id, payload.id, payload.step_call_id, payload.output, payload.index, seq)

    @property
    def payload(self) -> StepOutputPayload:
        """The payload, as other chunks have it."""
        return StepOutputPayload(self.id, self.step_call_id, self.output, self.run_id, self.index)

    @override
    def wire_fields(self) -> dict[str, Any]:
        """Name the envelope and the payload."""
        told = {"type": self.type, "runId": self.run_id, "from": self.source, "payload": self.payload}
        return told if self.seq < 0 else {**told, "seq": self.seq}


@dataclass(slots=True)
class StepProgress(Envelope):
    """One item of a `for_each` settled."""

    type: ClassVar[Literal["workflow-step-progress"]] = "workflow-step-progress"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepProgressPayload
    seq: int = -1


@dataclass(slots=True)
class StepRetry(Envelope):
    """An attempt failed and another one comes."""

    type: ClassVar[Literal["workflow-step-retry"]] = "workflow-step-retry"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepRetryPayload
    seq: int = -1


@dataclass(slots=True)
class StepWaiting(Envelope):
    """A sleep or a wait for an event begins."""

    type: ClassVar[Literal["workflow-step-waiting"]] = "workflow-step-waiting"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepWaitingPayload
    seq: int = -1


@dataclass(slots=True)
class StepSuspended(Envelope):
    """A step, or the container of a suspended step, waits for an answer."""

    type: ClassVar[Literal["workflow-step-suspended"]] = "workflow-step-suspended"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepSuspendedPayload
    seq: int = -1


@dataclass(slots=True)
class StepResult(Envelope):
    """A step call closed."""

    type: ClassVar[Literal["workflow-step-result"]] = "workflow-step-result"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: StepResultPayload
    seq: int = -1


@dataclass(slots=True)
class WorkflowCanceled(Envelope):
    """The run was cancelled; the finish follows."""

    type: ClassVar[Literal["workflow-canceled"]] = "workflow-canceled"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: EmptyPayload = field(default_factory=EmptyPayload)
    seq: int = -1


@dataclass(slots=True)
class WorkflowPaused(Envelope):
    """A run with `per_step=True` did one step; the finish follows."""

    type: ClassVar[Literal["workflow-paused"]] = "workflow-paused"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: EmptyPayload = field(default_factory=EmptyPayload)
    seq: int = -1


@dataclass(slots=True)
class WorkflowFinish(Envelope):
    """Last chunk of every leg."""

    type: ClassVar[Literal["workflow-finish"]] = "workflow-finish"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    payload: WorkflowFinishPayload
    seq: int = -1


@final
@dataclass(slots=True)
class Gap(Envelope):
    """Stands, for one reader, in place of chunks that were dropped. Never in the log, and without a `seq`."""

    type: ClassVar[Literal["data-rxloom-gap"]] = "data-rxloom-gap"
    source: ClassVar[Literal["WORKFLOW"]] = "WORKFLOW"
    run_id: str
    data: GapData


CustomType: TypeAlias = Literal["data-*"]
"""How a checker sees the type of a custom chunk: a `str` here would keep `chunk.type == "…"` from narrowing."""


@dataclass(slots=True)
class Custom(Envelope):
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

    @override
    def wire_fields(self) -> dict[str, Any]:
        """Tell the data and, beside it, what else the writer put there."""
        told = {**(self.extra or {}), "type": self.type, "runId": self.run_id, "from": self.source, "data": self.data}
        if self.seq >= 0:
            told["seq"] = self.seq
        else:
            told.pop("seq", None)
        return told

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
class ItemEnd:
    """A `for_each` item ended; its progress chunk follows, unless it was cancelled."""

    path: str
    at: int
    error: ErrorInfo | None = None
    canceled: bool = False


@dataclass(slots=True)
class Emitted:
    """The items of a step that fed the one after it, where its output does not say what they were."""

    path: str
    items: list[Any]


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
    | ItemEnd
    | Emitted
    | Suspension
    | Answer
    | EventReceived
    | EventTaken
)
Record: TypeAlias = Told | Private
