"""What a caller without a type checker is told: what was wrong, and what to write instead."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from typing import Any, cast

import pytest
import reactivex as rx

from rxloom import Runtime, StepContext, WorkflowNotCommitted, create_step, create_workflow, step, step_from_operator
from rxloom.errors import DefinitionError, WrongLoop
from rxloom.testing import run_virtual


@step
async def ask(number: int, ctx: StepContext) -> int:
    """Ask for a number to add."""
    return number + await ctx.suspend("how many?")


ASKING: Any = create_workflow("asking", input=int).then(ask).commit()


def test_a_mapping_is_no_schema() -> None:
    with pytest.raises(DefinitionError, match="a mapping is no type"):
        create_workflow("w", input={"a": int})


def test_parallel_takes_a_list() -> None:
    builder: Any = create_workflow("w")
    with pytest.raises(DefinitionError, match="takes a list of steps; got <Step 'ask'"):
        builder.parallel(ask)


@pytest.mark.parametrize(
    "arms", [[ask], {bool: ask}, (bool, ask), [(bool, ask, ask)], None], ids=["bare", "dict", "pair", "triple", "none"]
)
def test_branch_takes_a_list_of_pairs(arms: Any) -> None:
    builder: Any = create_workflow("w")
    with pytest.raises(DefinitionError, match="takes a list of pairs"):
        builder.branch(arms)


def test_committing_nothing_says_what_to_add() -> None:
    with pytest.raises(WorkflowNotCommitted, match=r"add a step, `\.then\(step\)`"):
        create_workflow("w").commit()


def test_a_runtime_refuses_what_was_not_committed() -> None:
    builder: Any = create_workflow("w").then(ask)
    with pytest.raises(WorkflowNotCommitted, match=r"call `\.commit\(\)`"):
        Runtime(builder)


def test_a_runtime_takes_workflows_only() -> None:
    thing: Any = "asking"
    with pytest.raises(DefinitionError, match="'asking' is not a workflow"):
        Runtime(thing)


def test_a_virtual_run_wants_a_committed_workflow() -> None:
    builder: Any = create_workflow("w").then(ask)
    with pytest.raises(WorkflowNotCommitted, match=r"call `\.commit\(\)`"):
        run_virtual(builder)
    with pytest.raises(DefinitionError, match="<Step 'ask': int -> int> is not a workflow"):
        run_virtual(cast("Any", ask))


async def test_a_virtual_run_in_a_coroutine_says_to_make_the_test_a_plain_function() -> None:
    with pytest.raises(WrongLoop, match="make the test a plain `def`"):
        run_virtual(ASKING, 1)


@pytest.mark.parametrize("option", ["on_start", "on_finish", "on_error"])
def test_a_callback_that_cannot_be_called_is_refused_where_it_is_given(option: str) -> None:
    options: dict[str, Any] = {option: "log"}
    with pytest.raises(DefinitionError, match=f"`{option}=` must be a function; got 'log'"):
        create_workflow("w", **options)


def test_what_is_no_operator_is_refused_where_it_is_given() -> None:
    thing: Any = rx.of(1)
    for build in (
        lambda: ask.pipe(thing), lambda: create_workflow("w").pipe(thing), lambda: step_from_operator("x", thing),
    ):  # fmt: skip
        with pytest.raises(DefinitionError, match="an operator must be a function; got <reactivex"):
            build()
    with pytest.raises(DefinitionError, match="`collect=` must be a function; got 'list'"):
        create_step("x", lambda _: thing, collect=cast("Any", "list"))


@pytest.mark.parametrize("grace", ["5", None, -1, True, float("nan")])
async def test_a_grace_that_is_no_number_of_seconds_is_refused_and_the_run_goes_on(grace: Any) -> None:
    run = ASKING.create_run()
    await run.start(1)
    with pytest.raises(ValueError, match="grace must be 0 or more seconds"):
        await run.cancel(grace=grace)

    assert (await run.resume(2)).unwrap() == 3


async def test_answers_by_something_else_than_paths_are_refused_and_the_run_still_waits() -> None:
    run = ASKING.create_run()
    with pytest.raises(TypeError, match=r"runtime_context is a mapping; got \[1\]"):
        run.stream_vnext(1, runtime_context=[1])

    await run.start(1)
    for where in (3, ["ask", 1], {"ask"}):
        with pytest.raises(TypeError, match="a step is named by itself, its path"):
            await run.resume(2, step=where)
    for answers in (None, [2]):
        with pytest.raises(TypeError, match="answers is a mapping"):
            run.resume_all(answers)

    assert (await run.resume(2)).unwrap() == 3


def test_what_is_shown_in_a_prompt_names_itself() -> None:
    assert repr(create_workflow("w").then(ask)) == "<WorkflowBuilder 'w': to be committed>"
    assert repr(ASKING.create_run(run_id="r1")) == "Run(workflow_id='asking', run_id='r1')"
    assert repr(Runtime(ASKING)) == "Runtime(asking)"
