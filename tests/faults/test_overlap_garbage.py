"""However steps that overlap end, only the reference counter is needed to free them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from reactivex import Observable

from rxloom import StepContext, Workflow, create_step
from tests.flow.overlapping import gathering, passing, producing, row
from tests.garbage import collector_off, ours_in_cycles
from tests.play import turns
from tests.virtual import virtual

pytestmark = pytest.mark.unwatched  # the watch would keep what is to be freed


def raises(at: int, attempts: int = 9) -> Callable[[StepContext, Any], None]:
    def check(ctx: StepContext, item: Any) -> None:
        if item == at and ctx.attempt < attempts:
            raise ValueError("broke")

    return check


def suspends(ctx: StepContext, item: Any) -> None:
    if item == 1:
        ctx.suspend("?")


async def leave_subscribed(items: Observable[int]) -> None:
    items.subscribe(lambda _: None)


def block(items: Observable[int]) -> int:
    return items.run()


WORKFLOWS: dict[str, Workflow[Any, Any]] = {
    "three": row(producing(), passing(), gathering("c")),
    "first fails": row(producing(then=raises(1)), passing(), gathering("c")),
    "first retried": row(producing(then=raises(1, 1), retries=1), passing(), gathering("c")),
    "second fails": row(producing(), gathering(then=raises(1))),
    "second retried": row(producing(), gathering(then=raises(1, 1), retries=1)),
    "first suspends": row(producing(then=suspends), gathering()),
    "second suspends": row(producing(), gathering(then=suspends)),
    "first bails": row(producing(then=lambda ctx, item: ctx.bail() if item else None), gathering()),
    "second bails": row(producing(), gathering(then=lambda ctx, _: ctx.bail())),
    "left subscribed": row(producing(), create_step("b", leave_subscribed, observable_input=True)),
    "on a thread": row(producing(), create_step("b", block, observable_input=True)),
    "alone": row(gathering()),
}


async def play_out(workflow: Workflow[Any, Any]) -> None:
    run = workflow.create_run()
    result = await run.start(3)
    if result.status == "suspended":
        await run.cancel()


async def cancel(workflow: Workflow[Any, Any]) -> None:
    run = workflow.create_run()
    stream = run.stream_vnext(3)
    await asyncio.sleep(1.5)
    await run.cancel()
    await stream


LIVES = [(name, live) for name in WORKFLOWS for live in (play_out, cancel) if (name, live) != ("on a thread", cancel)]


@pytest.mark.parametrize(("name", "live"), LIVES)
@virtual
async def test_nothing_is_left_in_cycles(name: str, live: Any) -> None:
    await live(WORKFLOWS[name])  # the first one warms caches up
    await turns()
    with collector_off():
        await live(WORKFLOWS[name])
        await turns()
        left = ours_in_cycles()

    assert left == []
