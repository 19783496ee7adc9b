"""The fold: `reduce(snapshot, record) -> snapshot`, pure and total.

`apply` is the same fold in place, for the one owner of a live snapshot; it costs O(1) a record.
"""

from __future__ import annotations

from collections import deque
from typing import assert_never

from rxloom.chunks import (
    Answer,
    Choice,
    ContextWrite,
    Custom,
    Emitted,
    EventReceived,
    EventTaken,
    ItemEnd,
    ItemStart,
    LegStarted,
    Record,
    StateWrite,
    StepOutput,
    StepProgress,
    StepProgressPayload,
    StepResult,
    StepResultPayload,
    StepRetry,
    StepRetryPayload,
    StepStart,
    StepStartPayload,
    StepSuspended,
    StepSuspendedPayload,
    StepWaiting,
    StepWaitingPayload,
    Suspension,
    Usage,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowFinishPayload,
    WorkflowPaused,
    WorkflowStart,
)  # fmt: skip
from rxloom.snapshot import NO_USAGE, TERMINAL, Decision, RunStatus, Snapshot, parent_path
from rxloom.usage import SILENT, usage_in
from rxloom.values import type_of


def reduce(snapshot: Snapshot, record: Record) -> Snapshot:
    """Return the snapshot after `record`, leaving `snapshot` as it is."""
    after = snapshot.copy()
    apply(after, record)
    return after


def apply(snapshot: Snapshot, record: Record) -> None:
    """Fold `record` into `snapshot` in place."""
    snapshot.next_pos += 1
    match record:
        case StepOutput():
            snapshot.next_seq = record.seq + 1
            output = record.output
            # Most outputs are of a kind that reports no tokens: it saves a call for each of them.
            if type_of(output) not in SILENT and (usage := usage_in(output)) is not None:
                snapshot.usage += usage
                snapshot.leg_usage += usage
                _count(snapshot, record, usage)
        case StepStart():
            snapshot.next_seq = record.seq + 1
            _start(snapshot, record.payload)
        case StepResult():
            snapshot.next_seq = record.seq + 1
            _result(snapshot, record.payload)
        case StepProgress():
            snapshot.next_seq = record.seq + 1
            _progress(snapshot, record.payload)
        case ItemStart() | ItemEnd():
            _item(snapshot, record)
        case StateWrite():
            snapshot.state.update(record.changes)
        case _:
            _apply_rest(snapshot, record)


def _apply_rest(
    snapshot: Snapshot,
    record: WorkflowStart | WorkflowFinish | WorkflowCanceled | WorkflowPaused | StepRetry | StepWaiting | StepSuspended
    | Custom | LegStarted | ContextWrite | Choice | Emitted | Suspension | Answer | EventReceived
    | EventTaken,
) -> None:  # fmt: skip
    match record:
        case LegStarted():
            _leg_started(snapshot, record)
        case WorkflowStart() | WorkflowFinish() | WorkflowCanceled() | WorkflowPaused() | Custom():
            snapshot.next_seq = record.seq + 1
            if isinstance(record, WorkflowStart):
                _open_leg(snapshot)
            elif isinstance(record, WorkflowFinish):
                _close_leg(snapshot, record.payload)
        case StepRetry():
            snapshot.next_seq = record.seq + 1
            _retry(snapshot, record.payload)
        case StepWaiting():
            snapshot.next_seq = record.seq + 1
            _wait(snapshot, record.payload)
        case StepSuspended():
            snapshot.next_seq = record.seq + 1
            _suspend(snapshot, record.payload)
        case _:
            _apply_private(snapshot, record)


