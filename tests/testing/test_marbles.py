"""Marble diagrams of runs."""

# pyright: reportUnknownLambdaType=false
from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from reactivex import operators as ops

from rxloom import Retry, StepContext, WorkflowStream, create_workflow, step
from rxloom.chunks import Chunk
from rxloom.errors import RunAlreadyStarted
from rxloom.testing import assert_marbles, marbles, run_virtual
from tests.play import adding, asking, failing
from tests.testing.story import Story
from tests.virtual import virtual


@step
async def ticking(count: int, ctx: StepContext) -> int:
    for number in range(count):
        await ctx.write(number)
        await asyncio.sleep(1)
    return count


@step
async def ask(_: Any, ctx: StepContext) -> Any:
    await asyncio.sleep(1)
    return await ctx.suspend("ok?")


def workflow(id: str = "flow") -> Any:
    return create_workflow(id, input=Any, output=Any)


def upto(count: int) -> list[int]:
    return list(range(count))


def each(inner: Any, **options: Any) -> Any:
    return workflow().map(upto, id="m").for_each(inner, **options).commit()


def test_steps_outputs_and_sleeps_stand_at_their_times() -> None:
    run = run_virtual(workflow().then(ticking).sleep(2).then(adding(seconds=1)).commit(), 3)

    assert_marbles(
        run,
        """
                      0s   2s  4s  6s
        flow          ^------------|
        ticking       ^o-o-o-|
        sleep_flow_0         w~~~|
        add                      ^-|
        """,
        unit=0.5,
    )


def test_arms_of_a_parallel_overlap() -> None:
    run = run_virtual(workflow().parallel([adding("quick", seconds=1), adding("slow", seconds=3)]).commit(), 1)

    assert_marbles(
        run,
        """
               0s  1s  2s  3s
        flow   ^-----------|
        quick  ^---|
        slow   ^-----------|
        """,
        unit=timedelta(seconds=0.25),
    )


def test_what_happens_at_one_time_stands_in_its_order() -> None:
    run = run_virtual(workflow().then(adding("a")).then(ask.with_id("b")).commit(), 1, replace={"b": 1})

    assert_marbles(
        run,
        """
              0s
        flow  ^-|
        a     ^|
        b      ^|
        """,
    )


def test_failures_and_retries() -> None:
    step = failing(times=2, retries=Retry(2, delay=1))
    run = run_virtual(workflow().then(step).then(failing("no")).commit(), 1)

    assert_marbles(
        run,
        """
              0s   1s  2s
        flow  ^---------x
        fail  ^r---r---|
        no             ^x
        """,
        unit=0.25,
    )


def test_suspension_and_the_leg_after_it() -> None:
    run = run_virtual(workflow().parallel([ask, adding(seconds=2)]).commit(), 2, resume={"ask": 1})

    assert_marbles(
        run,
        """
              0s  1s  2s   3s
        flow  ^-------?^---|
        ask   ^---?....^---|
        add   ^-------|
        """,
        unit=0.25,
    )
    assert marbles(run_virtual(workflow().then(asking()).commit(), 1)).splitlines()[1:] == ["flow  ^?", "ask   ^?"]


@virtual
async def test_time_between_legs_is_cut_out() -> None:
    run = workflow().then(ask).then(adding(seconds=2)).commit().create_run()
    first: WorkflowStream[Any] = run.stream_vnext(1)
    await first.result
    await asyncio.sleep(86400)
    await run.resume(5)
    assert len(first.told()) == 4

    assert_marbles(
        [chunk.to_wire() async for chunk in run.observe_stream_vnext()],
        """
              0s /1d1s  1d4s
        flow  ^-?.^-----|
        ask   ^-?.^-|
        add         ^---|
        """,
        unit=0.5,
    )


def test_items_and_what_is_inside_them_have_lanes() -> None:
    inner = workflow("inner").then(adding("x", seconds=1)).then(adding("y", seconds=1)).commit()

    assert_marbles(
        run_virtual(each(inner, concurrency=2), 3),
        """
                    0s   1s  2s  3s  4s
        flow        ^----------------|
        m           ^|
        inner        ^---------------|
        inner[0]     ^-------|
        inner[0].x   ^---|
        inner[0].y       ^---|
        inner[1]     ^-------|
        inner[1].x   ^---|
        inner[1].y       ^---|
        inner[2]             ^-------|
        inner[2].x           ^---|
        inner[2].y               ^---|
        """,
        unit=0.25,
    )


def test_outputs_of_an_item_are_in_its_lane() -> None:
    run = run_virtual(each(ticking, concurrency=3), 3)

    assert marbles(run, unit=1).splitlines()[3:] == [
        "ticking      ^-|",
        "ticking[0]   |",
        "ticking[1]   o|",
        "ticking[2]   oo|",
    ]


