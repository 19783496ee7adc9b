"""Every chunk that a run tells has a wire form, from which the same chunk comes back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rxloom import chunk_from_wire
from rxloom.chunks import Chunk, WorkflowFinish
from rxloom.testing import check_chunks
from tests.properties.drawing import wild_flows
from tests.properties.graphs import Flow
from tests.properties.resuming import resumed

SCRIPTS = st.lists(st.integers(0, 59), max_size=10)


@given(wild_flows(), SCRIPTS)
def test_every_chunk_comes_back_from_its_wire_form(flow: Flow, script: list[int]) -> None:
    chunks = resumed(flow, 1, script, certain=False).chunks

    told = [sent(chunk) for chunk in chunks]

    assert check_chunks(told) == []
    for chunk, wire in zip(chunks, told, strict=True):
        back = chunk_from_wire(wire)
        assert back.to_wire() == wire
        assert public(back) == public(chunk)


def sent(chunk: Chunk) -> dict[str, Any]:
    """Return the wire form of a chunk as it arrives."""
    return json.loads(json.dumps(chunk.to_wire(), allow_nan=False))


def public(chunk: Any) -> Any:
    """Return a chunk without what stays in the process: of an error the traceback, of a finish its time."""
    hidden = {"error": None, "ended_at": 0} if isinstance(chunk, WorkflowFinish) else {"error": None}
    payload: Any = getattr(chunk, "payload", None)
    if getattr(payload, "error", None) is None and not isinstance(chunk, WorkflowFinish):
        return chunk
    return replace(chunk, payload=replace(payload, **hidden))