def _apply_private(
    snapshot: Snapshot,
    record: ContextWrite | Choice | Emitted | Suspension | Answer | EventReceived | EventTaken,
) -> None:
    match record:
        case ContextWrite():
            _write_context(snapshot, record)
        case Choice():
            parent = snapshot.generation_of(parent_path(record.node))
            snapshot.choices[record.node] = Decision(parent, record.taken)
        case Suspension() | Emitted():
            _of_a_step(snapshot, record)
        case Answer():
            snapshot.suspensions.pop(record.path, None)
            snapshot.answers.setdefault(record.path, []).append(record)
        case EventReceived() | EventTaken():
            _event(snapshot, record)
        case _:
            assert_never(record)


def _write_context(snapshot: Snapshot, record: ContextWrite) -> None:
    snapshot.context.update(record.changes)
    for key in record.removed:
        snapshot.context.pop(key, None)


def _of_a_step(snapshot: Snapshot, record: Suspension | Emitted) -> None:
    if isinstance(record, Suspension):
        _ask(snapshot, record)
    elif (entry := snapshot.mine(record.path)) is not None:
        entry.emitted = record.items


def _ask(snapshot: Snapshot, record: Suspension) -> None:
    snapshot.suspensions[record.path] = record
    if (entry := snapshot.mine(record.path)) is not None:
        entry.mismatches = record.mismatches
    for at, character in enumerate(record.path):
        if character == "]" and (item := snapshot.mine(record.path[: at + 1])) is not None:
            item.asked_at = record.suspended_at


def _event(snapshot: Snapshot, record: EventReceived | EventTaken) -> None:
    if isinstance(record, EventTaken):
        snapshot.events[record.name].popleft()
        return
    snapshot.events.setdefault(record.name, deque()).append(record.data)
    if record.event_id is not None:
        snapshot.event_ids[record.event_id] = None


def _leg_started(snapshot: Snapshot, record: LegStarted) -> None:
    snapshot.leg_started_at = record.at
    if record.kind == "start":
        snapshot.input = record.input
        snapshot.started_at = record.at
        snapshot.workflow_id = record.workflow_id
        snapshot.resource_id = record.resource_id
        snapshot.state = dict(record.state or {})


def _open_leg(snapshot: Snapshot) -> None:
    snapshot.leg += 1
    snapshot.usage_before = snapshot.usage
    snapshot.leg_usage = NO_USAGE
    snapshot.status = "running"
    snapshot.output = snapshot.error = None
    snapshot.leaves.clear()
    snapshot.waiting.clear()


def _close_leg(snapshot: Snapshot, payload: WorkflowFinishPayload) -> None:
    snapshot.status = status = payload.run_status
    snapshot.leg_usage = payload.usage  # outputs that a bounded store dropped are counted in it
    if payload.usage is not NO_USAGE:
        snapshot.usage = snapshot.usage_before + payload.usage
    snapshot.output = payload.final_workflow_result
    snapshot.error = payload.error
    snapshot.active_ms += max(0, payload.ended_at - snapshot.leg_started_at)
    if status in TERMINAL:
        snapshot.suspensions.clear()


def _start(snapshot: Snapshot, payload: StepStartPayload) -> None:
    path = payload.id
    entry = snapshot.mine(path) if payload.resumed_at is not None else None
    if entry is None:
        entry = snapshot.open(path, payload.payload, payload.started_at)
    entry.status = "running"
    entry.call_id = payload.step_call_id
    entry.suspend_payload = None
    entry.resume_payload = payload.resume_payload
    entry.resumed_at = payload.resumed_at
    if payload.metadata is not None:
        entry.iteration = payload.metadata.get("iterationCount", 0)
    snapshot.leaves[path] = None
    if "." in path:
        snapshot.leaves.pop(parent_path(path), None)
    if snapshot.status != "running":
        snapshot.status = "running"


def _result(snapshot: Snapshot, payload: StepResultPayload) -> None:
    path = payload.id
    entry = snapshot.mine(path)
    if entry is None:
        entry = snapshot.open(path, payload.payload, payload.started_at)
    entry.status = "canceled" if payload.status == "skipped" else payload.status
    entry.output = payload.output
    entry.error = payload.error
    entry.ended_at = payload.ended_at
    entry.suspend_payload = None
    if snapshot.suspensions:
        snapshot.forget_below(path)
    snapshot.leaves.pop(path, None)
    if snapshot.waiting or snapshot.status != "running":
        snapshot.waiting.pop(path, None)
        _settle_status(snapshot)


