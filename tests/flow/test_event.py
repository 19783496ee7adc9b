"""Waiting for an event from outside."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from rxloom import InputInvalid, StepTimeout, create_workflow
from rxloom.chunks import EventReceived
from rxloom.errors import DefinitionError, RunNotFound
from tests.ledger import Ledger
from tests.play import adding, asking, play, read, told
from tests.virtual import virtual


def two() -> Any:
    """Build a workflow that waits twice for events of one name."""
    return create_workflow("wf").wait_for_event("go").map(lambda value: [value]).wait_for_event("go").commit()


@virtual
async def test_it_takes_the_event_and_its_data_is_the_output() -> None:
    run = create_workflow("wf").wait_for_event("go").then(adding("a")).commit().create_run()
    stream = run.stream_vnext("input")
    statuses: list[str] = []
    stream.status.subscribe(statuses.append)
    await asyncio.sleep(10)
    await run.send_event("go", 5)

    assert (await stream.result).unwrap() == 6
    assert statuses == ["running", "waiting", "running", "success"]
    assert told(await read(stream)) == [
        "start", "event_wf_0: waiting", "event_wf_0: success", "a: running", "a: success", "success",
    ]  # fmt: skip


@virtual
async def test_an_event_that_comes_early_is_kept() -> None:
    run = create_workflow("wf").then(adding("a", seconds=5)).wait_for_event("go").commit().create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(1)
    await run.send_event("go", "early")

    assert (await stream.result).unwrap() == "early"
    assert asyncio.get_running_loop().time() == 5


@virtual
async def test_an_event_may_come_before_the_run_has_started() -> None:
    run = create_workflow("wf").wait_for_event("go").commit().create_run()
    await run.send_event("go", "very early")

    assert (await run.start()).unwrap() == "very early"


@virtual
async def test_events_of_one_name_are_taken_first_in_first_out_and_each_once() -> None:
    run = two().create_run()
    stream = run.stream_vnext()
    for number in range(3):
        await run.send_event("go", number)
    result = await stream.result

    assert result.unwrap() == 1
    assert [result.steps[f"event_wf_{at}"].output for at in (0, 1)] == [0, 1]
    assert list((await run.snapshot()).events["go"]) == [2]


@virtual
async def test_events_of_other_names_are_not_taken() -> None:
    run = create_workflow("wf").wait_for_event("go").commit().create_run()
    stream = run.stream_vnext()
    await run.send_event("stop", 1)
    await run.send_event("go", 2)

    assert (await stream.result).unwrap() == 2


@virtual
async def test_those_who_wait_side_by_side_are_served_in_order() -> None:
    inner = [create_workflow(name).wait_for_event("go").commit() for name in ("first", "second")]
    run = create_workflow("wf").parallel(inner).commit().create_run()
    stream = run.stream_vnext()
    await asyncio.sleep(1)
    await run.send_event("go", 1)
    await run.send_event("go", 2)

    assert (await stream.result).unwrap() == {"first": 1, "second": 2}


@virtual
async def test_an_event_id_makes_a_repeat_harmless() -> None:
    run = two().create_run()
    stream = run.stream_vnext()
    await run.send_event("go", "first", event_id="e1")
    await run.send_event("go", "again", event_id="e1")
    await asyncio.sleep(1)
    await run.send_event("go", "second", event_id="e2")

    assert (await stream.result).unwrap() == "second"


@virtual
async def test_a_repeat_before_the_start_is_harmless_too() -> None:
    run = two().create_run()
    await run.send_event("go", "first", event_id="e1")
    await run.send_event("go", "again", event_id="e1")
    stream = run.stream_vnext()
    await asyncio.sleep(1)
    await run.send_event("go", "second", event_id="e2")

    assert (await stream.result).unwrap() == "second"


@virtual
async def test_an_event_reaches_a_suspended_run(ledger: Ledger) -> None:
    run = create_workflow("wf").then(asking("ask")).wait_for_event("go").commit().create_run()
    await run.start(1)
    await run.send_event("go", "kept", event_id="e1")
    await run.send_event("go", "kept", event_id="e1")

    assert len(ledger.of(run.run_id, EventReceived)) == 1
    assert (await run.resume("yes")).unwrap() == "kept"


@pytest.mark.parametrize("limit", [5, 5.0, timedelta(seconds=5)], ids=["int", "float", "timedelta"])
def test_after_so_long_the_step_fails(limit: Any) -> None:
    played = play(create_workflow("wf").wait_for_event("go", timeout=limit).commit(), 1)

    assert isinstance(played.error, StepTimeout)
    assert all(word in str(played.error) for word in ("'go'", "5 s", "event_wf_0", "'wf'"))
    assert played.duration == 5
    assert played.told == ["start", "event_wf_0: waiting", "event_wf_0: failed", "failed"]


@virtual
async def test_an_event_in_time_stops_the_clock() -> None:
    run = create_workflow("wf").wait_for_event("go", timeout=5).then(adding("a", seconds=10)).commit().create_run()
    stream = run.stream_vnext()
    await asyncio.sleep(4.9)
    await run.send_event("go", 1)

    assert (await stream.result).unwrap() == 2


@virtual
async def test_data_is_checked_and_a_bad_event_fails_the_step() -> None:
    run = create_workflow("wf").wait_for_event("go", output=int).commit().create_run()
    stream = run.stream_vnext()
    await run.send_event("go", "no number")
    result: Any = await stream.result

    assert isinstance(result.exception, InputInvalid)
    assert all(word in str(result.exception) for word in ("event_wf_0", "'wf'", "no number"))


@virtual
async def test_data_becomes_its_type() -> None:
    run = create_workflow("wf").wait_for_event("go", output=int).commit().create_run()
    stream = run.stream_vnext()
    await run.send_event("go", "5")

    assert (await stream.result).unwrap() == 5


@virtual
async def test_what_the_sender_changes_afterwards_is_not_changed_here() -> None:
    data = {"x": [1]}
    run = create_workflow("wf").wait_for_event("go").commit().create_run()
    await run.send_event("go", data)
    data["x"].append(2)

    assert (await run.start()).unwrap() == {"x": [1]}


@virtual
async def test_it_ends_at_once_on_cancel_and_takes_no_event_any_more() -> None:
    run = create_workflow("wf").wait_for_event("go").commit().create_run()
    stream = run.stream_vnext()
    await asyncio.sleep(1)
    await run.cancel()
    await run.send_event("go", 1)

    assert told(await read(stream))[-3:] == ["event_wf_0: canceled", "canceled", "canceled"]
    assert (await run.snapshot()).events == {}


@virtual
async def test_one_that_gave_up_takes_no_event_from_another_that_waits() -> None:
    hasty = create_workflow("hasty").wait_for_event("go", timeout=1).commit()
    patient = create_workflow("patient").wait_for_event("go").commit()
    run = create_workflow("wf").parallel([hasty, patient], errors="collect").commit().create_run()
    stream = run.stream_vnext()
    await asyncio.sleep(2)
    await run.send_event("go", 5)

    assert (await stream.result).unwrap() == {"hasty": None, "patient": 5}


@virtual
async def test_an_event_for_a_run_that_nobody_knows_is_refused(ledger: Ledger) -> None:
    with pytest.raises(RunNotFound):
        await ledger.runtime.run("nobody").send_event("go")


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_out_of_range_is_refused_where_it_is_built(limit: float) -> None:
    with pytest.raises(DefinitionError, match="timeout"):
        create_workflow("wf").wait_for_event("go", timeout=limit)
