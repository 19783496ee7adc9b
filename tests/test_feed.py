"""Feeds and cursors: what a stream reads from before its leg is there, and how a subscriber joins in."""

from __future__ import annotations

import asyncio

import pytest
from typing_extensions import override

from rxloom.chunks import Chunk
from rxloom.errors import AmbiguousResume, NotSuspended, RunInterrupted
from rxloom.feed import Cursor, Feed, View, fresh
from rxloom.log import ChunkLog, Listener
from rxloom.scheduler import LoopScheduler
from tests.logs import filled, finish, opened, output, shown, start

pytestmark = pytest.mark.unwatched  # logs made by hand tell no workflow


class Noting(Cursor):
    """A cursor that notes what it is told."""

    __slots__ = ("heard",)

    def __init__(self, feed: Feed) -> None:
        super().__init__(feed)
        self.heard: list[object] = []

    @override
    def held(self) -> None:
        self.heard.append("held")

    @override
    def deliver(self, chunk: Chunk) -> None:
        self.heard += shown([chunk])

    @override
    def finished(self, error: Exception | None) -> None:
        self.heard.append("completed" if error is None else error)


class Strict:
    """A run whose subscribers never raise."""

    def report(self, error: BaseException) -> None:
        """Fail."""
        raise AssertionError from error

    def cancel_soon(self, port: object) -> None:
        """Fail."""
        raise AssertionError(port)


def fed(log: ChunkLog | None = None, view: View | None = None) -> Feed:
    feed = Feed("run", "flow", LoopScheduler(asyncio.get_running_loop()), Strict(), view or View())
    if log is not None:
        feed.bind(log, view or View())
    return feed


def attached(feed: Feed) -> Noting:
    cursor = Noting(feed)
    cursor.attach()
    return cursor


async def test_who_comes_before_the_leg_is_told_all_of_it() -> None:
    feed = fed()
    cursor = attached(feed)
    log = filled("a")
    feed.bind(log, View())
    log.append(finish())

    assert cursor.heard == ["start", "a", "finish", "completed"]


async def test_who_waits_for_a_run_that_waits_is_told_so_before_and_after() -> None:
    feed = fed()
    before = attached(feed)
    feed.hold()
    after = attached(feed)

    assert before.heard == after.heard == ["held"]


async def test_refused_feed_ends_everybody_and_stays_refused() -> None:
    feed = fed()
    early = attached(feed)
    feed.refuse(NotSuspended("no"))
    feed.bind(opened(), View())
    feed.refuse(RunInterrupted("later"))
    late = attached(feed)

    assert [type(end) for end in early.heard + late.heard] == [NotSuspended, NotSuspended]


async def test_bound_feed_cannot_be_refused() -> None:
    feed = fed(filled("a"))
    feed.refuse(NotSuspended("no"))

    assert attached(feed).heard == ["start", "a"]


async def test_what_is_told_while_it_joins_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    listen = ChunkLog.listen

    def telling(log: ChunkLog, listener: Listener) -> None:
        log.append(output("before it listens"))
        listen(log, listener)
        log.append(output("before it looks again"))

    monkeypatch.setattr(ChunkLog, "listen", telling)
    log = filled("a")
    cursor = attached(fed(log))
    log.append(output("b"))

    assert cursor.heard == ["start", "a", "before it listens", "before it looks again", "b"]


async def test_an_interruption_while_it_joins_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    listen = ChunkLog.listen

    def interrupting(log: ChunkLog, listener: Listener) -> None:
        log.interrupt(RunInterrupted("taken"))
        listen(log, listener)

    monkeypatch.setattr(ChunkLog, "listen", interrupting)
    cursor = attached(fed(filled("a")))

    assert [str(one) for one in cursor.heard] == ["start", "a", "taken"]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(), ["start", "a", "finish", "completed"]),
        (View(terminal=True), ["start", "a", "finish", "start", "b", "finish", "completed"]),
        (View(terminal=True, seamless=True), ["start", "a", "b", "finish", "completed"]),
        (View(first=3, end_after=3), ["start", "b", "finish", "completed"]),
        (View(first=1, end_after=3), ["a", "finish", "start", "b", "finish", "completed"]),
        (View(first=4, end_after=3), ["b", "finish", "completed"]),
        (View(first=99, end_after=3), ["completed"]),
    ],
    ids=["one leg", "all legs", "without seams", "the second leg", "across legs", "from the middle", "from behind"],
)
@pytest.mark.parametrize("late", [False, True])
async def test_view_shows_its_part_of_the_run(view: View, expected: list[str], *, late: bool) -> None:
    log = opened()
    cursor = None if late else attached(fed(log, view))
    log.append(output("a"))
    log.append(finish("suspended"))
    log.reopen(0)
    log.append(start())
    log.append(output("b"))
    log.append(finish())
    log.reopen(0)
    log.append(start())  # time travel, say: no part of any of these streams
    cursor = cursor or attached(fed(log, view))

    assert cursor.heard == expected


async def test_later_interruption_does_not_touch_a_stream_that_has_ended() -> None:
    log = filled("a")
    log.append(finish("suspended"))
    log.reopen(0)
    log.append(start())
    log.interrupt(RunInterrupted("taken"))

    assert attached(fed(log)).heard == ["start", "a", "finish", "completed"]


async def test_each_subscriber_gets_an_error_of_its_own() -> None:
    feed = fed()
    feed.refuse(AmbiguousResume(["a", "b"], run_id="run"))
    errors = [attached(feed).heard[0] for _ in range(2)]

    assert errors[0] is not errors[1]
    assert [vars(error) for error in errors] == [vars(feed.refused)] * 2
    assert {str(error) for error in errors} == {str(feed.refused)}


def test_fresh_error_keeps_its_cause_and_loses_its_traceback() -> None:
    with pytest.raises(RunInterrupted) as raised:
        raise RunInterrupted("taken", run_id="run") from KeyError("why")
    again = fresh(raised.value)

    assert (str(again), again.__traceback__) == (str(raised.value), None)
    assert again.__cause__ is raised.value.__cause__


def test_foreign_error_is_handed_on_as_it_is() -> None:
    error = KeyError("why")

    assert fresh(error) is error
