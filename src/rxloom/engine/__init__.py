"""The engine: what carries out one leg of a run. Flow operators stand on it, runs start it."""

from __future__ import annotations

from rxloom.engine._bodiless import bodiless
from rxloom.engine._call import Call
from rxloom.engine._ctx import BAILED, PAUSED, Ctx, Err, Failure, Halt, Ok
from rxloom.engine._execution import ABANDONED, CURRENT_RUNS, Execution
from rxloom.engine._fan import Child, FanOut
from rxloom.engine._items import Items, spread
from rxloom.engine._leaf import Leaf, Mapped
from rxloom.engine._nested import Nested
from rxloom.engine._node import Node
from rxloom.engine._question import Question
from rxloom.engine._replay import replayed
from rxloom.engine._scope import Scope
from rxloom.engine._shutdown import ends_the_run
from rxloom.engine._stage import Stage
from rxloom.engine._strand import Strand
from rxloom.engine._task import LegTask
from rxloom.engine._wait import Waiting

__all__ = [
    "ABANDONED",
    "BAILED",
    "CURRENT_RUNS",
    "PAUSED",
    "Call",
    "Child",
    "Ctx",
    "Err",
    "Execution",
    "Failure",
    "FanOut",
    "Halt",
    "Items",
    "Leaf",
    "LegTask",
    "Mapped",
    "Nested",
    "Node",
    "Ok",
    "Question",
    "Scope",
    "Stage",
    "Strand",
    "Waiting",
    "bodiless",
    "ends_the_run",
    "replayed",
    "spread",
]
