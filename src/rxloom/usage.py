"""Find the tokens that one output of a step reports.

An output counts when it is of type `finish` and carries a `usage` under its payload, directly or one level down
in `output`; an output that is itself a step's output (a run piped into another one's writer) is looked into, at
any depth. The reducer and the grammar checker both count with this one function, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from types import NoneType
from typing import Any, TypeGuard

from rxloom.chunks import StepOutput, Usage
from rxloom.jsonable import jsonable
from rxloom.values import type_of

SILENT: frozenset[type] = frozenset({str, int, float, bool, NoneType, bytes, list, tuple})
"""What reports no tokens, whatever is in it."""
_MAX_WRAPPING = 10_000  # an output that contains itself must not hang the run


def usage_in(output: Any) -> Usage | None:
    """Count the tokens that an output reports.

    A part that leaves out its input, output or total tokens makes that number unknown (`None`); one that leaves
    out the details (reasoning, cached, cache creation) had none. The older names `promptTokens` and
    `completionTokens` are taken too.

    Args:
        output: what a step wrote, a chunk of another run included.

    Returns:
        The tokens, or `None` where the output reports none.

    Example:
        >>> usage_in({"type": "finish", "payload": {"usage": {"inputTokens": 5, "outputTokens": 6}}}).output_tokens
        6
        >>> usage_in("a word") is None
        True
    """
    cls = type_of(output)
    if cls in SILENT or (cls is dict and "type" not in output):
        return None
    for _ in range(_MAX_WRAPPING):
        if isinstance(output, StepOutput):
            output = output.output
            continue
        if not _is_mapping(output):
            output = _as_mapping(output)
        if output is None:
            return None
        kind = _kind(output.get("type"))
        if kind is None:
            return None
        payload = output.get("payload")
        if kind == "finish":
            return _reported(payload)
        output = payload.get("output") if _is_mapping(payload) else None
    return None


def read_usage(tokens: Mapping[str, Any]) -> Usage:
    """Read a usage object as it stands on the wire, older names included.

    A primary number (input, output, total) that is absent, or is no whole number from 0 on, is unknown; a detail
    is 0 then.

    Example:
        >>> read_usage({"promptTokens": 3, "completionTokens": 4.0, "totalTokens": 7})
        Usage(input_tokens=3, output_tokens=4, total_tokens=7, reasoning_tokens=0, cached_input_tokens=0, \
cache_creation_input_tokens=0)
    """
    return Usage(
        _count(tokens.get("inputTokens", tokens.get("promptTokens"))),
        _count(tokens.get("outputTokens", tokens.get("completionTokens"))),
        _count(tokens.get("totalTokens")),
        _count(tokens.get("reasoningTokens")) or 0,
        _count(tokens.get("cachedInputTokens")) or 0,
        _count(tokens.get("cacheCreationInputTokens")) or 0,
    )


def _as_mapping(value: object) -> Mapping[str, Any] | None:
    """Look at an object (a model, a dataclass) as its readers will, if it says that it may count."""
    if not _may_count(type_of(value)):
        return None
    try:
        kind = _kind(getattr(value, "type", None))
    except Exception:  # noqa: BLE001  a user's property may raise anything
        return None
    plain = None if kind is None else jsonable(value)
    return plain if isinstance(plain, dict) else None


@lru_cache(maxsize=1024)
def _may_count(kind: type[Any]) -> bool:
    """Tell whether objects of a class have a `type` that readers will see; asked once, for it is slow to miss."""
    named = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", {})
    return "type" in named or hasattr(kind, "type")


def _kind(value: object) -> str | None:
    if isinstance(value, Enum):
        value = value.value
    return value if isinstance(value, str) and value in ("finish", "workflow-step-output") else None


def _reported(payload: object) -> Usage | None:
    if not _is_mapping(payload):
        return None
    tokens = payload.get("usage")
    if not _is_usage(tokens):
        inner = payload.get("output")
        tokens = inner.get("usage") if _is_mapping(inner) else None
    if isinstance(tokens, Usage):
        return tokens
    return read_usage(tokens) if _is_mapping(tokens) else None


def _is_usage(value: object) -> bool:
    return isinstance(value, Usage | Mapping)


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    return type(value) is dict or isinstance(value, Mapping)


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if value >= 0 else None
