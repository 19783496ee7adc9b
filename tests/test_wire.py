"""Chunks to their wire form and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from rxloom.chunks import (
    Chunk,
    Custom,
    ErrorInfo,
    Gap,
    GapData,
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
    Usage,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowFinishPayload,
    WorkflowPaused,
    WorkflowStart,
    WorkflowStartPayload,
)
from rxloom.jsonable import jsonable
from rxloom.wire import chunk_from_wire
from tests.random_chunks import chunks

Wire = dict[str, Any]
STEP: Wire = {"stepName": "a", "id": "a", "stepCallId": "c"}
BOOM = ErrorInfo("Declined", "no", {"code": 51, "name": "x"}, ErrorInfo("KeyError", "'k'"), "a", 1, "Traceback …")
BOOM_WIRE: Wire = {"name": "Declined", "message": "no", "code": 51, "cause": {"name": "KeyError", "message": "'k'"}}
RETRYING = StepRetryPayload("a", "c", 1, BOOM, 5, 0)
NO_TOKENS = Usage().to_wire()


def wire(kind: str, payload: Wire, source: str = "WORKFLOW") -> Wire:
    return {"type": kind, "runId": "r", "from": source, "payload": payload, "seq": 3}


def result(**fields: Any) -> StepResult:
    return StepResult("r", StepResultPayload("a", "c", [1], 10, ended_at=20, **fields), 3)


def finish(
    status: Any, usage: Usage | None = None, error: ErrorInfo | None = None, output: Any = None
) -> WorkflowFinish:
    return WorkflowFinish("r", WorkflowFinishPayload(status, usage or Usage(), error, output, ended_at=99), 3)


TOLD: list[tuple[Chunk, Wire]] = [
    (WorkflowStart("r", WorkflowStartPayload("w"), 3), wire("workflow-start", {"workflowId": "w"})),
    (
        StepStart("r", StepStartPayload("a", "c", [1], 10), 3),
        wire("workflow-step-start", STEP | {"payload": [1], "startedAt": 10, "status": "running"}),
    ),
    (
        StepStart("r", StepStartPayload("a", "c", None, 10, {"ok": 1}, 12, {"iterationCount": 2}), 3),
        wire("workflow-step-start", STEP | {"startedAt": 10, "status": "running", "resumePayload": {"ok": 1},
                                            "resumedAt": 12, "metadata": {"iterationCount": 2}}),
    ),
    (
        StepOutput("r", "a", "c", None, seq=3),
        wire("workflow-step-output", STEP | {"output": None, "runId": "r"}, "USER"),
    ),
    (
        StepOutput("r", "a", "c", {"snake_case": (1, b"x")}, 0, 3),
        wire("workflow-step-output", STEP | {"output": {"snake_case": [1, "eA=="]}, "runId": "r", "index": 0}, "USER"),
    ),
    (
        StepProgress("r", StepProgressPayload("a", "c", 1, 2, 0, "success", 7), 3),
        wire("workflow-step-progress", STEP | {"completedCount": 1, "totalCount": 2, "currentIndex": 0,
                                               "iterationStatus": "success", "iterationOutput": 7}),
    ),
    (
        StepRetry("r", RETRYING, 3),
        wire("workflow-step-retry", STEP | {"attempt": 1, "error": BOOM_WIRE, "delayMs": 5, "index": 0}),
    ),
    (
        StepWaiting("r", StepWaitingPayload("a", "c", 1, 10, event="paid"), 3),
        wire("workflow-step-waiting", STEP | {"payload": 1, "startedAt": 10, "event": "paid", "status": "waiting"}),
    ),
    (
        StepSuspended("r", StepSuspendedPayload("a", "c", [1], 10, 20, {"ask": 1}), 3),
        wire("workflow-step-suspended", STEP | {"payload": [1], "startedAt": 10, "suspendedAt": 20,
                                                "suspendPayload": {"ask": 1}, "status": "suspended"}),
    ),
    (
        result(status="success", output={"x": 1}),
        wire("workflow-step-result", STEP | {"payload": [1], "startedAt": 10, "status": "success", "endedAt": 20,
                                             "output": {"x": 1}}),
    ),
    (
        result(status="success"),
        wire("workflow-step-result", STEP | {"payload": [1], "startedAt": 10, "status": "success", "endedAt": 20}),
    ),
    (
        result(status="failed", error=BOOM, handled=True),
        wire("workflow-step-result", STEP | {"payload": [1], "startedAt": 10, "status": "failed", "endedAt": 20,
                                             "error": BOOM_WIRE, "handled": True}),
    ),
    (WorkflowCanceled("r", seq=3), wire("workflow-canceled", {})),
    (WorkflowPaused("r", seq=3), wire("workflow-paused", {})),
    (
        finish("success", Usage(1, None, None), output=[1]),
        wire("workflow-finish", {"workflowStatus": "success", "finalWorkflowResult": [1], "metadata": {}, "output": {
            "usage": {"inputTokens": 1, "reasoningTokens": 0, "cachedInputTokens": 0, "cacheCreationInputTokens": 0}}}),
    ),
    (
        finish("failed", error=ErrorInfo("ValueError", "no"), output=[1]),
        wire("workflow-finish", {"workflowStatus": "failed", "output": {"usage": NO_TOKENS}, "metadata": {
            "error": {"name": "ValueError", "message": "no"}, "errorMessage": "no"}}),
    ),
    (Gap("r", GapData(1, 4, 3)), {"type": "data-rxloom-gap", "runId": "r", "from": "WORKFLOW",
                                  "data": {"fromSeq": 1, "toSeq": 4, "count": 3}}),
]  # fmt: skip


@pytest.mark.parametrize(("chunk", "wanted"), TOLD, ids=[f"{chunk.type}-{at}" for at, (chunk, _) in enumerate(TOLD)])
def test_a_chunk_is_told_as_the_clients_know_it(chunk: Chunk, wanted: Wire) -> None:
    assert chunk.to_wire() == wanted
    assert list(chunk.to_wire())[:3] == ["type", "runId", "from"]
    assert chunk_from_wire(wanted).to_wire() == wanted


def test_a_custom_chunk_is_told_flat_with_what_stands_beside_its_data() -> None:
    chunk = Custom("r", "data-*", {1}, 3, "USER", {"id": "x", "transient": True, "runId": "no"})

    told = chunk.to_wire()

    assert told == {"type": "data-*", "runId": "r", "from": "USER", "data": [1], "id": "x", "transient": True, "seq": 3}
    assert chunk_from_wire(told).to_wire() == told


def test_a_chunk_that_is_in_no_log_has_no_number() -> None:
    assert "seq" not in WorkflowStart("r", WorkflowStartPayload("w")).to_wire()
    assert "seq" not in Custom("r", "data-*", 1, extra={"seq": 9}).to_wire()


def test_what_a_user_gave_is_told_also_when_it_is_false() -> None:
    told = result(status="success", output=False, resume_payload=False).to_wire()["payload"]

    assert (told["output"], told["resumePayload"], "handled" in told) == (False, False, False)


def test_the_finish_tells_no_error_that_a_step_has_told() -> None:
    assert finish("failed", error=BOOM).to_wire()["payload"]["metadata"] == {}


def test_a_chunk_inside_an_output_is_told_in_its_wire_form() -> None:
    inner = WorkflowStart("inner", WorkflowStartPayload("w"))
    outer = StepOutput("r", "a", "c", [inner])

    assert outer.to_wire()["payload"]["output"] == [inner.to_wire()]


def test_no_number_of_wrappings_and_causes_meets_the_recursion_limit() -> None:
    chunk, error = StepOutput("r", "a", "c", 1), ErrorInfo("E", "")
    for _ in range(2000):
        chunk = StepOutput("r", "a", "c", chunk)
        error = ErrorInfo("E", "", {}, error)

    json.dumps(chunk.to_wire())
    told = finish("failed", error=error).to_wire()

    assert chunk_from_wire(told).to_wire() == told


@given(chunks())
def test_every_chunk_comes_back_from_its_wire_form(chunk: Chunk) -> None:
    told = chunk.to_wire()

    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert jsonable(told) == told
    assert type(chunk_from_wire(told)) is type(chunk)
    assert chunk_from_wire(told).to_wire() == told


MALFORMED: dict[str, tuple[Any, str]] = {
    "a list": ([], "a chunk is no object"),
    "no type": ({"runId": "r"}, "type is no string"),
    "a type of another kind": ({"type": 1}, "type is no string"),
    "an unknown workflow type": (wire("workflow-jump", {}), "workflow-jump: there is no such type of chunk"),
    "an unknown type": (wire("finish", {}), "no such type"),
    "another sender": (wire("workflow-start", {"workflowId": "w"}, "USER"), "from is not 'WORKFLOW': 'USER'"),
    "no run": (wire("workflow-canceled", {}) | {"runId": ""}, "runId is no string"),
    "no payload": ({"type": "workflow-paused", "runId": "r", "from": "WORKFLOW"}, "payload is no object"),
    "a negative number": (wire("workflow-canceled", {}) | {"seq": -1}, "seq is -1"),
    "a number that is text": (wire("workflow-canceled", {}) | {"seq": "1"}, "seq is no whole number"),
    "no time": (wire("workflow-step-start", STEP | {"status": "running"}), "payload.startedAt is missing"),
    "a time that is null": (wire("workflow-step-start", STEP | {"startedAt": None}), "payload.startedAt is no whole"),
    "a flag as number": (wire("workflow-step-start", STEP | {"startedAt": True}), "payload.startedAt is no whole"),
    "another status": (wire("workflow-step-start", STEP | {"startedAt": 1, "status": "done"}), "payload.status is not"),
    "another name": (wire("workflow-step-output", STEP | {"stepName": "b", "output": 1, "runId": "r"}, "USER"),
                     "payload.stepName is not 'a': 'b'"),
    "no output": (wire("workflow-step-output", STEP | {"runId": "r"}, "USER"), "payload.output is missing"),
    "an unknown result": (wire("workflow-step-result", STEP | {"startedAt": 1, "status": "great", "endedAt": 2}),
                          "payload.status is none of success, failed"),
    "an error without text": (wire("workflow-step-retry", STEP | {"attempt": 1, "delayMs": 1, "error": {}}),
                              "payload.error has no message"),
    "metadata as text": (wire("workflow-step-start", STEP | {"startedAt": 1, "metadata": "x"}), "payload.metadata is"),
    "handled as text": (wire("workflow-step-result", STEP | {"startedAt": 1, "status": "failed", "endedAt": 2,
                                                            "handled": "yes"}), "payload.handled is neither"),
    "a finish without usage": (wire("workflow-finish", {"workflowStatus": "success", "output": {}}), "usage is no"),
    "negative usage": (wire("workflow-finish", {"workflowStatus": "success", "output": {"usage": {"inputTokens": -1}}}),
                       "payload.output.usage.inputTokens is negative"),
    "a result of a failed run": (wire("workflow-finish", {"workflowStatus": "failed", "output": {"usage": {}},
                                                          "finalWorkflowResult": 1}), "payload.finalWorkflowResult is"),
    "a gap without data": ({"type": "data-rxloom-gap", "runId": "r", "from": "WORKFLOW"}, "data is no object"),
    "custom data that is missing": ({"type": "data-x", "runId": "r", "from": "WORKFLOW"}, "data-x: data is missing"),
    "custom data from nowhere": ({"type": "data-x", "runId": "r", "from": "X", "data": 1}, "from is none of WORKFLOW"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_chunk_is_refused_with_the_name_of_the_field(name: str) -> None:
    given_form, message = MALFORMED[name]

    with pytest.raises(ValueError, match=message):
        chunk_from_wire(given_form)


def test_what_others_send_is_read() -> None:
    skipped = chunk_from_wire(TOLD[10][1] | {"payload": TOLD[10][1]["payload"] | {"status": "skipped", "unknown": 1}})
    tripwire = chunk_from_wire(
        wire(
            "workflow-finish",
            {"workflowStatus": "tripwire", "output": {"usage": {"promptTokens": 1, "completionTokens": 2}}},
        )
    )

    assert isinstance(skipped, StepResult)
    assert skipped.payload.status == "skipped"
    assert isinstance(tripwire, WorkflowFinish)
    assert tripwire.payload.usage == Usage(1, 2, None, None, None, None)


def test_an_error_is_rebuilt_with_its_attributes_and_causes() -> None:
    chunk = chunk_from_wire(wire("workflow-step-retry", STEP | {"attempt": 1, "delayMs": 1, "error": BOOM_WIRE}))

    assert isinstance(chunk, StepRetry)
    assert chunk.payload.error == ErrorInfo("Declined", "no", {"code": 51}, ErrorInfo("KeyError", "'k'"))
