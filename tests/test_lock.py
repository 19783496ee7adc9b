"""The one lock of all runs."""

from __future__ import annotations

import os
from threading import Event, Thread

import pytest

from rxloom.lock import LOCK


def test_thread_that_holds_it_may_take_it_again() -> None:
    with LOCK, LOCK:
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fork_waits_for_the_thread_that_holds_it_so_that_the_child_can_take_it() -> None:
    held, forking = Event(), Event()

    def hold() -> None:
        with LOCK:
            held.set()
            forking.wait(0.05)  # as good as certain: the fork has begun when this is over

    holder = Thread(target=hold)
    holder.start()
    held.wait()
    child = os.fork()
    if child == 0:
        os._exit(3 if LOCK.acquire(timeout=1) else 4)
    holder.join()
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 3
    assert LOCK.acquire(timeout=1)
    LOCK.release()
