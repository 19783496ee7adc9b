"""Fakes in place of steps."""

# The fakes are what a test writes down in a line, and the real steps take what they do not use.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# ruff: noqa: ARG001, ARG005
from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops

from rxloom import NonRetryable, Retry, StepContext, SyncStepContext, Workflow, create_step, create_workflow, step
from rxloom.errors import DefinitionError
from rxloom.testing import VirtualRun, check_chunks, in_turn, run_virtual, with_fakes
from tests.play import about, adding, told


async def unreachable(number: int) -> int:
    raise RuntimeError("a test must not get here")


def real(id: str = "price", **options: Any) -> Any:
    """Make a step that no test may run."""
    return create_step(id, unreachable, **options)


def chain(*steps: Any, output: Any = int) -> Workflow[int, Any]:
    builder: Any = create_workflow("w", input=int, output=output)
    for one in steps:
        builder = builder.then(one)
    return builder.commit()


@pytest.mark.parametrize(
    "fake",
    [
        42,
        lambda: 42,
        lambda number: number * 2,
        lambda number, ctx: number * 2 if ctx.step_id == "price" else 0,
        adding("other", 21),
    ],
    ids=["value", "nothing", "input", "input and context", "step"],
)
def test_fake_is_a_value_a_function_or_a_step(fake: Any) -> None:
    run = run_virtual(chain(real()), 21, replace={"price": fake})

    assert run.result.unwrap() == 42
    assert told(run.chunks) == ["start", "price: running", "price: success", "success"]


def test_fake_may_be_a_coroutine_function_that_takes_virtual_time() -> None:
    async def fake(number: int, ctx: StepContext) -> int:
        await ctx.write("working")
        await asyncio.sleep(60)
        return number + 1

    run = run_virtual(chain(real()), 1, replace={"price": fake})

    assert (run.result.unwrap(), run.duration) == (2, 60)
    assert told(run.chunks)[2] == "price > working"


def test_plain_fake_of_a_threaded_step_runs_on_the_loop() -> None:
    def threaded(number: int, ctx: SyncStepContext) -> int:
        raise RuntimeError("a test must not get here")

    def fake(number: int, ctx: SyncStepContext) -> int:
        ctx.write("here")
        return threading.get_ident()

    run = run_virtual(chain(create_step("price", threaded)), 1, replace={"price": fake})

    assert run.result.unwrap() == threading.get_ident()


@pytest.mark.parametrize("error", [ValueError("no"), ValueError], ids=["exception", "class"])
def test_exception_is_raised_at_each_attempt(error: Any) -> None:
    run = run_virtual(chain(real(retries=2)), 1, replace={"price": error})

    assert run.result.status == "failed"
    assert told(run.chunks).count("price: retry 1") == 1
    assert told(run.chunks)[-3:] == ["price: retry 2", "price: failed", "failed"]


def test_retries_of_the_real_step_apply_to_its_fake() -> None:
    unsteady = in_turn(OSError("reset"), OSError, 7)
    run = run_virtual(chain(real(retries=Retry(2, delay=5))), 1, replace={"price": unsteady})

    assert (run.result.unwrap(), run.duration) == (7, 10)
    with pytest.raises(IndexError, match="3 outcomes"):
        unsteady()
    assert run_virtual(chain(real(retries=2)), 1, replace={"price": NonRetryable("stop")}).duration == 0


def test_operators_and_timeouts_of_the_real_step_stay_around_its_fake() -> None:
    @step(timeout=5)
    async def slow(number: int) -> int:
        raise RuntimeError("a test must not get here")

    async def stuck(number: int) -> int:
        await asyncio.Event().wait()
        return 0

    piped = slow.pipe(ops.map(lambda number: number + 100))

    assert run_virtual(chain(piped), 1, replace={"slow": 1}).result.unwrap() == 101
    assert run_virtual(chain(piped), 1, replace={"slow": stuck}).duration == 5


def test_output_of_a_fake_is_validated_as_that_of_its_step() -> None:
    run = run_virtual(chain(real()), 1, replace={"price": "many"})

    assert run.result.status == "failed"
    assert "OutputInvalid" in repr(run.result.exception)


def test_stream_of_a_fake_is_written_and_collected_as_the_step_collects() -> None:
    @step(collect=sum)
    def pages(number: int) -> Observable[int]:
        raise RuntimeError("a test must not get here")

    def fake(number: int) -> Iterator[int]:
        yield from range(number)

    run = run_virtual(chain(pages), 3, replace={"pages": fake})
    rxish = run_virtual(chain(pages), 3, replace={"pages": rx.range})

    assert run.result.unwrap() == rxish.result.unwrap() == 3
    assert about(run.chunks, "pages")[1:4] == ["pages > 0", "pages > 1", "pages > 2"]
    assert run_virtual(chain(pages), 3, replace={"pages": 5}).result.unwrap() == 5


