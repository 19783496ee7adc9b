"""The pytest plug-in, in runs of pytest of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

AUTO = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"
LEAKY = """
import asyncio, threading
import pytest
from rxloom import StepContext, create_workflow, step
from rxloom.testing import assert_marbles, run_virtual, virtual_test, virtual_run

@step
async def stuck(_: object, ctx: StepContext) -> None:
    await asyncio.Event().wait()

@step
async def quick(n: int) -> int:
    return n

flow = create_workflow("flow").then(stuck).commit()
good = create_workflow("good", input=int).then(quick).commit()

async def leave(name):
    flow.create_run(run_id=f"{name} {id(flow)}").stream_vnext(1)
    await asyncio.sleep(0.01)
"""


@pytest.fixture
def leaky(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(
        LEAKY
        + """
@virtual_test
async def test_virtual_leaves_a_run():
    await leave("one")

async def test_async_leaves_a_run():
    await leave("two")

@pytest.mark.rxloom_leak_check(False)
def test_may_leave_a_run():
    virtual_run(leave("three"))

def test_that_fails_is_not_blamed_twice():
    virtual_run(leave("four"))
    assert False

def test_clean():
    good.create_run().stream_vnext(1).run()

@virtual_test
async def test_with_a_fixture_of_its_own(tmp_path):
    assert (await good.create_run().start(1)).unwrap() == 1 and tmp_path.exists()
"""
    )
    return pytester


def test_leak_check_is_on_for_all_by_an_ini_option(leaky: pytest.Pytester) -> None:
    leaky.makeini(f"[pytest]\nrxloom_leak_check = true\n{AUTO}\naddopts = --strict-markers --strict-config")
    result = leaky.runpytest_subprocess("-W", "error")

    result.assert_outcomes(passed=5, failed=1, errors=2)
    result.stdout.fnmatch_lines_random(
        [
            "*ERROR at teardown of test_virtual_leaves_a_run*",
            "- run 'one *' of workflow 'flow', in step 'stuck', still ran when its event loop ended",
            "*ERROR at teardown of test_async_leaves_a_run*",
            "- run 'two *' of workflow 'flow', in step 'stuck', still ran when its event loop ended",
        ]
    )
    result.stdout.no_fnmatch_line("*'three *'*")
    result.stdout.no_fnmatch_line("- run 'four *'*")


def test_leak_check_is_off_without_being_asked_for(leaky: pytest.Pytester) -> None:
    leaky.makeini(f"[pytest]\n{AUTO}")

    leaky.runpytest_inprocess().assert_outcomes(passed=5, failed=1)


def test_leak_check_is_on_for_what_is_marked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        LEAKY
        + """
pytestmark = pytest.mark.rxloom_leak_check

def test_leaves_a_run():
    virtual_run(leave("one"))
"""
    )

    pytester.makeini(f"[pytest]\n{AUTO}")

    pytester.runpytest_inprocess("--strict-markers").assert_outcomes(passed=1, errors=1)


def test_failed_test_shows_the_runs_it_made(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        LEAKY
        + """
def test_passes():
    run_virtual(good, 1)

def test_fails():
    assert run_virtual(good, 2).result.unwrap() == 1
"""
    )
    pytester.makeini(f"[pytest]\n{AUTO}")
    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Captured run in virtual time call*", "*0s", "good   ^|", "quick  ^|", "^ start*"])
    assert result.stdout.str().count("Captured run in virtual time") == 1


def test_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        LEAKY
        + """
def test_runtime_is_its_own(rxloom_runtime):
    run = good.create_run(run_id="same")
    assert run.stream_vnext(1).run().unwrap() == 1
    assert rxloom_runtime.thread.is_alive()
    test_runtime_is_its_own.thread = rxloom_runtime.thread

def test_runtime_is_another_one(rxloom_runtime):
    assert not test_runtime_is_its_own.thread.is_alive()
    assert good.create_run(run_id="same").stream_vnext(2).run().unwrap() == 2

@pytest.mark.rxloom_leak_check(on=False)
async def test_runs_left_on_the_loop_of_the_test_are_taken_away(rxloom_runtime):
    await leave("five")
    assert any(run_id.startswith("five") for run_id in rxloom_runtime.registry.live)

def test_loop(rxloom_virtual_loop):
    rxloom_virtual_loop.create_task(asyncio.sleep(1000))
    assert rxloom_virtual_loop.run_until_complete(asyncio.sleep(86400, "done")) == "done"
    assert rxloom_virtual_loop.time() == 86400
"""
    )
    pytester.makeini(f"[pytest]\n{AUTO}\nrxloom_leak_check = true")

    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=4)


def test_plugin_is_cheap_to_load() -> None:
    code = "import sys, pytest, pytest_rxloom; sys.exit('rxloom' in sys.modules or 'reactivex' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 # our own code


def test_pytest_is_not_needed_without_the_plugin() -> None:
    code = "import sys, rxloom.testing; sys.exit('pytest' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 # our own code
