"""Every recorded scenario is played, and told as its entry demands."""

from __future__ import annotations

import pytest

from tests.conformance.running import plays, verdict
from tests.conformance.table import VERDICTS, table
from tests.conformance.telling import TRACES

ENTRIES, DEFAULTS = table()
COMPARED = [entry for entry in ENTRIES.values() if entry.verdict != "not-applicable"]
LEFT_OUT = [entry for entry in ENTRIES.values() if entry.verdict == "not-applicable"]
REASONS = {
    "HTTP", "evented engine", "legacy stream", "scorers", "emit-events switch",  # never
    "tracing", "agents", "tools", "restart", "time travel", "storage",           # not yet
}  # fmt: skip


@pytest.mark.parametrize("name", [entry.name for entry in COMPARED])
def test_a_scenario_is_told_as_recorded_but_for_the_differences_it_names(name: str) -> None:
    assert verdict(ENTRIES[name], DEFAULTS) == []


def test_all_recordings_are_listed() -> None:
    assert len(ENTRIES) == 104
    assert {path.stem for path in TRACES.glob("*.json")} == {entry.name for entry in COMPARED}
    assert set(plays()) == {entry.name for entry in COMPARED}


def test_every_verdict_says_what_it_must() -> None:
    assert {entry.verdict for entry in ENTRIES.values()} == set(VERDICTS)
    assert [entry.name for entry in COMPARED if bool(entry.differs) != (entry.verdict == "differs")] == []
    assert [entry.name for entry in LEFT_OUT if entry.why.partition(":")[0] not in REASONS] == []
