"""`progress`: how far a run is."""

from __future__ import annotations

from typing import Any

import pytest

from rxloom import create_workflow
from rxloom.chunks import Chunk
from rxloom.operators import Progress, progress
from rxloom.testing import run_virtual
from tests.operators.marble import (
    At,
    Sent,
    begin,
    both_ways,
    custom,
    ended,
    finish,
    heard,
    marked,
    opened,
    settled,
    suspended,
    waits,
    wrote,
)
from tests.play import adding, asking


def bars(told: list[At]) -> list[str]:
    """Show each value in a line, and the end."""
    return [at.what if isinstance(at.what, str) else bar(at.what) for at in told]


def bar(now: Progress) -> str:
    items = [f"{path}={settled}/{total}" for path, settled, total in now.items]
    return " ".join([f"{now.done}/{now.total}", *now.running, *items, now.status])


def follow(chunks: list[Chunk], total: int | None = None) -> list[str]:
    marks = marked(chunks)
    return bars(heard(progress(total), "".join(marks) + "|", marks))


@both_ways
def test_each_change_is_told_when_it_comes_and_nothing_else(sent: Sent) -> None:
    chunks = sent({
        "s": begin(), "a": opened("a", 1000), "o": wrote("a", 1), "m": custom("data-mood", 1),
        "A": ended("a", 3500), "b": opened("b", 3500), "B": ended("b", 5000), "f": finish(),
    })  # fmt: skip

    told = heard(progress(2), "s-a-o-m-A-b-B-f|", chunks)

    assert [at.dash for at in told] == [0, 2, 8, 10, 12, 14, 15]
    assert bars(told) == [
        "0/2 running", "0/2 a running", "1/2 running", "1/2 b running", "2/2 running", "2/2 success", "|",
    ]  # fmt: skip
    assert [at.what.elapsed for at in told[:-1]] == [0, 0, 2.5, 2.5, 4, 4]
    assert [at.what.fraction for at in told[:-1]] == [0, 0, 0.5, 0.5, 1, 1]


def test_what_changes_nothing_tells_nothing() -> None:
    chunks = {"s": begin(), "a": opened("a"), "1": settled("a", 1, 2)}

    assert [at.dash for at in heard(progress(), "ssaa1-1|", chunks)] == [0, 2, 4, 7]


def test_what_is_open_inside_a_container_stands_for_it() -> None:
    inner = create_workflow("inner", input=int, output=int).then(adding("a")).then(adding("b")).commit()
    flow = create_workflow("flow", input=int).parallel([inner, adding("c", seconds=1)]).commit()

    assert follow(run_virtual(flow, 1).chunks) == [
        "0/None running",
        "0/None inner running",
        "0/None inner.a running",
        "0/None inner.a c running",
        "0/None inner c running",
        "0/None c inner.b running",
        "0/None inner c running",
        "1/None c running",
        "2/None running",
        "2/None success",
        "|",
    ]


@both_ways
def test_items_of_a_for_each_count_for_the_fraction(sent: Sent) -> None:
    chunks = sent({
        "s": begin(), "e": opened("each"), "1": settled("each", 1, 4), "2": settled("each", 2, 4),
        "E": ended("each"), "i": opened("outer"), "j": opened("outer.each"), "3": settled("outer.each", 1, 2),
    })  # fmt: skip
    told = heard(progress(2), "se12Eij3|", chunks)

    assert bars(told)[1:] == [
        "0/2 each running", "0/2 each each=1/4 running", "0/2 each each=2/4 running", "1/2 running",
        "1/2 outer running", "1/2 outer.each running", "1/2 outer.each outer.each=1/2 running", "|",
    ]  # fmt: skip
    assert [at.what.fraction for at in told[1:-1]] == [0, 0.125, 0.25, 0.5, 0.5, 0.5, 0.5]


def test_without_a_total_there_is_no_fraction_before_success() -> None:
    told = heard(progress(), "sef|", {"s": begin(), "e": opened("a"), "f": finish()})

    assert [at.what.fraction for at in told[:-1]] == [None, None, 1.0]


def test_fraction_never_exceeds_one_where_the_total_was_too_low() -> None:
    told = heard(progress(1), "ab|", {"a": ended("a"), "b": ended("b")})

    assert [(at.what.done, at.what.fraction) for at in told[:-1]] == [(1, 1.0), (2, 1.0)]


def test_run_is_waiting_while_all_that_is_open_waits() -> None:
    chunks = {"s": begin(), "w": waits("nap"), "a": opened("a"), "A": ended("a"), "W": ended("nap")}

    assert bars(heard(progress(), "swaAW|", chunks)) == [
        "0/None running", "0/None nap waiting", "0/None nap a running", "1/None nap waiting", "2/None running", "|",
    ]  # fmt: skip


def test_suspended_step_counts_when_it_has_ended() -> None:
    chunks = {
        "s": begin(), "a": opened("a"), "q": suspended("a"), "p": finish("suspended"),
        "r": opened("a", resumed=9000), "A": ended("a", 9500), "f": finish(),
    }  # fmt: skip
    told = heard(progress(1), "saqpsrAf|", chunks)

    assert bars(told) == [
        "0/1 running", "0/1 a running", "0/1 running", "0/1 suspended", "0/1 running", "0/1 a running", "1/1 running",
        "1/1 success", "|",
    ]  # fmt: skip
    assert told[-2].what.elapsed == 8.5


def test_step_that_is_entered_again_counts_once_and_a_cancelled_one_does_not() -> None:
    chunks = {
        "a": opened("a"), "A": ended("a", status="failed"), "b": opened("b"), "c": ended("b", status="canceled"),
        "f": finish("canceled"),
    }  # fmt: skip

    assert bars(heard(progress(3), "aAaAbcf|", chunks)) == [
        "0/3 a running", "1/3 running", "0/3 a running", "1/3 running", "1/3 b running", "1/3 running",
        "1/3 canceled", "|",
    ]  # fmt: skip


def test_merged_runs_are_followed_each_by_itself_and_forgotten_at_their_end() -> None:
    chunks = {
        "1": begin("r1"), "2": begin("r2"), "a": opened("a", run="r1"), "A": ended("a", run="r1"),
        "b": opened("b", run="r2"), "f": finish(run="r1"),
    }  # fmt: skip
    told = heard(progress(), "12aAbf1|", chunks)

    assert [(at.what.run_id, bar(at.what)) for at in told[:-1]] == [
        ("r1", "0/None running"), ("r2", "0/None running"), ("r1", "0/None a running"), ("r1", "1/None running"),
        ("r2", "0/None b running"), ("r1", "1/None success"), ("r1", "0/None running"),
    ]  # fmt: skip


def test_loop_and_resume_of_a_real_run_end_at_the_total() -> None:
    loop = create_workflow("flow", input=int).do_until(adding("a"), lambda value: value >= 3).then(asking("ask"))
    told = follow(run_virtual(loop.sleep(5).commit(), 0, resume=["yes"]).chunks, 3)

    assert told[-2] == "3/3 success"
    assert "1/3 suspended" in told
    assert any(line.endswith("waiting") for line in told)


@pytest.mark.parametrize("wrong", ["3", 2.0, True])
def test_total_that_is_no_whole_number_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="the number of steps"):
        progress(wrong)


def test_total_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        progress(0)
