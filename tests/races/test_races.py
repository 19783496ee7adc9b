"""The races: a few seeds of them all, and that a race is found, told and repeated."""

from __future__ import annotations

import asyncio

import pytest

from rxloom import MemoryStore
from rxloom.control import Control
from tests.ledger import at_once
from tests.play import turns
from tests.races import racing
from tests.races.__main__ import main
from tests.races.playing import Play
from tests.races.racing import race
from tests.races.scenarios import SCENARIOS, Scenario


def test_a_few_seeds_find_nothing_wrong() -> None:
    assert race(range(20)).failures == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_seed_plays_the_same_thing_again(scenario: Scenario) -> None:
    first, again = (racing.played(scenario, 7)[0] for _ in range(2))

    assert records(first) == records(again)


def records(play: Play) -> list[str]:
    """Return all that the store has of the run of a play."""
    return [repr(record) for record in at_once(MemoryStore.read(play.store, "run"))]


def test_all_scenarios_take_turns() -> None:
    played = {scenario.name for seed in range(len(SCENARIOS)) for scenario in racing.turn(seed)}

    assert played == {scenario.name for scenario in SCENARIOS}


def broken_cancel(control: Control, reason: str | None, grace: float) -> object:
    """Cancel without waiting."""
    leg = control.registry.live.get(control.run_id)
    if leg is not None:
        leg.cancel(reason, grace)
    return asyncio.sleep(0)


def test_what_is_wrong_is_told_with_the_command_that_plays_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Control, "cancel", broken_cancel)
    code = main(["--seeds", "30", "--jobs", "1", "--only", "nested"])
    told = capsys.readouterr().out

    assert code == 1
    command = told.splitlines()[0]
    assert command.startswith("python -m tests.races --seeds 1 --first ")
    assert main(command.split()[3:]) == 1
    assert "though the run is settled" in told


async def without_end(_: Play) -> None:
    """Be a play that goes round and round at one moment."""
    while True:
        await turns(1)


def test_a_play_that_goes_round_for_ever_is_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing, "TURNS", 500)
    monkeypatch.setattr(racing.Counted, "left", 500)
    monkeypatch.setattr(Play, "main", without_end)
    monkeypatch.setattr(racing, "undisturbed", repr)  # it would play, too

    assert "no end after 500 turns" in race([1], "loop").failures[0].problems[0]
