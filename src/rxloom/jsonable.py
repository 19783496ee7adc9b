"""Make a strict JSON value of any value: what a page, a log line or another language can read.

It is lossy and one-way: nothing here can be turned back into the value it came from, and nothing here fails.

| value | becomes |
|---|---|
| tuple, set, frozenset, deque, other sequences, arrays with `tolist()` | array |
| mapping | object; keys become strings |
| `bytes`, `bytearray`, `memoryview` | base64 |
| `datetime`, `date`, `time` | ISO 8601 |
| `timedelta` | seconds |
| `Decimal`, `UUID`, paths | string |
| pydantic model or dataclass, plain dataclass | object, by alias |
| `Enum` | its value |
| NaN and the infinities | `null` |
| an int of more than about 1200 digits | its hexadecimal text |
| exception | `{name, message, …its public attributes, cause?}` |
| lone surrogate | `�` |
| a value inside itself, nesting deeper than 200 | `"<cycle>"`, `"<too deep>"` |
| anything else | `str(value)` |

The work is done with a list of open containers instead of recursion, so that no value meets the recursion limit.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import deque
from collections.abc import Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from enum import Enum
from functools import lru_cache
from math import isfinite
from numbers import Integral, Rational, Real
from types import NoneType
from typing import Any, TypeAlias, cast, get_type_hints

from pydantic import BaseModel, TypeAdapter

from rxloom.values import type_of

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
_Children: TypeAlias = dict[Any, Any] | list[Any]
_Trail: TypeAlias = "tuple[object, int, _Trail] | None"

MAX_DEPTH = 200
_MAX_INT = 1 << 4096  # far below the number of digits at which `json.dumps` refuses
_ARRAYS = (list, tuple, AbstractSet, deque, Sequence, ValuesView)
_UNKNOWN = object()


class Wired:
    """An object of the library that states its own wire form."""

    __slots__ = ()

    def wire_fields(self) -> dict[str, Any]:
        """Name the keys of the wire form and their values, which are still as the program has them."""
        return {}

    def to_wire(self) -> dict[str, Any]:
        """Return the wire form: strict JSON, as the clients read it.

        Example:
            >>> from rxloom.chunks import StepOutput
            >>> chunk = StepOutput("r1", "a", "c1", {1, }, seq=4)
            >>> chunk.to_wire()["payload"]["output"], chunk.to_wire()["seq"]
            ([1], 4)
        """
        return cast("dict[str, Any]", jsonable(self))


def jsonable(value: object) -> Json:
    """Make a strict JSON value of any value; lossy, never fails.

    Example:
        >>> from datetime import timedelta
        >>> jsonable({"took": timedelta(minutes=1), "seen": (1, float("nan")), 2: b"x"})
        {'took': 60.0, 'seen': [1, None], '2': 'eA=='}
    """
    work: list[tuple[Json, _Children, _Trail]] = []
    result = _convert(value, None, work)
    while work:
        shell, children, trail = work.pop()
        if isinstance(children, dict):
            target = cast("dict[str, Json]", shell)
            for key, item in children.items():
                name = key if type(key) is str and key.isascii() else _key(key)
                target[name] = _convert(item, trail, work)
        else:
            cast("list[Json]", shell).extend([_convert(item, trail, work) for item in children])
    return result


def _convert(value: Any, trail: _Trail, work: list[tuple[Json, _Children, _Trail]]) -> Json:
    """Convert a scalar, or open a container: its shell comes back empty, and stands in the work list."""
    kind = type_of(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if kind in (bool, NoneType) or (kind is int and -_MAX_INT < value < _MAX_INT):
        return value
    opened: Any = value.copy() if kind is dict or kind is list else _plain(value)
    if not isinstance(opened, dict | list):
        return opened
    children = cast("_Children", opened)
    depth = 1 if trail is None else trail[1] + 1
    if depth > MAX_DEPTH:
        return "<too deep>"
    if _is_inside_itself(value, trail):
        return "<cycle>"
    shell: Json = {} if isinstance(children, dict) else []
    work.append((shell, children, (value, depth, trail)))
    return shell


def _is_inside_itself(value: object, trail: _Trail) -> bool:
    while trail is not None:
        if trail[0] is value:
            return True
        trail = trail[2]
    return False


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        return _key(key.value)
    if isinstance(key, str):
        return _text(str.__str__(key))
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    plain = _plain(key)
    return plain if isinstance(plain, str) else _shown(key)


def _plain(value: Any) -> Any:
    """Return a scalar as JSON has it, or the children of a container as a dict or a list of ours."""
    try:
        if isinstance(value, Wired):
            return value.wire_fields()
        scalar = _scalar(value)
        if scalar is not _UNKNOWN:
            return scalar
        children = _children(value)
    except Exception:  # noqa: BLE001  a user's object may raise anything while it is looked at
        return _shown(value)
    return _shown(value) if children is _UNKNOWN else children


def _scalar(value: Any) -> Any:
    """Return what stands for a scalar; an enum member is its value, whatever that is."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    return _text_or_number(value)


