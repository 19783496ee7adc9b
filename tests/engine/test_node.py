"""Nodes: each is an Rx operator over contexts, however the engine calls it."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as ops

from rxloom import create_workflow
from rxloom.chunks import LegStarted, WorkflowStart, WorkflowStartPayload
from rxloom.engine import Ctx, Execution, Node, Scope
from rxloom.flow._parallel import Parallel
from rxloom.flow._seq import Seq
from rxloom.flow._step import StepNode
from rxloom.log import ChunkLog
from rxloom.loops import LoopBinding
from rxloom.memory import MemoryStore
from rxloom.offload import ThreadPool
from rxloom.outcome import LegOutcome
from rxloom.snapshot import Snapshot
from tests.play import adding, failing, told
from tests.virtual import virtual

pytestmark = pytest.mark.unwatched  # nodes that are run by themselves tell no workflow


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    """Give worker threads, and take them back."""
    pool = ThreadPool(1)
    yield pool
    pool.close()


def context(pool: ThreadPool, value: Any) -> Ctx:
    """Make a context of an execution of its own."""
    workflow = create_workflow("wf").then(adding()).commit()
    snapshot = Snapshot("run")
    log = ChunkLog("run", MemoryStore(), snapshot, keep=None)
    log.outcome = LegOutcome(snapshot, 1)
    execution = Execution(log, LoopBinding(asyncio.get_running_loop(), pool), copy_context())
    execution.note(LegStarted("start", "wf", 0))
    execution.tell(WorkflowStart("run", WorkflowStartPayload("wf")))
    return Ctx(execution, Scope(workflow, None, execution.root, ""), value)


async def through(node: Node, ctx: Ctx) -> Any:
    """Send a context through a node in a stock pipe, and return the value that comes out."""
    return (await rx.of(ctx).pipe(node, ops.take(1))).value


def test_a_step_is_an_operator(pool: ThreadPool) -> None:
    @virtual
    async def test() -> None:
        assert await through(StepNode(adding("a")), context(pool, 1)) == 2

    test()


def test_containers_are_operators_too(pool: ThreadPool) -> None:
    @virtual
    async def test() -> None:
        both = Parallel({"b": StepNode(adding("b", 10)), "c": StepNode(adding("c", 100))})
        ctx = context(pool, 1)

        assert await through(Seq([StepNode(adding("a")), both]), ctx) == {"b": 12, "c": 102}
        assert told(ctx.execution.log.chunks)[:4] == ["start", "a: running", "a: success", "b: running"]

    test()


def test_a_failure_is_an_error_of_the_operator(pool: ThreadPool) -> None:
    @virtual
    async def test() -> None:
        with pytest.raises(ValueError, match="boom"):
            await through(StepNode(failing("a")), context(pool, 1))

    test()


def test_disposing_the_subscription_cancels_the_step(pool: ThreadPool) -> None:
    @virtual
    async def test() -> None:
        ctx = context(pool, 1)
        subscription = rx.of(ctx).pipe(StepNode(adding("a", seconds=10))).subscribe()
        await asyncio.sleep(1)
        subscription.dispose()
        await asyncio.sleep(0.001)

        assert told(ctx.execution.log.chunks) == ["start", "a: running", "a: canceled"]

    test()
