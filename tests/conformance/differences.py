"""The differences D1 to D18 (listed in `scenarios.toml`): each turns a recording into what we tell instead.

A transformation gets the recorded telling, ours, and the arguments of its entry in `scenarios.toml`. It changes the
recorded one wherever it can say what must stand there, and ours only where it takes something away that the recording
cannot know (`seq`, the wording of errors).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import count
from typing import Any, TypeAlias, cast

from tests.conformance.telling import Json, Telling, walk

Difference: TypeAlias = Callable[[Telling, Telling, Json], None]

DIFFERENCES: dict[str, Difference] = {}

_CALL = ("stepCallId", "payload", "startedAt", "resumePayload", "resumedAt", "metadata")
_OPENING = ("workflow-step-start", "workflow-step-waiting")
_CLOSING = ("workflow-step-result", "workflow-step-suspended")
_SLEEP = re.compile(r"sleep_<UUID:\d+>")


def difference(number: str) -> Callable[[Difference], Difference]:
    """Register a transformation under its number."""

    def register(function: Difference) -> Difference:
        DIFFERENCES[number] = function
        return function

    return register


def finish(final: Json) -> Json:
    """Make the finish chunk that goes with a final."""
    result = final["result"]
    payload: Json = {"workflowStatus": result["status"], "metadata": {}, "output": {"usage": final["usage"]}}
    if result["status"] == "success":
        payload["finalWorkflowResult"] = result["result"]
    return {"type": "workflow-finish", "runId": "<RUN_ID>", "from": "WORKFLOW", "payload": payload}


def ends(stream: list[Json]) -> Json | None:
    """Return the payload of a stream's finish chunk, if it has one."""
    return stream[-1]["payload"] if stream and stream[-1].get("type") == "workflow-finish" else None


def fail(telling: Telling, label: str, error: Json) -> None:
    """Let a stream and its final end as failed, with an error where no step result tells it."""
    final = telling.finals[label]
    final["status"] = "failed"
    final["result"] |= {"status": "failed", "error": error}
    final["result"].pop("result", None)
    payload = ends(telling.streams[label])
    if payload is not None:
        payload["workflowStatus"] = "failed"
        payload.pop("finalWorkflowResult", None)


@difference("D1")
def status_from_the_result(expected: Telling, _actual: Telling, _args: Json) -> None:
    """`workflow-finish` and `status` say what the result says."""
    for label, final in expected.finals.items():
        result = final["result"]
        if "status" in final:
            final["status"] = result["status"]
        payload = ends(expected.streams.get(label, []))
        if payload is not None:
            payload["workflowStatus"] = result["status"]
            payload.pop("finalWorkflowResult", None)
            if result["status"] == "success":
                payload["finalWorkflowResult"] = result["result"]


@difference("D2")
def late_readers_get_the_finish(expected: Telling, _actual: Telling, _args: Json) -> None:
    """A stream read after the end has the finish too."""
    for stream in expected.streams.values():
        if ends(stream) is None:
            stream.append(finish(expected.finals["main"]))


@difference("D3")
def step_chunks_are_complete(expected: Telling, _actual: Telling, _args: Json) -> None:
    """Every step chunk carries stepName, id and stepCallId, a closing one the start's fields, an output its path."""
    fresh = (f"<UUID:new-{number}>" for number in count())
    for stream in expected.streams.values():
        _complete(stream, fresh)
        piped = [chunk["payload"]["output"] for chunk in stream if chunk.get("type") == "workflow-step-output"]
        _complete([chunk for chunk in piped if str(_typed(chunk)).startswith("workflow-")], fresh)


def _typed(chunk: Any) -> Any:
    return cast("Json", chunk).get("type") if isinstance(chunk, dict) else None


def _complete(stream: list[Json], fresh: Iterator[str]) -> None:
    calls: dict[str, Json] = {}
    settled: dict[str, int] = dict.fromkeys(_for_eaches(stream), 0)
    for chunk in stream:
        payload, kind = chunk.get("payload", {}), chunk.get("type", "")
        if kind in _OPENING:
            payload.setdefault("stepCallId", next(fresh))
            calls[payload["id"]] = {key: payload[key] for key in _CALL if key in payload}
        elif kind in _CLOSING:
            for key, value in calls[payload["id"]].items():
                payload.setdefault(key, value)
        elif kind == "workflow-step-progress":
            payload["stepCallId"] = calls[payload["id"]]["stepCallId"]
            settled[payload["id"]] += 1
        elif kind == "workflow-step-output":
            path = _full_path(payload["stepName"], calls)
            payload |= {"stepName": path, "id": path, "stepCallId": calls[path]["stepCallId"]}
            if path in settled:
                payload["index"] = settled[path]


def _for_eaches(stream: list[Json]) -> list[str]:
    return [chunk["payload"]["id"] for chunk in stream if chunk.get("type") == "workflow-step-progress"]


def _full_path(name: str, calls: Json) -> str:
    return next(path for path in reversed(calls) if path == name or path.endswith(f".{name}"))


@difference("D4")
def raising_condition_fails_the_run(expected: Telling, _actual: Telling, args: Json) -> None:
    """A condition that raises fails the run before any arm is entered."""
    error = args["error"]
    for label, stream in expected.streams.items():
        fail(expected, label, error)
        expected.finals[label]["result"]["steps"] = {}
        del stream[1:-1]
        stream[-1]["payload"]["metadata"] = {"error": error, "errorMessage": error["message"]}


