"""Which outputs report tokens, and how many."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import BaseModel, Field

from rxloom.chunks import StepOutput, Usage, WorkflowFinish, WorkflowFinishPayload
from rxloom.usage import read_usage, usage_in

TOKENS: dict[str, Any] = {"inputTokens": 5, "outputTokens": 6, "totalTokens": 11}


class Kind(StrEnum):
    """A type that is an enum member."""

    FINISH = "finish"


class Tokens(BaseModel):
    """A usage as a model."""

    given: int = Field(alias="inputTokens")


class Body(BaseModel):
    """A payload as a model."""

    usage: Tokens


class Part(BaseModel):
    """An output as a model."""

    type: str = "finish"
    payload: Body


class Rude:
    """Raises when it is looked at."""

    @property
    def type(self) -> str:
        """Raise."""
        raise RuntimeError


def finish(payload: Any) -> dict[str, Any]:
    return {"type": "finish", "payload": payload}


def wrapped(output: Any) -> StepOutput:
    return StepOutput("r", "a", "c", output)


COUNTED: dict[str, Any] = {
    "in the payload": finish({"usage": TOKENS}),
    "one level down": finish({"output": {"usage": TOKENS}}),
    "in both, once": finish({"usage": TOKENS, "output": {"usage": TOKENS}}),
    "one level down, beside something else": finish({"usage": "much", "output": {"usage": TOKENS}}),
    "as our own class": finish({"usage": Usage(5, 6, 11)}),
    "with details that are null": finish({"usage": TOKENS | {"reasoningTokens": None, "raw": {"inputTokens": 9}}}),
    "by its older names": finish({"usage": {"promptTokens": 5, "completionTokens": 6.0, "totalTokens": 11}}),
    "by both names": finish({"usage": TOKENS | {"promptTokens": 9}}),
    "in mappings": MappingProxyType(finish({"usage": MappingProxyType(TOKENS)})),
    "with an enum as type": {"type": Kind.FINISH, "payload": {"usage": TOKENS}},
    "in an output": {"type": "workflow-step-output", "payload": {"output": finish({"usage": TOKENS})}},
    "in a chunk": wrapped(finish({"usage": TOKENS})),
    "in chunks in chunks": wrapped(wrapped(wrapped(finish({"usage": TOKENS})).to_wire())),
}

NOT_COUNTED: dict[str, Any] = {
    "nothing": None,
    "text": "finish",
    "a list": [finish({"usage": TOKENS})],
    "no type": {"payload": {"usage": TOKENS}},
    "a type that is no text": {"type": ["finish"], "payload": {"usage": TOKENS}},
    "a step of an agent": {"type": "step-finish", "payload": {"usage": TOKENS}},
    "the finish of a piped run": WorkflowFinish("r", WorkflowFinishPayload("success", Usage(5, 6, 11))),
    "its wire form": WorkflowFinish("r", WorkflowFinishPayload("success", Usage(5, 6, 11))).to_wire(),
    "no payload": {"type": "finish"},
    "no usage": finish({"usage": 7}),
    "an empty output": {"type": "workflow-step-output"},
    "a rude object": Rude(),
}


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_reported_counts_once(name: str) -> None:
    assert usage_in(COUNTED[name]) == Usage(5, 6, 11)


@pytest.mark.parametrize("name", NOT_COUNTED)
def test_nothing_else_counts(name: str) -> None:
    assert usage_in(NOT_COUNTED[name]) is None


def test_a_model_counts_as_its_wire_form_does() -> None:
    part = Part(payload=Body(usage=Tokens(inputTokens=4)))

    assert usage_in(part) == usage_in(wrapped(part).to_wire()) == Usage(4, None, None)


def test_a_primary_number_that_is_left_out_stays_unknown() -> None:
    first = read_usage({"inputTokens": 10, "outputTokens": 20, "totalTokens": 30, "reasoningTokens": 4})

    assert first + read_usage({"outputTokens": 5}) == Usage(None, 25, None, 4)


@pytest.mark.parametrize("odd", [-1, 1.5, float("nan"), float("inf"), True, "7", [7]])
def test_a_number_that_is_none_is_unknown(odd: Any) -> None:
    assert read_usage(TOKENS | {"inputTokens": odd, "reasoningTokens": odd}) == Usage(None, 6, 11, 0)


def test_an_output_inside_itself_does_not_hang() -> None:
    output: dict[str, Any] = {"type": "workflow-step-output", "payload": {}}
    output["payload"]["output"] = output

    assert usage_in(output) is None
