"""The grammar of step chunks: what may follow what, for each path and between a step and its children."""

from __future__ import annotations

from rxloom.chunks import (
    StepOutputPayload,
    StepProgressPayload,
    StepResultPayload,
    StepRetryPayload,
    StepStartPayload,
    StepSuspendedPayload,
    StepWaitingPayload,
)
from rxloom.testing._grammar_calls import Call, Calls, Progress, State, is_path, split_path
from rxloom.testing._grammar_report import Report

_ENDS: dict[str, State] = {"failed": "failed", "canceled": "canceled", "bailed": "bailed"}


class StepRules:
    """Follows the step calls of a run, and reports what cannot be.

    Attributes:
        calls: the calls that are not over.
        leg: number of the leg, from 0.
        is_lossy: chunks of this leg are missing by announcement (a `Gap`), so a call may be open unseen.
        is_late: earlier legs were not seen, so a step may have been suspended unseen.
        resumes: the leg resumes a step of an earlier leg, so what else that leg suspended still waits.
        failed: a top-level step that failed in this leg with nothing to handle it.
    """

    def __init__(self, report: Report) -> None:
        """Begin with the first leg."""
        self._report = report
        self.calls = Calls()
        self.leg = 0
        self.is_lossy = False
        self.is_late = False
        self.resumes = False
        self.failed: str | None = None

    def new_leg(self) -> None:
        """Begin the next leg; what is still open was cut off."""
        self.calls.new_leg()
        self.leg += 1
        self.is_lossy = self.resumes = False
        self.failed = None

    def gap(self) -> None:
        """Skip chunks that were not told."""
        self.calls.forget_all()
        self.is_lossy = self.is_late = True

    def start(self, payload: StepStartPayload) -> None:
        """Open a call, for the first time or again."""
        self._check_resumed(payload, self.calls.get(payload.id))
        call = self._enter(payload.id)
        self._begin(call, payload, payload.resumed_at)
        self.calls.set_state(call, "open")

    def wait(self, payload: StepWaitingPayload) -> None:
        """Begin a wait: a call of its own, or something that an open call does."""
        call = self._known(payload.id)  # unseen, it may be open: then it has a result just the same
        if call is not None and call.state == "open":
            self._same_call(call, payload.step_call_id)
            return
        call = self._enter(payload.id)
        if call.state == "suspended":
            self._report.add("resume", "waits while it is suspended", payload.id)
        self._begin(call, payload, None)
        self.calls.set_state(call, "waiting")

    def output(self, payload: StepOutputPayload) -> None:
        """Take what a step wrote."""
        self._open_call(payload.id, payload.step_call_id, "an output")
        if payload.index is not None and payload.index < 0:
            self._report.add("progress", f"index is {payload.index}", payload.id)

    def retry(self, payload: StepRetryPayload) -> None:
        """Begin another attempt, after which what failed inside may start again."""
        call = self._open_call(payload.id, payload.step_call_id, "a retry")
        if call is None:
            return
        before = call.attempts.get(payload.index)
        call.attempts[payload.index] = payload.attempt
        may_continue = before is None and (call.is_resumed or self.leg > 0 or self.is_late)
        if payload.attempt < 1 or (payload.attempt != (before or 0) + 1 and not may_continue):
            self._report.add("retry", f"attempt {payload.attempt} comes after attempt {before or 0}", payload.id)
        if payload.delay_ms < 0:
            self._report.add("retry", f"delayMs is {payload.delay_ms}", payload.id)
        self.calls.drop_kids(call, payload.index)
        if payload.index is None:
            call.progress = None

    def progress(self, payload: StepProgressPayload) -> None:
        """Count a settled item of a `for_each`."""
        call = self._open_call(payload.id, payload.step_call_id, "progress")
        if call is None:
            return
        path, done, index = payload.id, payload.completed_count, payload.current_index
        grows = payload.iteration_status != "suspended"
        seen = call.progress
        if seen is None:
            continues = (call.is_resumed and call.suspended_leg == self.leg) or self.is_lossy
            seen = call.progress = Progress(payload.total_count, done - grows if continues else 0)
        if payload.total_count != seen.total:
            self._report.add("progress", f"totalCount {payload.total_count} was {seen.total}", path)
        if not 0 <= index < payload.total_count or done > payload.total_count:
            self._report.add("progress", f"item {index}, {done} done: there are {payload.total_count}", path)
        if done != seen.done + grows:
            self._report.add("progress", f"completedCount {done} comes after {seen.done}", path)
        seen.done = done
        if grows:
            self._settle(seen, index, path)
        if payload.iteration_status == "failed":
            self.calls.drop_kids(call, index)  # what still waited for an answer in the item never gets one

    def _settle(self, seen: Progress, index: int, path: str) -> None:
        if index in seen.settled:
            self._report.add("progress", f"item {index} settles twice", path)
        seen.settled.add(index)

    def suspend(self, payload: StepSuspendedPayload) -> None:
        """Close a call that waits for an answer."""
        call = self._close(payload, "is suspended")
        if call is None:
            return
        begun = payload.started_at if payload.resumed_at is None else payload.resumed_at
        if payload.suspended_at < begun:
            self._report.add("times", f"suspendedAt {payload.suspended_at} is before it began", payload.id)
        call.suspended_leg = self.leg
        call.suspended_at = payload.suspended_at
        self.calls.set_state(call, "suspended")

    def result(self, payload: StepResultPayload) -> None:
        """Close a call for good."""
        self._check_result(payload)
        call = self._close(payload, "has a result")
        if call is None:
            return
        if payload.status == "success":
            self._check_success(call)
        parent = call.parent
        if parent is not None and payload.status == "bailed":
            parent.has_bailed_child = True
        if parent is self.calls.root and payload.status == "failed" and not payload.handled:
            self.failed = payload.id
        if payload.status not in _ENDS:
            self.calls.drop(call)
            return
        self.calls.drop_kids(call)
        self.calls.set_state(call, _ENDS[payload.status])

    def nothing_open(self) -> None:
        """Report calls that should have been closed by now."""
        for path in self.calls.active():
            self._report.add("left-open", "was not closed", path)

    # -- parts -------------------------------------------------------------------------------------------------

    def _enter(self, path: str) -> Call:
        """Find or make the call that starts, and check that it may."""
        if not is_path(path):
            self._report.add("path", "this is no path of a step", path)
        call = self.calls.get(path)
        if call is not None and call.is_active:
            self._report.add("reopen", "starts while it is open", path)
            self.calls.set_state(call, "idle")
        elif call is not None and call.state in _ENDS:
            self._report.add("reopen", f"starts after it ended {call.state!r}, and nothing above it retried", path)
        parent = self._known(split_path(path)[0])
        if parent is None or parent.state != "open":
            self._report.add("orphan", f"starts while {split_path(path)[0]!r} is not open", path)
        return call or self.calls.add(path)

    def _known(self, path: str) -> Call | None:
        """Return the call at `path`; where it may have been opened unseen, it was, and so were those around it."""
        call = self.calls.get(path)
        if call is not None or not self.is_lossy:
            return call
        missing = [path]
        while self.calls.get(parent := split_path(missing[-1])[0]) is None:
            missing.append(parent)
        for unseen in reversed(missing):
            call = self.calls.add(unseen)
            call.begin(None, None, None, self.leg)
            self.calls.set_state(call, "open")
        return call

    def _check_resumed(self, payload: StepStartPayload, call: Call | None) -> None:
        path, resumed_at = payload.id, payload.resumed_at
        if payload.resume_payload is not None and resumed_at is None:
            self._report.add("resume", "has a resumePayload, and no resumedAt", path)
        if call is None or call.state != "suspended":
            may_be = self.is_late or (call is not None and call.state == "idle")
            if resumed_at is not None and not may_be:
                self._report.add("resume", "is resumed, and was not suspended", path)
        elif call.suspended_leg < self.leg:
            self.resumes |= resumed_at is not None
        elif resumed_at is None:
            self._report.add("resume", "starts again in the leg that suspended it, without resumedAt", path)
        elif call.suspended_at is not None and resumed_at < call.suspended_at:
            self._report.add("times", f"resumedAt {resumed_at} is before suspendedAt {call.suspended_at}", path)

    def _begin(self, call: Call, payload: StepStartPayload | StepWaitingPayload, resumed_at: int | None) -> None:
        if not self.calls.is_new_id(payload.step_call_id):
            self._report.add("call-id", f"{payload.step_call_id!r} was the id of another call", payload.id)
        call.begin(payload.step_call_id, payload.started_at, resumed_at, self.leg)

    def _open_call(self, path: str, call_id: str, what: str) -> Call | None:
        call = self._known(path)
        if call is None or call.state != "open":
            state = "not open" if call is None or call.state == "idle" else call.state
            self._report.add("not-open", f"there is {what} while it is {state}", path)
            return None
        self._same_call(call, call_id)
        return call

    def _close(self, payload: StepResultPayload | StepSuspendedPayload, what: str) -> Call | None:
        path = payload.id
        call = self._known(path)
        may_wait = isinstance(payload, StepResultPayload)
        if call is None or not (call.state == "open" or (call.state == "waiting" and may_wait)):
            state = "not open" if call is None or call.state == "idle" else call.state
            self._report.add("close", f"{what} while it is {state}", path)
            return None
        self._same_call(call, payload.step_call_id)
        self._same_times(call, payload)
        if call.open_kids:
            for kid in list(call.active_kids()):
                self._report.add("children", f"closes while {kid.path!r} is open", path)
                self.calls.drop(kid)
        return call

    def _same_call(self, call: Call, call_id: str) -> None:
        if call.call_id is not None and call.call_id != call_id:
            self._report.add("call-id", f"stepCallId is {call_id!r}, and it started as {call.call_id!r}", call.path)

    def _same_times(self, call: Call, payload: StepResultPayload | StepSuspendedPayload) -> None:
        if call.started_at is None:
            return
        if payload.started_at != call.started_at:
            self._report.add("times", f"startedAt is {payload.started_at}, and was {call.started_at}", call.path)
        if payload.resumed_at != call.resumed_at:
            self._report.add("times", f"resumedAt is {payload.resumed_at}, and was {call.resumed_at}", call.path)

    def _check_result(self, payload: StepResultPayload) -> None:
        path, status = payload.id, payload.status
        if (payload.error is None) == (status == "failed"):
            self._report.add("result", f"{status!r} {'without' if status == 'failed' else 'with'} an error", path)
        if payload.handled and status != "failed":
            self._report.add("result", f"{status!r} is handled, and only a failure can be", path)
        if payload.output is not None and status in {"failed", "canceled"}:
            self._report.add("result", f"{status!r} with an output", path)
        begun = payload.started_at if payload.resumed_at is None else payload.resumed_at
        if payload.ended_at < begun:
            self._report.add("times", f"endedAt {payload.ended_at} is before it began", path)

    def _check_success(self, call: Call) -> None:
        for kid in call.suspended_kids():
            still_waits = kid.suspended_leg >= call.began_leg or call.is_resumed
            if still_waits and not call.has_bailed_child:
                self._report.add("children", f"succeeds while {kid.path!r} is suspended", call.path)
        seen = call.progress
        is_whole = self.leg == 0 and not self.is_late and not call.is_resumed  # else items may have settled before
        if seen is not None and seen.done < seen.total and is_whole:
            self._report.add("progress", f"succeeds after {seen.done} of {seen.total} items", call.path)
