"""`of_type`: the chunks of some types."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from rxloom.chunks import Chunk, Custom, Gap, GapData, StepOutput, StepStart, Told, WorkflowFinish, WorkflowStart
from rxloom.operators import of_type
from tests.hearing import WRITER
from tests.operators.marble import Sent, begin, both_ways, custom, finish, heard, meant, opened, wrote

CHUNKS = {"s": begin(), "a": opened("a"), "o": wrote("a", 1), "m": custom("data-mood", 1), "f": finish()}
GAP = Gap("r", GapData(1, 2, 2))


@both_ways
@pytest.mark.parametrize("kind", ["workflow-step-output", StepOutput])
def test_only_the_type_asked_for_passes(sent: Sent, kind: str | type[Chunk]) -> None:
    chunks = sent(CHUNKS)

    assert heard(of_type(kind), "-s-a-o-o-m-f|", chunks) == meant("-----o-o----|", chunks)


@both_ways
def test_several_types_pass_named_either_way(sent: Sent) -> None:
    chunks = sent(CHUNKS)

    assert heard(of_type("workflow-start", WorkflowFinish), "-s-a-o-m-f|", chunks) == meant("-s-------f|", chunks)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("data-mood", "--m-----|"),
        ("data-*", "--m-n---|"),
        (Custom, "--m-n---|"),
        ("data-rxloom-gap", "------g-|"),
        (Gap, "------g-|"),
    ],
)
def test_custom_types_pass_one_or_all_and_gaps_are_another_thing(kind: str | type[Chunk], wanted: str) -> None:
    chunks = {**CHUNKS, "n": custom("data-noise", 2), "g": GAP}

    assert heard(of_type(kind), "s-m-n-g-|", chunks) == meant(wanted, chunks)


def test_every_type_of_chunk_is_known_by_its_class_and_by_its_name() -> None:
    for kind in (*get_args(Told), Gap):
        name = "data-*" if kind is Custom else kind.type

        assert repr(of_type(kind)) == repr(of_type(name)) == "<rxloom operator of_type>"


@pytest.mark.parametrize("unknown", ["workflow-strat", "workflow-step-*", "", "data-", "mood"])
def test_unknown_type_is_refused_at_once_and_the_known_ones_are_named(unknown: str) -> None:
    with pytest.raises(ValueError, match=r"known are workflow-start, workflow-step-start, .* and data-…") as refused:
        of_type("workflow-start", unknown)

    assert repr(unknown) in str(refused.value)


def test_no_type_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one type"):
        of_type()


@pytest.mark.parametrize("wrong", [3, None, int, ["workflow-start"], StepStart.__mro__[1]])
def test_what_is_no_type_of_chunk_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="types and classes of chunks"):
        of_type(wrong)


async def test_forgotten_parentheses_are_pointed_at() -> None:
    stream = WRITER.create_run().stream_vnext(1)
    with pytest.raises(TypeError, match=r"stream\.pipe\(of_type\(…\)\)"):
        stream.pipe(of_type)  # type: ignore[arg-type]
    await stream


def test_start_is_no_step_start() -> None:
    assert heard(of_type(WorkflowStart), "sa|", CHUNKS) == meant("s-|", CHUNKS)
