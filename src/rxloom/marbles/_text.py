"""A run as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rxloom.chunks import Chunk
from rxloom.marbles._chart import Chart, Scale, chart_of
from rxloom.marbles._lanes import cells_of, shortened
from rxloom.marbles._marks import MEANINGS, RUN
from rxloom.marbles._ruler import labels
from rxloom.marbles._tokens import Placed

__all__ = ["text"]

_MAX_NAME: Final = 28
_APART: Final = 2


def text(chunks: Sequence[Chunk], times: Sequence[float] | None, scale: Scale, *, legend: bool = False) -> str:
    """Draw a run as lines of text.

    Args:
        chunks: its chunks.
        times: the second at which each was told; from what they carry themselves if left out.
        scale: how large; the names of the lanes come on top.
        legend: whether a last line says what the signs mean.
    """
    if not chunks:
        return "(no chunk yet)"
    chart = chart_of(chunks, times, scale)
    names = [shortened(lane if lane != RUN else chart.title, _MAX_NAME) for lane in chart.lanes]
    margin = max(cells_of(name) for name in names) + _APART
    lines = [" " * margin + _ruler(chart)]
    for name, lane in zip(names, chart.lanes, strict=True):
        lines.append(name + " " * (margin - cells_of(name)) + _row(chart.placed[lane], chart))
    if chart.hidden:
        lines.append(f"… and {chart.hidden} more lanes")
    if legend:
        lines += ["", _legend("".join([line[margin:] for line in lines[1 : len(names) + 1]]))]
    return "\n".join(line.rstrip() for line in lines)


def _row(placed: Sequence[Placed], chart: Chart) -> str:
    row = ""
    after = " "
    for column, token in placed:
        row += after * (column - len(row)) + token.text
        after = token.after
    row += after * (chart.width - len(row))
    return row + (">" if chart.open and after in "-~" else "")


def _ruler(chart: Chart) -> str:
    row = [" "] * (chart.width + 12)
    for column in chart.breaks:
        row[column] = "/"
    for column, label in labels(chart.ticks, cut=bool(chart.breaks)):
        row[column : column + len(label)] = label
    return "".join(row)


def _legend(drawn: str) -> str:
    return "   ".join(f"{sign} {meaning}" for sign, meaning in MEANINGS.items() if sign in drawn)
