"""The workflows that are raced: small ones, in which much can happen at the same moment."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel
from reactivex import operators as ops

from rxloom import Retry, create_workflow
from tests.races.overlaps import overlapping, overlapping_failure, overlapping_limits, overlapping_retries
from tests.races.steps import (
    aborting,
    ask,
    calling,
    counting,
    failing,
    flaky,
    inline,
    items,
    leaving,
    napping,
    patient,
    quick,
    settling,
    talk,
    ticking,
    tidy,
    work,
)  # fmt: skip


class State(BaseModel):
    """What the steps count in."""

    count: int = 0


@dataclass(frozen=True, eq=False)
class Scenario:
    """A workflow, and what those outside may do to its run.

    Attributes:
        name: what it is called on the command line.
        build: makes the workflow.
        given: its input.
        events: what it waits for.
        steady: whether its outcome does not depend on chance, as long as nobody cancels it.
        status: how it ends where nobody interferes.
        most: how many bodies may be open at once.
        longest: how many milliseconds a step may be open, by path.
        options: of `stream_vnext`.
    """

    name: str
    build: Callable[[], Any]
    given: Any = 1
    events: tuple[str, ...] = ()
    steady: bool = True
    status: str = "success"
    most: int = 100
    longest: Mapping[str, int] = field(default_factory=dict[str, int])
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def workflow(self) -> Any:
        """The workflow; it is built once."""
        return _built(self.build)


@cache
def _built(build: Callable[[], Any]) -> Any:
    return build().commit()


def counted(value: Any) -> int:
    """Count the outputs of a fan-out."""
    return len(value)


def _parallel() -> Any:
    calls: Any = {"on_start": calling, "on_finish": calling, "on_error": calling}
    return (
        create_workflow("parallel", **calls)
        .parallel([work("a"), tidy("b"), flaky("c"), inline("d")])
        .map(counted)
        .then(quick("e"))
    )


def _joining() -> Any:
    arm = create_workflow("arm", output=int).then(ask("y")).then(work("z")).commit()
    return create_workflow("joining").parallel([ask("x"), arm, tidy("slow"), ask("w")]).map(counted)


def _asking() -> Any:
    return create_workflow("asking").then(ask("first")).then(work("middle")).then(ask("second"))


def _retrying() -> Any:
    inner = create_workflow("inner", output=int, retries=1).then(flaky("a")).then(flaky("b", 1)).commit()
    late = flaky("late", 1, retries=Retry(2, delay=1), timeout=2.0)
    return create_workflow("retrying", retries=2).parallel([inner, late, flaky("now", 1)], errors="collect")


def _limits() -> Any:
    return create_workflow("limits", timeout=5.0).parallel(
        [
            work("one", timeout=2.0, retries=1),
            patient("two", timeout=4.0, total_timeout=3.0, retries=2),
            patient("three", timeout=2.0, retries=1),
            failing("four", total_timeout=2.0, retries=Retry(9, delay=1)),
        ],
        errors="collect",
    )


def _deep() -> Any:
    deep: Any = create_workflow("d16", output=int).parallel([ask("x"), work("y")]).map(counted).commit()
    for level in range(15, 0, -1):
        deep = create_workflow(f"d{level}", output=int).then(deep).commit()
    return create_workflow("deep").parallel([deep, work("z")]).map(counted)


def _leaving() -> Any:
    arm = create_workflow("arm").parallel([leaving("now"), tidy("a"), quick("b"), ask("c")]).then(work("not")).commit()
    return create_workflow("leaving").parallel([arm, inline("d")]).map(counted).then(leaving("end"))


def _aborting() -> Any:
    calls: Any = {"on_finish": calling}
    return create_workflow("aborting", **calls).parallel([aborting("x"), patient("y"), aborting("z"), ask("w")])


def _budget() -> Any:
    inner = create_workflow("inner", output=int, max_concurrency=2).parallel([work("p"), quick("q"), work("r")])
    each = inner.map(counted).commit()
    return create_workflow("budget", max_concurrency=3).map(lambda _: [1, 2, 3]).for_each(each, concurrency=3)


def _for_each() -> Any:
    return create_workflow("for_each").map(lambda _: [1, 2, 3, 4]).for_each(ask("item"), concurrency=2)


def _loop() -> Any:
    body = create_workflow("round", output=int).parallel([work("a"), quick("b")]).map(lambda v: v["a"]).commit()
    loop: Any = create_workflow("loop").do_until(body, lambda value: value > 3, max_iterations=5)
    return loop.do_while([quick("c"), work("d")], lambda value: value < 7)


def _events() -> Any:
    waits = [create_workflow(name).wait_for_event("go").commit() for name in ("one", "two")]
    flow = create_workflow("events").parallel([*waits, work("a")]).wait_for_event("go")
    return flow.wait_for_event("late", timeout=9)


def _nested() -> Any:
    deep: Any = create_workflow("w3").then(work("s")).sleep(1).then(tidy("t")).commit()
    for level in (2, 1):
        deep = create_workflow(f"w{level}").then(deep).then(quick(f"q{level}")).commit()
    return create_workflow("nested").parallel([deep, failing("no")], errors="collect").map(lambda v: v["no"])


def _piped() -> Any:
    tried = flaky("tried", 2, retries=0).pipe(ops.retry(3))
    timed = tidy("timed").pipe(ops.timeout(2.0), ops.retry(2))
    return create_workflow("piped").parallel([tried, timed, ticking("ticks"), items("yields")], errors="collect")


def _state() -> Any:
    nested = create_workflow("nested", state=State).then(counting("deep")).commit()
    flow = create_workflow("state", state=State).parallel([counting("a"), counting("b"), nested])
    return flow.map(lambda _, ctx: ctx.state.count)


def _failing() -> Any:
    return create_workflow("failing").parallel([failing("one"), failing("two"), work("three"), ask("four")])


def _talking() -> Any:
    return create_workflow("talking").parallel([talk("a", timeout=2.0), talk("b")]).map(counted)


def _paused() -> Any:
    return create_workflow("paused").then(work("a")).then(ask("b")).parallel([work("c"), quick("d")])


def _branching() -> Any:
    arms = [(lambda value: value > 0, [work("a"), ask("b")]), (settling, tidy("c"))]
    return create_workflow("branching").branch(arms).map(counted)


SCENARIOS = [
    Scenario("parallel", _parallel),
    Scenario("joining", _joining),
    Scenario("asking", _asking),
    Scenario("open", _asking, options={"close_on_suspend": False}),
    Scenario("retrying", _retrying, steady=False),
    Scenario("limits", _limits, steady=False, longest={"two": 4000, "four": 2000}),
    Scenario("deep", _deep),
    Scenario("leaving", _leaving),
    Scenario("aborting", _aborting, steady=False),
    Scenario("budget", _budget, most=3),
    Scenario("for_each", _for_each),
    Scenario("loop", _loop),
    Scenario("events", _events, events=("go", "go", "go", "late"), steady=False),
    Scenario("nested", _nested),
    Scenario("piped", _piped, steady=False),
    Scenario("state", _state),
    Scenario("failing", _failing, status="failed"),
    Scenario("talking", _talking),
    Scenario("paused", _paused, options={"per_step": True}),
    Scenario("branching", _branching),
    Scenario("overlapping", overlapping),
    Scenario("overlapping_retries", overlapping_retries, most=1),
    Scenario("overlapping_failure", overlapping_failure, status="failed"),
    Scenario("overlapping_limits", overlapping_limits, steady=False),
]

OTHER = create_workflow("other").then(napping("nap")).commit()
"""The workflow of a run that is in the way."""