def _text_or_number(value: Any) -> Any:
    if isinstance(value, str):
        return _text(str.__str__(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(bytes(cast("bytes", value))).decode("ascii")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return _number(value) if isinstance(value, Real) else _UNKNOWN


def _number(value: Real) -> Json:
    if isinstance(value, Integral):
        whole = int(value)
        return whole if -_MAX_INT < whole < _MAX_INT else hex(whole)
    if isinstance(value, Rational):
        return str(value)
    number = float(value)
    return number if isfinite(number) else None


def _children(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    if isinstance(value, _ARRAYS) and not isinstance(value, range):
        return list(cast("Sequence[Any]", value))
    if isinstance(value, BaseException):
        return _exception(value)
    return _UNKNOWN if isinstance(value, type) else _members(value)


def _members(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _dumped(value.model_dump(by_alias=True, warnings=False))
    if is_dataclass(value):
        return _dataclass(value)
    as_list = getattr(value, "tolist", None)
    plain: Any = as_list() if callable(as_list) else None
    return cast("Any", plain) if type(plain) is list else _UNKNOWN


def _dumped(plain: Any) -> Any:
    """Take what pydantic made; the root of a root model may be a scalar."""
    return cast("Any", plain) if isinstance(plain, dict | list) else _plain(plain)


def _dataclass(value: Any) -> Any:
    kind = type_of(value)
    if "__is_pydantic_dataclass__" in vars(kind):  # `pydantic.dataclasses` would cost every import 15 ms
        return _dumped(_adapter(kind).dump_python(value, by_alias=True, warnings=False))
    return {alias: getattr(value, name) for name, alias in _aliases(kind) if hasattr(value, name)}


@lru_cache(maxsize=512)
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@lru_cache(maxsize=512)
def _aliases(kind: Any) -> tuple[tuple[str, str], ...]:
    """Name the fields of a plain dataclass, by the alias that an `Annotated[…, Field(alias=…)]` gives."""
    try:
        hints = get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001  annotations that cannot be resolved carry no alias
        hints = {}
    return tuple((item.name, _alias(hints.get(item.name)) or item.name) for item in fields(kind))


def _alias(hint: Any) -> str | None:
    for extra in getattr(hint, "__metadata__", ()):
        alias = getattr(extra, "serialization_alias", None) or getattr(extra, "alias", None)
        if isinstance(alias, str):
            return alias
    return None


def _exception(error: BaseException) -> dict[str, Any]:
    told: dict[str, Any] = {"name": type(error).__name__, "message": _shown(error)}
    told |= {key: item for key, item in vars(error).items() if not key.startswith("_") and key not in told}
    cause = error.__cause__
    if cause is None and isinstance(error, BaseExceptionGroup):
        cause = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return told if cause is None else told | {"cause": cause}


def _shown(value: object) -> str:
    try:
        return _text(str(value))
    except Exception:  # noqa: BLE001  a user's `__str__` may raise anything
        return f"<{type(value).__name__}>"


def _text(value: str) -> str:
    """Join surrogate pairs, and put the replacement character where half of one stands alone."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
