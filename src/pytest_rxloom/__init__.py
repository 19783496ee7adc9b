"""The pytest plug-in of rxloom: fixtures, a check for what tests leave behind, and drawings of runs in failed tests.

It is no part of the package `rxloom`, because pytest imports it wherever rxloom is installed, and importing a part of a
package imports the package. So rxloom comes when a test needs it, and not before.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rxloom import Runtime
    from rxloom.testing import VirtualLoop
    from rxloom.testing._leaks import Leaks
    from rxloom.testing._run import Recent

__all__ = ["rxloom_runtime", "rxloom_virtual_loop"]

CHECK = "rxloom_leak_check"

_watch: pytest.StashKey[Leaks] = pytest.StashKey()
_failed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini option."""
    parser.addini(CHECK, "fail tests that leave runs, tasks, timers, threads or subscriptions of rxloom", "bool")


def pytest_configure(config: pytest.Config) -> None:
    """Add the marker."""
    config.addinivalue_line(
        "markers",
        f"{CHECK}(on=True): whether the test fails if it leaves runs, tasks, timers, threads or subscriptions of "
        "rxloom behind; the ini option of the same name is for all tests",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Look what is there when the fixtures are, those of a whole session too."""
    yield
    if _checked(item):
        from rxloom.testing import _leaks  # noqa: PLC0415 # see the docstring of the module

        item.stash[_watch] = _leaks.Leaks()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Show the runs of a test that fails."""
    kit = sys.modules.get("rxloom.testing._run")
    recent: Recent | None = None if kit is None else kit.RECENT
    if recent is not None:
        recent.keep()
    try:
        yield
    except BaseException:
        item.stash[_failed] = True
        for drawing in recent.drawn() if recent is not None else ():
            item.add_report_section("call", "run in virtual time", drawing)
        raise
    finally:
        if recent is not None:
            recent.forget()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Look what is there that was not before, once the fixtures are gone."""
    yield
    leaks = item.stash.get(_watch, None)
    if leaks is not None:
        del item.stash[_watch]
        found = leaks.found()
        if found and not item.stash.get(_failed, False):
            pytest.fail("the test left behind:\n" + "\n".join(f"- {each}" for each in found), pytrace=False)


def _checked(item: pytest.Item) -> bool:
    marker = item.get_closest_marker(CHECK)
    if marker is None:
        return bool(item.config.getini(CHECK))
    return bool(marker.args[0] if marker.args else marker.kwargs.get("on", True))


@pytest.fixture
def rxloom_runtime() -> Iterator[Runtime]:
    """Carry out workflows on a runtime of the test's own, which is closed after it.

    Workflows that are given no runtime run on it too. Its store keeps what they did, its worker threads and its
    background loop end with the test, and what still runs then is taken away.
    """
    from rxloom.testing._own_runtime import own_runtime  # noqa: PLC0415 # see the docstring of the module

    with own_runtime() as runtime:
        yield runtime


@pytest.fixture
def rxloom_virtual_loop() -> Iterator[VirtualLoop]:
    """Make an event loop in virtual time, for `run_until_complete`; what runs in it after the test is cancelled."""
    import asyncio  # noqa: PLC0415 # see the docstring of the module

    from rxloom.testing import VirtualLoop  # noqa: PLC0415 # the same

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)  # noqa: S101 # tells the type
        yield loop
