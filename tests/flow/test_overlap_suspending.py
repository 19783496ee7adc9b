"""Overlap: a step suspends, and the run is resumed: with the records, or while others still run."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from reactivex import Observable
from reactivex import operators as ops

from rxloom import StepContext, create_step
from rxloom.chunks import Emitted
from tests.flow.overlapping import gathering, passing, producing, row
from tests.ledger import Ledger
from tests.play import about, play, read, told
from tests.virtual import virtual


def asks(at: int, *, question: str = "ok?") -> Callable[[StepContext, Any], None]:
    """Suspend at an item until there is an answer."""

    def ask(ctx: StepContext, item: Any) -> None:
        if item == at:
            ctx.suspend(question)

    return ask


def test_a_second_that_suspends_waits_for_the_first_and_begins_again_with_its_recorded_items() -> None:
    played = play(row(producing(), gathering(then=asks(1))), 3, {"resume_data": "yes"})

    assert told(played.legs[0])[-4:] == ["b: suspended", "a > 2", "a: success", "suspended"]
    assert told(played.legs[1]) == [
        "start", "b: resumed", "b > saw 0", "b > saw 1", "b > saw 2", "b: success", "success",
    ]  # fmt: skip
    assert played.output == [0, 1, 2]


def test_a_first_that_suspends_takes_the_second_with_it_and_both_begin_again() -> None:
    played = play(row(producing(then=asks(1)), passing(), gathering("c")), 3, {"resume_data": "yes"})
    first, second = (told(leg) for leg in played.legs)

    assert first[-5:] == ["c > saw 0", "a: suspended", "b: suspended", "c: suspended", "suspended"]
    assert [one.path for one in played.results[0].suspensions] == ["a"]
    assert [line for line in second if line.endswith("resumed")] == ["a: resumed", "b: resumed", "c: resumed"]
    assert played.output == [0, 10, 20]


def test_a_second_that_had_ended_before_the_first_suspended_is_not_entered_again() -> None:
    entered: list[int] = []

    async def first_one(items: Observable[int]) -> int:
        entered.append(1)
        return await items.pipe(ops.first())

    b = create_step("b", first_one, observable_input=True)
    played = play(row(producing(then=asks(1)), b), 3, {"resume_data": "yes"})

    assert played.output == 0
    assert entered == [1]
    assert told(played.legs[1])[1:] == ["a: resumed", "a > 0", "a > 1", "a > 2", "a: success", "success"]


def test_both_suspend_and_are_answered_one_after_the_other() -> None:
    wf = row(producing(then=asks(2)), gathering(then=asks(1, question="and?")))
    played = play(wf, 4, {"resume_data": "b", "step": "b"}, {"resume_data": "a", "step": "a"})

    assert [one.path for one in played.results[0].suspensions] == ["b", "a"]
    assert [one.path for one in played.results[1].suspensions] == ["a"]
    assert told(played.legs[1]) == ["start", "b: resumed", "b: suspended", "suspended"]
    assert played.output == [0, 1, 2, 3]


@virtual
async def test_a_second_that_is_answered_while_the_first_runs_goes_on_in_the_same_leg() -> None:
    run = row(producing(), gathering(then=asks(1))).create_run()
    stream = run.stream_vnext(5)
    await asyncio.sleep(3.5)
    await run.resume("yes")
    lines = told(await read(stream))

    assert lines.count("start") == 1
    assert lines.index("b: suspended") < lines.index("b: resumed") < lines.index("a: success")
    assert (await stream).unwrap() == [0, 1, 2, 3, 4]


@virtual
async def test_a_first_that_is_answered_while_the_second_ends_takes_it_along_again() -> None:
    stopping = asyncio.Event()

    async def stubborn(items: Observable[int]) -> list[int]:
        try:
            return await items.pipe(ops.to_list())
        except asyncio.CancelledError:
            stopping.set()
            await asyncio.sleep(10)
            raise

    run = row(producing(then=asks(1)), create_step("b", stubborn, observable_input=True)).create_run()
    stream = run.stream_vnext(3)
    await stopping.wait()
    await run.resume("yes", step="a")
    lines = told(await read(stream))

    assert (await stream).unwrap() == [0, 1, 2]
    assert lines.count("start") == 1
    assert [line for line in lines if line.startswith("b:")] == [
        "b: running",
        "b: suspended",
        "b: resumed",
        "b: success",
    ]


def test_items_that_the_output_does_not_tell_are_recorded_besides(ledger: Ledger) -> None:
    def again(**options: Any) -> tuple[Any, list[Emitted]]:
        played = play(row(producing(**options), gathering(then=asks(1))), 3, {"resume_data": "yes"})
        return played.output, ledger.of(played.run.run_id, Emitted)

    assert again(collect=sum) == ([0, 1, 2], [Emitted("a", [0, 1, 2])])
    assert again() == ([0, 1, 2], [])


def test_operators_around_the_first_change_its_output_and_not_its_items() -> None:
    played = play(row(producing().pipe(ops.map(len)), gathering(then=asks(1))), 3, {"resume_data": "yes"})

    assert played.result.steps["a"].output == 3
    assert played.output == [0, 1, 2]
    assert about(played.legs[1], "a") == []
