"""The snapshot is a fold of the records: rebuilt from what is stored, it equals the live one after each of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rxloom.log
from rxloom.chunks import Record
from rxloom.reducer import apply, reduce
from rxloom.snapshot import Entry, Snapshot
from tests.properties.drawing import wild_flows
from tests.properties.graphs import Flow
from tests.properties.playing import check_ending, tokens
from tests.properties.resuming import check_legs, resumed

SCRIPTS = st.lists(st.integers(0, 59), max_size=20)
COPIED = 3
"""A copy is made after every so many records; between them the live snapshot changes its entries in place."""

PARTS = [name for name in Snapshot.__slots__ if name not in {"_owner", "entries", "leaves", "waiting", "event_ids"}]
ENTRY_PARTS = [name for name in Entry.__slots__ if name != "owner"]


def text(snapshot: Snapshot) -> list[str]:
    """Return everything that a snapshot holds, as it is now."""
    shown = [f"{name}={getattr(snapshot, name)!r}" for name in PARTS]
    shown += [repr([getattr(entry, name) for name in ENTRY_PARTS]) for entry in snapshot.entries.values()]
    return [*shown, *(repr(sorted(some)) for some in (snapshot.leaves, snapshot.waiting, snapshot.event_ids))]


class Cuts:
    """What the live snapshots of one run were after each record."""

    def __init__(self) -> None:
        """Begin before the first record."""
        self.texts: dict[int, list[str]] = {}
        self.copies: list[tuple[Snapshot, list[str]]] = []

    def apply(self, snapshot: Snapshot, record: Record) -> None:
        """Fold as the log does, and keep what came out."""
        apply(snapshot, record)
        shown = text(snapshot)
        known = self.texts.setdefault(snapshot.next_pos, shown)
        assert known == shown, "another process folds to something else"
        if not snapshot.next_pos % COPIED:
            self.copies.append((snapshot.copy(), shown))


@contextmanager
def cuts() -> Generator[Cuts]:
    """See what every log folds meanwhile."""
    found = Cuts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rxloom.log, "apply", found.apply)
        yield found


@given(wild_flows(), SCRIPTS)
def test_snapshot_rebuilt_from_the_records_equals_the_live_one_at_every_cut(flow: Flow, script: list[int]) -> None:
    with cuts() as live:
        played = resumed(flow, 1, script, certain=False)

    check_ending(played)
    check_legs(played)
    assert len(live.texts) == len(played.records)
    check_rebuilt(played.snapshot.run_id, played.records, live)


def check_rebuilt(run_id: str, records: Sequence[Record], live: Cuts) -> None:
    """Check each fold against the live one, and that what was folded, or copied, stays as it is."""
    snapshot = Snapshot(run_id)
    shown = text(snapshot)
    counted = 0
    for record in records:
        after = reduce(snapshot, record)
        assert text(snapshot) == shown
        snapshot, shown = after, text(after)
        counted += reported(record)
        assert shown == live.texts[after.next_pos]
        assert after.usage == tokens(counted)
    for copy, before in live.copies:
        assert text(copy) == before


def reported(record: Record) -> int:
    """Return the tokens that a record reports, in the form in which the bodies count them."""
    match getattr(record, "output", None):
        case {"type": "finish", "payload": {"usage": {"inputTokens": int(count)}}}:
            return count
        case _:
            return 0