def test_fake_that_asks_is_answered() -> None:
    async def fake(number: int, ctx: StepContext) -> int:
        return number + await ctx.suspend("how many?")

    run = run_virtual(chain(real(resume=int)), 1, replace={"price": fake}, resume=[10])

    assert run.result.unwrap() == 11


def enough(number: int) -> bool:
    return number > 10


def everywhere() -> Workflow[int, Any]:
    inner = create_workflow("inner", input=int, output=int).then(real("x")).then(real("y")).commit()
    return (
        create_workflow("w", input=int, output=Any)
        .then(real("first"))
        .parallel([real("left"), inner.with_id("right")])
        .map(lambda both: [both["left"], both["right"]], id="both")
        .for_each(inner.with_id("each"))
        .map(sum, id="sum")
        .branch([(lambda number: number > 0, [real("a"), real("b")])], default=real("c"), merge=True)
        .do_until([real("d"), real("e")], enough)
        .pipe(ops.map(lambda number: number * 2), id="doubled")
        .commit()
    )


def test_steps_are_replaced_wherever_they_are() -> None:
    def more(number: int) -> int:
        return number + 1

    names = ["first", "left", "right.x", "right.y", "each.x", "each.y", "a", "b", "d", "e"]
    run = run_virtual(everywhere(), 0, replace={**dict.fromkeys(names, more), "doubled": more})

    assert run.result.unwrap() == 14
    assert check_chunks(run.chunks) == []
    assert "each[1].y: success" in told(run.chunks)


def test_workflow_as_a_step_is_faked_as_a_whole() -> None:
    fakes = {"first": 1, "left": 2, "right": 3, "each": lambda number: number, "sum": -1, "c": 8, "d": 9, "e": 11}
    run = run_virtual(everywhere(), 0, replace=fakes)

    assert run.result.unwrap() == 22
    assert [line for line in told(run.chunks) if "." in line] == []


def test_committed_workflow_runs_in_place_of_a_step() -> None:
    smaller = create_workflow("smaller", input=int, output=int).then(adding()).commit()
    run = run_virtual(chain(real(retries=1)), 1, replace={"price": smaller})

    assert run.result.unwrap() == 2
    assert told(run.chunks)[1:3] == ["price: running", "price.add: running"]
    assert check_chunks(run.chunks) == []


def test_real_workflow_stays_as_it_is() -> None:
    workflow = everywhere()
    graph = workflow.graph
    other = with_fakes(workflow, {"right.x": 1, "e": 2, "doubled": 3})

    assert other is not workflow
    assert workflow.step_at("right.x").function is unreachable
    assert workflow.graph == graph == other.graph
    assert run_virtual(workflow, 1).result.status == "failed"


def test_constant_is_copied_for_each_call() -> None:
    constant = {"lines": [1]}

    async def spoil(value: Any) -> Any:
        value["lines"].append(2)
        return value

    workflow = chain(create_step("price", unreachable, output=Any), create_step("spoil", spoil), output=Any)
    run_virtual(workflow, 1, replace={"price": constant})

    assert constant == {"lines": [1]}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("frist", "did you mean 'first'"),
        ("x", r"did you mean 'right\.x'"),
        ("each[0].x", r"did you mean 'each\.x'"),
        ("first.x", "the steps of workflow 'w' are first, left, right, right.x, right.y, both, each"),
        ("", "the steps of workflow"),
    ],
)
def test_unknown_name_is_a_mistake_that_names_the_known(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        run_virtual(everywhere(), 0, replace={name: 1})


def test_fake_that_wants_other_arguments_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"wants b, c.*\(step 'price'\)"):
        run_virtual(chain(real()), 1, replace={"price": lambda a, b, c: a})


def test_deep_nesting_is_no_depth_of_calls() -> None:
    workflow = chain(real("x"))
    for _ in range(300):
        workflow = create_workflow("w", input=int, output=int).then(workflow.with_id("w")).commit()
    run: VirtualRun[Any] = run_virtual(workflow, 1, replace={"w." * 300 + "x": 5})

    assert run.result.unwrap() == 5


def test_mocks_are_fakes_like_other_functions() -> None:
    plain, later = Mock(return_value=3), AsyncMock(side_effect=[OSError, 4])
    run = run_virtual(chain(real(), real("tax", retries=1)), 1, replace={"price": plain, "tax": later})

    assert run.result.unwrap() == 4
    plain.assert_called_once_with(1)
    assert later.await_count == 2


def test_times_of_the_chunks_are_told() -> None:
    run = run_virtual(create_workflow("w").sleep(60).then(create_step("a", lambda: 1)).commit())

    assert run.times == [0, 0, 60, 60, 60, 60]


def test_with_steps_takes_steps_of_known_ids_only() -> None:
    workflow = chain(real())
    for name, other in (("other", adding("other")), ("price", adding("other"))):
        with pytest.raises(DefinitionError, match="the steps here are price"):
            workflow.with_steps({name: other})
