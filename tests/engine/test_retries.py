"""Retries: further attempts of a step that failed."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import (
    InputInvalid,
    NonRetryable,
    OutputInvalid,
    Retry,
    StepContext,
    SyncStepContext,
    create_step,
    create_workflow,
)
from rxloom.chunks import StepRetry
from rxloom.errors import DefinitionError
from tests.play import Played, adding, failing, play


def one(step: Any, given: Any = 1, **options: Any) -> Played:
    """Play a workflow of one step."""
    return play(create_workflow("wf", **options).then(step).commit(), given)


def delays(played: Played) -> list[int]:
    """Return the delays that were told, in milliseconds."""
    return [chunk.payload.delay_ms for chunk in played.chunks if isinstance(chunk, StepRetry)]


def test_so_many_further_attempts_are_made() -> None:
    played = one(failing("s", times=2, retries=2))

    assert played.output == 1
    assert played.told == ["start", "s: running", "s: retry 1", "s: retry 2", "s: success", "success"]
    assert played.result.steps["s"].attempt == 2


def test_after_the_last_attempt_the_step_fails_with_its_error() -> None:
    played = one(failing("s", retries=2))

    assert isinstance(played.error, ValueError)
    assert played.told == ["start", "s: running", "s: retry 1", "s: retry 2", "s: failed", "failed"]
    assert played.result.error.attempt == 2


def test_each_retry_says_what_failed() -> None:
    played = one(failing("s", times=2, retries=2))
    errors = [chunk.payload.error for chunk in played.chunks if isinstance(chunk, StepRetry)]

    assert [(error.name, error.message, error.attempt) for error in errors] == [
        ("ValueError", "boom", 0), ("ValueError", "boom", 1),
    ]  # fmt: skip


def test_a_workflow_gives_its_steps_a_policy_which_their_own_replaces() -> None:
    wf = create_workflow("wf", retries=1).then(failing("a", times=1)).then(failing("b", retries=0)).commit()

    assert play(wf, 1).told == [
        "start", "a: running", "a: retry 1", "a: success", "b: running", "b: failed", "failed",
    ]  # fmt: skip


def test_delays_grow_up_to_a_bound_and_pass_in_the_time_of_the_run() -> None:
    played = one(failing("s", retries=Retry(5, delay=1, backoff=3, max_delay=10)))

    assert delays(played) == [1000, 3000, 9000, 10000, 10000]
    assert played.duration == 33


def test_jitter_varies_the_delay_within_its_share() -> None:
    found = {delay for _ in range(10) for delay in delays(one(failing("s", retries=Retry(3, delay=10, jitter=0.5))))}

    assert len(found) > 3
    assert all(5000 <= delay <= 15000 for delay in found)


def test_only_errors_of_the_named_kinds_are_worth_another_attempt() -> None:
    retry = Retry(3, retry_on=(OSError, KeyError))

    assert "s: retry 1" in one(failing("s", KeyError("x"), times=1, retries=retry)).told
    assert "s: retry 1" in one(failing("s", ConnectionError("x"), times=1, retries=retry)).told
    assert one(failing("s", ValueError("x"), retries=retry)).told == ["start", "s: running", "s: failed", "failed"]


def test_a_group_is_tried_again_only_if_all_in_it_are() -> None:
    retry = Retry(3, retry_on=OSError)
    good, bad = ExceptionGroup("g", [OSError()]), ExceptionGroup("g", [OSError(), ValueError()])

    assert "s: retry 1" in one(failing("s", good, times=1, retries=retry)).told
    assert "s: retry 1" not in one(failing("s", bad, retries=retry)).told


def test_what_says_so_is_never_tried_again() -> None:
    class Stolen(NonRetryable):
        """The card is stolen."""

    for error in (NonRetryable("no"), Stolen("no"), ExceptionGroup("g", [OSError(), Stolen("no")])):
        assert one(failing("s", error, retries=5)).told == ["start", "s: running", "s: failed", "failed"]


def test_a_bad_input_is_not_tried_again_and_a_bad_output_is() -> None:
    async def body(value: int, ctx: StepContext) -> Any:
        return "bad" if not ctx.attempt else value

    step = create_step("s", body, input=int, output=int, retries=3)

    assert isinstance(one(step, "x").error, InputInvalid)
    assert one(step, "x").told == ["start", "s: running", "s: failed", "failed"]
    assert one(step, 5).told == ["start", "s: running", "s: retry 1", "s: success", "success"]
    assert isinstance(one(create_step("s", lambda _: "bad", output=int, retries=1)).error, OutputInvalid)


def test_every_attempt_gets_an_equal_input_and_the_same_key_and_knows_its_number() -> None:
    seen: list[Any] = []

    async def body(value: Any, ctx: StepContext) -> int:  # no schema, which would make a copy
        seen.append((dict(value), ctx.attempt, ctx.idempotency_key))
        value["x"] += 1
        if ctx.attempt < 2:
            raise ValueError("boom")
        return value["x"]

    played = one(create_step("s", body, retries=3), {"x": 1})

    assert played.output == 2
    assert [(value, attempt) for value, attempt, _ in seen] == [({"x": 1}, 0), ({"x": 1}, 1), ({"x": 1}, 2)]
    assert len({key for _, _, key in seen}) == 1


def test_a_threaded_step_is_tried_again() -> None:
    def body(value: int, ctx: SyncStepContext) -> int:
        if ctx.attempt < 2:
            raise ValueError("boom")
        return value + ctx.attempt

    assert one(create_step("s", body, retries=2), 1).output == 3


def test_a_generator_is_tried_again_and_its_output_is_that_of_the_last_attempt() -> None:
    async def body(_: int, ctx: StepContext) -> Any:
        yield f"first {ctx.attempt}"
        if not ctx.attempt:
            raise ValueError("boom")
        yield "second"

    played = one(create_step("s", body, retries=1))

    assert played.output == ["first 1", "second"]
    assert [line for line in played.told if line.startswith("s >")] == ["s > first 0", "s > first 1", "s > second"]


def test_siblings_go_on_while_a_step_waits_for_its_next_attempt() -> None:
    slow = failing("slow", times=1, retries=Retry(1, delay=10))
    played = play(create_workflow("wf").parallel([slow, adding("quick", seconds=1)]).commit(), 1)

    assert played.output == {"slow": 1, "quick": 2}
    assert played.duration == 10


def test_a_cancel_during_the_delay_ends_it_at_once() -> None:
    async def main() -> Any:
        run = create_workflow("wf").then(failing("s", retries=Retry(9, delay=60))).commit().create_run()
        stream = run.stream_vnext(1)
        await asyncio.sleep(0.01)
        await run.cancel()
        return await stream.result

    result = asyncio.run(asyncio.wait_for(main(), 5))

    assert result.status == "canceled"
    assert result.steps["s"].status == "canceled"


def test_a_run_leaves_no_attempt_behind_between_runs() -> None:
    """The policy belongs to the step, the count to the call."""
    step = failing("s", retries=1)
    wf = create_workflow("wf").then(step).commit()

    assert [len(delays(play(wf, 1))) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("retries", [-1, 1.5, "2", True])
def test_a_policy_that_is_none_is_refused(retries: Any) -> None:
    with pytest.raises(DefinitionError, match="retries"):
        adding("s", retries=retries)
    with pytest.raises(DefinitionError, match="retries"):
        create_workflow("wf", retries=retries)
