"""Every node of a flow, as a marble diagram: two columns a second."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from reactivex import Observable
from reactivex import operators as ops

from rxloom import StepContext, create_step, create_workflow
from rxloom.testing import assert_marbles, run_virtual


def new() -> Any:
    """Begin a workflow."""
    return create_workflow("wf")


def taking(id: str, seconds: float) -> Any:
    """Make a step that writes, and then takes some seconds."""

    async def body(value: Any, ctx: StepContext) -> Any:
        await ctx.write("begun")
        await asyncio.sleep(seconds)
        return value

    return create_step(id, body)


async def as_long(value: int) -> int:
    await asyncio.sleep(value)
    return value


async def ticking(_: Any) -> AsyncIterator[int]:
    for number in range(3):
        await asyncio.sleep(1)
        yield number


async def total(items: Observable[int]) -> float:
    return await items.pipe(ops.sum())


def above(limit: int) -> Callable[[int], bool]:
    """Make a condition."""
    return lambda value: value > limit


DRAWINGS: dict[str, tuple[Any, Any, str]] = {
    "sequence": (
        new().then(taking("a", 2)).then(taking("b", 3)),
        1,
        """
            0s   2s     5s
        wf  ^-----------|
        a   ^o---|
        b        ^o-----|
        """,
    ),
    "parallel": (
        new().parallel([taking("a", 2), taking("b", 3), taking("c", 1)], max_concurrency=2),
        1,
        """
            0s   2s 3s
        wf  ^-------|
        a   ^o---|
        b   ^o------|
        c        ^o-|
        """,
    ),
    "branch": (
        new().branch([(above(0), taking("a", 2)), (above(1), taking("b", 3)), (above(9), taking("c", 1))]),
        2,
        """
            0s     3s
        wf  ^------|
        a   ^o---|
        b   ^o-----|
        """,
    ),
    "do_while": (
        new().do_while(taking("a", 1), lambda _, ctx: ctx.iteration < 2),
        1,
        """
            0s     2s
        wf  ^------|
        a   ^o-|^o-|
        """,
    ),
    "do_until": (
        new().do_until(taking("a", 1), lambda _, ctx: ctx.iteration == 3),
        1,
        """
            0s     2s  3s
        wf  ^----------|
        a   ^o-|^o-|^o-|
        """,
    ),
    "for_each": (
        new().for_each(create_step("each", as_long), concurrency=2),
        [1, 3, 1],
        """
                 0s    3s
        wf       ^-----|
        each     ^-----|
        each[0]    |
        each[1]        |
        each[2]      |
        """,
    ),
    "map": (
        new().then(taking("a", 2)).map(lambda value: value + 1).then(taking("b", 1)),
        1,
        """
                      0s   2s  3s
        wf            ^--------|
        a             ^o---|
        mapping_wf_0       ^|
        b                   ^o-|
        """,
    ),
    "sleep": (
        new().then(taking("a", 1)).sleep(2).then(taking("b", 1)),
        1,
        """
                    0s   2s   4s
        wf          ^---------|
        a           ^o-|
        sleep_wf_0     w~~~|
        b                  ^o-|
        """,
    ),
    "wait_for_event": (
        new().then(taking("a", 1)).wait_for_event("go", timeout=3),
        1,
        """
                    0s   2s  4s
        wf          ^--------x
        a           ^o-|
        event_wf_0     w~~~~~x
        """,
    ),
    "pipe": (
        new().then(taking("a", 1)).pipe(ops.delay(2)),
        1,
        """
                   0s     3s
        wf         ^------|
        a          ^o-|
        pipe_wf_0     ^---|
        """,
    ),
    "nested": (
        new().then(create_workflow("inner").then(taking("a", 1)).then(taking("b", 1)).commit()),
        1,
        """
                 0s    2s
        wf       ^-----|
        inner    ^-----|
        inner.a  ^o-|
        inner.b     ^o-|
        """,
    ),
    "overlap": (
        new().then(create_step("ticking", ticking)).then(create_step("total", total, observable_input=True)),
        1,
        """
                 0s    3s
        wf       ^------|
        ticking  ^-o-o-o|
        total      ^----|
        """,
    ),
}


@pytest.mark.parametrize("node", DRAWINGS)
def test_node_looks_like_its_drawing(node: str) -> None:
    flow, given, drawing = DRAWINGS[node]

    assert_marbles(run_virtual(flow.commit(), given), drawing, unit=0.5)
