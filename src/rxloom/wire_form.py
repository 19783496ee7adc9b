"""How chunks and payloads name themselves on the wire.

The keys follow from the fields: snake case becomes camel case, a field that is `None`, and a flag that is not set, are
left out, and what a class always says (its `type`, its `status`) is told too. A class that differs overrides
`wire_fields`.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, ClassVar

from typing_extensions import override

from rxloom.jsonable import Wired

_NAMED = {"source": "from"}
_NOTHING = object()


class Payload(Wired):
    """A payload, or a part of one."""

    __slots__ = ()

    kept: ClassVar[frozenset[str]] = frozenset()
    """Fields that are told as `null` instead of being left out."""

    @override
    def wire_fields(self) -> dict[str, Any]:
        """Name the fields that have a value."""
        told: dict[str, Any] = {}
        for name, key, left_out in _plan(type(self)):
            value = getattr(self, name)
            if value is not left_out:
                told[key] = value
        return told


class StepPayload(Payload):
    """The payload of a step chunk, which names the step twice."""

    __slots__ = ()

    id: str

    @property
    def step_name(self) -> str:
        """Equal to `id`."""
        return self.id


class Envelope(Payload):
    """A chunk: its payload and where it belongs."""

    __slots__ = ()

    @override
    def wire_fields(self) -> dict[str, Any]:
        """Name the envelope; a chunk that is not in a log yet has no `seq`."""
        told = Payload.wire_fields(self)
        if told.get("seq", 0) < 0:
            del told["seq"]
        return told


@cache
def _plan(kind: type[Any]) -> tuple[tuple[str, str, object], ...]:
    """Name the attributes of a class in the order in which they are told, and the value that is not told of each."""
    names = [item.name for item in fields(kind)]
    # Only a flag is left out when it is `False`: what a user gave is told, and `False` is an answer.
    left_out: dict[str, object] = dict.fromkeys(kind.kept, _NOTHING)
    left_out |= {item.name: False for item in fields(kind) if item.default is False}
    if issubclass(kind, Envelope):
        names = ["type", "run_id", "source", *names[1:]]
    elif issubclass(kind, StepPayload):
        names = ["step_name", *names]
        if "status" not in names and hasattr(kind, "status"):
            names.append("status")
    return tuple((name, _NAMED.get(name) or camel(name), left_out.get(name)) for name in names)


def camel(name: str) -> str:
    """Write a snake-case name in camel case.

    >>> camel("step_call_id")
    'stepCallId'
    """
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