@difference("D5")
def for_each_wants_a_list(expected: Telling, _actual: Telling, args: Json) -> None:
    """A value that is no list fails the `for_each`."""
    error = {"name": "InputInvalid", "message": ""}
    for payload in expected.of_type("workflow-step-result"):
        payload["status"] = "failed"
        payload["error"] = error
        del payload["output"]
    fail(expected, "main", error)
    expected.finals["main"]["result"]["steps"] = {args["step"]: {"status": "failed", "error": error}}


@difference("D7")
def containers_close_as_canceled(expected: Telling, _actual: Telling, _args: Json) -> None:
    """A container that is open when the run is cancelled closes as canceled, and the run says so once, at the end."""
    for stream in expected.streams.values():
        said = [chunk for chunk in stream if chunk["type"] == "workflow-canceled"]
        after = stream[stream.index(said[0]) :]
        for chunk in after:
            if chunk["type"] == "workflow-step-result":
                chunk["payload"]["status"] = "canceled"
                chunk["payload"].pop("output", None)
                expected.finals["main"]["result"]["steps"][chunk["payload"]["id"]] = {"status": "canceled"}
        for chunk in said[:-1]:
            stream.remove(chunk)


@difference("D11")
def chunks_are_numbered(_expected: Telling, actual: Telling, args: Json) -> None:
    """Chunks carry `seq`, also those that are piped into another run's output."""
    for chunk in actual.chunks():
        if not args.get("inside"):
            chunk.pop("seq", None)
        elif chunk["type"] == "workflow-step-output":
            chunk["payload"]["output"].pop("seq", None)


@difference("D12")
def sleeps_have_stable_ids(expected: Telling, _actual: Telling, args: Json) -> None:
    """A sleep has the same id in every run."""

    def rename(value: Json) -> Json:
        renamed = {_SLEEP.sub(args["id"], key): item for key, item in value.items()}
        for key in {"id", "stepName"} & renamed.keys():
            renamed[key] = _SLEEP.sub(args["id"], renamed[key])
        return renamed

    expected.streams = walk(expected.streams, rename)
    expected.finals = walk(expected.finals, rename)


@difference("D13")
def refused_calls_have_no_chunk(expected: Telling, _actual: Telling, _args: Json) -> None:
    """A resume that cannot be done raises, and tells nothing."""
    for label, final in list(expected.finals.items()):
        if label != "main" and "rejected" in final["result"]:
            expected.refused[label] = final["result"]["rejected"]
            del expected.streams[label], expected.finals[label]


@difference("D14")
def errors_are_named_by_each_side(expected: Telling, actual: Telling, _args: Json) -> None:
    """Class names, wording and attributes of the library's own errors are its own."""

    def mask(value: Json) -> Json:
        for key in {"error", "errorMessage", "rejected"} & value.keys():
            value[key] = "<ERROR>"
        return value

    for telling in (expected, actual):
        telling.streams = walk(telling.streams, mask)
        telling.finals = walk(telling.finals, mask)
        telling.refused = dict.fromkeys(telling.refused, cast("Json", "<ERROR>"))


@difference("D15")
def cancel_ends_the_running_step(expected: Telling, _actual: Telling, args: Json) -> None:
    """A running step ends by cancellation: what it would have returned, raised or done later is not there."""
    for stream in expected.streams.values():
        canceled = next(number for number, chunk in enumerate(stream) if chunk["type"] == "workflow-canceled")
        payload = stream[canceled - 1]["payload"]
        payload["status"] = "canceled"
        payload.pop("output", None)
        payload.pop("error", None)
        steps = expected.finals["main"]["result"]["steps"]
        if payload["id"] in steps:
            steps[payload["id"]] = {"status": "canceled"}
    expected.log = [line for line in expected.log if line not in args.get("undone", [])]


@difference("D16")
def usage_counts_piped_runs(expected: Telling, _actual: Telling, _args: Json) -> None:
    """What a nested run that is piped into the writer used counts too."""
    total = dict.fromkeys(expected.finals["main"]["usage"], 0)
    for payload in expected.of_type("workflow-step-output"):
        used = _used(payload["output"])
        total = {key: number + used.get(key, 0) for key, number in total.items()}
    expected.finals["main"]["usage"] = total
    expected.streams["main"][-1]["payload"]["output"]["usage"] = total


def _used(output: Any) -> Json:
    if not isinstance(output, dict):
        return {}
    chunk = cast("Json", output)
    if chunk.get("type") == "finish":
        return chunk["payload"]["output"]["usage"]
    return _used(chunk.get("payload", {}).get("output")) if chunk.get("type") == "workflow-step-output" else {}


@difference("D18")
def no_workflow_meta(expected: Telling, _actual: Telling, _args: Json) -> None:
    """`__workflow_meta` is no part of what a user sees."""

    def drop(value: Json) -> Json:
        asked = value.get("suspendPayload")
        if isinstance(asked, dict) and cast("Json", asked).pop("__workflow_meta", None) and not asked:
            del value["suspendPayload"]  # nothing was asked
        return value

    expected.streams = walk(expected.streams, drop)
    expected.finals = walk(expected.finals, drop)


def copied(telling: Telling) -> Telling:
    """Copy a telling, so that a transformation may change it."""
    return deepcopy(telling)
