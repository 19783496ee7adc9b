"""How chunks and payloads name themselves on the wire.

The keys follow from the fields: snake case becomes camel case, a field that is `None` or `False` is left out, and
what a class always says (its `type`, its `status`) is told too. A class that differs overrides `wire_fields`.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, ClassVar

from typing_extensions import override

from rxloom.jsonable import Wired

_NAMED = {"source": "from"}


class Payload(Wired):
    """A payload, or a part of one."""

    __slots__ = ()

    kept: ClassVar[frozenset[str]] = frozenset()
    """Fields that are told as `null` instead of being left out."""

    @override
    def wire_fields(self) -> dict[str, Any]:
        """Name the fields that have a value."""
        told: dict[str, Any] = {}
        for name, key, is_kept in _plan(type(self)):
            value = getattr(self, name)
            if is_kept or (value is not None and value is not False):
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
def _plan(kind: type[Any]) -> tuple[tuple[str, str, bool], ...]:
    """Name the attributes of a class in the order in which they are told."""
    names = [item.name for item in fields(kind)]
    if issubclass(kind, Envelope):
        names = ["type", "run_id", "source", *names[1:]]
    elif issubclass(kind, StepPayload):
        names = ["step_name", *names]
        if "status" not in names and hasattr(kind, "status"):
            names.append("status")
    return tuple((name, _NAMED.get(name) or camel(name), name in kind.kept) for name in names)


def camel(name: str) -> str:
    """Write a snake-case name in camel case.

    >>> camel("step_call_id")
    'stepCallId'
    """
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
