"""`step_chunks`: the chunks of some steps, by a glob of their paths."""

from __future__ import annotations

from typing import Any

import pytest

from rxloom import create_step
from rxloom.operators import outputs, step_chunks
from rxloom.path_glob import PathGlob
from tests.hearing import WRITER, write_all
from tests.operators.marble import Sent, begin, both_ways, ended, finish, heard, meant, opened, retries, settled, wrote

CHUNKS = {
    "s": begin(),
    "a": opened("price"),
    "b": opened("outer"),
    "c": opened("outer.price"),
    "d": opened("outer.each[2].price"),
    "o": wrote("outer.each", "x", 2),
    "p": wrote("outer.each", "y", 12),
    "i": settled("outer.each", 1, 3, 2),
    "t": retries("outer.each", 12),
    "e": ended("outer"),
    "f": finish(),
}
ALL = "-s-a-b-c-d-o-p-i-t-e-f|"


@both_ways
@pytest.mark.parametrize(
    ("glob", "wanted"),
    [
        ("price", "---a------------------|"),
        ("outer", "-----b-------------e--|"),
        ("*", "---a-b-------------e--|"),
        ("**", "---a-b-c-d-o-p-i-t-e--|"),
        ("outer.*", "-------c---o-p-i-t----|"),
        ("outer.**", "-------c-d-o-p-i-t----|"),
        ("**.price", "---a---c-d------------|"),
        ("outer.**.price", "-------c-d------------|"),
        ("outer.each[2].price", "---------d------------|"),
        ("outer.*.price", "---------d------------|"),
        ("outer.each[*].*", "---------d------------|"),
        ("outer.each", "-----------o-p-i-t----|"),
        ("outer.each[2]", "-----------o---i------|"),
        ("outer.each[?]", "-----------o---i------|"),
        ("outer.each[??]", "-------------p---t----|"),
        ("outer.each[12]", "-------------p---t----|"),
        ("pric?", "---a------------------|"),
        ("nobody", "----------------------|"),
    ],
)
def test_chunks_of_the_steps_that_fit_pass(sent: Sent, glob: str, wanted: str) -> None:
    chunks = sent(CHUNKS)

    assert heard(step_chunks(glob), ALL, chunks) == meant(wanted, chunks)


@pytest.mark.parametrize(
    ("glob", "path"),
    [("each[2]", "each2"), ("a.b", "axb"), ("[ab]", "a"), ("*", "a.b"), ("?", "."), ("a*", "a.b"), ("a.**", "a")],
)
def test_brackets_and_dots_mean_themselves_and_a_star_stays_inside_its_level(glob: str, path: str) -> None:
    assert not PathGlob(glob).fits(path)


def test_step_may_be_named_by_itself_and_by_the_steps_around_it() -> None:
    inner = create_step("price", write_all)
    chunks = {"a": opened("price"), "c": opened("outer.price")}

    assert heard(step_chunks(inner), "ac|", chunks) == meant("a-|", chunks)
    assert heard(step_chunks(["outer", inner]), "ac|", chunks) == meant("-c|", chunks)


def test_empty_glob_is_refused() -> None:
    with pytest.raises(ValueError, match="an empty path"):
        step_chunks("")


@pytest.mark.parametrize("wrong", [3, {"id": "a"}, object()])
def test_what_names_no_step_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="a step is named by"):
        step_chunks(wrong)


async def test_forgotten_parentheses_are_pointed_at() -> None:
    stream = WRITER.create_run().stream_vnext(1)
    with pytest.raises(TypeError, match="with parentheses"):
        stream.pipe(outputs)  # type: ignore[arg-type]
    await stream
