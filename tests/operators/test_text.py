"""`text`: the text that steps write, as it comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest

from rxloom.operators import text
from tests.operators.marble import Sent, begin, both_ways, ended, finish, heard, meant, wrote


def delta(words: Any, kind: Any = "text-delta") -> dict[str, Any]:
    return {"type": kind, "runId": "agent-1", "from": "AGENT", "payload": {"id": "text-1", "text": words}}


@both_ways
def test_strings_and_what_agents_say_are_told(sent: Sent) -> None:
    chunks = sent({
        "s": begin(), "a": wrote("a", "Hel"), "b": wrote("a", delta("lo")), "n": wrote("a", {"row": 1}),
        "c": wrote("b", "!"), "r": ended("a", output="Hello"), "f": finish(result="Hello"),
    })  # fmt: skip
    said = {"a": "Hel", "b": "lo", "c": "!"}

    assert heard(text(), "s-a-b-n-c-r-f|", chunks) == meant("--a-b---c----|", said)
    assert heard(text("a"), "s-a-b-n-c-r-f|", chunks) == meant("--a-b--------|", said)


@both_ways
@pytest.mark.parametrize("depth", [1, 50])
def test_text_that_came_through_other_runs_is_told(sent: Sent, depth: int) -> None:
    wrapped: Any = delta("deep")
    for _ in range(depth):
        wrapped = wrote("inner", wrapped).to_wire()

    assert heard(text(), "o|", sent({"o": wrote("a", wrapped)})) == meant("o|", {"o": "deep"})


def test_text_in_chunks_of_other_runs_that_were_written_as_they_are_is_told() -> None:
    wrapped: Any = "deep"
    for _ in range(2000):
        wrapped = wrote("inner", wrapped)

    assert heard(text(), "o|", {"o": wrapped}) == meant("o|", {"o": "deep"})


@pytest.mark.parametrize(
    "output",
    [
        delta("thinking", "reasoning-delta"),
        delta("all of it", "text-end"),
        delta(None),
        delta(3),
        {"type": "text-delta"},
        {"type": "text-delta", "payload": "words"},
        {"type": "workflow-step-output"},
        b"bytes",
        None,
        ["words"],
    ],
)
def test_what_is_no_text_is_left_out(output: Any) -> None:
    assert heard(text(), "o|", {"o": wrote("a", output)}) == meant("-|", {})


class Kind(Enum):
    """The types of an agent."""

    DELTA = "text-delta"


@dataclass
class Payload:
    """What an agent says."""

    text: str


@dataclass
class Said:
    """A chunk of an agent."""

    payload: Payload
    type: Kind = field(default=Kind.DELTA)


def test_objects_of_an_agent_count_as_their_fields_say() -> None:
    assert heard(text(), "o|", {"o": wrote("a", Said(Payload("hello")))}) == meant("o|", {"o": "hello"})


class Odd:
    """Raises when it is looked at."""

    @property
    def type(self) -> str:
        """Raise."""
        raise RuntimeError("no")


def test_object_that_cannot_be_looked_at_is_no_text() -> None:
    assert heard(text(), "o|", {"o": wrote("a", Odd())}) == meant("-|", {})


def test_output_inside_itself_ends() -> None:
    turning: dict[str, Any] = {"type": "workflow-step-output"}
    turning["payload"] = {"output": turning}

    assert heard(text(), "o|", {"o": wrote("a", turning)}) == meant("-|", {})
