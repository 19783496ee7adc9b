"""Sleeps: for some seconds, or until some time, in the run's own time."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rxloom import create_step, create_workflow
from rxloom.chunks import StepWaiting
from rxloom.errors import DefinitionError
from tests.play import adding, play, read, told
from tests.virtual import virtual

NOW = datetime.fromtimestamp(1_700_000_000, UTC)  # where virtual time begins
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    "duration",
    [90, 90.0, timedelta(minutes=1.5), lambda _: 90, lambda value, ctx: timedelta(seconds=value + ctx.init_data - 10)],
    ids=["int", "float", "timedelta", "function", "function of the context"],
)
def test_it_sleeps_so_long_and_lets_the_value_pass(duration: Any) -> None:
    played = play(create_workflow("wf").sleep(duration).commit(), 50)

    assert played.output == 50
    assert played.duration == pytest.approx(90, abs=0.002)
    assert played.told == ["start", "sleep_wf_0: waiting", "sleep_wf_0: success", "success"]


def test_an_async_function_may_say_how_long() -> None:
    async def how_long(value: int) -> int:
        await asyncio.sleep(1)
        return value

    assert play(create_workflow("wf").sleep(how_long).commit(), 5).duration == pytest.approx(6, abs=0.002)


@pytest.mark.parametrize(
    "time",
    [LATER, lambda _: LATER, LATER.astimezone().replace(tzinfo=None)],
    ids=["aware", "function", "local"],
)
def test_it_sleeps_until_a_time(time: Any) -> None:
    played = play(create_workflow("wf").sleep_until(time).commit(), 1)

    assert played.output == 1
    assert played.duration == pytest.approx(3600, abs=0.002)
    assert played.told == ["start", "sleep_until_wf_0: waiting", "sleep_until_wf_0: success", "success"]


def test_it_never_ends_early_and_says_until_when() -> None:
    played = play(create_workflow("wf").then(adding("a", seconds=0.1234)).sleep(0.0005).commit(), 1)
    waiting = next(chunk for chunk in played.chunks if isinstance(chunk, StepWaiting))

    assert waiting.payload.until == waiting.payload.started_at + 1
    assert played.duration >= 0.1239


@pytest.mark.parametrize("duration", [0, timedelta(0), lambda _: -5])
def test_no_time_at_all_is_no_sleep(duration: Any) -> None:
    assert play(create_workflow("wf").sleep(duration).commit(), 1).duration == 0


def test_a_time_in_the_past_is_over() -> None:
    assert play(create_workflow("wf").sleep_until(NOW - timedelta(days=1)).commit(), 1).duration == 0


@virtual
async def test_the_run_waits_meanwhile_and_runs_again_after() -> None:
    stream = create_workflow("wf").sleep(10).then(adding("a", seconds=1)).commit().create_run().stream_vnext(1)
    statuses: list[str] = []
    stream.status.subscribe(statuses.append)
    await stream.result

    assert statuses == ["running", "waiting", "running", "success"]


@virtual
async def test_it_ends_at_once_on_cancel() -> None:
    run = create_workflow("wf").sleep(3600).then(adding("a")).commit().create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(5)
    await run.cancel()

    assert asyncio.get_running_loop().time() == 5
    assert told(await read(stream)) == ["start", "sleep_wf_0: waiting", "sleep_wf_0: canceled", "canceled", "canceled"]


@pytest.mark.parametrize("duration", ["5", None, True, float("nan"), float("inf"), -1])
def test_a_fixed_duration_that_is_none_is_refused_where_it_is_built(duration: Any) -> None:
    with pytest.raises(DefinitionError, match="sleep needs"):
        create_workflow("wf").sleep(duration)


def test_a_fixed_time_that_is_none_is_refused_where_it_is_built() -> None:
    with pytest.raises(DefinitionError, match="datetime"):
        create_workflow("wf").sleep_until("tomorrow")  # type: ignore[arg-type] # that is the point


@pytest.mark.parametrize("duration", ["5", None, True, float("nan"), float("inf"), [1]], ids=repr)
def test_a_function_that_gives_no_duration_fails_the_step(duration: Any) -> None:
    played = play(create_workflow("wf").sleep(lambda _: duration).commit(), 1)

    assert isinstance(played.error, DefinitionError)
    assert all(word in str(played.error) for word in ("sleep_wf_0", "'wf'", repr(duration)))
    assert played.told == ["start", "sleep_wf_0: waiting", "sleep_wf_0: failed", "failed"]


def test_a_function_that_gives_no_time_fails_the_step() -> None:
    builder: Any = create_workflow("wf")
    played = play(builder.sleep_until(lambda _: 5).commit(), 1)

    assert isinstance(played.error, DefinitionError)
    assert "sleep_until_wf_0" in str(played.error)


def test_a_function_that_raises_fails_the_step() -> None:
    def broken(_: Any) -> float:
        raise LookupError("no idea")

    played = play(create_workflow("wf").sleep(broken).commit(), 1)

    assert isinstance(played.error, LookupError)
    assert played.told[-2:] == ["sleep_wf_0: failed", "failed"]


def test_a_sleep_is_not_tried_again() -> None:
    def broken(_: Any) -> float:
        raise LookupError("no idea")

    played = play(create_workflow("wf", retries=3).sleep(broken).commit(), 1)

    assert not [line for line in played.told if "retry" in line]


def test_a_step_that_changes_what_passed_through_does_not_change_what_was_recorded() -> None:
    async def spoil(value: Any) -> Any:
        value.append(99)
        return value

    played = play(create_workflow("wf").sleep(1).then(create_step("s", spoil)).commit(), [1])

    assert played.output == [1, 99]
    assert (played.result.steps["sleep_wf_0"].input, played.result.steps["sleep_wf_0"].output) == ([1], [1])
