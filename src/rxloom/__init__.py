"""rxloom: workflows whose steps are composed as Rx operators into one observable pipeline.

`workflow.create_run().stream_vnext(...)` returns a hot Observable of typed chunks, with `result`, `status` and
`usage` as derived, replayed Observables; the same stream is an async iterator.
"""

from __future__ import annotations

from rxloom.aio import from_async_iterable, to_async_iterator
from rxloom.builder import WorkflowBuilder
from rxloom.chunks import Chunk, ErrorInfo, Gap, Suspension, Usage
from rxloom.collect import first, last, only
from rxloom.context import StepContext, SyncStepContext
from rxloom.create import create_workflow
from rxloom.errors import (
    AmbiguousResume,
    CollectError,
    DefinitionError,
    DuplicateStepId,
    InputInvalid,
    NoEventLoop,
    NonRetryable,
    NotSuspended,
    OutputInvalid,
    OwnershipLost,
    RefusedCall,
    ResumeConflict,
    ResumeInvalid,
    RunAlreadyStarted,
    RunInterrupted,
    RunNotFound,
    RunTimeout,
    RxLoomError,
    SchemaMismatch,
    SignalSwallowed,
    StepFailed,
    StepTimeout,
    StoreLost,
    StreamOverflow,
    SuspendMismatch,
    WorkflowCanceled,
    WorkflowFailed,
    WorkflowNotCommitted,
    WorkflowPaused,
    WorkflowSuspended,
    WriterClosed,
    WrongLoop,
)
from rxloom.mapping import from_context, from_init, from_result, from_state, template, value
from rxloom.memory import MemoryStore
from rxloom.ports.runtime import install
from rxloom.results import Canceled, Failed, Paused, Success, Suspended, WorkflowResult
from rxloom.retry import Retry
from rxloom.run import Run
from rxloom.runtime import Runtime, implicit
from rxloom.settings import RunInfo
from rxloom.snapshot import RunStatus, Snapshot, StepRecord
from rxloom.state import Reduce
from rxloom.step import Step, create_step, step, step_from_operator
from rxloom.stream import WorkflowStream
from rxloom.wire import chunk_from_wire
from rxloom.wire_schema import chunk_json_schema
from rxloom.workflow import Workflow

__all__ = [
    "AmbiguousResume",
    "Canceled",
    "Chunk",
    "CollectError",
    "DefinitionError",
    "DuplicateStepId",
    "ErrorInfo",
    "Failed",
    "Gap",
    "InputInvalid",
    "MemoryStore",
    "NoEventLoop",
    "NonRetryable",
    "NotSuspended",
    "OutputInvalid",
    "OwnershipLost",
    "Paused",
    "Reduce",
    "RefusedCall",
    "ResumeConflict",
    "ResumeInvalid",
    "Retry",
    "Run",
    "RunAlreadyStarted",
    "RunInfo",
    "RunInterrupted",
    "RunNotFound",
    "RunStatus",
    "RunTimeout",
    "Runtime",
    "RxLoomError",
    "SchemaMismatch",
    "SignalSwallowed",
    "Snapshot",
    "Step",
    "StepContext",
    "StepFailed",
    "StepRecord",
    "StepTimeout",
    "StoreLost",
    "StreamOverflow",
    "Success",
    "SuspendMismatch",
    "Suspended",
    "Suspension",
    "SyncStepContext",
    "Usage",
    "Workflow",
    "WorkflowBuilder",
    "WorkflowCanceled",
    "WorkflowFailed",
    "WorkflowNotCommitted",
    "WorkflowPaused",
    "WorkflowResult",
    "WorkflowStream",
    "WorkflowSuspended",
    "WriterClosed",
    "WrongLoop",
    "chunk_from_wire",
    "chunk_json_schema",
    "create_step",
    "create_workflow",
    "first",
    "from_async_iterable",
    "from_context",
    "from_init",
    "from_result",
    "from_state",
    "last",
    "only",
    "step",
    "step_from_operator",
    "template",
    "to_async_iterator",
    "value",
]

install(implicit)
