"""The committed `Workflow`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, Self, TypeVar

from rxloom.build import Blueprint, overlapping
from rxloom.engine import Node
from rxloom.errors import DefinitionError, WorkflowNotCommitted
from rxloom.flow._seq import Seq
from rxloom.graph import mermaid, notebook
from rxloom.ports import runtime as runtimes
from rxloom.run import Run
from rxloom.settings import Settings
from rxloom.step_body import Body
from rxloom.step_type import Step, StepOptions

In = TypeVar("In", contravariant=True)  # noqa: PLC0105 # the names of the field
Out = TypeVar("Out", covariant=True)  # noqa: PLC0105 # the names of the field


class Workflow(Step[In, Out, Any], Generic[In, Out]):
    """A committed workflow: frozen, and usable wherever a step is.

    Attributes:
        id: its id.
        input: schema of its input.
        output: schema of its output.
        flow: its pipeline.
        settings: state schema, retries, limits and callbacks.
        steps: its own steps, by id.
    """

    __slots__ = ("_shape", "flow", "settings", "steps")

    flow: Node
    settings: Settings
    steps: Mapping[str, Step[Any, Any, Any]]

    def __init__(self, plan: Blueprint) -> None:
        """Use `create_workflow(...).commit()`."""
        body = Body(_not_callable, "workflow", takes_input=True, context_name=None, invoke=_not_callable)
        options = StepOptions(
            input=plan.input, output=plan.output, description=plan.description, metadata=plan.metadata
        )
        super().__init__(plan.id, body, **options)
        self.flow = Seq(overlapping(plan.nodes))
        self.settings = plan.settings
        self.steps = dict(plan.steps)
        # Now, when those of nested workflows are made already: so no depth of nesting is a depth of calls.
        self._shape: Mapping[str, Any] = self.flow.describe()

    def create_run(
        self,
        *,
        run_id: str | None = None,
        resource_id: str | None = None,
        on_existing: Literal["refuse", "join"] = "refuse",
    ) -> Run[In, Out]:
        """Return a run of this workflow; nothing happens before its first verb, and no loop is needed.

        Args:
            run_id: its id; a new one is made if it is left out.
            resource_id: whose it is.
            on_existing: `"join"` makes `stream_vnext` of a run id that is known observe it; `"refuse"` refuses.

        Raises:
            ValueError: when an argument is out of range.
        """
        return runtimes.current().new_run(self, run_id, resource_id, on_existing)

    def step_at(self, path: str) -> Step[Any, Any, Any]:
        """Return the step at a path.

        Raises:
            KeyError: when there is none.
        """
        found: Any = self
        for part in path.split("."):
            found = found.steps[part.partition("[")[0]]
        return found

    def with_steps(self, steps: Mapping[str, Step[Any, Any, Any]]) -> Self:
        """Return the same workflow with others in place of some of its own steps.

        Args:
            steps: the steps, by the id that each takes over, which is its own id too.
        """
        flow = self.flow.with_steps(steps)
        return self._replace(flow=flow, steps={**self.steps, **steps}, _shape=flow.describe())

    @property
    def graph(self) -> Mapping[str, Any]:
        """The workflow as JSON-able data."""
        graph: dict[str, Any] = {"type": "workflow", "id": self.id}
        if self.description:
            graph["description"] = self.description
        if self.metadata:
            graph["metadata"] = dict(self.metadata)
        graph["graph"] = self._shape
        return graph

    def to_mermaid(self) -> str:
        """Return the graph as a Mermaid flowchart."""
        return mermaid(self.graph)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Show the graph in a notebook."""
        return notebook(self.graph)


def checked_workflow(thing: Any) -> Workflow[Any, Any]:
    """Return `thing` if it is a workflow.

    Raises:
        WorkflowNotCommitted: when it is still a builder.
        DefinitionError: when it is something else.
    """
    if isinstance(thing, Workflow):
        return thing  # pyright: ignore[reportUnknownVariableType] # its parameters are the user's
    if hasattr(thing, "commit"):
        raise WorkflowNotCommitted(getattr(thing, "id", "?"))
    raise DefinitionError(f"{thing!r} is not a workflow: make one with create_workflow(id).then(step).commit()")


def _not_callable(*_: Any) -> Any:
    raise DefinitionError("a workflow is run by `create_run()`, not called")
