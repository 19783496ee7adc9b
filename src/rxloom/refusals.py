"""Errors of a run as a whole: calls it refused, how it was taken away, what it ended with instead of an output.

They are exported by `rxloom.errors`, where the tree is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

from rxloom.error_root import RxLoomError, Where


class RefusedCall(RxLoomError):
    """A call was refused: it started nothing, told nothing, changed nothing."""


class RunAlreadyStarted(RefusedCall):
    """The run was started already; `observe_stream_vnext()` shows it."""


class RunNotFound(RefusedCall):
    """No run of this id is known here."""


class NotSuspended(RefusedCall):
    """There is nothing to resume."""


class AmbiguousResume(RefusedCall):
    """Several steps are suspended, and the call does not say which to resume.

    Attributes:
        paths: the suspended steps.
    """

    def __init__(self, paths: Iterable[str], **where: Unpack[Where]) -> None:
        self.paths: list[str] = list(paths)
        super().__init__(
            f"several steps are suspended: say which with `step=`, one of {', '.join(self.paths)}, "
            "or answer several with `resume_all`",
            **where,
        )


class ResumeConflict(RefusedCall):
    """Somebody else resumed this suspension first."""


class DefinitionChanged(RefusedCall):
    """The workflow is no longer the one this run was started with."""


class StoreTooNew(RefusedCall):
    """The store was written by a newer version of rxloom."""


class RunInterrupted(RxLoomError):
    """The run was taken from this process: neither failed nor canceled, it can be restarted."""


class OwnershipLost(RunInterrupted):
    """Another process has taken the run over."""


class StoreLost(RunInterrupted):
    """The store does not answer; the run is at its last commit."""


class RunNotSuccessful(RxLoomError):
    """A run has no output to give."""

    def __init__(self, message: str = "", *, result: Any = None, **where: Unpack[Where]) -> None:
        super().__init__(message, **where)
        # Private, so that a whole result is not told among the attributes of the error.
        self._result = result

    @property
    def result(self) -> Any:
        """The whole result of the run."""
        return self._result


class WorkflowFailed(RunNotSuccessful):
    """The run failed. `__cause__` is the exception of the step, where it is at hand."""


class WorkflowCanceled(RunNotSuccessful):
    """The run was canceled."""


class WorkflowSuspended(RunNotSuccessful):
    """The run is suspended: resume it to get an output."""


class WorkflowPaused(RunNotSuccessful):
    """The run is paused after one step: `resume_stream_vnext()` goes on."""
