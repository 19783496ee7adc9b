"""Strategies: random workflows of at most 40 nodes, nested at most 6 deep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from hypothesis import assume
from hypothesis import strategies as st

from tests.properties.graphs import (
    ALWAYS,
    Arm,
    Branch,
    Each,
    Fault,
    Flow,
    If,
    Loop,
    Map,
    Node,
    Parallel,
    Pipe,
    Sleep,
    Step,
    numbered,
    walk,
)  # fmt: skip

T = TypeVar("T")
Draw: TypeAlias = Callable[["st.SearchStrategy[T]"], T]

MAX_NODES = 40
MAX_DEPTH = 6
MAX_REPEATS = 16
WAITING_KINDS = ("async", "async_generator", "observable")
STREAM_KINDS = ("async_generator", "generator", "observable")

KINDS = st.sampled_from(
    ["async"] * 12 + ["inline"] * 3 + ["async_generator"] * 2 + ["observable"] * 2 + ["piped"] * 2
    + ["generator", "thread"]
)  # fmt: skip
DELAYS = st.sampled_from([0, 0, 0, 0, 1, 2, 5, 20])
LONGER = st.sampled_from([0, 0, 2, 5, 20])
RECOVERED: list[tuple[Fault | None, int | None]] = [
    *[(None, None)] * 30, (None, 0), (None, 2), (Fault(1), 1), (Fault(1), 2), (Fault(2), 2), (Fault(1, "hang"), 1),
]  # fmt: skip
LOST: list[tuple[Fault | None, int | None]] = [
    (Fault(1), None), (Fault(1), None), (Fault(2), 1), (Fault(), None), (Fault(), 1), (Fault(ALWAYS, "fatal"), 2),
    (Fault(ALWAYS, "hang"), None),
]  # fmt: skip
WELL = st.sampled_from(RECOVERED)
BADLY = st.sampled_from(RECOVERED * 2 + LOST)
FUEL = st.sampled_from([4, 8, 12, 16, 20, 25, 30, 35, MAX_NODES, MAX_NODES])
EFFECTS = st.sampled_from([(0, 0, 0), (0, 0, 0), (0, 0, 0), (1, 0, 0), (0, 3, 0), (0, 0, 1), (2, 5, 4), (3, 0, 2)])
ASKS = st.sampled_from(["", "", "p", "l", "r", "pp", "lp", "pl"])
ENDS = st.sampled_from([""] * 39 + ["bail"])
ANY_END = st.sampled_from([""] * 37 + ["bail", "bail", "abort"])
CONDITIONS = st.builds(
    If, st.sampled_from([1, 2, 3]), st.sampled_from([0, 0, 1]), st.sampled_from([False, False, False, True])
)  # fmt: skip
RAISING = st.sampled_from([False] * 29 + [True])
SHAPES = st.sampled_from(
    ["step"] * 5 + ["each"] * 3 + ["parallel", "branch", "loop", "flow"] * 2 + ["map", "sleep", "pipe"]
)


@dataclass(frozen=True)
class Rules:
    """What may stand at a place, so that what becomes of the whole is determined.

    Attributes:
        fails: whether a step may fail for good.
        bails: whether a step may bail: nothing else of its workflow runs at the same time.
        asks: whether steps suspend.
        anything: whether steps may abort, ignore cancellation, and bail wherever they are.
    """

    fails: bool = True
    bails: bool = True
    asks: bool = False
    anything: bool = False


def flows(rules: Rules | None = None) -> st.SearchStrategy[Flow]:
    """Make random workflows."""
    return _flows(rules or Rules())


def asking_flows() -> st.SearchStrategy[Flow]:
    """Make workflows whose steps suspend, and in which no failure keeps a step from going on after its answer."""
    return _flows(Rules(fails=False, asks=True))


def wild_flows() -> st.SearchStrategy[Flow]:
    """Make workflows in which steps also bail in the middle of others, abort, and ignore cancellation."""
    return _flows(Rules(asks=True, anything=True))


@st.composite
def _flows(draw: Draw[Any], rules: Rules) -> Flow:
    flow = numbered(_Drawing(draw, draw(FUEL)).root(rules))
    assume(sum(1 for _ in walk(flow)) <= MAX_NODES)
    return flow


class _Drawing:
    """One workflow being drawn: how many nodes may still come."""

    def __init__(self, draw: Draw[Any], fuel: int) -> None:
        self._draw = draw
        self._fuel = fuel

    def root(self, rules: Rules) -> Flow:
        """Draw the whole."""
        return self._flow(rules, 0, MAX_REPEATS)

    def _flow(self, rules: Rules, depth: int, room: int) -> Flow:
        self._fuel -= 1
        draw = self._draw
        retries = draw(st.sampled_from([0, 0, 0, 1, 2]))
        pause = draw(st.sampled_from([0, 0, 3])) if retries else 0
        limit = draw(st.sampled_from([None, None, None, None, 1, 2]))
        wanted = draw(st.sampled_from([1, 2, 2, 3, 3, 4] if depth else [1, 2, 3, 4, 5, 6, 7, 8, 8]))
        nodes: list[Node] = []
        while len(nodes) < wanted and (not nodes or self._fuel > 0):
            nodes.append(self._node(rules, depth + 1, room // (retries + 1)))
        return Flow(nodes=tuple(nodes), retries=retries, pause=pause, limit=limit)

    def _node(self, rules: Rules, depth: int, room: int) -> Node:
        shape = self._draw(SHAPES)
        if shape in {"map", "sleep", "pipe"}:
            return self._small(shape)
        repeats = shape in {"loop", "each"}
        if shape == "step" or depth == MAX_DEPTH or self._fuel < 2 or (repeats and room < 2):
            return self._step(rules)
        nests: dict[str, Callable[[Rules, int, int], Node]] = {
            "parallel": self._parallel, "branch": self._branch, "loop": self._loop, "each": self._each,
            "flow": self._nested,
        }  # fmt: skip
        return nests[shape](rules, depth, room)

    def _nested(self, rules: Rules, depth: int, room: int) -> Flow:
        """Draw a nested workflow, which a step in it may bail out of."""
        return self._flow(replace(rules, bails=True), depth, room)

    def _small(self, shape: str) -> Node:
        self._fuel -= 1
        match shape:
            case "map":
                return Map(back=self._draw(st.integers(0, 3)))
            case "sleep":
                return Sleep(self._draw(st.sampled_from([1, 4, 30])), self._draw(st.booleans()))
            case _:
                return Pipe()

    def _step(self, rules: Rules) -> Step:
        self._fuel -= 1
        draw = self._draw
        kind = draw(KINDS)
        waits = kind in WAITING_KINDS or kind == "piped"
        delay = draw(LONGER if rules.asks else DELAYS) if waits else 0
        fault, retries = draw(BADLY if rules.fails else WELL)
        if fault is not None and fault.how == "hang" and kind != "async":
            fault = replace(fault, how="raise")
        if kind == "piped":
            retries = None
        writes, usage, adds = draw(EFFECTS)
        may_end = kind not in STREAM_KINDS and kind != "piped"
        ends = draw(ANY_END) if rules.anything and may_end else draw(ENDS) if rules.bails and may_end else ""
        asks = draw(ASKS) if rules.asks else ""
        stubborn = kind == "async" and delay > 0 and rules.anything and draw(st.booleans())
        return Step("", kind, delay, fault, retries, writes, usage, adds, ends, asks, stubborn)

    def _steps(self, rules: Rules, depth: int, room: int, least: int = 1, most: int = 3) -> tuple[Step | Flow, ...]:
        wanted = self._draw(st.integers(least, most))
        steps: list[Step | Flow] = []
        while len(steps) < wanted and (len(steps) < least or self._fuel > 0):
            steps.append(self._called(rules, depth, room))
        return tuple(steps)

    def _called(self, rules: Rules, depth: int, room: int) -> Step | Flow:
        """Draw a step or a nested workflow, where only these may stand."""
        if depth < MAX_DEPTH and self._fuel > 2 and self._draw(st.sampled_from([False, False, True])):
            return self._nested(rules, depth, room)
        return self._step(rules)

    def _parallel(self, rules: Rules, depth: int, room: int) -> Parallel:
        self._fuel -= 1
        collect = self._draw(st.booleans())
        arms = self._steps(self._inside(rules, collect=collect), depth + 1, room, 1, 4)
        return Parallel(arms, self._draw(st.sampled_from([None, None, 1, 2])), collect)

    def _branch(self, rules: Rules, depth: int, room: int) -> Branch:
        self._fuel -= 1
        draw = self._draw
        first = draw(st.booleans())
        count = draw(st.integers(1, 3))
        merge = draw(st.booleans()) and (first or count == 1)
        inside = rules if first or count == 1 else self._inside(rules, collect=False)
        arms = tuple(Arm(self._condition(rules), self._steps(inside, depth + 1, room, 1, 2)) for _ in range(count))
        default = self._steps(inside, depth + 1, room, 1, 2) if draw(st.booleans()) else ()
        return Branch(arms, default, first, merge)

    def _loop(self, rules: Rules, depth: int, room: int) -> Loop:
        self._fuel -= 1
        cap = self._draw(st.integers(1, 3))
        kind = self._draw(st.sampled_from(["while", "until"]))
        return Loop(self._steps(rules, depth + 1, room // cap, 1, 2), self._condition(rules), kind, cap)

    def _each(self, rules: Rules, depth: int, room: int) -> Each:
        self._fuel -= 1
        draw = self._draw
        items = draw(st.sampled_from([1, 2, 2, 3, 3, 3, 5, 5, 0] + [None] * (2 * rules.fails)))
        concurrency = draw(st.integers(1, 4))
        collect = draw(st.booleans())
        inside = self._inside(rules, collect=collect)
        if concurrency == 1:
            inside = replace(rules, fails=rules.fails or collect)
        return Each(self._called(inside, depth + 1, room // (items or 3)), items, concurrency, collect)

    def _inside(self, rules: Rules, *, collect: bool) -> Rules:
        """Return the rules where siblings run at the same time."""
        return replace(rules, bails=False, fails=rules.fails if not rules.asks or rules.anything else collect)

    def _condition(self, rules: Rules) -> If:
        condition: If = self._draw(CONDITIONS)
        return replace(condition, raises=True) if rules.fails and self._draw(RAISING) else condition
