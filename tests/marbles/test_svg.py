"""Pictures of runs."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from rxloom import StepContext, create_workflow, step
from rxloom.chunks import Chunk
from rxloom.marbles import Scale, svg
from rxloom.marbles._svg import INK
from rxloom.testing import marbles_svg, run_virtual
from tests.random_chunks import chunks as any_chunk
from tests.testing.story import Story
from tests.virtual import virtual

NAMESPACE = "{http://www.w3.org/2000/svg}"
SHAPES = {"svg", "title", "g", "line", "path", "circle", "rect", "text"}
ATTACK = "</title><script>alert('&1')</script><!--\x00\ud800"


@step
async def asking(_: Any, ctx: StepContext) -> Any:
    await ctx.write(ATTACK)
    await asyncio.sleep(1)
    return await ctx.suspend(ATTACK)


flow = create_workflow("flow").sleep(2).then(asking).commit()


def elements(picture: str) -> list[ET.Element]:
    return list(ET.fromstring(picture).iter())  # noqa: S314 # our own picture


def texts(picture: str, kind: str) -> list[str]:
    return [one.text or "" for one in elements(picture) if one.tag == NAMESPACE + kind]


def test_picture_has_the_lanes_and_what_chunks_say() -> None:
    picture = marbles_svg(run_virtual(flow, 1))

    assert {"flow", "sleep_flow_0", "asking", "0s", "3s"} <= set(texts(picture, "text"))
    assert texts(picture, "title")[0] == "marbles of flow"
    assert any(hint.startswith("suspended at 3s: StepSuspendedPayload(") for hint in texts(picture, "title"))


def test_what_users_wrote_is_text_and_nothing_else() -> None:
    story = Story().leg().start(ATTACK).write(ATTACK, ATTACK)
    picture = marbles_svg(story.chunks)

    assert {one.tag.removeprefix(NAMESPACE) for one in elements(picture)} <= SHAPES
    assert "<script" not in picture
    assert not re.search(r"\bon\w+=|href|style", picture)


def test_colours_stand_out_from_light_and_dark() -> None:
    for ink in set(INK.values()):
        light = luminance(ink)

        assert 1.05 / (light + 0.05) >= 3, ink
        assert (light + 0.05) / (luminance("#111111") + 0.05) >= 3, ink


def luminance(ink: str) -> float:
    parts = [int(ink[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class Rude:
    """A value that cannot be shown."""

    @override
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_value_that_cannot_be_shown_is_named() -> None:
    story = Story().leg().start("a").write("a", Rude())

    assert any("StepOutputPayload" in hint for hint in texts(marbles_svg(story.chunks), "title"))


@virtual
async def test_stream_shows_itself_in_a_notebook() -> None:
    stream = flow.create_run().stream_vnext(1)
    await stream.result

    assert stream._repr_svg_() == svg(stream.told(), None, Scale())


@pytest.mark.parametrize("scale", [Scale(), Scale(columns=5, lanes=2)])
@given(chunks=st.lists(any_chunk(), max_size=30))
def test_any_chunks_make_a_sound_picture(scale: Scale, chunks: list[Chunk]) -> None:
    picture = svg(chunks, None, scale)

    assert {one.tag.removeprefix(NAMESPACE) for one in elements(picture)} <= SHAPES
