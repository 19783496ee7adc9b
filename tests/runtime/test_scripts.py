"""Whole programs: how they end while runs are open, are interrupted, and fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRELUDE = """
import asyncio, logging, os, signal, sys, threading, time
logging.basicConfig(format="%(levelname)s %(message)s")
from rxloom import Runtime, RunInterrupted, create_step, create_workflow
from tests.hearing import *
runtime = Runtime(exit_grace=0.5)

def on(workflow):
    return runtime.new_run(workflow, None, None, "refuse")

async def nap(seconds):
    await asyncio.sleep(seconds)
    print("slept", flush=True)
    return seconds

NAP = create_workflow("nap").then(create_step("nap", nap)).commit()
"""


class Script:
    """A program being run."""

    def __init__(self, body: str) -> None:
        """Start it."""
        code = PRELUDE + textwrap.dedent(body)
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
        self.begun = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 # our own code
            [sys.executable, "-X", "dev", "-W", "error", "-c", code],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )  # fmt: skip

    def wait_for_line(self) -> str:
        """Wait until it says something."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> tuple[int, str, str]:
        """Return its exit code, and what it printed."""
        out, err = self.process.communicate(timeout=30)
        self.seconds = time.monotonic() - self.begun
        return self.process.returncode, out.strip(), err.strip()


def run(body: str) -> tuple[int, str, str]:
    return Script(body).end()


# -- the end of a script -------------------------------------------------------------------------------------------


def test_exit_waits_for_open_runs() -> None:
    code, out, err = run("on(NAP).stream_vnext(0.2)")

    assert (code, out, err) == (0, "slept", "")


def test_exit_does_not_wait_longer_than_the_grace_period_and_says_so() -> None:
    script = Script("""
        stream = on(NAP).stream_vnext(60)
        stream.subscribe(lambda chunk: print(chunk.type, flush=True), lambda error: print(type(error).__name__))
    """)
    code, out, err = script.end()

    assert code == 0
    assert out.splitlines() == ["workflow-start", "workflow-step-start", "RunInterrupted"]
    assert len(err.splitlines()) == 1
    assert "unfinished" in err
    assert script.seconds < 20


def test_blocked_thread_does_not_hold_the_interpreter() -> None:
    script = Script("""
        def block(_): time.sleep(60)
        on(create_workflow("flow").then(create_step("block", block)).commit()).stream_vnext(1)
        threading.Event().wait(0.2)
    """)
    code, _, err = script.end()

    assert code == 0
    assert "unfinished" in err
    assert script.seconds < 20


def test_run_that_only_waits_is_left_at_exit() -> None:
    code, _, err = run("""
        stream = on(create_workflow("flow").sleep(3600).commit()).stream_vnext(1)
        threading.Event().wait(0.2)
    """)

    assert code == 0
    assert "unfinished" in err


def test_failure_that_nobody_looked_at_is_logged_at_exit() -> None:
    code, _, err = run("stream = on(FAILER).stream_vnext(1)\nthreading.Event().wait(0.2)")

    assert code == 0
    assert err.count("nobody looked at its result") == 1


def test_end_of_asyncio_run_with_open_runs_is_quiet() -> None:
    code, out, err = run("""
        async def main():
            streams = [on(NAP).stream_vnext(60), on(create_workflow("flow").sleep(3600).commit()).stream_vnext(1)]
            for stream in streams:
                stream.subscribe(on_error=lambda error: print(type(error).__name__))
            await asyncio.sleep(0.1)
        asyncio.run(main())
    """)

    assert (code, out.splitlines(), err) == (0, ["RunInterrupted"] * 2, "")


def test_runtime_closed_by_the_script_ends_at_once() -> None:
    script = Script("""
        on(NAP).stream_vnext(60)
        asyncio.run(runtime.aclose(drain=0))
    """)
    code, out, err = script.end()

    assert (code, out, err) == (0, "", "")


# -- interrupts ----------------------------------------------------------------------------------------------------


def interrupted(body: str) -> tuple[int, str, str]:
    script = Script(body)
    assert script.wait_for_line() == "ready"
    script.process.send_signal(signal.SIGINT)
    return script.end()


def test_ctrl_c_while_a_script_blocks_ends_the_waiting() -> None:
    code, out, _ = interrupted("""
        stream = on(NAP).stream_vnext(0.5)
        try:
            print("ready", flush=True)
            stream.run()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        print(stream.run().status)
    """)

    assert (code, out.splitlines()) == (0, ["interrupted", "slept", "success"])


def test_ctrl_c_in_asyncio_run_takes_the_run_away() -> None:
    code, out, err = interrupted("""
        held = []
        async def main():
            held.append(on(NAP).stream_vnext(60))
            await asyncio.sleep(0)
            print("ready", flush=True)
            await held[0]
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted")
        try:
            held[0].run()
        except RunInterrupted:
            print(asyncio.run(runtime.run(held[0].run_id).snapshot()).status)
    """)

    assert (code, out.splitlines(), err) == (0, ["interrupted", "running"], "")


@pytest.mark.parametrize(("raised", "code"), [("KeyboardInterrupt", -signal.SIGINT), ("SystemExit(7)", 7)])
def test_fatal_exception_in_a_step_ends_the_program(raised: str, code: int) -> None:
    body = f"""
        async def fatal(_):
            raise {raised}
        async def main():
            await on(create_workflow("flow").then(create_step("fatal", fatal)).commit()).start(1)
        asyncio.run(main())
    """
    found, _, err = run(body)

    assert found in {code, 130}
    assert "never retrieved" not in err


# -- fork ----------------------------------------------------------------------------------------------------------

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@forks
def test_child_of_a_fork_runs_on_loops_and_threads_of_its_own() -> None:
    code, out, err = run("""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks with threads
        def thread(number): return number + 1
        workflow = create_workflow("flow").then(create_step("thread", thread)).then(WRITER).commit()
        assert on(workflow).stream_vnext(1).run().unwrap() == 2
        pid = os.fork()
        result = on(workflow).stream_vnext(2).run().unwrap()
        if pid == 0:
            os._exit(40 + result)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), result)
    """)

    assert (code, out, err) == (0, "43 3", "")


@forks
def test_open_runs_stay_with_the_parent_of_a_fork() -> None:
    code, out, err = run("""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        runtime = Runtime(max_runs=1)
        stream = on(NAP).stream_vnext(0.5)
        heard = hear(stream)
        eventually(lambda: len(heard.items) == 2)
        pid = os.fork()
        if pid == 0:
            try:
                stream.run()
            except RunInterrupted as error:
                assert "parent" in str(error)
                assert heard.end is None
                assert on(WRITER).stream_vnext(2).run().unwrap() == 2  # the parent's run takes no turn here
                os._exit(3)
            os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), stream.run().status, heard.end)
    """)

    assert (code, out.splitlines(), err) == (0, ["slept", "3 success completed"], "")
