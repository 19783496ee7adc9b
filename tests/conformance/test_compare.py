"""The comparator finds damage, and applies only the differences that an entry names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.compare import compare, not_needed
from tests.conformance.differences import DIFFERENCES
from tests.conformance.table import Named, table
from tests.conformance.telling import Json, Telling, cleaned, keyed, normal_chunks

NO_USAGE = {"inputTokens": 0, "outputTokens": 0}
SEQ = Named("D11", frozenset({"seq"}), {})
OUTPUT = Named("D3", frozenset({"workflow-step-output.id", "workflow-step-output.stepCallId"}), {})


def _chunk(kind: str, run_id: str = "<RUN_ID>", source: str = "WORKFLOW", **payload: Any) -> Json:
    return {"type": f"workflow-{kind}", "runId": run_id, "from": source, "payload": payload}


def _final(**result: Any) -> Json:
    return {"status": result["status"], "usage": NO_USAGE, "result": {"input": 1, "steps": {}, **result}}


def _recorded() -> Telling:
    """Return the recording of a run of step `a`, which writes once."""
    start: Json = {"stepName": "a", "id": "a", "stepCallId": "<UUID:1>", "payload": 1, "startedAt": "<TS>"}
    chunks = [
        _chunk("start", workflowId="wf"),
        _chunk("step-start", **start, status="running"),
        _chunk("step-output", source="USER", stepName="a", output={"n": 1}, runId="<RUN_ID>"),
        _chunk("step-result", **start, status="success", output=2, endedAt="<TS>"),
        _chunk("finish", workflowStatus="success", metadata={}, output={"usage": NO_USAGE}, finalWorkflowResult=2),
    ]
    steps = {"a": {"status": "success", "output": 2}}
    final = _final(status="success", result=2, steps=steps)
    return keyed(Telling({"main": chunks}, {"main": final}, {}, ["a:begin", "a:end"], {"calls": 1, "shape": "theirs"}))


def _ours() -> Telling:
    """Return the same as we tell it: with a real run id, real times, `seq`, and complete outputs."""
    start: Json = {"stepName": "a", "id": "a", "stepCallId": "call-7", "payload": 1, "startedAt": 1700000000000}
    chunks = [
        _chunk("start", "r", workflowId="wf"),
        _chunk("step-start", "r", **start, status="running"),
        _chunk("step-output", "r", "USER", stepName="a", id="a", stepCallId="call-7", output={"n": 1}, runId="r"),
        _chunk("step-result", "r", **start, status="success", output=2, endedAt=1700000000001),
        _chunk("finish", "r", workflowStatus="success", metadata={}, output={"usage": NO_USAGE}, finalWorkflowResult=2),
    ]
    told = _recorded()
    told.streams["main"] = normal_chunks([chunk | {"seq": seq} for seq, chunk in enumerate(chunks)])
    told.facts = {"calls": 1}
    return told


def test_the_same_story_is_equal_through_the_named_differences() -> None:
    assert compare(_recorded(), _ours(), [OUTPUT, SEQ]) == []


def test_a_difference_that_is_not_named_is_found() -> None:
    assert compare(_recorded(), _ours(), [OUTPUT]) != []
    assert compare(_recorded(), _ours(), [SEQ]) != []


def test_a_difference_that_touches_other_fields_than_it_names_is_found() -> None:
    missing = Named("D3", frozenset({"workflow-step-output.id"}), {})
    extra = Named("D11", frozenset({"seq", "type"}), {})

    assert compare(_recorded(), _ours(), [missing, SEQ]) == [
        "D3 names [] and touches [workflow-step-output.stepCallId]"
    ]
    assert compare(_recorded(), _ours(), [OUTPUT, extra]) == ["D11 names [type] and touches []"]


def test_a_difference_that_is_not_needed_is_found() -> None:
    status = Named("D1", frozenset(), {})

    assert not_needed(_recorded(), _ours(), [OUTPUT, SEQ]) == []
    assert not_needed(_recorded(), _ours(), [OUTPUT, status, SEQ]) == ["D1"]


def _payload(told: Telling, number: int) -> Json:
    return told.streams["main"][number]["payload"]


DAMAGE: dict[str, Callable[[Telling], object]] = {
    "a chunk is missing": lambda told: told.streams["main"].pop(1),
    "a chunk is there twice": lambda told: told.streams["main"].insert(2, dict(told.streams["main"][2])),
    "two chunks are swapped": lambda told: told.streams["main"].insert(2, told.streams["main"].pop(3)),
    "a type": lambda told: told.streams["main"][2].update(type="workflow-step-progress"),
    "a source": lambda told: told.streams["main"][2].update({"from": "WORKFLOW"}),
    "a run id": lambda told: told.streams["main"][2].update(runId="another"),
    "a run id inside": lambda told: _payload(told, 2).update(runId="another"),
    "an envelope key": lambda told: told.streams["main"][2].update(extra=1),
    "a workflow id": lambda told: _payload(told, 0).update(workflowId="other"),
    "a step id": lambda told: _payload(told, 1).update(id="b"),
    "a step name": lambda told: _payload(told, 3).update(stepName="b"),
    "a call id": lambda told: _payload(told, 3).update(stepCallId="<UUID:other>"),
    "an input": lambda told: _payload(told, 1).update(payload=2),
    "an output": lambda told: _payload(told, 2).update(output={"n": 2}),
    "an output of another type": lambda told: _payload(told, 3).update(output=2.0),
    "a true for a one": lambda told: _payload(told, 1).update(payload=True),
    "a status": lambda told: _payload(told, 3).update(status="bailed"),
    "a time that is none": lambda told: _payload(told, 3).update(endedAt="later"),
    "a time left out": lambda told: _payload(told, 3).pop("endedAt"),
    "a null for an absent key": lambda told: _payload(told, 3).update(error=None),
    "a key too many": lambda told: _payload(told, 4).update(more=1),
    "a finish status": lambda told: _payload(told, 4).update(workflowStatus="failed"),
    "a usage": lambda told: _payload(told, 4)["output"].update(usage={"inputTokens": 1, "outputTokens": 0}),
    "a final result": lambda told: _payload(told, 4).update(finalWorkflowResult=3),
    "a metadata": lambda told: _payload(told, 4).update(metadata={"errorMessage": "x"}),
    "a stream is missing": lambda told: told.streams.clear(),
    "a stream too many": lambda told: told.streams.update(more=[]),
    "a final is missing": lambda told: told.finals.clear(),
    "a final status": lambda told: told.finals["main"].update(status="failed"),
    "a final usage": lambda told: told.finals["main"].update(usage={}),
    "a result": lambda told: told.finals["main"]["result"].update(result=3),
    "a result's input": lambda told: told.finals["main"]["result"].update(input=3),
    "a step record": lambda told: told.finals["main"]["result"]["steps"].update(a={"status": "failed"}),
    "a step record too many": lambda told: told.finals["main"]["result"]["steps"].update(b={"status": "success"}),
    "a refusal": lambda told: told.refused.update(main={"name": "x"}),
    "the log": lambda told: told.log.reverse(),
    "a fact": lambda told: told.facts.update(calls=2),
    "a fact nobody recorded": lambda told: told.facts.update(other=1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found(damage: str) -> None:
    told = _ours()
    DAMAGE[damage](told)

    assert compare(_recorded(), told, [OUTPUT, SEQ]) != []


def test_chunks_that_a_recording_left_out_are_counted() -> None:
    recorded, told = _recorded(), _ours()
    recorded.streams["main"][2:3] = [{"$omitted": 1, "$key": "omitted"}]
    assert compare(recorded, told, [SEQ]) == []
    del told.streams["main"][2]

    assert compare(recorded, told, [SEQ]) != []


def test_ids_are_compared_by_where_they_come_again() -> None:
    recorded = Telling({"main": [_chunk("x", a="<UUID:4>", b="<UUID:9>", c="<UUID:4>")]})
    same = Telling({"main": [_chunk("x", a="<UUID:u>", b="<UUID:v>", c="<UUID:u>")]})
    other = Telling({"main": [_chunk("x", a="<UUID:u>", b="<UUID:v>", c="<UUID:v>")]})

    assert compare(keyed(recorded), same, []) == []
    assert compare(keyed(recorded), other, []) != []


def test_what_the_wire_does_not_carry_is_dropped_from_a_recording() -> None:
    raw = {"a": {"$undefined": True}, "error": {"$error": "Error", "constructor": "E", "message": "m", "own": 1}}

    assert cleaned(raw) == {"error": {"name": "Error", "message": "m", "own": 1}}


def test_every_difference_says_what_it_is() -> None:
    assert [number for number, function in DIFFERENCES.items() if not function.__doc__] == []


def test_every_decision_that_a_difference_names_is_recorded() -> None:
    decisions = Path(__file__).parents[2] / "docs" / "explanation" / "decisions"
    recorded = {path.name.partition("-")[0] for path in decisions.glob("*.md")}
    named = {one.by for entry in table()[0].values() for one in entry.differs}

    assert {number for number in named if not number.startswith("D")} - recorded == set()
