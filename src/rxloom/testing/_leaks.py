"""What a test leaves behind: runs, subscriptions, tasks, timers and threads of rxloom's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final

from rxloom.engine import ABANDONED, Execution, LegTask
from rxloom.log import HEARD
from rxloom.runtime import RUNTIMES, Runtime, implicit
from rxloom.snapshot import Snapshot, parent_path

__all__ = ["Leaks"]

GRACE: Final = 2.0
"""Real seconds for what is just ending; nobody waits when there is nothing left."""

_TURN: Final = 0.01
_AT_WORK: Final = frozenset({"running", "waiting"})


class Leaks:
    """Compares what is there with what was there when this was made."""

    def __init__(self) -> None:
        """Look around, and listen for runs that lose their loop."""
        self._before = dict(_present())
        self._lost: list[str] = []
        ABANDONED.append(self._hear)

    def _hear(self, execution: Execution) -> None:
        if execution.leg not in self._before:
            self._lost.append(f"{_run(execution.snapshot)} still ran when its event loop ended")

    def found(self) -> list[str]:
        """Say what is there that was not, once what is just ending has ended; and listen no more."""
        ended = threading.Event()
        for _ in range(int(GRACE / _TURN)):
            if not self._left():
                break
            ended.wait(_TURN)
        ABANDONED.remove(self._hear)
        return [*self._lost, *self._left()]

    def _left(self) -> list[str]:
        return [said for thing, said in _present() if thing not in self._before]


def _present() -> Iterator[tuple[object, str]]:
    """Name everything of rxloom's that is at work in this process."""
    known = list(RUNTIMES)
    legs = [leg for runtime in known for leg in list(runtime.registry.live.values())]
    for leg in legs:
        yield leg, f"{_run(leg.execution.snapshot)} still runs"
    live = {leg.execution.run_id for leg in legs}
    for log in list(HEARD):
        if log.run_id not in live:
            yield log, f"a subscription to {_run(log.snapshot)} ({log.snapshot.status}), which was not disposed"
    for loop in {loop for runtime in known for loop in runtime.loops}:
        at_work = any(leg.execution.loop is loop for leg in legs)
        yield from _of_loop(loop, at_work=at_work)
    yield from _threads(known)


def _of_loop(loop: asyncio.AbstractEventLoop, *, at_work: bool) -> Iterator[tuple[object, str]]:
    """Name the tasks and timers of a loop; those of a run that is live belong to it."""
    if at_work:
        return
    for task in asyncio.all_tasks(loop):
        if isinstance(task, LegTask):
            yield task, f"a task of a run that is over: {task!r}"
    timers: Iterable[Any] = list(getattr(loop, "_scheduled", ()))  # of asyncio's own loops
    for timer in timers:
        action = getattr(timer, "_callback", None)
        if not timer.cancelled() and type(action).__module__ == "rxloom.scheduler":
            due = timer.when() - loop.time()
            yield action, f"a timer that is due in {due:.3g} s: of a subscription with a time operator, say"


def _threads(known: Iterable[Runtime]) -> Iterator[tuple[object, str]]:
    stays = implicit().thread
    for runtime in known:
        thread = runtime.thread
        if thread is not None and thread.is_alive() and thread is not stays:
            yield thread, f"the thread of the background loop of {runtime!r}, which was not closed"
    for thread in threading.enumerate():
        call = getattr(thread, "call", None)
        if thread.name.startswith("rxloom-worker") and call is not None:
            yield call, f"the thread {thread.name!r}, which runs {getattr(call, 'label', '') or 'a call'}"


def _run(snapshot: Snapshot) -> str:
    at_work = [path for path, entry in list(snapshot.entries.items()) if entry.status in _AT_WORK]
    around = {parent_path(path) for path in at_work}
    steps = ", ".join(repr(path) for path in at_work if path not in around)
    where = f", in step {steps}," if steps else ""
    return f"run {snapshot.run_id!r} of workflow {snapshot.workflow_id!r}{where}"