def test_rounds_of_a_loop_share_a_lane() -> None:
    run = run_virtual(workflow().do_until(adding(seconds=1), lambda n: n > 2).commit(), 0)

    assert marbles(run, unit=0.5).splitlines()[-1] == "add   ^-|^-|^-|"


@virtual
async def test_running_run_is_drawn_as_far_as_it_was_told() -> None:
    run = workflow().then(ticking).commit().create_run()
    stream = run.stream_vnext(5)
    assert marbles(stream).splitlines() == ["      0s", "flow  ^>"]
    await asyncio.sleep(2.5)

    assert marbles(stream).splitlines() == ["         0s", "flow     ^--->", "ticking  ^ooo>"]
    await run.cancel()
    assert marbles(stream, unit=0.5).splitlines() == ["         0s   2.5s", "flow     ^----!", "ticking  ^ooo-!"]


@virtual
async def test_view_without_seams_is_drawn_without_them() -> None:
    run = workflow().then(asking()).commit().create_run()
    stream: WorkflowStream[Any] = run.stream_vnext(1, close_on_suspend=False)
    await asyncio.sleep(1)
    await run.resume(2)

    assert marbles(stream, unit=1).splitlines() == ["      0s", "flow  ^--|", "ask   ^?^|"]
    assert [chunk.type for chunk in stream.told()] == [chunk.type async for chunk in stream]


@virtual
async def test_refused_call_has_nothing_to_draw() -> None:
    run = workflow().then(adding()).commit().create_run(run_id="taken")
    await run.start(1)
    refused: WorkflowStream[Any] = workflow().then(adding()).commit().create_run(run_id="taken").stream_vnext(1)
    await asyncio.wait([asyncio.ensure_future(_ended(refused))])

    with pytest.raises(RunAlreadyStarted):
        marbles(refused)
    assert refused._repr_svg_() is None


async def _ended(stream: WorkflowStream[Any]) -> None:
    with pytest.raises(RunAlreadyStarted):
        await stream.result


def test_bail_custom_chunks_and_legend() -> None:
    @step
    async def leave(_: Any, ctx: StepContext) -> Any:
        await ctx.custom("data-mood", "good")
        await asyncio.sleep(1)
        ctx.bail(3)

    run = run_virtual(workflow().then(leave).commit(), 3)

    assert marbles(run, unit=0.5, legend=True).splitlines() == [
        "           0s",
        "flow       ^-|",
        "leave      ^-b",
        "data-mood  o",
        "",
        "^ start   o output   | success   b bailed   - running",
    ]


def test_chunks_without_times_of_their_own_stand_between_their_neighbours() -> None:
    story = Story().leg().start("a").write("a", 1).write("a", 2).write("a", 3).end("a").finish()

    assert marbles(story.chunks, width=17).splitlines()[1:] == ["w  ^---------------|", "a  ^---o---o---o---|"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (run_virtual, "of a stream, a VirtualRun or chunks"),
        ("^--|", "of a stream, a VirtualRun or chunks"),
        ([1], "1 is none"),
        ({"type": "workflow-start"}, "of a stream, a VirtualRun or chunks"),
    ],
)
def test_what_cannot_be_drawn_is_a_mistake(wrong: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        marbles(wrong)


@virtual
async def test_what_tells_its_chunks_later_is_to_be_collected_first() -> None:
    stream: WorkflowStream[Any] = workflow().then(adding()).commit().create_run().stream_vnext(1)
    filtered: Any = stream.pipe(ops.filter(lambda _: True))

    later: Any
    for later in (filtered, stream.aiter()):
        with pytest.raises(TypeError, match="collect them first"):
            marbles(later)
    chunks: list[Chunk] = await filtered.pipe(ops.to_list())
    assert marbles(chunks) == marbles(stream)


def test_sizes_are_checked() -> None:
    run = run_virtual(workflow().sleep(86400).commit())
    sizes: list[dict[str, Any]] = [{"width": 0}, {"lanes": 0}, {"unit": 0}, {"unit": float("nan")}]
    for wrong in sizes:
        with pytest.raises(ValueError, match=r"more than 0 seconds|some width"):
            marbles(run, **wrong)
    with pytest.raises(ValueError, match=r"unit=0\.001 s would take 86400001 columns.*take a larger one"):
        marbles(run, unit=0.001)


def test_difference_is_marked_and_the_new_drawing_can_be_pasted() -> None:
    run = run_virtual(workflow().then(ticking).commit(), 2)
    with pytest.raises(AssertionError) as caught:
        assert_marbles(run, marbles(run, unit=1).replace("oo|", "o-|"), unit=1)

    message = str(caught.value)
    assert "- ticking  ^o-|\n?            ^\n+ ticking  ^oo|\n?            ^" in message
    assert message.endswith(f"The whole, to paste:\n\n{marbles(run, unit=1)}\n")
