"""Rx operators over chunks: a run's stream in, what a program wants of it out."""

from __future__ import annotations

from rxloom.operators._data import data
from rxloom.operators._fold import fold
from rxloom.operators._of_type import of_type
from rxloom.operators._outputs import outputs
from rxloom.operators._progress import Progress, progress
from rxloom.operators._results import results
from rxloom.operators._smooth import smooth
from rxloom.operators._step_chunks import step_chunks
from rxloom.operators._text import text
from rxloom.operators._to_sse import to_sse
from rxloom.operators._to_wire import to_wire
from rxloom.operators._until_suspended import until_suspended

__all__ = [
    "Progress",
    "data",
    "fold",
    "of_type",
    "outputs",
    "progress",
    "results",
    "smooth",
    "step_chunks",
    "text",
    "to_sse",
    "to_wire",
    "until_suspended",
]
