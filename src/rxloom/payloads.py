"""What the chunks carry: one slotted class per payload, and the two values that several of them share.

They are part of `rxloom.chunks`, which is where to import them from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from typing_extensions import override

from rxloom.wire_form import Payload, StepPayload

ResultStatus: TypeAlias = Literal["success", "failed", "bailed", "canceled", "skipped"]
LegStatus: TypeAlias = Literal["success", "failed", "suspended", "canceled", "paused"]
FinishStatus: TypeAlias = Literal[LegStatus, "tripwire"]
ItemStatus: TypeAlias = Literal["success", "failed", "suspended"]


@dataclass(slots=True)
class ErrorInfo(Payload):
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

    @override
    def wire_fields(self) -> dict[str, Any]:
        """Name the error, its text and its own attributes; where it happened is told by the chunk."""
        told: dict[str, Any] = {"name": self.name, "message": self.message}
        if self.cause is not None:
            told["cause"] = self.cause
        return {**told, **{key: value for key, value in self.attributes.items() if key not in told}}


@dataclass(slots=True)
class WorkflowStartPayload(Payload):
    """Payload of `workflow-start`."""

    workflow_id: str


@dataclass(slots=True)
class StepStartPayload(StepPayload):
    """Payload of `workflow-step-start`: a step call opens, for the first time or again after a resume."""

    status: ClassVar[Literal["running"]] = "running"
    id: str
    step_call_id: str
    payload: Any
    started_at: int
    resume_payload: Any = None
    resumed_at: int | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(slots=True)
class StepOutputPayload(StepPayload):
    """Payload of `workflow-step-output`: what a step wrote. `index` is set inside an item of a `for_each`."""

    kept: ClassVar[frozenset[str]] = frozenset({"output"})
    id: str
    step_call_id: str
    output: Any
    run_id: str
    index: int | None = None


@dataclass(slots=True)
class StepProgressPayload(StepPayload):
    """Payload of `workflow-step-progress`: one item of a `for_each` settled."""

    id: str
    step_call_id: str
    completed_count: int
    total_count: int
    current_index: int
    iteration_status: ItemStatus
    iteration_output: Any = None


@dataclass(slots=True)
class StepRetryPayload(StepPayload):
    """Payload of `workflow-step-retry`: attempt number `attempt` (from 1) comes after `delay_ms`."""

    id: str
    step_call_id: str
    attempt: int
    error: ErrorInfo
    delay_ms: int
    index: int | None = None


@dataclass(slots=True)
class StepWaitingPayload(StepPayload):
    """Payload of `workflow-step-waiting`: a sleep (`until`, epoch milliseconds) or a wait for `event`."""

    status: ClassVar[Literal["waiting"]] = "waiting"
    id: str
    step_call_id: str
    payload: Any
    started_at: int
    until: int | None = None
    event: str | None = None


@dataclass(slots=True)
class StepSuspendedPayload(StepPayload):
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


@dataclass(slots=True)
class StepResultPayload(StepPayload):
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


@dataclass(slots=True)
class EmptyPayload(Payload):
    """Payload of `workflow-canceled` and `workflow-paused`."""


@dataclass(frozen=True, slots=True)
class Usage(Payload):
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
class WorkflowFinishPayload(Payload):
    """Payload of `workflow-finish`: the status of the leg, its usage, and its result or error."""

    workflow_status: FinishStatus
    usage: Usage
    error: ErrorInfo | None = None
    final_workflow_result: Any = None
    ended_at: int = 0

    @property
    def run_status(self) -> LegStatus:
        """The status of the run after this leg."""
        return "failed" if self.workflow_status == "tripwire" else self.workflow_status

    @override
    def wire_fields(self) -> dict[str, Any]:
        """Tell the result on success only, and the error only if no step's own result tells it already.

        The time is the fold's, and left out.
        """
        error = None if self.error is None or self.error.step_path is not None else self.error
        told: dict[str, Any] = {
            "workflowStatus": self.workflow_status,
            "output": {"usage": self.usage},
            "metadata": {} if error is None else {"error": error, "errorMessage": error.message},
        }
        if self.workflow_status == "success" and self.final_workflow_result is not None:
            told["finalWorkflowResult"] = self.final_workflow_result
        return told


@dataclass(slots=True)
class GapData(Payload):
    """The chunks that one reader did not get: `count` of those from `from_seq` to `to_seq`, both included."""

    from_seq: int
    to_seq: int
    count: int
