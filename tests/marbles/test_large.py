"""Drawings of large runs stay small, and of odd ones stay sound."""

# pyright: reportUnknownLambdaType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxloom import StepContext, create_workflow, step
from rxloom.chunks import Chunk, Custom, CustomType, Gap, GapData
from rxloom.marbles import Scale, text
from rxloom.testing import VirtualRun, marbles, marbles_svg, run_virtual
from tests.effort import effort
from tests.play import adding, asking
from tests.random_chunks import chunks as any_chunk
from tests.testing.story import Story

WIDE = 80


@step
async def writing(count: int, ctx: StepContext) -> int:
    for number in range(count):
        await ctx.write(number)
        await asyncio.sleep(0.001)
    return count


def lanes(drawing: str) -> dict[str, str]:
    return {line.split()[0]: line for line in drawing.splitlines()[1:]}


def test_ten_thousand_chunks_are_drawn_in_one_width() -> None:
    drawing = marbles(run_virtual(create_workflow("flow", input=int).then(writing).commit(), 10_000))

    assert max(map(len, drawing.splitlines())) <= WIDE
    assert lanes(drawing)["writing"] == "writing  ^o×1250-o×1250-o×1250-o×1250-o×1250-o×1250-o×1250-o×1250-|"


@pytest.mark.parametrize("draw", [marbles, marbles_svg])
def test_drawing_costs_no_more_per_chunk_the_more_there_are(draw: Callable[[VirtualRun[Any]], str]) -> None:
    some, twice = (run_virtual(create_workflow("flow", input=int).then(writing).commit(), n) for n in (2_000, 4_000))

    assert effort(lambda: draw(twice)) < 2.2 * effort(lambda: draw(some))


def test_rounds_at_one_time_are_counted() -> None:
    run = run_virtual(create_workflow("flow", input=int).do_until(adding(), lambda n: n >= 3000).commit(), 0)

    assert lanes(marbles(run))["add"] == "add   (^|)×3000"


def test_items_share_their_lanes_when_they_are_many() -> None:
    inner = create_workflow("inner", input=Any, output=Any).then(adding("x")).commit()
    nested = create_workflow("each", input=Any, output=Any).for_each(inner).commit()
    run = run_virtual(create_workflow("flow", input=Any).for_each(nested).commit(), [[1] * 10] * 10)

    assert list(lanes(marbles(run))) == ["flow", "each", "each[*]", "each[*].inner", "each[*].inner[*]",
                                         "each[*].inner[*].x"]  # fmt: skip
    assert "each[9].inner[9].x" in marbles(run, lanes=1000)


def test_lanes_that_are_too_many_are_counted() -> None:
    workflow: Any = create_workflow("flow", input=int)
    for number in range(300):
        workflow = workflow.then(adding(f"s{number}"))
    drawing = marbles(run_virtual(workflow.commit(), 0), lanes=10)

    assert drawing.splitlines()[-1] == "… and 291 more lanes"
    assert len(drawing.splitlines()) == 12


def test_moment_in_which_too_much_happens_is_summed_up() -> None:
    story = Story().leg().start("a")
    for number in range(1, 40):
        for _ in range(number % 3 + 1):
            story.write("a", 1)
        story.retry("a", number)
    story.end("a").finish()

    assert lanes(text(story.chunks, [0.0] * len(story.chunks), Scale()))["a"] == "a  ^*117-|"


def test_open_items_of_one_lane_keep_it_going() -> None:
    inner = create_workflow("inner", input=Any, output=Any).then(asking()).commit()
    run = run_virtual(create_workflow("flow", input=Any).for_each(inner, concurrency=50).commit(), [1] * 50)

    assert lanes(marbles(run))["inner[*].ask"].endswith("^×50-?×50.")


def test_names_are_shortened_in_the_middle_and_cannot_break_a_line() -> None:
    odd: CustomType = "data-\N{RIGHT-TO-LEFT OVERRIDE}é\n日本語" + "x" * 40  # pyright: ignore[reportAssignmentType] # a user's own
    chunks: list[Chunk] = [*Story().leg().start("a" * 50 + "z").chunks, Custom("r1", odd, 1, 2)]
    rows = text(chunks, None, Scale()).splitlines()

    assert rows[2] == "aaaaaaaaa…aaaaaaaaaaaaaaaaaz  ^>"
    assert rows[3].startswith("data-\N{REPLACEMENT CHARACTER}é\N{REPLACEMENT CHARACTER}…xxx")
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in rows[3]
    assert len(rows) == 4


def test_gap_is_drawn_in_the_lane_of_the_run() -> None:
    story = Story().leg().start("a")
    chunks: list[Chunk] = [*story.chunks, Gap("r1", GapData(2, 9, 8))]

    assert lanes(text(chunks, None, Scale()))["w"] == "w  ^…>"


def test_leg_that_was_cut_short_ends_its_steps() -> None:
    story = Story().leg().start("a").leg().step("a").finish()
    rows = lanes(text(story.chunks, [0, 0, 5, 5, 6, 6], Scale(unit=1)))

    assert rows["a"] == "a  ^-^|"


def test_step_that_a_crash_left_open_is_not_drawn_as_running() -> None:
    story = Story().leg().start("a").leg().start("b").end("b").finish()
    rows = lanes(text(story.chunks, [0, 0, 5, 5, 7, 7], Scale(unit=1)))

    assert rows["a"] == "a  ^-"
    assert rows["b"] == "b    ^-|"


def test_shared_lane_goes_on_as_long_as_one_of_its_steps_does() -> None:
    story = Story().leg().start("e").start("e[0].x").start("e[1].x").end("e[0].x").end("e[1].x").end("e").finish()
    rows = lanes(text(story.chunks, [0, 0, 0, 0, 2, 5, 5, 5], Scale(unit=1, lanes=4)))

    assert rows["e[*].x"] == "e[*].x  ^^-|--|"


def test_nothing_told_is_said_in_words() -> None:
    assert marbles([]) == "(no chunk yet)"


@given(st.lists(any_chunk(), max_size=30))
def test_any_chunks_can_be_drawn(chunks: list[Chunk]) -> None:
    for scale in (Scale(), Scale(columns=5, lanes=3)):
        drawing = text(chunks, None, scale)

        assert len(drawing.splitlines()) <= scale.lanes + 2
