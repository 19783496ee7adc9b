"""What steps, maps and conditions make of their values: plain functions, which the model and the bodies share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

from tests.properties.graphs import If, Step

STREAMS = frozenset({"async_generator", "generator", "observable"})
TRIES = 3
"""How often a `piped` step is tried."""


class Body(NamedTuple):
    """One attempt of a step that got its answers, if it asks for any: where, which, and on what."""

    path: str
    iteration: int
    attempt: int
    input: str


def shown(value: Any) -> str:
    """Return a value as text, the order of keys included."""
    return json.dumps(value)


def loaded(text: str) -> Any:
    """Return the value that is shown as `text`."""
    return json.loads(text)


def digest(value: Any) -> int:
    """Reduce any value to a number."""
    match value:
        case None:
            return 7
        case int():
            return value
        case str():
            return sum(map(ord, value))
        case dict():
            items: list[Any] = sorted(cast("dict[str, Any]", value).items())
            return digest(items)
        case _:
            total = 1
            for item in cast("Iterable[Any]", value):
                total = (31 * total + digest(item)) % 1009
            return total


def salt(id: str) -> int:
    """Return a number that tells one step from another."""
    return int(id[1:]) * 13


def answer(step_id: str, number: int) -> int:
    """Return the answer to the question number `number` of a step."""
    return (salt(step_id) + 5 * number) % 17


def output(step: Step, value: Any) -> Any:
    """Return the output of a step, answers included; a stream's is the list of its items."""
    answers = sum(answer(step.id, at) for at in range(len(step.asks)))
    made = (digest(value) + salt(step.id) + answers) % 101
    if step.kind in STREAMS:
        return [made + at for at in range(made % 4)]
    return made + 1 if step.kind == "piped" else made


def written(step: Step, value: Any) -> list[Any]:
    """Return what one attempt writes, usage aside."""
    noted: list[Any] = [{"wrote": at, "by": step.id} for at in range(step.writes)]
    return noted + output(step, value) if step.kind in STREAMS else noted


def mapped(value: Any, other: Any) -> Any:
    """Return the output of a map."""
    return {"value": value, "other": digest(other)}


def piped(value: Any) -> Any:
    """Return the output of plain operators in the middle."""
    return digest(value) % 53


def spread(value: Any, items: int) -> list[int]:
    """Return the items that a `for_each` is given."""
    return [(digest(value) + 3 * at) % 41 for at in range(items)]


def holds(condition: If, value: Any) -> bool:
    """Tell whether a condition holds."""
    return digest(value) % condition.by == condition.rest
