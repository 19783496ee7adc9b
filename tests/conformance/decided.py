"""The differences that decision records demand (docs/explanation/decisions), as transformations like the others."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance.differences import Difference, ends, finish
from tests.conformance.telling import Json, Telling

DECIDED: dict[str, Difference] = {}


def decided(number: str) -> Callable[[Difference], Difference]:
    """Register a transformation under the number of its decision record."""

    def register(function: Difference) -> Difference:
        DECIDED[number] = function
        return function

    return register


@decided("0101")
def suspensions_are_leaves(expected: Telling, _actual: Telling, args: Json) -> None:
    """Each waiting leaf is listed by its full path, with what it asks."""
    for label, waiting in args["waiting"].items():
        result = expected.finals[label]["result"]
        result["suspended"] = [path.split(".") for path in waiting]
        result["suspendPayload"] = {path: asked or None for path, asked in waiting.items()}


@decided("0004")
def a_run_never_rejects(expected: Telling, _actual: Telling, _args: Json) -> None:
    """A run that began ends with a result, failed if need be; nothing is thrown at whoever awaits it."""
    for label, final in expected.finals.items():
        if "rejected" not in final["result"]:
            continue
        steps: Json = {}
        for chunk in expected.streams.get(label, []):
            if chunk["type"] == "workflow-step-result":
                payload = chunk["payload"]
                steps[payload["id"]] = {key: payload[key] for key in ("status", "output") if key in payload}
        error = final["result"]["rejected"]
        final["result"] = {"steps": steps, "status": "failed", "input": expected.given, "error": error}


@decided("0102")
def a_resume_answers(expected: Telling, _actual: Telling, _args: Json) -> None:
    """A resume without data is an answer too: the step starts again as a resumed one."""
    for payload in expected.of_type("workflow-step-start", "workflow-step-suspended"):
        if payload in [chunk["payload"] for chunk in expected.streams["resume"]]:
            payload["resumedAt"] = "<TS>"


@decided("0103")
def an_open_stream_is_whole(expected: Telling, _actual: Telling, args: Json) -> None:
    """A stream left open over a suspension tells all that the run tells, and ends with it."""
    stream = expected.streams["main"]
    if args.get("written"):
        payload = stream[-2]["payload"]
        output = {"stepName": payload["id"], "output": args["written"], "runId": "<RUN_ID>"}
        stream.insert(-2, {"type": "workflow-step-output", "runId": "<RUN_ID>", "from": "USER", "payload": output})
    if ends(stream) is None:
        expected.finals["main"] = expected.finals["resume"]
        stream.append(finish(expected.finals["main"]))


@decided("0104")
def a_sleep_says_until_when(expected: Telling, _actual: Telling, _args: Json) -> None:
    """A waiting chunk tells when the sleep ends."""
    for payload in expected.of_type("workflow-step-waiting"):
        payload["until"] = "<TS>"


@decided("0105")
def a_step_sees_its_own_writes(expected: Telling, _actual: Telling, args: Json) -> None:
    """What a step writes to the state it reads back at once."""
    expected.log = [args["log"].get(line, line) for line in expected.log]


@decided("0005")
def suspending_ends_the_call(expected: Telling, _actual: Telling, _args: Json) -> None:
    """Nothing after `suspend` runs, so that there is no output beside the question."""
    for payload in expected.of_type("workflow-step-suspended"):
        payload.pop("suspendOutput", None)


@decided("0106")
def a_builder_does_not_run(expected: Telling, _actual: Telling, _args: Json) -> None:
    """A workflow that was not committed has no runs."""
    expected.refused["main"] = {"name": "WorkflowNotCommitted"}
    expected.streams.clear()
    expected.finals.clear()


@decided("0107")
def custom_chunks_are_data(expected: Telling, _actual: Telling, _args: Json) -> None:
    """A custom chunk is of a `data-*` type and carries `data`, nothing else."""
    for stream in expected.streams.values():
        for chunk in list(stream):
            if not chunk["type"].startswith(("data-", "workflow-")):
                stream.remove(chunk)
            chunk.pop("id", None)
            chunk.pop("transient", None)


@decided("0108")
def a_writer_closes_with_its_step(expected: Telling, _actual: Telling, _args: Json) -> None:
    """A write after the step's end raises and tells nothing."""
    stream = expected.streams["main"]
    stream[:] = [chunk for chunk in stream if chunk["type"] != "workflow-step-output"]
    expected.facts["lateWriteAfterFinish"] = "raised"


@decided("0109")
def bailing_is_recorded(expected: Telling, _actual: Telling, args: Json) -> None:
    """The record of a step that bailed says so, as its chunk does."""
    for final in expected.finals.values():
        final["result"]["steps"][args.get("step", "a")]["status"] = "bailed"


@decided("0110")
def a_cancelled_run_says_so(expected: Telling, _actual: Telling, _args: Json) -> None:
    """Before `workflow-finish` of a cancelled run there is always a `workflow-canceled`."""
    stream = expected.streams["main"]
    stream.insert(-1, {"type": "workflow-canceled", "runId": "<RUN_ID>", "from": "WORKFLOW", "payload": {}})
