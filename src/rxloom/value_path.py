"""Paths into values: `"."` is the whole, `"items.0.price"` or `"items[0].price"` a part of it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic import BaseModel

from rxloom.errors import DefinitionError, ValidationFailed

_INDEX = re.compile(r"\[(\d+)\]")
_PART = re.compile(r"[^\s.\[\]]+")


class ValuePath:
    """A path into a value, parsed once.

    A part is a key of a mapping, an index of a list or tuple, or a field or property of a pydantic model, dataclass or
    named tuple. A part that is missing gives `None`; going into something that has no parts is an error.

    Args:
        text: the path as the user wrote it.

    Raises:
        DefinitionError: it is empty, has an empty part or white space.

    Example:
        >>> ValuePath("lines[1].price").of({"lines": [{"price": 2}, {"price": 3}]}, "the input")
        3
    """

    __slots__ = ("parts", "text")

    text: Final[str]
    parts: Final[tuple[str, ...]]

    def __init__(self, text: str) -> None:
        self.text = text
        dotted = _INDEX.sub(r".\1", text)
        self.parts = () if text == "." else tuple((dotted[1:] if text[:1] == "[" else dotted).split("."))
        if not all(_PART.fullmatch(part) for part in self.parts):
            message = (
                f"{text!r} is no path: write names joined by dots, `order.lines.0.price`, or `.` for the whole value"
            )
            raise DefinitionError(message)

    def of(self, value: Any, origin: str) -> Any:
        """Get the part of a value.

        Args:
            value: the value to look into.
            origin: what it is, for the error message: `"step 'price'"`, `"the input of the run"`.

        Raises:
            ValidationFailed: a part is wanted of something that has none, a number or `None` for example.
        """
        for position, part in enumerate(self.parts):
            value = _part(value, part, self, position, origin)
        return value


def _part(value: Any, part: str, path: ValuePath, position: int, origin: str) -> Any:
    if isinstance(value, Mapping):
        return cast("Mapping[Any, Any]", value).get(part)
    if isinstance(value, (list, tuple)):
        return _item(cast("tuple[Any, ...]", value), part)
    if isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
        return _attribute(value, part)
    inner = ".".join(path.parts[:position]) or "the whole value"
    message = f"invalid path {path.text!r} in {origin}: {inner} is {_kind(value)}, so there is no {part!r} in it"
    raise ValidationFailed(message, what="path")


def _item(value: tuple[Any, ...], part: str) -> Any:
    if not part.isdecimal():
        return _attribute(value, part) if part in getattr(value, "_fields", ()) else None
    index = int(part)
    return value[index] if index < len(value) else None


def _attribute(value: object, part: str) -> Any:
    """Read a field or property; methods and private names are no parts of a value."""
    found = None if part.startswith("_") else getattr(value, part, None)
    return None if callable(found) and callable(getattr(type(value), part, None)) else found


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
