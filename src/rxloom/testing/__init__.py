"""The public kit for tests of workflows."""

from __future__ import annotations

from rxloom.testing._context import RecordingContext, RecordingSyncContext, context
from rxloom.testing._grammar import check_chunks
from rxloom.testing._marbles import Drawable, assert_marbles, marbles, marbles_svg
from rxloom.testing._own_runtime import own_runtime
from rxloom.testing._replace import Fake, in_turn, with_fakes
from rxloom.testing._run import VirtualRun, run_virtual
from rxloom.testing._virtual import Deadlock, VirtualLoop, virtual_run
from rxloom.testing._virtual_test import virtual_test

__all__ = [
    "Deadlock",
    "Drawable",
    "Fake",
    "RecordingContext",
    "RecordingSyncContext",
    "VirtualLoop",
    "VirtualRun",
    "assert_marbles",
    "check_chunks",
    "context",
    "in_turn",
    "marbles",
    "marbles_svg",
    "own_runtime",
    "run_virtual",
    "virtual_run",
    "virtual_test",
    "with_fakes",
]
