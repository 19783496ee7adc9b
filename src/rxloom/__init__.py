"""rxloom: workflows whose steps are composed as Rx operators into one observable pipeline.

`workflow.create_run().stream_vnext(...)` returns a hot Observable of typed chunks, with `result`, `status` and
`usage` as derived, replayed Observables; the same stream is an async iterator.
"""

from __future__ import annotations

from rxloom.aio import from_async_iterable, to_async_iterator
from rxloom.chunks import Chunk, ErrorInfo, Gap, Usage
from rxloom.collect import first, last, only
from rxloom.context import StepContext, SyncStepContext
from rxloom.mapping import from_context, from_init, from_result, from_state, template, value
from rxloom.memory import MemoryStore
from rxloom.ports.runtime import install
from rxloom.retry import Retry
from rxloom.run import Run
from rxloom.runtime import Runtime, implicit
from rxloom.settings import RunInfo
from rxloom.snapshot import Canceled, Failed, Paused, Snapshot, StepRecord, Success, Suspended, WorkflowResult
from rxloom.state import Reduce
from rxloom.step import Step, create_step, step, step_from_operator
from rxloom.stream import WorkflowStream
from rxloom.wire import chunk_from_wire
from rxloom.wire_schema import chunk_json_schema
from rxloom.workflow import Workflow, WorkflowBuilder, create_workflow

install(implicit)