def _settle_status(snapshot: Snapshot) -> None:
    status: RunStatus = "waiting" if snapshot.waiting and not snapshot.leaves else "running"
    if snapshot.status != status:
        snapshot.status = status


def _wait(snapshot: Snapshot, payload: StepWaitingPayload) -> None:
    entry = snapshot.mine(payload.id)
    if entry is None or entry.status not in {"running", "waiting"} or entry.call_id != payload.step_call_id:
        entry = snapshot.open(payload.id, payload.payload, payload.started_at)
    entry.status = "waiting"
    entry.call_id = payload.step_call_id
    snapshot.leaves.pop(payload.id, None)
    snapshot.leaves.pop(parent_path(payload.id), None)
    snapshot.waiting[payload.id] = None
    _settle_status(snapshot)


def _suspend(snapshot: Snapshot, payload: StepSuspendedPayload) -> None:
    entry = snapshot.mine(payload.id)
    if entry is None:
        entry = snapshot.open(payload.id, payload.payload, payload.started_at)
    entry.status = "suspended"
    entry.suspend_payload = payload.suspend_payload
    entry.spent_ms += payload.suspended_at - (payload.resumed_at or payload.started_at)
    snapshot.leaves.pop(payload.id, None)
    _settle_status(snapshot)


def _retry(snapshot: Snapshot, payload: StepRetryPayload) -> None:
    path = payload.id if payload.index is None else f"{payload.id}[{payload.index}]"
    entry = snapshot.mine(path)
    if entry is not None:
        entry.attempt = payload.attempt
        snapshot.renew(entry)
    snapshot.forget_below(path)


def _item(snapshot: Snapshot, record: ItemStart | ItemEnd) -> None:
    if isinstance(record, ItemStart):
        _start_item(snapshot, record)
    elif (entry := snapshot.mine(record.path)) is not None:
        entry.ended_at = record.at
        entry.error = record.error
        if record.canceled:  # else the progress chunk says how
            entry.status = "canceled"
            snapshot.leaves.pop(record.path, None)


def _start_item(snapshot: Snapshot, record: ItemStart) -> None:
    entry = snapshot.mine(record.path)
    parent = snapshot.generation_of(parent_path(record.path))
    if entry is None or entry.status != "suspended" or entry.parent_generation != parent:
        entry = snapshot.open(record.path, record.input, record.at)
    else:
        entry.resumed_at = record.at
    entry.status = "running"
    entry.suspend_payload = None
    snapshot.leaves[record.path] = None
    snapshot.leaves.pop(parent_path(record.path), None)


def _progress(snapshot: Snapshot, payload: StepProgressPayload) -> None:
    path = f"{payload.id}[{payload.current_index}]"
    entry = snapshot.mine(path)
    parent = snapshot.generation_of(payload.id)
    if entry is None or entry.parent_generation != parent:
        entry = snapshot.open(path, None, 0)
    entry.status = payload.iteration_status
    entry.output = payload.iteration_output
    suspension = snapshot.suspensions.get(path)
    entry.suspend_payload = suspension.payload if suspension is not None else None
    if payload.iteration_status == "suspended":
        entry.spent_ms += max(0, entry.asked_at - (entry.resumed_at or entry.started_at))
    snapshot.leaves.pop(path, None)


def _count(snapshot: Snapshot, chunk: StepOutput, usage: Usage) -> None:
    entry = snapshot.mine(chunk.id if chunk.index is None else f"{chunk.id}[{chunk.index}]")
    if entry is not None:
        entry.usage = (entry.usage or NO_USAGE) + usage
