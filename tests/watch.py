"""What the suite looks at after each test: is anything left behind, and did every stream obey the grammar?"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary, finalize

import pytest

import rxloom.runtime
from rxloom.chunks import Told, WorkflowFinish
from rxloom.log import ChunkLog
from rxloom.testing import check_chunks

GRACE = 5.0  # real seconds for what is just ending; nothing waits for it once it has ended
TURNS = 10  # of a loop, for tasks that are just ending

_logs: list[finalize[[list[list[Told]], bool], ChunkLog]] = []
_parts: WeakKeyDictionary[ChunkLog, list[list[Told]]] = WeakKeyDictionary()
_damage: list[str] = []
_watching = True


@contextmanager
def every_log_watched() -> Generator[None]:
    """Have every log that is made checked when it is collected, or at the end of the test that made it."""
    make, adopt = ChunkLog.__init__, ChunkLog.adopt

    def make_and_watch(self: ChunkLog, *arguments: Any, **options: Any) -> None:
        make(self, *arguments, **options)
        if _watching:
            # The lists outlive the log by a moment. A reference to the log itself would keep a finished run alive.
            parts = _parts[self] = [self.chunks]
            _logs.append(finalize(self, _check, parts, self._keep is not None))

    def adopt_and_watch(self: ChunkLog, *arguments: Any) -> None:
        adopt(self, *arguments)
        if self in _parts and self._old is not None:
            _parts[self].insert(0, self._old)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ChunkLog, "__init__", make_and_watch)
        patch.setattr(ChunkLog, "adopt", adopt_and_watch)
        yield


@contextmanager
def nothing_watched() -> Generator[None]:
    """Leave the logs that are made meanwhile alone."""
    global _watching  # noqa: PLW0603 - one suite, one switch
    _watching = False
    try:
        yield
    finally:
        _watching = True


def _check(parts: list[list[Told]], bounded: bool) -> None:  # noqa: FBT001 - called by `finalize`
    chunks = [chunk for part in parts for chunk in part]
    whole = bool(chunks) and chunks[0].seq == 0 and chunks[-1].seq == len(chunks) - 1
    if whole or not bounded:  # a bounded log may have dropped outputs, and then what is left is no sequence
        complete = bool(chunks) and isinstance(chunks[-1], WorkflowFinish)
        _damage.extend(check_chunks(chunks, complete=complete))


def damage() -> list[str]:
    """Check the logs that are still alive, and return what was wrong with any log since the last call."""
    for log in _logs:
        if log.alive and (watched := log.detach()):
            _, check, arguments, _ = watched
            check(*arguments)
    _logs.clear()
    found = _damage[:]
    _damage.clear()
    return found


def _implicit_loop_thread() -> threading.Thread | None:
    for runtime in rxloom.runtime._implicit:
        if runtime._background is not None:
            return runtime._background.thread
    return None


def _busy(thread: threading.Thread) -> bool:
    """Tell what is at work from what may stay: idle workers, and asyncio's own, which its loop ends."""
    idle = thread.name.startswith("rxloom-worker") and getattr(thread, "call", None) is None
    return thread.is_alive() and not idle and not thread.name.startswith("asyncio_")


def threads_left(before: set[threading.Thread]) -> list[str]:
    """Return the names of threads that are new since `before` and do not end."""
    ended = threading.Event()

    def left() -> list[str]:
        known = {*before, _implicit_loop_thread()}
        return [thread.name for thread in threading.enumerate() if thread not in known and _busy(thread)]

    return _patiently(left, lambda: ended.wait(0.01))


def _patiently(left: Callable[[], list[str]], wait: Callable[[], object]) -> list[str]:
    for _ in range(int(GRACE / 0.01)):
        if not left():
            return []
        wait()
    return left()


async def tasks_left() -> list[str]:
    """Return the tasks of the running loop that do not end, this one excepted."""
    own = asyncio.current_task()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    return [repr(task) for task in asyncio.all_tasks() if task is not own and not task.done()]


def background_tasks_left() -> list[str]:
    """Return the tasks on the implicit runtime's background loop that do not end."""
    again = threading.Event()

    def left() -> list[str]:
        loops = [runtime._background.binding.loop for runtime in rxloom.runtime._implicit if runtime._background]
        return [repr(task) for loop in loops for task in asyncio.all_tasks(loop) if not task.done()]

    return _patiently(left, lambda: again.wait(0.01))
