"""The model: what a workflow comes to, worked out step after step, with no loop, task or clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from tests.properties.graphs import (
    ALWAYS,
    Branch,
    Each,
    Flow,
    If,
    Loop,
    Map,
    Node,
    Parallel,
    Pipe,
    Sleep,
    Step,
    steps,
    walk,
)  # fmt: skip
from tests.properties.outcomes import Expected, Out, Trace, failed, joined_failure, same_to_retry
from tests.properties.values import TRIES, Body, holds, mapped, output, piped, shown, spread


class _Scope:
    """One attempt of a workflow."""

    def __init__(self, flow: Flow, prefix: str, value: Any, around: _Scope | None) -> None:
        self.flow = flow
        self.prefix = prefix
        self.init = value
        self.around = around
        self.results: dict[str, Any] = {}


def expected(flow: Flow, value: Any) -> Expected:
    """Work out what a workflow comes to."""
    model = _Model(flow)
    out = model.attempt_flow(flow, "", value, None)
    found = model.found
    found.out = out
    found.trace = model.trace
    return found


class _Model:
    def __init__(self, flow: Flow) -> None:
        self.found = Expected(Out("ok"))
        self.trace: list[Trace] = []
        self._left: dict[str, int] = {}
        self._faults = {step.id: step.fault.times for step in steps(flow).values() if step.fault is not None}

    def attempt_flow(self, flow: Flow, prefix: str, value: Any, around: _Scope | None) -> Out:
        """Run the sequence of a workflow once."""
        scope = _Scope(flow, prefix, value, around)
        out = self._sequence(flow.nodes, scope, value, 0)
        return Out("ok", out.value) if out.kind == "bailed" else out

    def _sequence(self, nodes: Sequence[Node], scope: _Scope, value: Any, iteration: int) -> Out:
        for node in nodes:
            out = self._node(node, scope, value, iteration)
            if out.kind != "ok":
                return out
            value = out.value
        return Out("ok", value)

    def _node(self, node: Node, scope: _Scope, value: Any, iteration: int) -> Out:
        match node:
            case Step() | Flow():
                return self._call(node, scope, value, iteration)
            case Parallel():
                return self._parallel(node, scope, value)
            case Branch():
                return self._branch(node, scope, value, iteration)
            case Loop():
                return self._loop(node, scope, value)
            case Each():
                return self._each(node, scope, value)
            case _:
                return self._small(node, scope, value)

    def _small(self, node: Map | Pipe | Sleep, scope: _Scope, value: Any) -> Out:
        match node:
            case Map():
                other = scope.results.get(node.of) if node.of else scope.init
                return self._simple(scope, node.id, mapped(value, other))
            case Pipe():
                return self._simple(scope, node.id, piped(value))
            case Sleep():
                self.found.sleeps += 1
                return Out("ok", value)

    def _simple(self, scope: _Scope, id: str, value: Any) -> Out:
        path = scope.prefix + id
        self.trace.append(path)
        self.found.records[path] = "success", value
        return Out("ok", value)

    # -- calls ---------------------------------------------------------------------------------------------------

    def _call(self, node: Step | Flow, scope: _Scope, value: Any, iteration: int, index: int | None = None) -> Out:
        path = scope.prefix + node.id + ("" if index is None else f"[{index}]")
        self.trace.append(path)
        tries = 1 + scope.flow.retries
        if isinstance(node, Step) and node.kind == "piped":
            tries = TRIES
        elif isinstance(node, Step) and node.retries is not None:
            tries = 1 + node.retries
        out = Out("ok")
        for attempt in range(tries):
            if isinstance(node, Flow):
                out = self.attempt_flow(node, path + ".", value, scope)
            else:
                at = iteration if index is None else index
                out = self._body(node, Body(path, at, attempt, shown(value)), value)
            again = out.failure is not None and (out.failure.may_be_retried or node_is_piped(node))
            if not again:
                break
        return self._closed(path, node.id if index is None else None, scope, out)

    def _closed(self, path: str, id: str | None, scope: _Scope, out: Out) -> Out:
        status = {"ok": "success", "bailed": "bailed", "failed": "failed", "aborted": "canceled"}[out.kind]
        if id is None and out.kind == "bailed":
            status = "success"
        self.found.records[path] = status, out.value
        if id is not None:
            scope.results.pop(id, None)
            if out.kind in {"ok", "bailed"}:
                scope.results[id] = out.value
        return out

    def _body(self, step: Step, body: Body, value: Any) -> Out:
        self.found.bodies[body] += 1
        path = body.path
        left = self._left.get(path, self._faults.get(step.id, 0))
        if left and step.fault is not None:
            self._left[path] = left - 1
            return failed({"raise": "Boom", "fatal": "NonRetryable", "hang": "StepTimeout"}[step.fault.how], path)
        match step.ends:
            case "bail":
                return Out("bailed", output(step, value))
            case "abort":
                return Out("aborted")
            case _:
                return Out("ok", output(step, value))

    # -- side by side --------------------------------------------------------------------------------------------

    def _fan(self, runs: Sequence[Callable[[], Out]], *, one_by_one: bool) -> list[Out]:
        """Run some things side by side, which is one after the other here."""
        outer, outs = self.trace, list[Out]()
        traces: list[Trace] = []
        for run in runs:
            self.trace = []
            outs.append(run())
            traces.append(self.trace)
        self.trace = outer
        outer.append(traces if one_by_one else tuple(traces))
        return outs

    def _parallel(self, node: Parallel, scope: _Scope, value: Any) -> Out:
        outs = self._fan(
            [lambda arm=arm: self._call(arm, scope, value, 0) for arm in node.arms], one_by_one=node.limit == 1
        )
        joined = joined_failure(outs)
        if joined is not None and not node.collect:
            return joined
        return Out("ok", {arm.id: out.value for arm, out in zip(node.arms, outs, strict=True)})

    def _branch(self, node: Branch, scope: _Scope, value: Any, iteration: int) -> Out:
        taken = arms_taken(node, value)
        if taken is None:
            return failed("Boom", None)
        outs = self._fan(
            [lambda arm=arm: self._sequence(arm, scope, value, iteration) for arm in taken], one_by_one=False
        )
        ended = next((out for out in outs if out.kind in {"bailed", "aborted"}), joined_failure(outs))
        if ended is not None:
            return ended
        if node.merge:
            return outs[0] if outs else Out("ok", value)
        return Out("ok", {arm[-1].id: out.value for arm, out in zip(taken, outs, strict=True)})

    def _loop(self, node: Loop, scope: _Scope, value: Any) -> Out:
        for iteration in range(1, node.cap + 1):
            out = self._sequence(node.body, scope, value, iteration)
            if out.kind != "ok":
                return out
            value = out.value
            if node.when.raises:
                return failed("Boom", None)
            if goes_on(node.when, node.kind, value) is False:
                break
        return Out("ok", value)

    # -- for each ------------------------------------------------------------------------------------------------

    def _each(self, node: Each, scope: _Scope, value: Any) -> Out:
        name = node.body.id
        if node.items is not None:
            value = spread(value, node.items)
            self._simple(scope, name + "_items", value)
        path = scope.prefix + name
        self.trace.append(path)
        if not isinstance(value, list):
            return self._closed(path, name, scope, failed("InputInvalid", path))
        outs = self._items(node, scope, cast("list[Any]", value))
        if outs and outs[-1].kind in {"bailed", "aborted"}:
            return self._closed(path, name, scope, outs[-1])
        joined = joined_failure(outs)
        if joined is not None and not node.collect:
            return self._closed(path, name, scope, joined)
        return self._closed(path, name, scope, Out("ok", [out.value for out in outs]))

    def _items(self, node: Each, scope: _Scope, values: list[Any]) -> list[Out]:
        """Run the items, and those too that may run or not, since another one failed beside them."""
        outs: list[Out] = []
        traces: list[Trace] = []
        outer = self.trace
        certain = True
        for index, value in enumerate(values):
            found = self.found
            self.trace = []
            if not certain:
                self.found = Expected(Out("ok"))
            out = self._call(node.body, scope, value, 0, index)
            if certain:
                outs.append(out)
                traces.append(self.trace)
            else:
                found.maybe += self.found.bodies + self.found.maybe
                found.is_vague |= self.found.is_vague or not same_to_retry(out, outs) or recovers(node.body)
                self.found = found
            if out.kind in {"bailed", "aborted"} or (out.kind == "failed" and not node.collect):
                certain = False
                if node.concurrency == 1:
                    break
        self.trace = outer
        outer.append(traces if node.concurrency == 1 else tuple(traces))
        return outs


def arms_taken(node: Branch, value: Any) -> list[tuple[Step | Flow, ...]] | None:
    """Return the arms that are taken, or `None` if a condition raises."""
    taken: list[tuple[Step | Flow, ...]] = []
    for arm in node.arms:
        if node.first and taken:
            break
        if arm.when.raises:
            return None
        if holds(arm.when, value):
            taken.append(arm.steps)
    return taken or ([node.default] if node.default else [])


def node_is_piped(node: Step | Flow) -> bool:
    """Tell whether a node is a step under Rx operators, which try again whatever it fails with."""
    return isinstance(node, Step) and node.kind == "piped"


def goes_on(condition: If, kind: str, value: Any) -> bool:
    """Tell whether a loop makes another round."""
    return holds(condition, value) == (kind == "while")


def recovers(node: Step | Flow) -> bool:
    """Tell whether a step in here fails some times, and then no more."""
    inside = (inner for _, inner in walk(node))
    return any(isinstance(one, Step) and one.fault is not None and one.fault.times < ALWAYS for one in inside)
