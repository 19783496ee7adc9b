"""Every error a user may catch, and the signals nobody should.

```text
RxLoomError
├── DefinitionError            a step or workflow is written wrongly (raised where it is built)
│   ├── DuplicateStepId
│   ├── WorkflowNotCommitted
│   └── SchemaMismatch
├── ValidationFailed           a value does not fit its schema
│   ├── InputInvalid
│   ├── OutputInvalid
│   └── ResumeInvalid          (a RefusedCall too)
├── StepFailed                 a step failed with something that is no Exception, or in another process
├── StepTimeout                (a TimeoutError too)
├── RunTimeout                 (a TimeoutError too)
├── NonRetryable               raised by users: do not try again
├── CollectError               a stream had no item, or several, where one was wanted
├── SuspendMismatch            a step resumes into another question than the one answered
├── SignalSwallowed            a step body caught the signal of suspend, bail or abort
├── SerializationError         a value cannot be stored
├── PayloadTooLarge
├── WriterClosed               written to a step that is over
├── WrongLoop                  a blocking call under a running event loop
├── NoEventLoop                a coroutine or a thread is needed and no loop runs
├── RefusedCall                the call was refused: no chunk, nothing changed
│   ├── RunAlreadyStarted
│   ├── RunNotFound
│   ├── NotSuspended
│   ├── AmbiguousResume
│   ├── ResumeConflict
│   ├── DefinitionChanged
│   └── StoreTooNew
├── RunInterrupted             the run was taken from this process; it can be restarted
│   ├── OwnershipLost
│   └── StoreLost
├── StreamOverflow             more waits than a buffer with `on_overflow="error"` holds
└── RunNotSuccessful           what `result.unwrap()` and `stream.output` raise
    ├── WorkflowFailed
    ├── WorkflowCanceled
    ├── WorkflowSuspended
    └── WorkflowPaused

StepSignal (a BaseException)   how a step leaves its body early; do not catch
├── SuspendSignal
├── BailSignal
└── AbortSignal
```

The public attributes of an error are its data: they travel with it into chunks, results and stores. What is
unknown is left out. `workflow_id`, `step_path` and `run_id` say where it happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Unpack

from rxloom.error_root import RxLoomError, Where
from rxloom.refusals import (
    AmbiguousResume,
    DefinitionChanged,
    NotSuspended,
    OwnershipLost,
    RefusedCall,
    ResumeConflict,
    RunAlreadyStarted,
    RunInterrupted,
    RunNotFound,
    RunNotSuccessful,
    StoreLost,
    StoreTooNew,
    WorkflowCanceled,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowSuspended,
)
from rxloom.signals import AbortSignal, BailSignal, StepSignal, SuspendSignal, leaves, signal_in

__all__ = [
    "AbortSignal",
    "AmbiguousResume",
    "BailSignal",
    "CollectError",
    "DefinitionChanged",
    "DefinitionError",
    "DuplicateStepId",
    "FieldError",
    "InputInvalid",
    "NoEventLoop",
    "NonRetryable",
    "NotSuspended",
    "OutputInvalid",
    "OwnershipLost",
    "PayloadTooLarge",
    "RefusedCall",
    "ResumeConflict",
    "ResumeInvalid",
    "RunAlreadyStarted",
    "RunInterrupted",
    "RunNotFound",
    "RunNotSuccessful",
    "RunTimeout",
    "RxLoomError",
    "SchemaMismatch",
    "SerializationError",
    "SignalSwallowed",
    "StepFailed",
    "StepSignal",
    "StepTimeout",
    "StoreLost",
    "StoreTooNew",
    "StreamOverflow",
    "SuspendMismatch",
    "SuspendSignal",
    "ValidationFailed",
    "Where",
    "WorkflowCanceled",
    "WorkflowFailed",
    "WorkflowNotCommitted",
    "WorkflowPaused",
    "WorkflowSuspended",
    "WriterClosed",
    "WrongLoop",
    "leaves",
    "signal_in",
]


class DefinitionError(RxLoomError):
    """A step or a workflow is written wrongly; raised where it is built."""


class DuplicateStepId(DefinitionError):
    """Two steps of a workflow have one id.

    Attributes:
        step_id: the id used twice.
    """

    def __init__(self, step_id: str, **where: Unpack[Where]) -> None:
        super().__init__(
            f"there is a step {step_id!r} already: give one of them another id, `step.with_id({step_id + '-2'!r})`",
            **where,
        )
        self.step_id = step_id


class WorkflowNotCommitted(DefinitionError):
    """A workflow builder is used where a committed workflow is needed."""

    def __init__(
        self, workflow_id: str, message: str = "this is a builder: call `.commit()` and use what it returns"
    ) -> None:
        super().__init__(message, workflow_id=workflow_id)


class SchemaMismatch(DefinitionError):
    """A step cannot take what the one before it gives.

    Attributes:
        given: name of the type that comes in.
        wanted: name of the type that is needed.
    """

    def __init__(self, given: str, wanted: str, **where: Unpack[Where]) -> None:
        super().__init__(
            f"gets {given} and needs {wanted}: put `.map(fn)` in between, or change one of the schemas",
            **where,
        )
        self.given = given
        self.wanted = wanted


class FieldError(NamedTuple):
    """One thing wrong with a value: where in the value, what, and the offending part itself."""

    location: str
    message: str
    value: object


class ValidationFailed(RxLoomError):
    """A value does not fit its schema.

    Attributes:
        what: which value: `"input"`, `"output"`, `"resume data"`, …
        errors: everything wrong with it, as `(location, message, value)`.
    """

    def __init__(
        self, message: str, *, what: str = "value", errors: Iterable[FieldError] = (), **where: Unpack[Where]
    ) -> None:
        super().__init__(message, **where)
        self.what = what
        self.errors: list[FieldError] = list(errors)


class InputInvalid(ValidationFailed):
    """The input of a step or workflow does not fit its schema."""


class OutputInvalid(ValidationFailed):
    """What a step or workflow gives back, or hands to `suspend` or the state, does not fit its schema."""


class ResumeInvalid(ValidationFailed, RefusedCall):
    """The resume data does not fit the schema of the suspended step; the run stays resumable."""


class StepFailed(RxLoomError):
    """A step failed, and there is no live exception to show for it.

    So it is when the body raised something that is no `Exception`, or when the step failed in another process.
    """


class StepTimeout(RxLoomError, TimeoutError):
    """A step took too long.

    Attributes:
        seconds: the limit; `None` when an Rx operator around the step set it.
        total: whether it was the limit of the whole call with its retries; that is not retried.
    """

    def __init__(
        self, seconds: float | None = None, *, total: bool = False, message: str = "", **where: Unpack[Where]
    ) -> None:
        option = "total_timeout" if total else "timeout"
        limit = "" if seconds is None else f"not done after {seconds:g} s: raise `{option}=` or make it faster"
        super().__init__(message or limit or "an Rx operator around it timed out", **where)
        self.seconds = seconds
        self.total = total


class RunTimeout(RxLoomError, TimeoutError):
    """A run took longer than the `timeout` of its workflow.

    Attributes:
        seconds: the limit.
    """

    def __init__(self, seconds: float, **where: Unpack[Where]) -> None:
        super().__init__(
            f"not finished after {seconds:g} s: raise `timeout=` of the workflow",
            **where,
        )
        self.seconds = seconds


class NonRetryable(RxLoomError):
    """Raise this, or a subclass, from a step to say that trying again is pointless.

    Neither the step nor a workflow it is nested in is retried.

    Example:
        >>> class CardStolen(NonRetryable):
        ...     pass
    """


class CollectError(RxLoomError):
    """A stream had none or several items where exactly one was wanted.

    Attributes:
        count: how many were seen: 0, or 2 for "several".
    """

    def __init__(self, count: int, **where: Unpack[Where]) -> None:
        super().__init__(
            f"the stream gave {'several items' if count else 'no item'} where exactly one is wanted: "
            "say how to fold it, `collect=list`, `collect=last` or `collect=first`",
            **where,
        )
        self.count = count


class SuspendMismatch(RxLoomError):
    """A resumed step asked another question than the one that was answered, twice in a row."""


class SignalSwallowed(RxLoomError):
    """A step body caught the signal of its own `suspend`, `bail` or `abort` and went on."""


class SerializationError(RxLoomError):
    """A value cannot be stored as it is.

    Attributes:
        path: where in the value.
        type: name of the type that cannot be stored.
    """

    def __init__(self, type: str, *, path: str = "", **where: Unpack[Where]) -> None:
        place = f" at {path!r}" if path else ""
        super().__init__(
            f"a value of type {type}{place} cannot be stored: use plain data, a pydantic model or a dataclass",
            **where,
        )
        self.type = type
        self.path = path


class PayloadTooLarge(RxLoomError):
    """A value is larger than the store takes.

    Attributes:
        size: its size in bytes.
        limit: the largest allowed.
    """

    def __init__(self, size: int, limit: int, **where: Unpack[Where]) -> None:
        super().__init__(
            f"{size} bytes, and at most {limit} are allowed: keep the data elsewhere and pass a reference",
            **where,
        )
        self.size = size
        self.limit = limit


class WriterClosed(RxLoomError):
    """Something was written through the context of a step that is over."""


class WrongLoop(RxLoomError):
    """A blocking call was made under a running event loop, which it would block: await it instead."""


class NoEventLoop(RxLoomError):
    """A coroutine or a worker thread is needed, and the runtime has no event loop."""


class StreamOverflow(RxLoomError):
    """More waits than a buffer with `on_overflow="error"` holds.

    A reader lags behind by more than its buffer, or more inputs wait for `as_operator` than it may keep.

    Attributes:
        buffer: the bound that was exceeded.
    """

    def __init__(self, buffer: int, *, message: str = "", **where: Unpack[Where]) -> None:
        super().__init__(
            message
            or f'the reader lags by more than {buffer} chunks: read faster, raise `buffer=`, or use "wait" or '
            '"drop_oldest"',
            **where,
        )
        self.buffer = buffer
