"""Strategies for chunks whose values of users are plain JSON."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from rxloom.chunks import Chunk, Custom, ErrorInfo, Gap, GapData, StepOutput, Usage
from rxloom.wire import KINDS

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
TEXT = st.text(min_size=1)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=3)
USAGES = st.builds(Usage, *[st.none() | st.integers(0)] * 6)
ERRORS = st.recursive(
    st.builds(ErrorInfo, st.text(), st.text(), OBJECTS),
    lambda cause: st.builds(ErrorInfo, st.text(), st.text(), OBJECTS, cause),
    max_leaves=3,
)
SEQS = st.integers(-1)


def chunks() -> st.SearchStrategy[Chunk]:
    """Make chunks of every type."""
    lifecycle = [
        st.builds(StepOutput.of if kind is StepOutput else kind, TEXT, _payloads(payload), SEQS)
        for kind, payload in KINDS.values()
    ]
    gaps = st.builds(Gap, TEXT, st.builds(GapData, st.integers(0), st.integers(0), st.integers(1)))
    names = st.from_regex("data-[a-z]{1,5}", fullmatch=True)
    sources = st.sampled_from(["WORKFLOW", "USER", "AGENT"])
    customs = st.builds(Custom, TEXT, names, JSON, SEQS, sources, st.none() | OBJECTS)
    return cast("st.SearchStrategy[Chunk]", st.one_of(*lifecycle, gaps, customs))


def _payloads(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, *[_values(hints[item.name]) for item in fields(kind)])


def _values(hint: Any) -> st.SearchStrategy[Any]:
    if type(None) in get_args(hint):
        return st.none() | _values(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    known: dict[Any, st.SearchStrategy[Any]] = {
        Any: JSON,
        str: TEXT,
        int: st.integers(),
        bool: st.booleans(),
        Usage: USAGES,
        ErrorInfo: ERRORS,
    }
    return known.get(hint, OBJECTS)
