"""Exceptions that end the process, or the loop, and not the step."""

from __future__ import annotations

import asyncio

from rxloom.engine._execution import Execution
from rxloom.engine._task import LegTask
from rxloom.errors import RunInterrupted
from rxloom.scheduler import FATAL, raise_in


def ends_the_run(execution: Execution, error: BaseException, *, asked: bool) -> bool:
    """Take the run from this process if `error` is a shutdown, and no matter of the step.

    A `CancelledError` is one when nobody asked this step to stop, and its task was cancelled from outside of the loop,
    as `asyncio.run` does at its end, or together with all others. Otherwise a body that raises it has failed.
    """
    if execution.interrupted:
        return True
    if isinstance(error, FATAL) or (isinstance(error, asyncio.CancelledError) and not asked and _loop_ends(execution)):
        taken = RunInterrupted(f"{type(error).__name__} ended the loop of the run", run_id=execution.run_id)
        taken.__cause__ = error
        execution.abandon(taken)
        return True
    return False


def pass_on(execution: Execution, error: BaseException) -> None:
    """Have whoever runs the loop get an exception that is to end the program; on a loop of ours it would not.

    Call this before anybody else is told: else whoever awaits the run may end the loop with another exception.
    """
    if isinstance(error, FATAL) and not execution.own_loop:
        raise_in(execution.loop, error)


def thrown_away(execution: Execution) -> None:
    """Take the run from this process: a task of it was thrown away, which happens to those of a closed loop."""
    execution.abandon(RunInterrupted("the loop of the run was closed", run_id=execution.run_id))


def _loop_ends(execution: Execution) -> bool:
    if execution.own_loop:
        return False  # it says so before it ends
    current = asyncio.current_task(execution.loop)
    if isinstance(current, LegTask) and current.shut_down:
        return True
    return current is not None and all(task.cancelling() for task in asyncio.all_tasks(execution.loop))
