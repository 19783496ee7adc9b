"""Drawing runs as marble diagrams: one lane for each step, time from left to right.

It reads nothing but chunks, so that streams can show themselves; `rxloom.testing` has what users call.
"""

from __future__ import annotations

from rxloom.marbles._chart import Scale
from rxloom.marbles._svg import svg
from rxloom.marbles._text import text

__all__ = ["Scale", "svg", "text"]
