"""Real workflows from descriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from reactivex import operators as ops

from rxloom import Retry, Workflow, create_step, create_workflow
from tests.properties.bodies import BODIES, Boom, Stage
from tests.properties.graphs import Branch, Each, Flow, If, Loop, Map, Node, Parallel, Pipe, Sleep, Step
from tests.properties.values import TRIES, holds, mapped, piped, spread

TIMEOUT = 0.005
"""Seconds beyond its delay after which a step that may hang times out."""


def built(flow: Flow, stage: Stage, *, alone: bool = False) -> Workflow[Any, Any]:
    """Build a workflow.

    Args:
        flow: what it is.
        stage: where its bodies note what they do.
        alone: give each step a timeout, so that no two of them share a task.
    """
    return _Building(stage, alone=alone).flow(flow)


class _Building:
    def __init__(self, stage: Stage, *, alone: bool) -> None:
        self._stage = stage
        self._alone = alone

    def flow(self, flow: Flow) -> Workflow[Any, Any]:
        """Build a workflow, and what is nested in it."""
        policy = Retry(flow.retries, delay=flow.pause / 1000)
        builder: Any = create_workflow(flow.id, retries=policy, max_concurrency=flow.limit)
        for node in flow.nodes:
            builder = self._add(builder, node)
        return builder.commit()

    def _add(self, builder: Any, node: Node) -> Any:
        match node:
            case Step() | Flow():
                return builder.then(self._step(node))
            case Parallel():
                errors = "collect" if node.collect else "fail"
                return builder.parallel(self._steps(node.arms), max_concurrency=node.limit, errors=errors)
            case Branch():
                arms = [(condition(arm.when), self._steps(arm.steps)) for arm in node.arms]
                default = self._steps(node.default) or None
                return builder.branch(arms, default=default, first_match=node.first, merge=node.merge)
            case Loop():
                add = builder.do_while if node.kind == "while" else builder.do_until
                return add(self._steps(node.body), condition(node.when), max_iterations=node.cap)
            case Each():
                return self._each(builder, node)
            case _:
                return _small(builder, node)

    def _each(self, builder: Any, node: Each) -> Any:
        items = node.items
        if items is not None:
            builder = builder.map(lambda value: spread(value, items), id=node.body.id + "_items")  # pyright: ignore[reportUnknownLambdaType] # of anything
        errors = "collect" if node.collect else "fail"
        return builder.for_each(self._step(node.body), concurrency=node.concurrency, errors=errors)

    def _steps(self, nodes: tuple[Step | Flow, ...]) -> list[Any]:
        return [self._step(node) for node in nodes]

    def _step(self, node: Step | Flow) -> Any:
        if isinstance(node, Flow):
            return self.flow(node)
        hangs = node.fault is not None and node.fault.how == "hang"
        options: dict[str, Any] = {"timeout": TIMEOUT + node.delay / 1000 if hangs else 3600 if self._alone else None}
        body = BODIES[node.kind](self._stage, node)
        step = create_step(node.id, body, retries=node.retries, inline=node.kind == "inline", **options)
        return step.pipe(ops.retry(TRIES), ops.map(lambda made: made + 1)) if node.kind == "piped" else step


def _small(builder: Any, node: Map | Pipe | Sleep) -> Any:
    match node:
        case Map():
            return builder.map(partial(_map, node), id=node.id)
        case Pipe():
            return builder.pipe(ops.map(piped), id=node.id)
        case Sleep():
            seconds = node.ms / 1000
            return builder.sleep(partial(_due, seconds) if node.computed else seconds)


def _due(seconds: float, _value: Any) -> float:
    return seconds


def _map(node: Map, value: Any, ctx: Any) -> Any:
    return mapped(value, ctx.get_step_result(node.of) if node.of else ctx.init_data)


def condition(when: If) -> Callable[..., Any]:
    """Return a condition as a function."""

    def ask(value: Any) -> bool:
        if when.raises:
            raise Boom("condition")
        return holds(when, value)

    async def wait(value: Any) -> bool:
        await asyncio.sleep(0.001)
        return ask(value)

    return wait if when.slow else ask
