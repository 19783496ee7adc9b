"""The builder of workflows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

from reactivex import Observable
from typing_extensions import override

from rxloom.build import Blueprint, arm_of, checked_limit, fixed_due, loop_body, pairs_of, several
from rxloom.callables import Adapter, call_with, check_function, check_loop, is_awaitable, name_of
from rxloom.collect import only
from rxloom.context import StepContext
from rxloom.errors import DefinitionError, WorkflowNotCommitted
from rxloom.flow._branch import Arm, Branch
from rxloom.flow._event import WaitForEvent
from rxloom.flow._for_each import ForEach
from rxloom.flow._loop import Loop, Rule
from rxloom.flow._parallel import Parallel
from rxloom.flow._sleep import Sleep
from rxloom.flow._step import StepNode
from rxloom.mapping import MapSpec
from rxloom.schema import Schema
from rxloom.step import create_step, step_from_operator
from rxloom.step_type import Step, checked_id, seconds_of
from rxloom.workflow import Workflow

Start = TypeVar("Start")
Now = TypeVar("Now", covariant=True)  # noqa: PLC0105 # the names of the field
End = TypeVar("End")
Next = TypeVar("Next")
Value = TypeVar("Value")
Result = TypeVar("Result")
Item = TypeVar("Item")

Duration: TypeAlias = float | timedelta
StepOrSteps: TypeAlias = Step[Any, Any, Any] | Sequence[Step[Any, Any, Any]]
Mapper: TypeAlias = Callable[[Value], Next] | Callable[[Value, StepContext], Next]
"""A function of a value, or of a value and the context."""

Condition: TypeAlias = Mapper[Value, bool | Awaitable[bool]]
Operator: TypeAlias = Callable[[Observable[Any]], Observable[Any]]


class Unsaid:
    """What the types call the output of a workflow that was created without `output=`: that of its last step."""


class WorkflowBuilder(Generic[Start, Now, End]):
    """An unfinished workflow: each method returns a new builder with one more node, `commit()` the workflow.

    Example:
        >>> from rxloom import create_workflow, step
        >>> @step
        ... async def double(number: int) -> int:
        ...     return 2 * number
        >>> create_workflow("doubling", input=int, output=int).then(double).commit()
        <Workflow 'doubling': int -> int>
    """

    __slots__ = ("_plan",)

    def __init__(self, plan: Blueprint) -> None:
        """Use `create_workflow`."""
        self._plan = plan

    @override
    def __repr__(self) -> str:
        return f"<WorkflowBuilder {self.id!r}: to be committed>"

    @property
    def id(self) -> str:
        """The id of the workflow."""
        return self._plan.id

    def then(self, step: Step[Now, Next, Any]) -> WorkflowBuilder[Start, Next, End]:
        """Run a step, or a nested workflow, on the output of the node before.

        Raises:
            DuplicateStepId: when the workflow has a step with this id.
            SchemaMismatch: when the step cannot take what comes.
        """
        step = self._plan.step(step)
        return WorkflowBuilder(self._plan.add(StepNode(step), [step], step.input, step.output))

    def parallel(
        self,
        steps: Iterable[Step[Now, Any, Any]],
        *,
        max_concurrency: int | None = None,
        errors: Literal["fail", "collect"] = "fail",
    ) -> WorkflowBuilder[Start, Any, End]:
        """Run steps side by side on the same input; the output is `{id: output}` in declared order.

        Args:
            steps: the steps.
            max_concurrency: how many may run at once; `None` is all.
            errors: `"fail"` fails when all have settled; `"collect"` puts `None` for a failed one.

        Raises:
            DefinitionError: when there is no step, or an option is out of range.
            DuplicateStepId: when an id is used twice.
        """
        arms = [self._plan.step(one) for one in several(steps, self.id)]
        if not arms:
            raise DefinitionError("parallel needs at least one step", workflow_id=self.id)
        node = Parallel(
            {one.id: StepNode(one) for one in arms},
            limit=checked_limit("max_concurrency", max_concurrency, self.id),
            collect=_collects(errors, self.id),
        )
        return WorkflowBuilder(self._plan.add(node, arms))

    def branch(
        self,
        arms: Iterable[tuple[Condition[Now], StepOrSteps]],
        *,
        default: StepOrSteps | None = None,
        first_match: bool = False,
        merge: bool = False,
    ) -> WorkflowBuilder[Start, Any, End]:
        """Run the arms whose conditions hold, side by side; the output is `{id: output}` of those.

        A list of steps as an arm runs one after the other, under the id of its last step.

        Args:
            arms: `(condition, step)`; a condition is called with `(value)` or `(value, ctx)`, and may be async.
            default: runs when no condition holds.
            first_match: take only the first arm whose condition holds.
            merge: the output is the one arm's output itself; the input, when none was taken.

        Raises:
            DefinitionError: when there is no arm, or `merge` could meet several.
            DuplicateStepId: when an id is used twice.
        """
        made: list[Arm] = []
        used: list[Step[Any, Any, Any]] = []
        for condition, arm in pairs_of(arms, self.id):
            key, node, steps = arm_of(self._plan, arm)
            made.append(Arm(key, name_of(condition), call_with(condition), node))
            used += steps
        if not made:
            raise DefinitionError("branch needs at least one arm", workflow_id=self.id)
        if merge and not first_match and len(made) > 1:
            raise DefinitionError("merge=True takes one arm: add first_match=True", workflow_id=self.id)
        if default is not None:
            key, node, steps = arm_of(self._plan, default)
            made.append(Arm(key, "default", None, node))
            used += steps
        branch = Branch(self._plan.name("branch"), made, first_match=first_match, merge=merge)
        return WorkflowBuilder(self._plan.add(branch, used, ids=[branch.id]))

    def do_while(
        self, step: Step[Now, Next, Any] | Sequence[Step[Any, Any, Any]], condition: Condition[Next], *,
        max_iterations: int | None = None,
    ) -> WorkflowBuilder[Start, Next, End]:  # fmt: skip
        """Run a body, and again on its own output as long as the condition holds.

        Args:
            step: the body: a step, or a list of steps.
            condition: asked after each round, with `(output)` or `(output, ctx)`.
            max_iterations: stop after so many rounds.

        Raises:
            DuplicateStepId: when the workflow has a step with this id.
        """
        return self._loop("while", step, condition, max_iterations)

    def do_until(
        self, step: Step[Now, Next, Any] | Sequence[Step[Any, Any, Any]], condition: Condition[Next], *,
        max_iterations: int | None = None,
    ) -> WorkflowBuilder[Start, Next, End]:  # fmt: skip
        """Run a body, and again on its own output until the condition holds.

        Args:
            step: the body: a step, or a list of steps.
            condition: asked after each round, with `(output)` or `(output, ctx)`.
            max_iterations: stop after so many rounds.

        Raises:
            DuplicateStepId: when the workflow has a step with this id.
        """
        return self._loop("until", step, condition, max_iterations)

    def _loop(
        self, kind: Literal["while", "until"], step: Any, condition: Condition[Any], max_iterations: int | None
    ) -> WorkflowBuilder[Start, Any, End]:
        body, steps = loop_body(self._plan, step)
        limit = checked_limit("max_iterations", max_iterations, self.id)
        rule = Rule(kind, call_with(condition), name_of(condition), limit)
        node = Loop(self._plan.name("loop"), body, rule, first=steps[0].id)
        return WorkflowBuilder(self._plan.add(node, steps, steps[0].input, steps[-1].output, ids=[node.id]))

    @overload
    def for_each(
        self: WorkflowBuilder[Start, list[Item] | tuple[Item, ...], End],
        step: Step[Item, Next, Any],
        *,
        concurrency: int = 1,
        errors: Literal["fail"] = "fail",
    ) -> WorkflowBuilder[Start, list[Next], End]: ...
    @overload
    def for_each(
        self: WorkflowBuilder[Start, list[Item] | tuple[Item, ...], End],
        step: Step[Item, Next, Any],
        *,
        concurrency: int = 1,
        errors: Literal["collect"],
    ) -> WorkflowBuilder[Start, list[Next | None], End]: ...
    def for_each(
        self: WorkflowBuilder[Start, list[Item] | tuple[Item, ...], End],
        step: Step[Item, Next, Any],
        *,
        concurrency: int = 1,
        errors: Literal["fail", "collect"] = "fail",
    ) -> WorkflowBuilder[Start, Any, End]:
        """Run a step for each item of a list or tuple; the output is the list of outputs, in the order of the input.

        Args:
            step: the step.
            concurrency: how many items may run at once.
            errors: `"fail"` starts no further item after a failure, and fails when the running ones have settled;
                `"collect"` puts `None` for a failed one.

        Raises:
            DefinitionError: when an option is out of range.
            DuplicateStepId: when the workflow has a step with this id.
        """
        plan = self._plan
        step = plan.step(step)
        limit = checked_limit("concurrency", concurrency, plan.id)
        node = ForEach(step, StepNode(step), concurrency=limit or 1, collect=_collects(errors, plan.id))
        return WorkflowBuilder(plan.add(node, [step]))

    @overload
    def map(
        self, fn: Mapper[Now, Awaitable[Next]], /, *, id: str | None = None
    ) -> WorkflowBuilder[Start, Next, End]: ...
    @overload
    def map(self, fn: Mapper[Now, Next], /, *, id: str | None = None) -> WorkflowBuilder[Start, Next, End]: ...
    @overload
    def map(self, fn: Mapping[str, Any], /, *, id: str | None = None) -> WorkflowBuilder[Start, Any, End]: ...
    def map(self, fn: Any, /, *, id: str | None = None) -> WorkflowBuilder[Start, Any, End]:
        """Turn the value into another one: by a function, or key by key from sources.

        Args:
            fn: called with `(value)` or `(value, ctx)`, sync or async; or a mapping of keys to sources: `from_result`,
                `from_init`, `from_context`, `from_state`, `value`, `template`, or a function.
            id: the id of the step; a stable one is made if it is left out.

        Raises:
            DefinitionError: when a source is none.
            DuplicateStepId: when the workflow has a step with this id.
        """
        plan = self._plan
        step_id = checked_id(id) if id is not None else plan.name("mapping")
        adapter, shown = _mapper(fn)

        async def body(value: Any, ctx: Any) -> Any:
            mapped = adapter(value, ctx)
            if not is_awaitable(mapped):
                return mapped
            check_loop(mapped)
            return await mapped

        step: Step[Any, Any, Any] = create_step(step_id, body, retries=0)
        return WorkflowBuilder(plan.add(StepNode(step, shown={"type": "map", "id": step_id, **shown}), [step]))

    def sleep(
        self, duration: Duration | Mapper[Now, Duration | Awaitable[Duration]]
    ) -> WorkflowBuilder[Start, Now, End]:
        """Let the value pass after a while; the run's status is `waiting` meanwhile.

        Args:
            duration: seconds, a timedelta, or a function of `(value)` or `(value, ctx)` that gives one.
        """
        return self._sleep("sleep", duration)

    def sleep_until(
        self, time: datetime | Mapper[Now, datetime | Awaitable[datetime]]
    ) -> WorkflowBuilder[Start, Now, End]:
        """Let the value pass at a time; one without a time zone is local.

        Args:
            time: a datetime, or a function of `(value)` or `(value, ctx)` that gives one.
        """
        return self._sleep("sleep_until", time)

    def _sleep(self, kind: Literal["sleep", "sleep_until"], due: Any) -> WorkflowBuilder[Start, Any, End]:
        name = self._plan.name(kind)
        fixed = None if callable(due) else fixed_due(kind, due, self.id)
        adapter = call_with(due if callable(due) else lambda: due)
        node = Sleep(name, adapter, kind=kind, fixed=fixed or name_of(due), computed=fixed is None)
        return WorkflowBuilder(self._plan.add(node, ids=[name], passes=True))

    def wait_for_event(
        self, name: str, *, output: Any = Any, timeout: float | timedelta | None = None
    ) -> WorkflowBuilder[Start, Any, End]:
        """Take the next event that `run.send_event(name, data)` sends, also one that came earlier.

        Args:
            name: the name of the event.
            output: schema of its data, which is the output.
            timeout: seconds to wait; then the step fails with `StepTimeout`.
        """
        step_id = self._plan.name("event")
        node = WaitForEvent(step_id, name, output=output, timeout=seconds_of("timeout", timeout, step_id))
        return WorkflowBuilder(self._plan.add(node, ids=[step_id], output=Schema(output)))

    def pipe(
        self,
        *operators: Operator,
        id: str | None = None,
        collect: Callable[[Iterable[Any]], Any] = only,
        observable_input: bool = False,
    ) -> WorkflowBuilder[Start, Any, End]:
        """Put plain Rx operators in the middle: they see the value as a stream of one item.

        Args:
            operators: the operators.
            id: the id of the step; a stable one is made if it is left out.
            collect: folds what comes out into the output; exactly one item if left out.
            observable_input: let them see the items of the step before instead, as they are produced.

        Raises:
            DefinitionError: when an operator or `collect` cannot be called.
            DuplicateStepId: when the workflow has a step with this id.
        """
        plan = self._plan
        step_id = checked_id(id) if id is not None else plan.name("pipe")
        for one in operators:
            check_function("an operator", one)
        piped: Operator = partial(_through, operators)
        options: dict[str, Any] = {"observable_input": observable_input, "retries": 0}
        step: Step[Any, Any, Any] = step_from_operator(step_id, piped, collect=collect, **options)
        shown = {"type": "pipe", "id": step_id, "operators": [name_of(one) for one in operators]}
        return WorkflowBuilder(plan.add(StepNode(step, shown=shown), [step]))

    @overload
    def commit(self: WorkflowBuilder[Start, Result, Unsaid]) -> Workflow[Start, Result]: ...
    @overload
    def commit(self: WorkflowBuilder[Start, Result, Result]) -> Workflow[Start, Result]: ...
    def commit(self: WorkflowBuilder[Any, Any, Any]) -> Workflow[Any, Any]:
        """Freeze the workflow.

        Raises:
            WorkflowNotCommitted: when nothing was added to it.
        """
        if not self._plan.nodes:
            raise WorkflowNotCommitted(self.id, "nothing is in it yet: add a step, `.then(step)`, and commit that")
        return Workflow(self._plan)


def _mapper(fn: Any) -> tuple[Adapter, dict[str, Any]]:
    """Return what maps `(value, ctx)`, and what the graph shows of it."""
    if callable(fn):
        return call_with(fn), {"function": name_of(fn)}
    spec = MapSpec(fn)
    return spec.resolve, {"sources": spec.describe()}


def _through(operators: Sequence[Operator], source: Observable[Any]) -> Observable[Any]:
    return source.pipe(*operators)


def _collects(errors: str, workflow_id: str) -> bool:
    if errors not in {"fail", "collect"}:
        raise DefinitionError(f"errors must be 'fail' or 'collect'; got {errors!r}", workflow_id=workflow_id)
    return errors == "collect"
