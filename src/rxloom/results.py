"""The results of a run: tagged by `status`, frozen, made of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NoReturn, TypeAlias, TypedDict

from typing_extensions import TypeVar

from rxloom.chunks import ErrorInfo, Suspension, Usage
from rxloom.errors import RunInterrupted, WorkflowCanceled, WorkflowFailed, WorkflowPaused, WorkflowSuspended
from rxloom.snapshot import NO_USAGE, Snapshot, StepRecord, Steps

OutT = TypeVar("OutT", default=Any)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What every result carries.

    Attributes:
        run_id: the run.
        input: its input.
        steps: the step records by path.
        state: the workflow state at the end of the leg.
        usage: tokens counted in the leg.
    """

    run_id: str
    input: Any = None
    steps: Mapping[str, StepRecord] = field(default_factory=dict[str, StepRecord])
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    usage: Usage = NO_USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Success(_Result, Generic[OutT]):
    """The run ended well; `result` is its output."""

    status: Literal["success"] = "success"
    result: OutT

    def unwrap(self) -> OutT:
        """Return the output."""
        return self.result


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_Result):
    """The run failed.

    Attributes:
        error: the failure as data, as it is stored and told.
        exception: the live exception in the process that ran it, an `ExceptionGroup` if several siblings failed.
    """

    status: Literal["failed"] = "failed"
    error: ErrorInfo
    exception: BaseException | None = None

    def unwrap(self) -> NoReturn:
        """Raise the failure.

        Raises:
            WorkflowFailed: always; its cause is the live exception, if there is one.
        """
        message = f"{self.error.name}: {self.error.message}"
        raise WorkflowFailed(message, result=self, run_id=self.run_id) from self.exception


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended(_Result):
    """The run waits for answers.

    Attributes:
        suspensions: who waits, in the order in which they asked.
    """

    status: Literal["suspended"] = "suspended"
    suspensions: tuple[Suspension, ...] = ()

    @property
    def suspended(self) -> list[list[str]]:
        """The paths that wait, each as the list of its parts."""
        return [one.path.split(".") for one in self.suspensions]

    @property
    def suspend_payload(self) -> dict[str, Any]:
        """What each waiting path asks."""
        return {one.path: one.payload for one in self.suspensions}

    def unwrap(self) -> NoReturn:
        """Raise, since there is no output yet.

        Raises:
            WorkflowSuspended: always.
        """
        paths = ", ".join(one.path for one in self.suspensions)
        raise WorkflowSuspended(f"the run waits for an answer to {paths}", result=self, run_id=self.run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled(_Result):
    """The run was cancelled, for `reason` if one was given."""

    status: Literal["canceled"] = "canceled"
    reason: str | None = None

    def unwrap(self) -> NoReturn:
        """Raise, since there is no output.

        Raises:
            WorkflowCanceled: always.
        """
        reason = f": {self.reason}" if self.reason else ""
        raise WorkflowCanceled(f"the run was canceled{reason}", result=self, run_id=self.run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(_Result):
    """A run with `per_step=True` did one step and waits for `resume_stream_vnext()`."""

    status: Literal["paused"] = "paused"

    def unwrap(self) -> NoReturn:
        """Raise, since there is no output yet.

        Raises:
            WorkflowPaused: always.
        """
        raise WorkflowPaused("the run is paused after one step", result=self, run_id=self.run_id)


class _Common(TypedDict):
    run_id: str
    input: Any
    steps: Steps
    state: Mapping[str, Any]
    usage: Usage


WorkflowResult: TypeAlias = Success[OutT] | Failed | Suspended | Canceled | Paused


def result_of(snapshot: Snapshot, exception: BaseException | None = None, reason: str | None = None) -> WorkflowResult:
    """Make the result of a run whose newest leg has ended.

    Raises:
        RunInterrupted: if the leg is still open: the run was taken from this process, or is running elsewhere.
    """
    common = _Common(
        run_id=snapshot.run_id,
        input=snapshot.input,
        steps=snapshot.steps,
        state=dict(snapshot.state),
        usage=snapshot.leg_usage,
    )
    match snapshot.status:
        case "success":
            return Success(result=snapshot.output, **common)
        case "failed":
            info = snapshot.error or ErrorInfo("Error", "the run failed")
            return Failed(error=info, exception=exception, **common)
        case "suspended":
            return Suspended(suspensions=tuple(snapshot.suspensions.values()), **common)
        case "canceled":
            return Canceled(reason=reason, **common)
        case "paused":
            return Paused(**common)
        case _:
            raise RunInterrupted(f"its status is {snapshot.status!r}, so that it has no result", run_id=snapshot.run_id)
