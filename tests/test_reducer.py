"""The reducer: what each record does to the snapshot."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from typing import Any

import pytest

from rxloom.chunks import (
    Answer,
    Choice,
    ContextWrite,
    Custom,
    ErrorInfo,
    EventReceived,
    EventTaken,
    ItemEnd,
    ItemStart,
    LegStarted,
    Private,
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
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowFinishPayload,
    WorkflowPaused,
    WorkflowStart,
    WorkflowStartPayload,
)
from rxloom.reducer import apply, reduce
from rxloom.snapshot import Snapshot
from tests.ledger import public


class Tape:
    """Writes records one after the other, and folds them."""

    def __init__(self) -> None:
        self.snapshot = Snapshot("r1")
        self.seq = 0
        self.calls = 0

    def __call__(self, *records: Record) -> Tape:
        """Add records; chunks get the next seq."""
        for record in records:
            if not isinstance(record, Private):
                record.seq = self.seq
                self.seq += 1
            apply(self.snapshot, record)
        return self

    def begin(self, kind: Any = "start", **options: Any) -> Tape:
        """Begin a leg."""
        return self(LegStarted(kind, "wf", 1000, **options), WorkflowStart("r1", WorkflowStartPayload("wf")))

    def start(self, path: str, given: Any = None, **options: Any) -> Tape:
        """Open a step."""
        self.calls += 1
        return self(StepStart("r1", StepStartPayload(path, f"c{self.calls}", given, 1000 + self.calls, **options)))

    def result(self, path: str, status: Any = "success", output: Any = None, **options: Any) -> Tape:
        """Close a step."""
        return self(StepResult("r1", StepResultPayload(path, "c", None, 1001, status, 2000, output, **options)))

    def finish(self, status: Any = "success", **options: Any) -> Tape:
        """End the leg."""
        payload = WorkflowFinishPayload(status, self.snapshot.leg_usage, ended_at=5000, **options)
        return self(WorkflowFinish("r1", payload))

    def entry(self, path: str) -> Any:
        """Return what is known of a step."""
        return self.snapshot.steps[path]


def test_a_run_begins_with_what_it_was_started_with() -> None:
    tape = Tape().begin(input={"x": 1}, state={"s": 1}, resource_id="ada")
    snapshot = tape.snapshot

    assert (snapshot.workflow_id, snapshot.resource_id, snapshot.input) == ("wf", "ada", {"x": 1})
    assert (snapshot.state, snapshot.status, snapshot.started_at) == ({"s": 1}, "running", 1000)
    assert (snapshot.next_pos, snapshot.next_seq) == (2, 1)


def test_a_later_leg_keeps_all_of_it() -> None:
    tape = Tape().begin(input=1, resource_id="ada").finish("suspended").begin("resume")

    assert (tape.snapshot.input, tape.snapshot.resource_id, tape.snapshot.status) == (1, "ada", "running")
    assert tape.snapshot.active_ms == 4000


def test_a_step_opens_and_closes() -> None:
    tape = Tape().begin().start("a", 5)
    assert (tape.entry("a").status, tape.entry("a").input) == ("running", 5)
    tape.result("a", output=6)

    assert (tape.entry("a").status, tape.entry("a").output, tape.entry("a").ended_at) == ("success", 6, 2000)


@pytest.mark.parametrize("status", ["success", "failed", "bailed", "canceled"])
def test_a_step_closes_in_every_way(status: Any) -> None:
    error = ErrorInfo("ValueError", "boom") if status == "failed" else None
    tape = Tape().begin().start("a").result("a", status, error=error)

    assert (tape.entry("a").status, tape.entry("a").error) == (status, error)


def test_outputs_and_custom_chunks_count_and_nothing_else() -> None:
    tape = Tape().begin().start("a")
    before = public(tape.snapshot)
    tape(StepOutput("r1", "a", "c1", {"x": 1}), Custom("r1", "data-*", 1))
    after = public(tape.snapshot)

    assert {key for key in after if after[key] != before[key]} == {"next_seq", "next_pos"}


def test_usage_is_summed_for_the_step_the_leg_and_the_run() -> None:
    def spend(number: int, index: int | None = None) -> StepOutput:
        usage = {"inputTokens": number, "outputTokens": 0, "totalTokens": number}
        return StepOutput("r1", "a", "c1", {"type": "finish", "payload": {"usage": usage}}, index)

    tape = Tape().begin().start("a")(spend(1), spend(2)).result("a").finish("suspended")
    tape.begin("resume").start("b")(spend(4)).finish()

    assert tape.snapshot.usage.input_tokens == 7
    assert tape.snapshot.leg_usage.input_tokens == 4
    assert tape.entry("a").usage.input_tokens == 7


def test_waiting_is_the_status_when_nothing_else_runs() -> None:
    def wait(path: str) -> StepWaiting:
        return StepWaiting("r1", StepWaitingPayload(path, "c", None, 1))

    tape = Tape().begin().start("a")(wait("s"))
    assert tape.snapshot.status == "running"
    tape.result("a")
    assert (tape.snapshot.status, tape.entry("s").status) == ("waiting", "waiting")
    tape.start("b")
    assert tape.snapshot.status == "running"
    tape.result("b")
    assert tape.snapshot.status == "waiting"
    tape.result("s")
    assert tape.snapshot.status == "running"


def test_a_wait_inside_a_nested_workflow_is_a_wait_of_the_run() -> None:
    tape = Tape().begin().start("n")(StepWaiting("r1", StepWaitingPayload("n.s", "c", None, 1)))

    assert tape.snapshot.status == "waiting"


def test_a_suspension_waits_for_its_answer() -> None:
    suspended = StepSuspended("r1", StepSuspendedPayload("a", "c1", None, 1001, 1500, {"q": 1}))
    tape = Tape().begin().start("a")(Suspension("a", "l", {"q": 1}, 1500), suspended).finish("suspended")
    snapshot = tape.snapshot

    assert (snapshot.status, tape.entry("a").status, tape.entry("a").suspend_payload) == (
        "suspended",
        "suspended",
        {"q": 1},
    )
    assert snapshot.suspensions["a"].label == "l"
    tape.begin("resume")(Answer("a", "l", {"q": 1}, "yes", 2000)).start("a", resumed_at=2000, resume_payload="yes")
    assert snapshot.suspensions == {}
    assert [one.data for one in snapshot.answers["a"]] == ["yes"]
    assert (tape.entry("a").status, tape.entry("a").started_at, tape.entry("a").suspend_payload) == (
        "running",
        1001,
        None,
    )


def test_a_step_that_opens_anew_has_no_answers_and_nothing_below_it() -> None:
    tape = Tape().begin().start("n").start("n.a")(Suspension("n.a", None, 1, 1), Answer("n.a", None, 1, 2, 3))
    tape.result("n.a").result("n")
    assert tape.snapshot.valid("n.a") is not None
    tape.start("n")

    assert tape.snapshot.valid("n.a") is None
    assert tape.entry("n.a").status == "success"
    tape.start("n.a")
    assert "n.a" not in tape.snapshot.answers


def test_a_retry_makes_what_is_below_stale_and_forgets_its_questions() -> None:
    tape = Tape().begin().start("n").start("n.a").result("n.a")(Suspension("n.b", None, 1, 1))
    tape(StepRetry("r1", StepRetryPayload("n", "c1", 1, ErrorInfo("E", "e"), 0)))

    assert tape.entry("n").attempt == 1
    assert tape.snapshot.valid("n.a") is None
    assert tape.snapshot.suspensions == {}


def test_a_choice_holds_for_the_call_it_was_made_in() -> None:
    tape = Tape().begin()(Choice("branch_wf_0", (1,))).start("n")(Choice("n.loop", (3,)))
    assert (tape.snapshot.decided("branch_wf_0"), tape.snapshot.decided("n.loop")) == ((1,), (3,))
    tape.result("n").start("n")

    assert (tape.snapshot.decided("branch_wf_0"), tape.snapshot.decided("n.loop")) == ((1,), None)


def test_items_start_progress_and_end() -> None:
    def progress(index: int, status: Any, output: Any = None) -> StepProgress:
        return StepProgress("r1", StepProgressPayload("each", "c1", 1, 3, index, status, output))

    tape = Tape().begin().start("each", [1, 2, 3])(ItemStart("each[0]", 1, 1100), ItemEnd("each[0]", 1200))
    tape(progress(0, "success", 10), ItemStart("each[1]", 2, 1100))
    tape(ItemEnd("each[1]", 1300, ErrorInfo("E", "e")), progress(1, "failed"))
    tape(ItemStart("each[2]", 3, 1100), ItemEnd("each[2]", 1400, canceled=True))

    assert [(tape.entry(f"each[{at}]").status, tape.entry(f"each[{at}]").ended_at) for at in range(3)] == [
        ("success", 1200), ("failed", 1300), ("canceled", 1400),
    ]  # fmt: skip
    assert tape.entry("each[0]").output == 10
    assert tape.entry("each[1]").error == ErrorInfo("E", "e")


def test_a_suspended_item_goes_on_in_the_same_entry() -> None:
    tape = Tape().begin().start("each", [1])(ItemStart("each[0]", 1, 1100), Suspension("each[0]", None, "?", 1200))
    tape(StepProgress("r1", StepProgressPayload("each", "c1", 0, 1, 0, "suspended")))
    assert (tape.entry("each[0]").status, tape.entry("each[0]").suspend_payload) == ("suspended", "?")
    tape(Answer("each[0]", None, "?", 1, 1), ItemStart("each[0]", 1, 1900))

    assert (tape.entry("each[0]").status, tape.entry("each[0]").started_at) == ("running", 1100)
    assert tape.snapshot.answers["each[0]"][0].data == 1


def test_state_context_and_events() -> None:
    tape = Tape().begin(state={"a": 1})(
        StateWrite({"b": 2}), ContextWrite({"x": 1, "y": 2}), ContextWrite({}, ("x",)), EventReceived("go", 1, "e1"),
        EventReceived("go", 2), EventTaken("go", "wait"),
    )  # fmt: skip
    snapshot = tape.snapshot

    assert (snapshot.state, snapshot.context) == ({"a": 1, "b": 2}, {"y": 2})
    assert list(snapshot.events["go"]) == [2]
    assert "e1" in snapshot.event_ids


@pytest.mark.parametrize("status", ["success", "failed", "suspended", "canceled", "paused"])
def test_the_finish_says_the_status(status: Any) -> None:
    tape = Tape().begin()
    if status == "canceled":
        tape(WorkflowCanceled("r1"))
    if status == "paused":
        tape(WorkflowPaused("r1"))
    error = ErrorInfo("E", "e") if status == "failed" else None
    tape.finish(status, error=error, final_workflow_result=5 if status == "success" else None)

    assert (tape.snapshot.status, tape.snapshot.error) == (status, error)
    assert tape.snapshot.output == (5 if status == "success" else None)


def test_a_status_that_is_only_read_from_the_wire_is_a_failure() -> None:
    assert Tape().begin().finish("tripwire").snapshot.status == "failed"


@pytest.mark.parametrize("status", ["success", "failed", "canceled"])
def test_a_run_that_has_ended_waits_for_nobody(status: Any) -> None:
    tape = Tape().begin().start("a")(Suspension("a", None, 1, 1)).finish(status)

    assert tape.snapshot.suspensions == {}


def test_a_loop_counts_its_rounds() -> None:
    tape = (
        Tape().begin().start("a", metadata={"iterationCount": 1}).result("a").start("a", metadata={"iterationCount": 2})
    )

    assert tape.entry("a").iteration == 2


def test_reduce_copies_and_apply_does_not() -> None:
    before = Tape().begin().start("a").snapshot
    kept = public(before)
    after = reduce(before, StepResult("r1", StepResultPayload("a", "c", None, 1, "success", 2, 3), 9))

    assert public(before) == kept
    assert after.steps["a"].output == 3
    apply(before, StateWrite({"x": 1}))
    assert before.state == {"x": 1}
    assert after.state == {}
