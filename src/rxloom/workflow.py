"""The committed `Workflow`."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, Literal, Self, TypeVar, overload

from reactivex import Observable

from rxloom.arriving import Backlog, OnOverflow
from rxloom.build import Blueprint, overlapping
from rxloom.chunks import Chunk
from rxloom.engine import Node
from rxloom.errors import DefinitionError, WorkflowNotCommitted
from rxloom.flow._seq import Seq
from rxloom.graph import mermaid, notebook
from rxloom.map_runs import checked_backlog, checked_terms, from_iterable, from_observable
from rxloom.open_runs import Terms
from rxloom.ports import runtime as runtimes
from rxloom.results import WorkflowResult
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

    @overload
    def as_operator(
        self,
        *,
        max_concurrency: int = ...,
        ordered: bool = ...,
        buffer: int | None = ...,
        on_overflow: OnOverflow = ...,
        materialize_failures: Literal[False] = ...,
        on_chunk: Callable[[Chunk], object] | None = ...,
    ) -> Callable[[Observable[In]], Observable[Out]]: ...
    @overload
    def as_operator(
        self,
        *,
        max_concurrency: int = ...,
        ordered: bool = ...,
        buffer: int | None = ...,
        on_overflow: OnOverflow = ...,
        materialize_failures: Literal[True],
        on_chunk: Callable[[Chunk], object] | None = ...,
    ) -> Callable[[Observable[In]], Observable[WorkflowResult[Out]]]: ...
    def as_operator(
        self,
        *,
        max_concurrency: int = 1,
        ordered: bool = True,
        buffer: int | None = None,
        on_overflow: OnOverflow = "error",
        materialize_failures: bool = False,
        on_chunk: Callable[[Chunk], object] | None = None,
    ) -> Callable[[Observable[In]], Observable[Any]]:
        """Return an Rx operator that runs the workflow once for each item.

        ```text
        source                             --1--2--3--|
        as_operator()                      -----A----B----C|     (A: the output of the run of 1)
        as_operator(max_concurrency=2)     -----A--B----C|
        ```

        Runs are carried out on the event loop that runs where one subscribes, or in the background if none does.
        The source may emit on any thread; outcomes are told on the loop, one after another. Each subscription has
        runs of its own. Disposing it cancels those that are open.

        When the source fails, open runs are cancelled and its error is told at once. When it completes, the open
        runs and the inputs that wait are still carried out.

        Args:
            max_concurrency: how many runs may be open at once; others wait. With `ordered`, a run counts as open
                until its outcome was told, so that no number of outcomes waits for a slow one.
            ordered: tell outcomes in the order of the inputs; `False` tells each when it is there.
            buffer: how many inputs may wait for a run; `None` is any number, 0 is none.
            on_overflow: what happens to an input that is too much. `"error"`: open runs are cancelled, and the
                sequence ends with `StreamOverflow`. `"drop_oldest"`: the input that has waited longest is forgotten.
                `"drop_newest"`: this one is.
            materialize_failures: tell each outcome as a `WorkflowResult`. If left out, outputs are told, and a run
                that fails, is suspended or canceled ends the sequence: with `ordered`, after the outputs of the
                inputs before it. Runs that are still open then are cancelled.
            on_chunk: called with each chunk of each run, as it comes; the chunks of a run all come before its
                outcome. If it raises, the sequence ends with that error.

        Returns:
            An operator for `pipe`.

        Raises:
            ValueError: when an option is out of range.
            TypeError: when `on_chunk` cannot be called.

        Raises (in the sequence):
            WorkflowFailed, WorkflowSuspended, WorkflowCanceled: how a run ended; the result is in the error.
            StreamOverflow: too many inputs waited.
            RunInterrupted: the loop ended, or the runtime was closed.

        Example:
            >>> import asyncio
            >>> import reactivex as rx
            >>> from reactivex import operators as ops
            >>> from rxloom import create_workflow, step
            >>> @step
            ... async def double(number: int) -> int:
            ...     return 2 * number
            >>> doubling = create_workflow("doubling", input=int, output=int).then(double).commit()
            >>> async def main() -> None:
            ...     print(await rx.of(1, 2, 3).pipe(doubling.as_operator(max_concurrency=2), ops.to_list()))
            >>> asyncio.run(main())
            [2, 4, 6]
        """
        terms = checked_terms(Terms(max_concurrency, ordered, materialize_failures, on_chunk))
        return partial(from_observable, self, terms, checked_backlog(Backlog(buffer, on_overflow)))

    def map_async(
        self, iterable: Iterable[In] | AsyncIterable[In], *, max_concurrency: int = 1, ordered: bool = True
    ) -> Observable[Out]:
        """Run the workflow once for each item of an iterable of either kind, which is pulled as runs are opened.

        ```text
        pulled                          1--2--3----(end)
        map_async(max_concurrency=1)    --A--B----C|         (A: the output of the run of 1)
        ```

        An item is pulled when a run may be opened with it, and not before: no more than `max_concurrency` items are
        held, and none is lost. An Rx observer cannot wait, it is told at once. Read with
        `to_async_iterator(workflow.map_async(...))`, directly and without operators in between, a run counts as open
        until its outcome was taken, so that a slow reader slows down the pulling.

        Each subscription iterates anew, a plain iterable on the thread of the loop, an async one in a task there.
        The iterator is closed (`close`, `aclose`) at its end, on an error, and when the subscription is disposed,
        which also cancels the open runs. A run that fails, or an iterator that does, ends the sequence.

        Args:
            iterable: the inputs.
            max_concurrency: how many runs may be open at once. With `ordered`, a run counts as open until its
                output was told.
            ordered: tell outputs in the order of the inputs; `False` tells each when it is there.

        Returns:
            A cold Observable of the outputs.

        Raises:
            ValueError: when `max_concurrency` is less than 1.
            TypeError: when `iterable` is none.

        Raises (in the sequence):
            WorkflowFailed, WorkflowSuspended, WorkflowCanceled: how a run ended; the result is in the error.
            RunInterrupted: the loop ended, or the runtime was closed.

        Example:
            >>> import asyncio
            >>> from rxloom import create_workflow, step, to_async_iterator
            >>> @step
            ... async def double(number: int) -> int:
            ...     return 2 * number
            >>> doubling = create_workflow("doubling", input=int, output=int).then(double).commit()
            >>> async def main() -> None:
            ...     async for number in to_async_iterator(doubling.map_async(range(3), max_concurrency=2)):
            ...         print(number)
            >>> asyncio.run(main())
            0
            2
            4
        """
        return from_iterable(self, checked_terms(Terms(max_concurrency, ordered)), iterable)

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

        Raises:
            DefinitionError: when the workflow has no step of this id, or the new one has another.
        """
        for name, step in steps.items():
            if name not in self.steps or step.id != name:
                known = ", ".join(self.steps)
                raise DefinitionError(
                    f"{step!r} cannot take the place of {name!r}: it needs that id, and the steps here are {known}",
                    workflow_id=self.id,
                )
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
