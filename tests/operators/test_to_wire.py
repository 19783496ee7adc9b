"""`to_wire`: chunks as other programs read them."""

from __future__ import annotations

import json

from hypothesis import given

from rxloom import chunk_from_wire
from rxloom.chunks import Chunk
from rxloom.operators import to_wire
from tests.operators.marble import Sent, begin, both_ways, custom, finish, heard, meant, wrote
from tests.random_chunks import chunks

CHUNKS = {"s": begin(), "o": wrote("a", 1), "m": custom("data-mood", "good"), "f": finish()}


@both_ways
def test_each_chunk_becomes_its_wire_form(sent: Sent) -> None:
    wires = {mark: chunk.to_wire() for mark, chunk in CHUNKS.items()}

    assert heard(to_wire(), "s-o-m-f|", sent(CHUNKS)) == meant("s-o-m-f|", wires)


def test_it_is_strict_json_whatever_a_step_wrote() -> None:
    (at, _) = heard(to_wire(), "o|", {"o": wrote("a", {float("nan"): {1, float("inf")}, "x": object})})

    assert json.loads(json.dumps(at.what, allow_nan=False)) == at.what


@given(chunks())
def test_the_way_back_leads_to_the_same_chunk(chunk: Chunk) -> None:
    (at, _) = heard(to_wire(), "o|", {"o": chunk})

    assert at.what == chunk.to_wire()
    assert chunk_from_wire(at.what).to_wire() == at.what
