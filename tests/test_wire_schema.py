"""The JSON Schema of the wire form takes what we tell and what was recorded, and nothing malformed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given

from rxloom.chunks import Chunk
from rxloom.wire import chunk_from_wire
from rxloom.wire_schema import chunk_json_schema
from tests.random_chunks import chunks
from tests.test_wire import MALFORMED, TOLD

SCHEMA = chunk_json_schema()
TRACES = Path(__file__).parent / "conformance" / "traces"
RECORDED = sorted(path.stem for path in TRACES.glob("*.json") if path.stem != "evented_workflow")
TYPES: dict[str, type[Any] | tuple[type[Any], ...]] = {
    "object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
}  # fmt: skip
Rule = Callable[[Any, Any, Any, str], Iterator[str]]
STRUCTURE = {"then", "$schema", "title", "description", "discriminator", "$defs"}


def faults(schema: dict[str, Any], value: Any, where: str = "") -> Iterator[str]:
    """Say where `value` is not what `schema` describes; knows the words that our schema uses, and no others."""
    for word, wanted in schema.items():
        if word not in STRUCTURE:
            yield from RULES[word](schema, wanted, value, where)


def _type(_schema: Any, wanted: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, TYPES[wanted]) or (wanted == "integer" and isinstance(value, bool)):
        yield f"{where}: {value!r} is no {wanted}"


def _properties(_schema: Any, wanted: Any, value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key in wanted.keys() & value.keys():
            yield from faults(wanted[key], value[key], f"{where}.{key}")


def _required(_schema: Any, wanted: Any, value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{where}.{key} is missing" for key in wanted if key not in value)


def _one_of(_schema: Any, wanted: Any, value: Any, where: str) -> Iterator[str]:
    found = [list(faults(option, value, where)) for option in wanted]
    if sum(not one for one in found) != 1:
        yield f"{where}: {min(found, key=len)}"


def _ref(_schema: Any, wanted: Any, value: Any, where: str) -> Iterator[str]:
    yield from faults(SCHEMA["$defs"][wanted.removeprefix("#/$defs/")], value, where)


def _if(schema: Any, wanted: Any, value: Any, where: str) -> Iterator[str]:
    if not list(faults(wanted, value, where)):
        yield from faults(schema["then"], value, where)


def _not(_schema: Any, wanted: Any, value: Any, where: str) -> Iterator[str]:
    if not list(faults(wanted, value, where)):
        yield f"{where}: {value!r} is {wanted}"


def _unless(is_right: Callable[[Any, Any], object]) -> Rule:
    def rule(_schema: Any, wanted: Any, value: Any, where: str) -> Iterator[str]:
        if not is_right(wanted, value):
            yield f"{where}: {value!r}, not {wanted!r}"

    return rule


RULES: dict[str, Rule] = {
    "type": _type,
    "properties": _properties,
    "required": _required,
    "oneOf": _one_of,
    "$ref": _ref,
    "if": _if,
    "not": _not,
    "const": _unless(lambda wanted, value: wanted == value),
    "enum": _unless(lambda wanted, value: value in wanted),
    "minimum": _unless(lambda wanted, value: not isinstance(value, int) or value >= wanted),
    "minLength": _unless(lambda wanted, value: not isinstance(value, str) or len(value) >= wanted),
    "pattern": _unless(lambda wanted, value: not isinstance(value, str) or re.search(str(wanted), value)),
}


def recorded(name: str) -> list[dict[str, Any]]:
    """Read the chunks of a recording, with what is ours by decision added to them."""
    streams = json.loads((TRACES / f"{name}.json").read_text(encoding="utf-8"))["streams"]
    told: list[dict[str, Any]] = [chunk for stream in streams.values() for chunk in plain(stream.get("chunks", []))]
    return [with_ours(chunk) for chunk in told if chunk.get("type", "").startswith(("workflow-", "data-"))]


def plain(value: Any) -> Any:
    """Put values in the places of placeholders, as they would be on the wire."""
    if isinstance(value, list):
        return [plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        told = cast("dict[str, Any]", value)
        if "$error" in told:
            return {"name": told["$error"], "message": told["message"]}
        return {key: plain(item) for key, item in told.items() if item != {"$undefined": True}}
    return 1_700_000_000_000 if value == "<TS>" else value


def with_ours(chunk: dict[str, Any]) -> dict[str, Any]:
    """Add what only we tell: full ids and call ids everywhere, and the start's fields in every end (D3)."""
    payload = chunk.get("payload")
    if not isinstance(payload, dict) or not chunk["type"].startswith("workflow-step-"):
        return chunk
    ours: dict[str, Any] = {"id": cast("dict[str, Any]", payload)["stepName"], "stepCallId": "call"}
    if chunk["type"] in {"workflow-step-result", "workflow-step-suspended"}:
        ours |= {"startedAt": 1}
    return chunk | {"payload": ours | payload}


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_recorded_fits_and_can_be_read(name: str) -> None:
    for chunk in recorded(name):
        assert list(faults(SCHEMA, chunk)) == []
        chunk_from_wire(chunk)


@pytest.mark.parametrize("at", range(len(TOLD)))
def test_what_we_tell_fits(at: int) -> None:
    assert list(faults(SCHEMA, TOLD[at][0].to_wire())) == []


@given(chunks())
def test_any_chunk_fits(chunk: Chunk) -> None:
    assert list(faults(SCHEMA, chunk.to_wire())) == []


@pytest.mark.parametrize("name", sorted(MALFORMED.keys() - {"another name"}))  # JSON Schema cannot compare two fields
def test_what_cannot_be_read_does_not_fit(name: str) -> None:
    assert list(faults(SCHEMA, MALFORMED[name][0])) != []


def test_there_is_one_definition_per_type() -> None:
    types = {chunk.to_wire()["type"] for chunk, _ in TOLD}

    assert types | {"data-*", "error", "usage"} == set(SCHEMA["$defs"])
    assert types == set(SCHEMA["discriminator"]["mapping"])
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
