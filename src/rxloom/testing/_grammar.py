"""The grammar of a run's chunks, as a checker for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rxloom.chunks import (
    Chunk,
    Custom,
    Gap,
    StepOutput,
    StepProgress,
    StepResult,
    StepRetry,
    StepStart,
    StepSuspended,
    StepWaiting,
    Usage,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowFinishPayload,
    WorkflowPaused,
    WorkflowStart,
)
from rxloom.jsonable import jsonable
from rxloom.testing._grammar_report import Report
from rxloom.testing._grammar_seq import Sequence
from rxloom.testing._grammar_steps import StepRules
from rxloom.usage import usage_in
from rxloom.wire import chunk_from_wire


def check_chunks(
    chunks: Iterable[Chunk | Mapping[str, Any]], *, complete: bool = True, view: bool = False
) -> list[str]:
    """Check chunks of one run against the grammar: a leg, several legs in a row, or a part cut short.

    Each message names the rule, the chunk by index and `seq`, and the step. The rules:

    | rule | |
    |---|---|
    | `shape` | a dict is the wire form of a chunk |
    | `json` | it is strict JSON |
    | `run-id` | there is one run id |
    | `seq` | it grows by one; a `Gap` stands for what is missing |
    | `leg-start` | a leg begins with `workflow-start`; the workflow is always the same |
    | `leg-end` | nothing but the next leg follows `workflow-finish`, and it is there |
    | `settled` | between `workflow-canceled` or `workflow-paused` and the finish there is nothing |
    | `left-open` | no step is open then |
    | `status` | the finish says what the steps say: canceled, failed, suspended, paused, success |
    | `usage` | it says the sum of what the outputs of its leg report |
    | `path` | a step's path is ids joined by dots |
    | `orphan` | a step starts while the one around it is open |
    | `reopen` | a step starts when it is not open, and after a failure only if something above it retried |
    | `resume` | a step is resumed if it was suspended, and only so |
    | `call-id` | a call has an id of its own, the same in all its chunks |
    | `not-open` | a step writes, retries and progresses while it is open |
    | `close` | what closes was open |
    | `children` | a step closes after its children, and does not succeed while one is suspended |
    | `result` | only a failure has an error, and none has an output |
    | `times` | they are in order, and the same in all chunks of a call |
    | `progress` | the items of a `for_each` settle once each, and are counted |
    | `retry` | attempts are numbered from 1 |

    Args:
        chunks: `Chunk` objects, or dicts as `to_wire` makes them.
        complete: the last leg is over; `False` takes a part that was cut short.
        view: it is the stream of `stream_vnext(close_on_suspend=False)`, which leaves out the finish and the start
            between two legs.

    Returns:
        What is wrong, nothing if all is well. No chunk at all is well: so ends a refused call.

    Example:
        >>> from rxloom.chunks import WorkflowFinish, WorkflowFinishPayload, WorkflowStart, WorkflowStartPayload
        >>> begin = WorkflowStart("r1", WorkflowStartPayload("w"), seq=0)
        >>> end = WorkflowFinish("r1", WorkflowFinishPayload("suspended", Usage()), seq=1)
        >>> check_chunks([begin, end])
        ["status: chunk 1 (seq 1): the finish says 'suspended', and it should be 'success'"]
    """
    grammar = _Grammar(is_view=view)
    for chunk in chunks:
        grammar.feed(chunk)
    if complete:
        grammar.close()
    return grammar.report.found


class _Grammar:
    """The checker of a run: its legs, and what the finish says of them."""

    def __init__(self, *, is_view: bool) -> None:
        self.report = Report()
        self._is_view = is_view
        self._seq = Sequence(self.report, is_view=is_view)
        self._steps = StepRules(self.report)
        self._run_id: str | None = None
        self._workflow_id: str | None = None
        self._is_running = False
        self._is_over = False
        self._settled: str | None = None
        self._was_cut = False
        self._may_have_failed = False
        self._usage = Usage()
        steps = self._steps
        self._rules: dict[type[Any], Callable[[Any], None]] = {
            StepOutput: self._output,
            StepStart: lambda chunk: steps.start(chunk.payload),
            StepResult: lambda chunk: steps.result(chunk.payload),
            StepProgress: lambda chunk: steps.progress(chunk.payload),
            StepRetry: lambda chunk: steps.retry(chunk.payload),
            StepWaiting: lambda chunk: steps.wait(chunk.payload),
            StepSuspended: lambda chunk: steps.suspend(chunk.payload),
            WorkflowStart: self._start,
            WorkflowCanceled: self._settle,
            WorkflowPaused: self._settle,
            WorkflowFinish: self._finish,
            Custom: _no_rule,
        }

    def feed(self, given: Chunk | Mapping[str, Any]) -> None:
        """Check the next chunk."""
        self.report.index += 1
        self.report.seq = None
        chunk = self._read(given)
        if chunk is None:
            return
        if self._run_id is None:
            self._run_id = chunk.run_id
        if chunk.run_id != self._run_id:
            self.report.add("run-id", f"it is {chunk.run_id!r}, and was {self._run_id!r}")
        if isinstance(chunk, Gap):
            self._gap(chunk)
            return
        self.report.seq = None if chunk.seq < 0 else chunk.seq
        self._place(chunk)
        self._rules[type(chunk)](chunk)

    def close(self) -> None:
        """Check that the last leg is over."""
        if self.report.index >= 0 and not self._is_over:
            self.report.add("leg-end", "there is no workflow-finish")

    def _read(self, given: Chunk | Mapping[str, Any]) -> Chunk | None:
        if not isinstance(given, Mapping):
            if type(given) in self._rules or isinstance(given, Gap):
                return given
            self.report.add("shape", f"it is no chunk, but of {type(given).__name__}")
            return None
        if jsonable(given) != given:
            self.report.add("json", "it is not strict JSON")
        try:
            return chunk_from_wire(given)
        except ValueError as error:
            seq = given.get("seq")
            self.report.seq = seq if isinstance(seq, int) and seq >= 0 else None
            self.report.add("shape", str(error))
            self._seq.skip(self.report.seq)
            return None

    def _gap(self, chunk: Gap) -> None:
        """Skip what one reader did not get: it may have been the end of a leg, or the beginning of one."""
        self._seq.gap(chunk.data)
        self._steps.gap()
        self._is_running = True
        self._is_over = False
        self._settled = None

    def _place(self, chunk: Chunk) -> None:
        """Check that a chunk may stand where it does."""
        if self.report.index == 0:
            self._steps.is_late = self.report.seq != 0
        if self._seq.next(self.report.seq):
            self._leave_leg()
        if isinstance(chunk, WorkflowStart):
            return
        if self._is_over:
            self.report.add("leg-end", f"there is {chunk.type} after workflow-finish")
        elif not self._is_running:
            self.report.add("leg-start", f"the leg begins with {chunk.type}")
            self._is_running = True
        elif self._settled is not None and not isinstance(chunk, WorkflowFinish):
            self.report.add("settled", f"there is {chunk.type} after {self._settled}")

    def _leave_leg(self) -> None:
        """Go over to the next leg where a view leaves out the finish and the start."""
        self._steps.nothing_open()
        self._new_leg()

    def _new_leg(self) -> None:
        self._was_cut = not self._is_over
        self._may_have_failed = self._was_cut and (
            self._may_have_failed or self._steps.failed is not None or self._steps.is_lossy
        )
        self._steps.new_leg()
        self._is_over = False
        self._settled = None
        self._usage = Usage()

    def _start(self, chunk: WorkflowStart) -> None:
        if self._is_running or self._is_over:
            self._new_leg()
        self._is_running = True
        workflow_id = chunk.payload.workflow_id
        if self._workflow_id is None:
            self._workflow_id = workflow_id
        if workflow_id != self._workflow_id:
            self.report.add("leg-start", f"the workflow is {workflow_id!r}, and was {self._workflow_id!r}")

    def _output(self, chunk: StepOutput) -> None:
        payload = chunk.payload
        if (usage := usage_in(payload.output)) is not None:
            self._usage += usage
        self._steps.output(payload)

    def _settle(self, chunk: WorkflowCanceled | WorkflowPaused) -> None:
        self._steps.nothing_open()
        self._settled = chunk.type

    def _finish(self, chunk: WorkflowFinish) -> None:
        if self._settled is None:
            self._steps.nothing_open()
        if not self._steps.is_lossy:
            self._check_usage(chunk.payload.usage)
            self._check_status(chunk.payload)
        self._is_over = True

    def _check_usage(self, told: Usage) -> None:
        if self.report.seq is None and self._is_view:
            return  # where one leg goes over to the next cannot be seen
        if _primary(told) != _primary(self._usage) or _details(told) != _details(self._usage):
            self.report.add("usage", f"the finish says {told}, and the outputs sum to {self._usage}")

    def _check_status(self, payload: WorkflowFinishPayload) -> None:
        wanted = self._verdict(payload)
        if payload.workflow_status not in {*wanted, "tripwire"}:
            failed = self._steps.failed
            because = f" (step {failed!r} failed)" if failed is not None and "failed" in wanted else ""
            says = f"the finish says {payload.workflow_status!r}, and it should be {wanted[0]!r}"
            self.report.add("status", says + because)

    def _verdict(self, payload: WorkflowFinishPayload) -> list[str]:
        """Return what the finish has to say, and then what else it may say for what was not seen."""
        if self._settled == WorkflowCanceled.type:
            return ["canceled"]
        if self._steps.failed is not None or payload.error is not None:
            return ["failed"]
        steps = self._steps
        waiting = list(steps.calls.root.suspended_kids())
        still_waits = steps.resumes or any(call.suspended_leg == steps.leg for call in waiting)
        if waiting and still_waits and not steps.calls.root.has_bailed_child:
            return ["suspended"]
        wanted = ["paused" if self._settled == WorkflowPaused.type else "success"]
        if self._may_have_failed:
            wanted.append("failed")
        if steps.is_late or (self._was_cut and waiting):
            wanted.append("suspended")
        return wanted


def _primary(usage: Usage) -> tuple[int | None, ...]:
    return usage.input_tokens, usage.output_tokens, usage.total_tokens


def _details(usage: Usage) -> tuple[int, ...]:
    """Return the numbers that older writers leave out where they are zero."""
    return usage.reasoning_tokens or 0, usage.cached_input_tokens or 0, usage.cache_creation_input_tokens or 0


def _no_rule(_chunk: Custom) -> None:
    """Custom chunks may stand anywhere in a leg."""
