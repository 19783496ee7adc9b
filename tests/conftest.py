"""What holds for every test: Hypothesis profiles, nothing left behind, and streams that obey the grammar of chunks."""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncGenerator, Generator

import pytest
from hypothesis import HealthCheck, settings

from tests import watch

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci", max_examples=500, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("dev")


@pytest.fixture(autouse=True, scope="session")
def _every_log_watched() -> Generator[None]:
    with watch.every_log_watched():
        yield


@pytest.fixture(autouse=True)
def _every_stream_obeys_the_grammar(request: pytest.FixtureRequest) -> Generator[None]:
    if request.node.get_closest_marker("unwatched"):
        with watch.nothing_watched():
            yield
    else:
        yield

    assert watch.damage() == []


@pytest.fixture(autouse=True)
def _no_thread_is_left(request: pytest.FixtureRequest) -> Generator[None]:
    before = set(threading.enumerate())
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_no_task_is_left")
    yield

    assert watch.threads_left(before) == []
    assert watch.background_tasks_left() == []


@pytest.fixture
async def _no_task_is_left() -> AsyncGenerator[None]:
    yield

    assert await watch.tasks_left() == []
