"""Loops: the body first, then the condition; the output feeds the next round."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import StepContext, create_step, create_workflow
from rxloom.chunks import Choice, StepStart
from rxloom.errors import DefinitionError, DuplicateStepId, SchemaMismatch
from tests.ledger import Ledger
from tests.play import adding, failing, play, seeing


def test_do_while_runs_again_as_long_as_the_condition_holds() -> None:
    played = play(create_workflow("wf").do_while(adding("a"), lambda value: value < 3).commit(), 0)

    assert played.output == 3
    assert played.told == ["start", *["a: running", "a: success"] * 3, "success"]


def test_do_until_runs_again_until_the_condition_holds() -> None:
    assert play(create_workflow("wf").do_until(adding("a"), lambda value: value >= 3).commit(), 0).output == 3


def test_the_body_runs_once_before_anybody_asks() -> None:
    assert play(create_workflow("wf").do_while(adding("a"), lambda _: False).commit(), 10).output == 11
    assert play(create_workflow("wf").do_until(adding("a"), lambda _: True).commit(), 10).output == 11


def test_rounds_are_counted_from_one_in_the_context_and_in_the_chunks() -> None:
    seen: list[int] = []
    wf = create_workflow("wf").do_until(seeing("a", lambda ctx: ctx.iteration, seen), lambda _: len(seen) == 3)
    played = play(wf.commit())
    starts = [chunk.payload.metadata for chunk in played.chunks if isinstance(chunk, StepStart)]

    assert seen == [1, 2, 3]
    assert starts == [{"iterationCount": 1}, {"iterationCount": 2}, {"iterationCount": 3}]
    assert played.result.steps["a"].iteration == 3


def test_what_comes_after_a_loop_is_in_no_round() -> None:
    seen: list[int] = []
    wf = create_workflow("wf").do_while(adding("a"), lambda value: value < 3)
    play(wf.then(seeing("b", lambda ctx: ctx.iteration, seen)).commit(), 0)

    assert seen == [0]


def test_a_body_may_be_a_list_of_steps() -> None:
    def small(value: int) -> bool:
        return value < 20

    wf = create_workflow("wf").do_while([adding("a"), adding("b", 10)], small)
    played = play(wf.commit(), 0)

    assert played.output == 22
    assert played.told[1:-1] == ["a: running", "a: success", "b: running", "b: success"] * 2


def test_a_condition_may_be_async_and_may_look_at_the_context() -> None:
    async def more(_: int, ctx: Any) -> bool:
        await asyncio.sleep(1)
        return ctx.iteration < ctx.init_data

    played = play(create_workflow("wf").do_while(adding("a"), more).commit(), 4)

    assert played.output == 8
    assert played.duration == 4


def test_a_condition_cannot_change_the_value() -> None:
    def spoil(value: list[int]) -> bool:
        value.append(99)
        return False

    async def body(value: list[int]) -> list[int]:
        return value

    assert play(create_workflow("wf").do_while(create_step("a", body), spoil).commit(), [1]).output == [1]


def test_a_condition_that_raises_fails_the_run() -> None:
    def broken(_: Any) -> bool:
        raise LookupError("no idea")

    played = play(create_workflow("wf").do_while(adding("a"), broken).then(adding("b")).commit(), 1)

    assert isinstance(played.error, LookupError)
    assert played.told == ["start", "a: running", "a: success", "failed"]


class Unclear:
    """Something of which nobody can say whether it is true."""

    def __bool__(self) -> bool:
        raise ValueError("neither true nor false")


async def unclear(_: Any) -> Any:
    return Unclear()


@pytest.mark.parametrize("condition", [lambda _: Unclear(), unclear], ids=["sync", "async"])
def test_an_answer_that_is_neither_true_nor_false_fails_the_run(condition: Any) -> None:
    played = play(create_workflow("wf").do_while(adding("a"), condition).commit(), 1)

    assert isinstance(played.error, ValueError)
    assert played.told[-1] == "failed"


def test_a_failing_body_ends_the_loop() -> None:
    played = play(create_workflow("wf").do_while(failing("a"), lambda _: True).commit(), 1)

    assert played.told == ["start", "a: running", "a: failed", "failed"]


def test_it_stops_after_so_many_rounds_whatever_the_condition_says() -> None:
    played = play(create_workflow("wf").do_while(adding("a"), lambda _: True, max_iterations=5).commit(), 0)

    assert played.output == 5


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_a_limit_of_rounds_out_of_range_is_refused(limit: Any) -> None:
    with pytest.raises(DefinitionError, match="max_iterations"):
        create_workflow("wf").do_while(adding("a"), lambda _: True, max_iterations=limit)


def test_a_bail_ends_the_loop_and_the_workflow() -> None:
    async def body(value: int, ctx: StepContext) -> int:
        if value == 2:
            ctx.bail("out")
        return value + 1

    played = play(create_workflow("wf").do_while(create_step("a", body), lambda _: True).commit(), 0)

    assert played.output == "out"


def test_a_workflow_may_be_the_body_and_starts_anew_in_each_round() -> None:
    inner = create_workflow("inner").then(adding("a")).do_while(adding("b"), lambda value: value % 3 != 0).commit()
    played = play(create_workflow("wf").do_until(inner, lambda value: value >= 6).commit(), 0)

    assert played.output == 6
    assert [line for line in played.told if "running" in line] == [
        "inner: running", "inner.a: running", "inner.b: running", "inner.b: running",
        "inner: running", "inner.a: running", "inner.b: running", "inner.b: running",
    ]  # fmt: skip


def test_each_round_has_an_idempotency_key_of_its_own_also_inside_a_nested_workflow() -> None:
    keys: list[str] = []
    inner = create_workflow("inner").then(seeing("pay", lambda ctx: ctx.idempotency_key, keys)).commit()
    play(create_workflow("wf").do_until(inner, lambda _: len(keys) == 3).commit())

    assert len(set(keys)) == 3


def test_how_many_rounds_it_made_is_recorded(ledger: Ledger) -> None:
    play(create_workflow("wf").do_while(adding("a"), lambda value: value < 3).commit(), 0)
    choices = ledger.of(ledger.run_ids()[0], Choice)

    assert [(one.node, one.taken) for one in choices] == [("loop_wf_0", (3,))]


def test_a_loop_that_waits_for_nothing_can_be_cancelled() -> None:
    async def main() -> Any:
        run = create_workflow("wf").do_while(adding("a"), lambda _: True).commit().create_run()
        stream = run.stream_vnext(0)
        await asyncio.sleep(0)
        await run.cancel("enough")
        return await stream.result

    assert asyncio.run(asyncio.wait_for(main(), 10)).status == "canceled"


def test_what_cannot_be_a_loop_is_refused_where_it_is_built() -> None:
    builder: Any = create_workflow("wf").then(adding("a"))
    with pytest.raises(DuplicateStepId):
        builder.do_while(adding("a"), lambda _: True)
    with pytest.raises(DefinitionError, match="list of steps"):
        builder.do_while([], lambda _: True)
    with pytest.raises(DefinitionError, match="not a function"):
        builder.do_while(adding("b"), True)  # noqa: FBT003 # that is the point
    with pytest.raises(SchemaMismatch):
        create_workflow("wf", input=dict).do_while(adding("a"), lambda _: True)
