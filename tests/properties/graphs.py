"""Workflows as plain data: what the strategies draw, the model interprets, and the engine is given.

Nothing here knows the library. A description prints as the expression that makes it, without what is default, so
that a shrunk example can be read, and pasted into a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

from typing_extensions import override

ALWAYS = 99
"""How often a step fails that never recovers."""


class Plain:
    """A dataclass that shows only what is not default."""

    def _shown(self) -> list[tuple[str, Any]]:
        all_fields = fields(self)  # type: ignore[arg-type]
        values = [(field.name, getattr(self, field.name), field.default) for field in all_fields]
        return [(name, value) for name, value, default in values if value != default]

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._shown())})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001 # called by Hypothesis
        with printer.group(4, f"{type(self).__name__}(", ")"):
            for at, (name, value) in enumerate(self._shown()):
                if at:
                    printer.text(",")
                    printer.breakable()
                printer.text(f"{name}=")
                printer.pretty(value)


@dataclass(frozen=True, repr=False)
class Fault(Plain):
    """How the body of a step goes wrong.

    Attributes:
        times: how many of its attempts do, over the whole run.
        how: `raise` an exception, a `fatal` one that is never retried, or `hang` until the timeout.
    """

    times: int = ALWAYS
    how: str = "raise"


@dataclass(frozen=True, repr=False)
class Step(Plain):
    """A step with a body.

    Attributes:
        id: unique in the whole graph.
        kind: `async`, `inline`, `thread`, `async_generator`, `generator`, `observable`; `piped` is an `async` one
            under `ops.retry(3)` and `ops.map`.
        delay: milliseconds that it takes, where its kind can wait.
        fault: how it goes wrong.
        retries: its own policy, or `None` for the workflow's.
        writes: how many outputs it writes.
        usage: how many tokens it counts.
        adds: what it adds to the counter in the state.
        ends: `bail` or `abort`: how it ends more than itself.
        asks: the suspensions it goes through: `p` one with a payload, `l` with a label, `r` by `ctx.resumed`.
        stubborn: whether it goes on for some time when it is cancelled.
    """

    id: str = ""
    kind: str = "async"
    delay: int = 0
    fault: Fault | None = None
    retries: int | None = None
    writes: int = 0
    usage: int = 0
    adds: int = 0
    ends: str = ""
    asks: str = ""
    stubborn: bool = False


@dataclass(frozen=True, repr=False)
class If(Plain):
    """A condition: whether the digest of the value, divided by `by`, leaves `rest`.

    Attributes:
        by: the divisor; 1 with rest 0 always holds, with rest 1 never.
        rest: the remainder.
        slow: whether it is a coroutine that waits for a millisecond.
        raises: whether it raises instead of answering.
    """

    by: int = 1
    rest: int = 0
    slow: bool = False
    raises: bool = False


@dataclass(frozen=True, repr=False)
class Map(Plain):
    """A function of the value, and of the workflow's input or an earlier step's output.

    Attributes:
        id: its id.
        of: a step whose output it takes in; empty for the input of the workflow.
        back: before ids are given: how many steps back `of` is; 0 for none.
    """

    id: str = ""
    of: str = ""
    back: int = 0


@dataclass(frozen=True, repr=False)
class Pipe(Plain):
    """Plain Rx operators in the middle of a sequence."""

    id: str = ""


@dataclass(frozen=True, repr=False)
class Sleep(Plain):
    """A sleep of so many milliseconds; `computed` by a function, or fixed."""

    ms: int = 1
    computed: bool = False


@dataclass(frozen=True, repr=False)
class Parallel(Plain):
    """Steps side by side."""

    arms: tuple[Step | Flow, ...] = ()
    limit: int | None = None
    collect: bool = False


@dataclass(frozen=True, repr=False)
class Arm(Plain):
    """An arm of a branch: a list of steps, and when they run."""

    when: If = If()  # frozen
    steps: tuple[Step | Flow, ...] = ()


@dataclass(frozen=True, repr=False)
class Branch(Plain):
    """The arms whose conditions hold, side by side."""

    arms: tuple[Arm, ...] = ()
    default: tuple[Step | Flow, ...] = ()
    first: bool = False
    merge: bool = False


@dataclass(frozen=True, repr=False)
class Loop(Plain):
    """A body, again and again: `while` the condition holds, or `until` it does, at most `cap` times."""

    body: tuple[Step | Flow, ...] = ()
    when: If = If()  # frozen
    kind: str = "while"
    cap: int = 1


@dataclass(frozen=True, repr=False)
class Each(Plain):
    """A step for each item: of `items` made of the value by a map before it, or of the value if it is `None`."""

    body: Step | Flow = Step()  # frozen
    items: int | None = 1
    concurrency: int = 1
    collect: bool = False


@dataclass(frozen=True, repr=False)
class Flow(Plain):
    """A workflow: the whole, or a nested one.

    Attributes:
        id: its id.
        nodes: its sequence.
        retries: its policy for steps that name none.
        pause: milliseconds before each retry.
        limit: how many bodies may run in it at once.
    """

    id: str = ""
    nodes: tuple[Node, ...] = ()
    retries: int = 0
    pause: int = 0
    limit: int | None = None


Node: TypeAlias = Step | Map | Pipe | Sleep | Parallel | Branch | Loop | Each | Flow


def numbered(flow: Flow) -> Flow:
    """Give every node an id of its own: `w1`, `s2`, `m3` …, in the order in which they stand there."""
    return _Numbering().flow(flow)


class _Numbering:
    def __init__(self) -> None:
        self._count = 0

    def _next(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def flow(self, flow: Flow) -> Flow:
        """Number a workflow, and resolve which earlier steps of it the maps read."""
        named = replace(flow, id=self._next("w"))
        nodes: list[Node] = []
        known: list[str] = []
        for node in named.nodes:
            given = self._node(node, known)
            nodes.append(given)
            known.extend(inner.id for inner in directly(given))
        return replace(named, nodes=tuple(nodes))

    def _node(self, node: Node, known: Sequence[str]) -> Node:
        match node:
            case Parallel():
                return replace(node, arms=self._steps(node.arms))
            case Branch():
                arms = tuple(Arm(arm.when, self._steps(arm.steps)) for arm in node.arms)
                return replace(node, arms=arms, default=self._steps(node.default))
            case Loop():
                return replace(node, body=self._steps(node.body))
            case Each():
                return replace(node, body=self._step(node.body))
            case Step() | Flow():
                return self._step(node)
            case _:
                return self._small(node, known)

    def _small(self, node: Map | Pipe | Sleep, known: Sequence[str]) -> Node:
        match node:
            case Map():
                of = known[-min(node.back, len(known))] if node.back and known else ""
                return Map(self._next("m"), of)
            case Pipe():
                return Pipe(self._next("o"))
            case Sleep():
                return node

    def _steps(self, steps: tuple[Step | Flow, ...]) -> tuple[Step | Flow, ...]:
        return tuple(self._step(step) for step in steps)

    def _step(self, step: Step | Flow) -> Step | Flow:
        return self.flow(step) if isinstance(step, Flow) else replace(step, id=self._next("s"))


def directly(node: Node) -> tuple[Step | Flow, ...]:
    """Return the steps and nested workflows that stand in a node of a sequence, not those deeper inside."""
    match node:
        case Step() | Flow():
            return (node,)
        case Parallel():
            return node.arms
        case Branch():
            return tuple(step for arm in node.arms for step in arm.steps) + node.default
        case Loop():
            return node.body
        case Each():
            return (node.body,)
        case _:
            return ()


def walk(node: Node, depth: int = 0) -> Iterator[tuple[int, Node]]:
    """Go through a node and all inside it, each with how many are around it."""
    yield depth, node
    if not isinstance(node, Step):
        for inner in node.nodes if isinstance(node, Flow) else directly(node):
            yield from walk(inner, depth + 1)


def steps(flow: Flow) -> dict[str, Step]:
    """Return all steps with a body, by id."""
    return {node.id: node for _, node in walk(flow) if isinstance(node, Step)}


def changed(node: Any, **changes: Any) -> Any:
    """Return a description in which every node that has one of these attributes has it as given."""
    if isinstance(node, tuple):
        return tuple(changed(inner, **changes) for inner in node)  # pyright: ignore[reportUnknownVariableType] # of anything
    if not isinstance(node, Plain):
        return node
    new = {
        field.name: changes.get(field.name, changed(getattr(node, field.name), **changes))
        for field in fields(node)  # type: ignore[arg-type]
    }
    return type(node)(**new)
