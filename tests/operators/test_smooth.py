"""`smooth`: text at a steady pace, in the virtual time of reactivex."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate, pairwise
from typing import Any

import pytest
import reactivex as rx
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops
from reactivex.testing import TestScheduler

from rxloom import NoEventLoop
from rxloom.operators import smooth
from tests.operators.marble import DASH, At, heard, heard_of, meant

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
