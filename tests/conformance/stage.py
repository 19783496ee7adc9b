"""Where a scenario plays: it runs workflows, and what they tell is noted in the form of a recording."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

from rxloom import Failed, Success, Suspended, WorkflowResult, WorkflowStream
from rxloom.errors import RxLoomError
from rxloom.jsonable import jsonable
from tests.conformance.telling import Json, Telling, normal_chunks, top_level

Play: TypeAlias = Callable[["Stage"], Coroutine[Any, Any, None]]

SCENARIOS: dict[str, Play] = {}


def scenario(play: Play) -> Play:
    """Register the scenario of the recording that has the function's name."""
    SCENARIOS[play.__name__] = play
    return play


class Error(Exception):
    """What the recorded steps throw; a Python error of the same name is told in the same way."""


class Stage:
    """Notes what a scenario tells.

    Attributes:
        told: the notes.
    """

    def __init__(self) -> None:
        self.told = Telling()

    def log(self, line: str) -> None:
        """Note a side effect."""
        self.told.log.append(line)

    def fact(self, name: str, value: Any) -> None:
        """Note an observation."""
        self.told.facts[name] = value

    async def follow(self, label: str, stream: WorkflowStream[Any]) -> WorkflowResult[Any]:
        """Read a stream to its end, and note its chunks and what it comes to."""
        await self.watch(label, stream)
        return await self.final(label, stream)

    async def watch(self, label: str, stream: WorkflowStream[Any]) -> None:
        """Read a stream to its end, and note its chunks."""
        self.chunks(label, [chunk.to_wire() async for chunk in stream])

    def chunks(self, label: str, chunks: list[Json]) -> None:
        """Note the chunks of a stream."""
        self.told.streams[label] = normal_chunks(chunks)

    async def final(self, label: str, stream: WorkflowStream[Any]) -> WorkflowResult[Any]:
        """Note what a stream comes to."""
        result = await stream.result
        self.told.finals[label] = {
            "status": await stream.status,
            "result": shown(result),
            "usage": jsonable(await stream.usage),
        }
        return result

    def result(self, label: str, result: WorkflowResult[Any], *, state: bool = False) -> None:
        """Note a result that came without a stream."""
        noted = shown(result)
        if state:
            noted["state"] = jsonable(result.state)
        self.told.finals[label] = {"result": noted}

    async def refused(self, label: str, call: Awaitable[Any]) -> None:
        """Expect a call to be refused, and note its error."""
        try:
            await call
        except RxLoomError as error:
            self.told.refused[label] = {"name": type(error).__name__, "message": str(error)}


def shown(result: WorkflowResult[Any]) -> Json:
    """Show a result as the recordings do."""
    noted: Json = {"status": result.status, "input": jsonable(result.input)}
    noted["steps"] = top_level({path: _step(record) for path, record in result.steps.items()})
    match result:
        case Success():
            noted["result"] = jsonable(result.result)
        case Failed():
            noted["error"] = jsonable(result.error)
        case Suspended():
            noted["suspended"] = result.suspended
            noted["suspendPayload"] = jsonable(result.suspend_payload)
        case _:
            pass
    return noted


def _step(record: Any) -> Json:
    noted: Json = {"status": record.status}
    if record.output is not None:
        noted["output"] = jsonable(record.output)
    if record.error is not None:
        noted["error"] = jsonable(record.error)
    if record.status == "suspended" and record.suspend_payload is not None:
        noted["suspendPayload"] = jsonable(record.suspend_payload)
    return noted


def js(value: Any) -> str:
    """Write a value as the recorded logs do."""
    return "undefined" if value is None else json.dumps(value, separators=(",", ":"))
