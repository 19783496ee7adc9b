"""What a builder has gathered so far: immutable, so that a builder can be the beginning of several workflows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from rxloom.engine import Node
from rxloom.errors import DefinitionError, DuplicateStepId, SchemaMismatch, WorkflowNotCommitted
from rxloom.flow._overlap import Overlap
from rxloom.flow._seq import Seq
from rxloom.flow._sleep import seconds_in
from rxloom.flow._step import StepNode
from rxloom.schema import Schema
from rxloom.schema_fit import mismatch
from rxloom.settings import Settings
from rxloom.step_type import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """A workflow being built.

    Attributes:
        id: its id.
        input: schema of its input.
        output: schema of its output.
        settings: state schema, retries, limits and callbacks.
        description: shown in the graph.
        metadata: shown in the graph.
        nodes: the pipeline so far.
        steps: the steps so far, by id.
        ids: all ids that are taken, those of sleeps and the like too.
        counts: the next free number for a name that is made, by kind.
        flowing: schema of what comes out of the last node; `None` when it is not known.
    """

    id: str
    input: Schema[Any]
    output: Schema[Any]
    settings: Settings
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    nodes: tuple[Node, ...] = ()
    steps: Mapping[str, Step[Any, Any, Any]] = field(default_factory=dict[str, Step[Any, Any, Any]])
    ids: frozenset[str] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    flowing: Schema[Any] | None = None

    def step(self, step: Any) -> Step[Any, Any, Any]:
        """Return `step` if it is one.

        Raises:
            WorkflowNotCommitted: when it is an unfinished workflow.
            DefinitionError: when it is no step.
        """
        if isinstance(step, Step):
            return step  # pyright: ignore[reportUnknownVariableType] # its parameters are the user's
        if hasattr(step, "commit"):
            raise WorkflowNotCommitted(getattr(step, "id", "?"))
        raise DefinitionError(
            f"{step!r} is not a step: make one with @step, create_step or step_from_operator", workflow_id=self.id
        )

    def name(self, kind: str) -> str:
        """Return a stable id for a node that was given none: the nodes of each kind are counted from 0."""
        return f"{kind}_{self.id}_{self.counts.get(kind, 0)}"

    def add(
        self,
        node: Node,
        steps: Sequence[Step[Any, Any, Any]] = (),
        takes: Schema[Any] | None = None,
        output: Schema[Any] | None = None,
        *,
        ids: Sequence[str] = (),
        passes: bool = False,
    ) -> Blueprint:
        """Return a blueprint with one more node.

        Args:
            node: the node.
            steps: the steps in it.
            takes: schema of what it takes, if it is checked against what comes.
            output: schema of what it gives, if known.
            ids: further ids it uses.
            passes: whether it gives what it takes.

        Raises:
            DuplicateStepId: when an id is taken.
            SchemaMismatch: when the node cannot take what comes.
        """
        taken = set(self.ids)
        known = dict(self.steps)
        counts = dict(self.counts)
        for step_id in [*(one.id for one in steps), *ids]:
            if step_id in taken:
                raise DuplicateStepId(step_id, workflow_id=self.id)
            taken.add(step_id)
            kind, made, number = step_id.rpartition(f"_{self.id}_")
            if made and number.isdecimal():
                counts[kind] = max(counts.get(kind, 0), int(number) + 1)
        for one in steps:
            known[one.id] = one
        flowing = self.input if not self.nodes else self.flowing
        if takes is not None and flowing is not None and not _by_items(steps) and mismatch(flowing, takes):
            step_path = steps[0].id if steps else None
            raise SchemaMismatch(flowing.name, takes.name, workflow_id=self.id, step_path=step_path)
        return replace(
            self,
            nodes=(*self.nodes, node),
            steps=known,
            ids=frozenset(taken),
            counts=counts,
            flowing=flowing if passes else output,
        )


def _by_items(steps: Sequence[Step[Any, Any, Any]]) -> bool:
    """Tell whether a node takes the items of what comes, of which nobody knows the schema."""
    return bool(steps) and steps[0].observable_input


def several(steps: Any, workflow_id: str) -> Iterable[Any]:
    """Return the steps of a `parallel`, if they are several.

    Raises:
        DefinitionError: when it is one thing.
    """
    if not isinstance(steps, Iterable):
        raise DefinitionError(f"parallel takes a list of steps; got {steps!r}", workflow_id=workflow_id)
    return steps  # pyright: ignore[reportUnknownVariableType] # each is checked by `step`


def pairs_of(arms: Any, workflow_id: str) -> list[tuple[Any, Any]]:
    """Return the arms of a `branch`, if they are pairs.

    Raises:
        DefinitionError: when one is not.
    """
    try:
        return [(condition, arm) for condition, arm in arms]
    except (TypeError, ValueError) as error:
        raise DefinitionError(
            "branch takes a list of pairs, `[(condition, step), ...]`", workflow_id=workflow_id
        ) from error


def arm_of(plan: Blueprint, arm: Any) -> tuple[str, Node, list[Step[Any, Any, Any]]]:
    """Return the id, the node and the steps of an arm: a step, or a list of them.

    Raises:
        DefinitionError: when the list is empty.
    """
    if not isinstance(arm, (list, tuple)):
        step = plan.step(arm)
        return step.id, StepNode(step), [step]
    steps = [plan.step(one) for one in arm]  # pyright: ignore[reportUnknownVariableType] # checked by `step`
    if not steps:
        raise DefinitionError("a list of steps needs at least one", workflow_id=plan.id)
    return steps[-1].id, Seq(overlapping([StepNode(one) for one in steps])), steps


def overlapping(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes of a sequence, those in one that are fed by the one before: they overlap."""
    found: list[Node] = []
    stretch: list[StepNode] = []
    for node in [*nodes, None]:
        if stretch and isinstance(node, StepNode) and node.step.observable_input:
            stretch.append(node)
            continue
        if stretch:
            found.append(stretch[0] if len(stretch) == 1 else Overlap([one.step for one in stretch], stretch))
            stretch = []
        if isinstance(node, StepNode) and node.step.kind != "workflow":
            stretch = [node]
        elif node is not None:
            found.append(node)
    return found


def loop_body(plan: Blueprint, body: Any) -> tuple[Node, list[Step[Any, Any, Any]]]:
    """Return the node and the steps of a loop's body."""
    _, node, steps = arm_of(plan, body)
    return node, steps


def checked_limit(name: str, limit: int | None, workflow_id: str) -> int | None:
    """Return a limit if it is a number of at least 1, or `None`.

    Raises:
        DefinitionError: when it is not.
    """
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        raise DefinitionError(f"{name} must be a whole number of at least 1; got {limit!r}", workflow_id=workflow_id)
    return limit


def fixed_due(kind: Literal["sleep", "sleep_until"], due: Any, workflow_id: str) -> str:
    """Return how the graph shows a fixed time.

    Raises:
        DefinitionError: when it is none.
    """
    if kind == "sleep_until":
        if isinstance(due, datetime):
            return due.isoformat()
        raise DefinitionError(f"sleep_until needs a datetime or a function; got {due!r}", workflow_id=workflow_id)
    seconds = seconds_in(due)
    if seconds is None or seconds < 0:
        raise DefinitionError(
            f"sleep needs 0 or more seconds, a timedelta or a function; got {due!r}", workflow_id=workflow_id
        )
    return f"{seconds:g}"
