"""`results`: how the calls of steps ended."""

from __future__ import annotations

from rxloom import create_workflow
from rxloom.operators import results, step_chunks
from rxloom.testing import run_virtual
from tests.operators.marble import Sent, begin, both_ways, ended, finish, heard, marked, opened, suspended, wrote
from tests.play import adding, failing


@both_ways
def test_each_call_is_told_when_it_ends(sent: Sent) -> None:
    chunks = sent({
        "s": begin(), "a": opened("a"), "1": wrote("a", 1), "A": ended("a", output=[2]), "b": opened("b"),
        "B": ended("b", status="failed"), "q": suspended("c"), "f": finish("failed"),
    })  # fmt: skip

    told = heard(results(), "s-a-1-A-b-B-q-f|", chunks)

    assert [(at.dash, at.what.id, at.what.status, at.what.output) for at in told[:-1]] == [
        (6, "a", "success", [2]),
        (10, "b", "failed", None),
    ]
    assert told[1].what.error.message == "boom"
    assert told[-1] == (15, "|")


def test_results_of_some_steps_are_those_behind_step_chunks() -> None:
    inner = create_workflow("inner", input=int, output=int).then(adding("a")).then(adding("b")).commit()
    flow = create_workflow("flow", input=int, output=int).then(inner).then(adding("c")).commit()
    marks = marked(run_virtual(flow, 1).chunks)

    told = heard(lambda source: source.pipe(step_chunks("inner.*"), results()), "".join(marks) + "|", marks)

    assert [(at.what.id, at.what.output) for at in told[:-1]] == [("inner.a", 2), ("inner.b", 3)]


def test_loop_tells_every_round() -> None:
    flow = create_workflow("flow", input=int).do_until(adding("a"), lambda value: value >= 3).commit()
    marks = marked(run_virtual(flow, 0).chunks)

    rounds = [at.what.metadata["iterationCount"] for at in heard(results(), "".join(marks) + "|", marks)[:-1]]

    assert rounds == [1, 2, 3]


def test_failed_run_tells_the_error_of_its_step() -> None:
    flow = create_workflow("flow").then(failing("a")).commit()
    marks = marked(run_virtual(flow).chunks)

    (at, _) = heard(results(), "".join(marks) + "|", marks)

    assert (at.what.status, at.what.error.name) == ("failed", "ValueError")
