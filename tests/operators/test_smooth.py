"""`smooth`: text at a steady pace, in the virtual time of reactivex."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from itertools import accumulate, pairwise
from typing import Any

import pytest
import reactivex as rx
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Subject
from reactivex import operators as ops
from reactivex.internal.exceptions import WouldBlockException
from reactivex.scheduler import CurrentThreadScheduler, ImmediateScheduler
from reactivex.testing import TestScheduler

from rxloom import NoEventLoop
from rxloom.operators import smooth
from rxloom.operators._smooth import _Pacer
from rxloom.scheduler import LoopScheduler
from tests.hearing import hear
from tests.operators.marble import BOOM, DASH, At, heard, heard_of, meant

LETTERS = {mark: mark for mark in "abcdefgh"}


def paced(marbles: str, meaning: dict[str, Any], **options: Any) -> list[At]:
    return heard(smooth(DASH, **options), marbles, {**LETTERS, **meaning})


def test_burst_is_told_piece_by_piece_the_first_at_once() -> None:
    assert paced("--x--------|", {"x": "abcd"}) == meant("--abcd-----|", LETTERS)


def test_text_that_comes_slowly_passes_as_it_comes() -> None:
    assert paced("-a---b--c|", {}) == meant("-a---b--c|", LETTERS)


def test_bursts_keep_the_pace_between_them() -> None:
    assert paced("x-y-----|", {"x": "ab", "y": "cd"}) == meant("abcd----|", LETTERS)


def test_text_that_comes_in_the_rest_after_a_piece_waits_for_its_turn() -> None:
    told = heard(smooth(2 * DASH), "ab---|", LETTERS)

    assert told == meant("a-b--|", LETTERS)


def test_pieces_grow_with_the_backlog() -> None:
    pieces = {"x": "abcdefgh", "1": "ab", "2": "cd", "3": "ef", "4": "gh"}

    assert paced("-x------|", pieces, max_pieces=4) == meant("-1234---|", pieces)


def test_text_is_out_in_time_however_much_comes_after_it() -> None:
    first, more = "a" * 40, "b" * 400
    told = paced("-x-yyyyyyyyyy--------------|", {"x": first, "y": more}, max_pieces=4)

    assert "".join(at.what for at in told[:-1]) == first + more * 10
    assert next(at.dash for at in told if "b" in at.what) <= 1 + 4
    assert told[-2].dash <= 12 + 4


def test_pieces_are_small_again_after_a_burst() -> None:
    pieces = {"x": "abcd", "y": "ef", "1": "ab", "2": "cd", "e": "e", "f": "f"}

    assert paced("x-----y---|", pieces, max_pieces=2) == meant("12----ef--|", pieces)


def test_rest_of_a_completed_source_is_told_at_the_same_pace() -> None:
    assert paced("-(x|)", {"x": "abc"}) == meant("-ab(c|)", LETTERS)


def test_source_that_completes_in_a_rest_completes_it_at_once() -> None:
    assert heard(smooth(9 * DASH), "-a--|", LETTERS) == meant("-a--|", LETTERS)


def test_rest_of_a_failed_source_is_told_at_once_before_the_error() -> None:
    assert heard(smooth(2 * DASH), "-x--#", {"x": "abcd"}) == meant("-a-b(r#)", {**LETTERS, "r": "cd"})


def test_error_before_the_first_piece_loses_no_text() -> None:
    assert paced("-(x#)", {"x": "abcd"}) == meant("-(x#)", {"x": "abcd"})


def test_error_in_a_rest_comes_at_once() -> None:
    assert heard(smooth(9 * DASH), "-a--#", LETTERS) == meant("-a--#", LETTERS)


@pytest.mark.parametrize("marbles", ["|", "---|", "#", "-----#"])
def test_source_without_text_ends_as_it_does(marbles: str) -> None:
    assert paced(marbles, {}) == meant(marbles, {})


def test_empty_strings_are_nothing() -> None:
    assert paced("-e-a-e|", {"e": ""}) == meant("---a--|", LETTERS)


def test_disposing_in_the_middle_tells_nothing_more() -> None:
    assert heard(smooth(DASH), "-x----|", {"x": "abcdef"}, until=3) == meant("-ab---", LETTERS)[:2]


def test_disposing_inside_a_piece_tells_nothing_more() -> None:
    assert heard(lambda source: source.pipe(smooth(DASH), ops.take(2)), "-x----|", {"x": "abcdef"}) == meant(
        "-a(b|)", LETTERS
    )


def test_what_is_no_text_is_an_error() -> None:
    told = heard(smooth(DASH), "-a-x-|", {"a": "a", "x": 3})

    assert told == [(1, "a"), (3, TypeError)]


def test_every_subscription_has_its_own_pace() -> None:
    def twice(source: rx.Observable[str]) -> rx.Observable[str]:
        return rx.merge(source.pipe(smooth(DASH)), source.pipe(smooth(2 * DASH), ops.map(str.upper)))

    assert heard(twice, "-x---|", {"x": "abc"}) == meant("-(aA)b(Bc)-(C|)", {**LETTERS, "A": "A", "B": "B", "C": "C"})


BURSTS = st.lists(st.tuples(st.integers(0, 5), st.text(max_size=30)), max_size=12)


@given(BURSTS, st.integers(1, 9), st.sampled_from("|#"))
def test_no_text_is_lost_or_late(bursts: list[tuple[int, str]], pieces: int, end: str) -> None:
    times = list(accumulate(wait / 2 for wait, _ in bursts)) or [0]
    came = [At(time, f"{text}.") for time, (_, text) in zip(times, bursts, strict=False)]
    *told, last = heard_of(smooth(DASH, max_pieces=pieces), [*came, At(times[-1], end)])

    assert last.what == end
    assert joined(told) == joined(came)
    rests = [later.dash - before.dash for before, later in pairwise(told)]
    assert all(rest >= 1 for rest in rests[: -1 if end == "#" else None])
    for at in came:
        out = [piece for piece in told if piece.dash <= at.dash + pieces]
        assert joined(out).startswith(joined([one for one in came if one.dash <= at.dash]))


def joined(told: list[At]) -> str:
    return "".join(at.what for at in told)


# -- options -------------------------------------------------------------------------------------------------------


def test_interval_may_be_a_timedelta() -> None:
    assert heard(smooth(timedelta(seconds=DASH)), "x--|", {"x": "abc"}) == meant("abc|", LETTERS)


def test_named_scheduler_keeps_the_time() -> None:
    scheduler = TestScheduler()
    told: list[tuple[float, str]] = []
    rx.of("abc").pipe(smooth(2, scheduler=scheduler)).subscribe(lambda text: told.append((scheduler.clock, text)))
    scheduler.start()

    assert told == [(0, "a"), (2, "b"), (4, "c")]


def test_without_any_clock_there_is_an_error_and_no_thread() -> None:
    errors: list[Exception] = []
    rx.of("abc").pipe(smooth(2)).subscribe(on_error=errors.append)

    assert isinstance(errors.pop(), NoEventLoop)


def test_clock_that_has_stopped_is_an_error_after_all_the_text() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    failed = hear(rx.of("abc").pipe(smooth(2, scheduler=LoopScheduler(loop))))

    assert (failed.items, str(failed.end)) == (["abc"], "Event loop is closed")


def test_clock_that_cannot_wait_is_an_error_after_all_the_text() -> None:
    failed = hear(rx.of("abc").pipe(smooth(2, scheduler=ImmediateScheduler())))

    assert (failed.items, type(failed.end), failed.wrong) == (["a", "bc"], WouldBlockException, [])


def test_clock_that_blocks_its_thread_tells_all() -> None:
    told = hear(rx.of("abc", "d").pipe(smooth(0.001, scheduler=CurrentThreadScheduler())))

    assert ("".join(told.items), told.end, told.wrong) == ("abcd", "completed", [])


def test_subscriber_that_raises_is_let_go() -> None:
    scheduler = TestScheduler()
    source: Subject[str] = Subject()
    hear(source.pipe(smooth(DASH, scheduler=scheduler)), int)
    source.on_next("abc")
    with pytest.raises(ValueError, match="'a'"):
        scheduler.start()

    assert source.observers == []


def test_error_that_another_thread_tells_just_before_the_next_piece_is_set_is_told_at_once() -> None:
    scheduler = TestScheduler()
    source: Subject[str] = Subject()
    arm = _Pacer._arm

    def late(self: _Pacer, turn: int | None, seconds: float = 0.0) -> None:
        if seconds:
            source.on_error(BOOM)
        arm(self, turn, seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Pacer, "_arm", late)
        told = hear(source.pipe(smooth(DASH, scheduler=scheduler)))
        source.on_next("abc")
        scheduler.start()

    assert (told.items, told.end, told.wrong) == (["a", "bc"], BOOM, [])


async def test_text_from_many_threads_is_told_by_one_call_at_a_time() -> None:
    source: Subject[str] = Subject()
    over = asyncio.Event()
    heard = hear(source.pipe(smooth(0.0002), ops.finally_action(over.set)))

    def push() -> None:
        for _ in range(500):
            source.on_next("ab")

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.to_thread(lambda: [thread.join() for thread in threads])
    source.on_completed()
    await over.wait()

    assert (heard.wrong, heard.end, heard.threads) == ([], "completed", {threading.get_ident()})
    assert sorted("".join(heard.items)) == sorted("ab" * 2000)


async def test_end_that_comes_from_another_thread_in_the_middle_is_not_lost() -> None:
    for number in range(60):
        source: Subject[str] = Subject()
        over = asyncio.Event()
        told = hear(source.pipe(smooth(0.00001), ops.finally_action(over.set)))

        def push(source: Subject[str] = source, *, fails: bool = number % 2 == 0) -> None:
            for _ in range(20):
                source.on_next("ab")
            source.on_error(ValueError()) if fails else source.on_completed()

        thread = threading.Thread(target=push)
        thread.start()
        await asyncio.wait_for(over.wait(), 5)
        thread.join()
        assert ("".join(told.items), told.wrong) == ("ab" * 20, [])


async def test_none_is_told_once_another_thread_has_disposed() -> None:
    for _ in range(50):
        source: Subject[str] = Subject()
        told: list[str] = []
        subscription = source.pipe(smooth(0.0001)).subscribe(told.append)
        source.on_next("a" * 1000)
        await asyncio.sleep(0.0002)
        await asyncio.to_thread(subscription.dispose)
        seen = len(told)
        source.on_next("b")
        await asyncio.sleep(0.0005)
        assert len(told) == seen


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), timedelta(0)])
def test_interval_that_is_no_time_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="more than 0 seconds"):
        smooth(wrong)


@pytest.mark.parametrize("wrong", ["1", None, True])
def test_interval_that_is_no_number_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="seconds or a timedelta"):
        smooth(wrong)


@pytest.mark.parametrize(("wrong", "error"), [(0, ValueError), (-3, ValueError), (1.5, TypeError), (True, TypeError)])
def test_number_of_pieces_that_is_none_is_refused(wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="max_pieces"):
        smooth(1, max_pieces=wrong)
