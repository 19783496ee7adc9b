"""Sequences: one node after the other."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

from rxloom import create_step, create_workflow
from tests.play import adding, failing, play, seeing
from tests.virtual import virtual


def inline(id: str) -> Any:
    """Make a step that adds one, on the loop and without waiting."""

    def body(value: int) -> int:
        return value + 1

    return create_step(id, body, inline=True)


def test_each_step_gets_the_output_of_the_one_before() -> None:
    wf = create_workflow("wf").then(adding("a", 1)).then(adding("b", 10)).then(adding("c", 100)).commit()
    played = play(wf, 0)

    assert played.output == 111
    assert played.told == [
        "start", "a: running", "a: success", "b: running", "b: success", "c: running", "c: success", "success",
    ]  # fmt: skip


def test_what_follows_a_failure_does_not_start() -> None:
    wf = create_workflow("wf").then(adding("a")).then(failing("b")).then(adding("c")).commit()

    assert play(wf, 0).told == ["start", "a: running", "a: success", "b: running", "b: failed", "failed"]


@virtual
async def test_a_long_sequence_of_steps_that_wait_for_nothing_gives_others_a_turn() -> None:
    builder = create_workflow("wf").then(inline("first"))
    for number in range(2_000):
        builder = builder.then(inline(f"s{number}"))
    stream = builder.commit().create_run().stream_vnext(0)
    ended: list[Any] = []
    stream.result.subscribe(ended.append)
    turns = 0
    while not ended:
        await asyncio.sleep(0)
        turns += 1

    assert ended[0].unwrap() == 2_001
    assert turns > 5


def test_the_input_of_the_workflow_is_the_input_of_its_first_step() -> None:
    seen: list[Any] = []
    play(create_workflow("wf").then(seeing("a", lambda ctx: ctx.init_data, seen)).commit(), {"x": [1]})

    assert seen == [{"x": [1]}]


def test_a_step_that_takes_nothing_ignores_its_input() -> None:
    async def constant() -> int:
        return 7

    assert play(create_workflow("wf").then(create_step("c", constant)).commit(), "ignored").output == 7
