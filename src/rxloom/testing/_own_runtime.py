"""A runtime for one test."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from rxloom.errors import RunInterrupted, WrongLoop
from rxloom.ports import runtime as runtimes
from rxloom.runtime import Runtime
from rxloom.scheduler import running_loop
from rxloom.workflow import Workflow

__all__ = ["own_runtime"]


@contextmanager
def own_runtime(*workflows: Workflow[Any, Any], **options: Any) -> Generator[Runtime]:
    """Carry out workflows on a runtime of one's own, which is closed at the end of the block.

    Workflows that are given no runtime run on it too. What still runs at the end is taken away: its streams end with
    `RunInterrupted`.

    Args:
        workflows: those it can find by id.
        options: see `Runtime`.

    Raises:
        WrongLoop: the block ends in a coroutine: write `async with Runtime(...)` there.

    Example:
        >>> from rxloom import create_workflow
        >>> nap = create_workflow("nap").sleep(0).commit()
        >>> with own_runtime() as runtime:
        ...     status = nap.create_run(run_id="r1").stream_vnext().run().status
        ...     status, runtime.store.heads is not None
        ('success', True)
    """
    runtime = Runtime(*workflows, **options)
    before = runtimes.install(lambda: runtime)
    try:
        yield runtime
    finally:
        runtimes.install(before)
        _close(runtime)


def _close(runtime: Runtime) -> None:
    if running_loop() is not None:
        raise WrongLoop("a runtime cannot be closed by `with` under a running event loop: write `async with Runtime()`")
    for leg in list(runtime.registry.live.values()):
        execution = leg.execution
        if not execution.loop.is_running():  # nobody there could wait for it
            execution.interrupt(RunInterrupted("the test is over", run_id=execution.run_id))
    asyncio.run(runtime.aclose(drain=0))
