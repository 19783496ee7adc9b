"""What one scenario told: chunks, ends, side effects and facts, recorded or ours, in one comparable form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

Json: TypeAlias = dict[str, Any]

TRACES = Path(__file__).parent / "traces"
KEY = "$key"
"""Marks a chunk, so that a transformed copy is known to be the same one."""

TIMES = frozenset({"startedAt", "endedAt", "suspendedAt", "resumedAt", "until"})
_UUID = re.compile(r"<UUID:[^>]+>|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RESULT_KEYS = ("status", "input", "result", "error", "suspended", "suspendPayload", "state")
_STEP_KEYS = ("status", "output", "error", "suspendPayload")


@dataclass(slots=True)
class Telling:
    """All that is compared of one scenario.

    Attributes:
        streams: the chunks of each stream in wire form, by label.
        finals: `status`, `result` and `usage` of each call, by label.
        refused: the error of each refused call, by label.
        log: side effects of the steps and their callers, in order.
        facts: single observations, by name.
        given: the input of the recorded run.
    """

    streams: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    finals: dict[str, Json] = field(default_factory=dict[str, Json])
    refused: dict[str, Json] = field(default_factory=dict[str, Json])
    log: list[str] = field(default_factory=list[str])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    given: Any = None

    def chunks(self) -> Iterator[Json]:
        """Iterate over the chunks of all streams."""
        for stream in self.streams.values():
            yield from stream

    def of_type(self, *types: str) -> Iterator[Json]:
        """Iterate over the payloads of the chunks of some types."""
        return (chunk["payload"] for chunk in self.chunks() if chunk.get("type") in types)


def walk(value: Any, visit: Callable[[Json], Any]) -> Any:
    """Rebuild a JSON value: `visit` gets a copy of each object, innermost first, and returns what stands for it."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        return visit({key: walk(item, visit) for key, item in items.items()})
    if isinstance(value, list):
        return [walk(item, visit) for item in cast("list[Any]", value)]
    return value


def renumbered(telling: Telling) -> Telling:
    """Number the ids of a telling in the order in which they appear, so that equal stories are equal."""
    names: dict[str, str] = {}

    def rename(value: Any) -> Any:
        if isinstance(value, str):
            return _UUID.sub(lambda found: names.setdefault(found[0], f"<UUID:{len(names) + 1}>"), value)
        if isinstance(value, dict):
            items = cast("dict[str, Any]", value)
            return {rename(key): rename(items[key]) for key in sorted(items)}
        if isinstance(value, list):
            return [rename(item) for item in cast("list[Any]", value)]
        return value

    streams = {label: rename(chunks) for label, chunks in sorted(telling.streams.items())}
    finals = {label: rename(final) for label, final in sorted(telling.finals.items())}
    return Telling(streams, finals, rename(telling.refused), telling.log, rename(telling.facts))


# -- the recorded side -----------------------------------------------------------------------------------------


def _undefined(value: Any) -> bool:
    return value == {"$undefined": True}


def _clean(value: Json) -> Any:
    kept = {key: item for key, item in value.items() if not _undefined(item)}
    if str(kept.get("runId", "")).startswith("<RUN_ID#"):
        kept["runId"] = "<RUN_ID>"  # a second run in one scenario
    if "$error" in kept:
        name = kept.pop("$error")
        kept.pop("constructor", None)
        return {"name": name, **kept}
    return kept


def cleaned(value: Any) -> Any:
    """Drop what the wire does not carry, and show an error object as the wire does."""
    return walk(value, lambda item: item if _undefined(item) else _clean(item))


def _recorded_result(raw: Json) -> Json:
    if "rejected" in raw or raw.get("how") == "promise rejected":
        return {"rejected": cleaned(raw.get("rejected") or raw["error"])}
    result = cleaned(raw.get("resolved") or raw["value"])
    steps = {
        name: {key: record[key] for key in _STEP_KEYS if key in record}
        for name, record in result["steps"].items()
        if name != "input"
    }
    return {"steps": steps} | {key: result[key] for key in _RESULT_KEYS if key in result}


def _recorded_final(raw: Json) -> Json:
    final: Json = {"status": raw["status"]["value"], "result": _recorded_result(raw["result"])}
    final["usage"] = raw["usage"].get("value", "never settled")
    return final


def _is_result(extra: Any) -> bool:
    if not isinstance(extra, dict):
        return False
    resolved = cast("Json", extra).get("resolved")
    return "rejected" in extra or (isinstance(resolved, dict) and {"status", "steps", "input"} <= resolved.keys())


def recorded(name: str) -> Telling:
    """Read the recording called `name`."""
    raw = json.loads((TRACES / f"{name}.json").read_text("utf-8"))
    told = Telling(given=raw["input"])
    for label, stream in raw["streams"].items():
        told.streams[label] = [cleaned(chunk) for chunk in stream["chunks"]]
    told.finals = {label: _recorded_final(final) for label, final in raw["final"].items()}
    for label, extra in raw["extra"].items():
        if _is_result(extra):
            told.finals[label] = {"result": _recorded_result(extra)}
        else:
            told.facts[label] = extra
    told.log = [line for line in raw["log"] if not line.startswith("chunk[")]
    return keyed(told)


def keyed(telling: Telling) -> Telling:
    """Give each chunk an identity."""
    for number, chunk in enumerate(telling.chunks()):
        chunk[KEY] = number
    return telling


# -- our side --------------------------------------------------------------------------------------------------


def normal_chunks(chunks: list[Json]) -> list[Json]:
    """Replace what differs from run to run in wire chunks: the run's id, times, and the ids of step calls."""
    run_id = chunks[0]["runId"] if chunks else ""
    return [walk(chunk, lambda item: _placeholders(item, run_id)) for chunk in chunks]


def _placeholders(item: Json, run_id: str) -> Json:
    for key, value in item.items():
        if key in TIMES and isinstance(value, int):
            item[key] = "<TS>"
        elif key == "runId" and value == run_id:
            item[key] = "<RUN_ID>"
        elif key == "stepCallId" and not str(value).startswith("<UUID"):
            item[key] = f"<UUID:{value}>"
    return item


def top_level(steps: Mapping[str, Json]) -> dict[str, Json]:
    """Keep the records of a workflow's own steps, as the recordings do."""
    return {path: record for path, record in steps.items() if "." not in path and "[" not in path}
