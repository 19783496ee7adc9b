"""Branch: the arms whose conditions hold, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reactivex.abc import DisposableBase
from reactivex.disposable import SerialDisposable
from typing_extensions import override

from rxloom.callables import Adapter
from rxloom.chunks import Choice
from rxloom.engine import Ctx, Err, Failure, FanOut, Node, Ok, Question
from rxloom.error_info import error_info
from rxloom.ports.node import NodePort
from rxloom.step_type import Step
from rxloom.values import copy_plain


class Arm(NamedTuple):
    """One arm: `condition(value, ctx)`, or `None` for the default one.

    Attributes:
        id: key of its output.
        name: the condition's name, for the graph.
        condition: asked whether the arm is taken.
        node: what it runs.
    """

    id: str
    name: str
    condition: Adapter | None
    node: Node


class Branch(Node):
    """Runs the arms whose conditions hold; the output is `{id: output}` of those.

    ```text
    contexts   --5------------|
    (x > 3) a  -----6|
    (x > 9) b
    branch     -----{a:6}|
    ```
    """

    __slots__ = ("arms", "first_match", "id", "merge")

    def __init__(self, id: str, arms: Sequence[Arm], *, first_match: bool = False, merge: bool = False) -> None:
        """Make a branch; `id` is what its decision is recorded under."""
        self.id = id
        self.arms = tuple(arms)
        self.first_match = first_match
        self.merge = merge

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        execution = ctx.execution
        run = _Choosing(self, ctx, ok, err)
        taken = execution.snapshot.decided(run.key) if execution.recorded else None
        if taken is None:
            run.ask()
        else:
            run.take(taken)
        return run

    @override
    def with_steps(self, steps: Mapping[str, Step[Any, Any, Any]]) -> Node:
        arms = [arm._replace(node=arm.node.with_steps(steps)) for arm in self.arms]
        return Branch(self.id, arms, first_match=self.first_match, merge=self.merge)

    @override
    def describe(self) -> Mapping[str, Any]:
        arms = [{"condition": arm.name, "node": arm.node.describe()} for arm in self.arms if arm.condition is not None]
        shown: dict[str, Any] = {"type": "branch", "arms": arms}
        for arm in self.arms:
            if arm.condition is None:
                shown["default"] = arm.node.describe()
        flags = {"first_match": self.first_match, "merge": self.merge}
        return {**shown, **{name: True for name, flag in flags.items() if flag}}


class _Choosing(DisposableBase):
    """A branch being run: first its conditions are asked, then the arms are."""

    __slots__ = ("_asking", "_at", "_branch", "_ctx", "_current", "_err", "_ok", "_taken", "key")

    def __init__(self, branch: Branch, ctx: Ctx, ok: Ok, err: Err) -> None:
        self._branch = branch
        self._ctx = ctx
        self._ok: Ok | None = ok
        self._err: Err | None = err
        self._at = 0
        self._asking = False
        self._taken: list[int] = []
        self._current = SerialDisposable()
        loop = f"@{ctx.iteration}" if ctx.iteration else ""
        self.key = f"{ctx.scope.prefix}{branch.id}{loop}"

    def ask(self) -> None:
        """Ask the next condition, or take the arms when all were asked."""
        arms = self._branch.arms
        while self._at < len(arms):
            arm = arms[self._at]
            if arm.condition is None or (self._branch.first_match and self._taken):
                self._at += 1
                continue
            asked = self._at
            self._asking = True
            question = Question(self._branch.id, self._ctx, self._answered, self._failed)
            question.ask(arm.condition, copy_plain(self._ctx.value), read=bool)
            self._asking = False
            if self._at == asked:  # it was not answered at once: `_answered` goes on
                self._current.disposable = question
                return
        self._choose()

    def _answered(self, holds: bool) -> None:  # noqa: FBT001 # a callback
        if holds:
            self._taken.append(self._at)
        self._at += 1
        if not self._asking:
            self.ask()

    def _failed(self, error: Exception) -> None:
        err, self._ok, self._err = self._err, None, None
        if err is not None:
            err(Failure(error, error_info(error)))

    def _choose(self) -> None:
        if self._ok is None:
            return
        if not self._taken:
            self._taken = [at for at, arm in enumerate(self._branch.arms) if arm.condition is None]
        taken = tuple(self._taken)
        self._ctx.execution.note(Choice(self.key, taken))
        self.take(taken)

    def take(self, taken: tuple[int, ...]) -> None:
        """Run the arms that were taken."""
        ok, err = self._ok, self._err
        self._ok = self._err = None
        if ok is not None and err is not None:
            arms = [self._branch.arms[at] for at in taken]
            self._current.disposable = _BranchRun(arms, self._ctx, ok, err, merge=self._branch.merge).start()

    @override
    def dispose(self) -> None:
        self._ok = self._err = None
        self._current.dispose()


class _BranchRun(FanOut):
    __slots__ = ("_arms", "_merge", "_value")

    def __init__(self, arms: Sequence[Arm], ctx: Ctx, ok: Ok, err: Err, *, merge: bool) -> None:
        super().__init__(ctx, ok, err, count=len(arms), limit=None, collect=False)
        self._arms = arms
        self._merge = merge
        self._value = ctx.value

    @override
    def node_of(self, index: int) -> NodePort:
        return self._arms[index].node

    @override
    def ctx_of(self, index: int) -> Ctx:
        return self.ctx.fork(copy_plain(self._value))

    @override
    def outcome(self) -> Any:
        outputs = {
            arm.id: child.output for arm, child in zip(self._arms, self.children, strict=True) if child is not None
        }
        if not self._merge:
            return outputs
        return next(iter(outputs.values())) if outputs else self._value
