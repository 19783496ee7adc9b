"""For each: a step for every item of a list, in a sliding window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.chunks import StepProgress, StepProgressPayload
from rxloom.engine import Call, Child, Ctx, Err, Failure, FanOut, Halt, Node, Ok, bodiless, replayed
from rxloom.errors import InputInvalid
from rxloom.ports.node import NodePort
from rxloom.snapshot import Entry
from rxloom.step_type import Step
from rxloom.values import copy_plain


class ForEach(Node):
    """Runs `body` for each item of a list; the output is the list of outputs, in the order of the input.

    ```text
    contexts  --[1,2,3]-------------------|
    body      ----f(1)-f(2)-f(3)|
    for_each  --------------[f(1),f(2),f(3)]|
    ```
    """

    __slots__ = ("_whole", "body", "collect", "concurrency", "step")

    def __init__(self, step: Step[Any, Any, Any], body: Node, *, concurrency: int, collect: bool) -> None:
        """Make a node that runs `body`, the node of `step`, for each item."""
        self.step = step
        self.body = body
        self.concurrency = concurrency
        self.collect = collect
        self._whole = bodiless(step.id)

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        entry = None
        if ctx.execution.recorded:
            settled, entry = replayed(ctx, ctx.scope.prefix + self.step.id, ok, err)
            if settled:
                return None
        return _Whole(self, self._whole, ctx, ok, err, entry).begin()

    @override
    def with_steps(self, steps: Mapping[str, Step[Any, Any, Any]]) -> Node:
        step = steps.get(self.step.id, self.step)
        return ForEach(step, self.body.with_steps(steps), concurrency=self.concurrency, collect=self.collect)

    @override
    def describe(self) -> Mapping[str, Any]:
        return {"type": "for_each", "node": self.body.describe(), "concurrency": self.concurrency}


class _Whole(Call):
    """The call that the chunks of the `for_each` as a whole belong to."""

    __slots__ = ("_items", "_node", "failure")

    def __init__(
        self, node: ForEach, whole: Step[Any, Any, Any], ctx: Ctx, ok: Ok, err: Err, entry: Entry | None
    ) -> None:
        super().__init__(whole, ctx, ok, err, entry)
        self._node = node
        self._items: _Items | None = None
        self.failure: Failure | None = None

    @override
    def check_input(self) -> Exception | None:
        if isinstance(self.input, (list, tuple)):
            return None
        found = type(self.input).__name__
        return InputInvalid(
            f"for_each needs a list or a tuple, and got a {found}",
            step_path=self.path, workflow_id=self.ctx.scope.workflow.id,
        )  # fmt: skip

    @override
    def run_attempt(self) -> None:
        self._items = items = _Items(self, self._node, self.ctx, self.input)
        items.start()

    @override
    def halt_attempt(self) -> None:
        items, self._items = self._items, None
        if items is not None:
            items.dispose()

    def items_settled(self) -> None:
        """Let go of the items."""
        self._items = None

    def item_failed(self, failure: Failure) -> None:
        """Close as failed, with the failure of the items."""
        self.failure = failure
        self.when_empty(lambda: self.close_failed(failure.exception, failure.info))


class _Items(FanOut):
    __slots__ = ("_done", "_node", "_values", "_whole")

    def __init__(self, whole: _Whole, node: ForEach, ctx: Ctx, values: Sequence[Any]) -> None:
        # The items of a cancelled whole report to nobody; while it lives, it takes the outcome itself.
        super().__init__(ctx, _nothing, _nothing, count=len(values), limit=node.concurrency, collect=node.collect)
        self._whole = whole
        self._node = node
        self._values = values
        self._done = 0

    @override
    def node_of(self, index: int) -> NodePort:
        return self._node.body

    @override
    def ctx_of(self, index: int) -> Ctx:
        fork = self.ctx.fork(copy_plain(self._values[index]))
        fork.index = index
        fork.parent = self._whole
        fork.handled = fork.handled or self.collect
        fork.iteration = 0
        return fork

    @override
    def child_settled(self, child: Child) -> None:
        execution = self.ctx.execution
        whole = self._whole
        entry = execution.snapshot.entries.get(f"{whole.path}[{child.index}]")
        if entry is None or entry.status != "running":
            return  # replayed: it was told before
        if child.halt is not None and child.halt.kind == "suspended":
            status, output = "suspended", None
        elif child.failure is not None:
            self._done += 1
            status, output = "failed", None
        else:
            self._done += 1
            status, output = "success", copy_plain(child.output)
        execution.tell(
            StepProgress(
                execution.run_id,
                StepProgressPayload(
                    whole.id, whole.call_id, self._done, len(self._values), child.index, status, output
                ),
            )
        )

    @override
    def stops_at(self, child: Child) -> bool:
        return child.failure is not None and not self.collect

    @override
    def keeps_its_place(self) -> bool:
        # The window slides over what is done: an item that waits for its answer stays in it.
        return True

    @override
    def outcome(self) -> list[Any]:
        return [None if child is None or child.failure is not None else child.output for child in self.children]

    @override
    def _drop(self) -> list[Child | None]:
        self._whole.items_settled()
        return super()._drop()

    @override
    def succeeded(self, output: Any) -> None:
        self._drop()
        self._whole.when_empty(lambda: self._whole.succeed(output))

    @override
    def failed(self, failure: Failure) -> None:
        self._drop()
        self._whole.item_failed(failure)

    @override
    def halted(self, halt: Halt, value: Any) -> None:
        self._drop()
        whole = self._whole
        if halt.kind == "bailed":
            whole.when_empty(lambda: whole.bail(value))
        else:
            whole.when_empty(lambda: whole.close_suspended(halt, self.ctx.execution.now()))


def _nothing(_: Any) -> None:
    """Take an outcome that the whole takes by another way."""
