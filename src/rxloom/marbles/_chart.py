"""The chart of a run: its lanes, and the columns in which their marks stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Final

from rxloom.chunks import Chunk, WorkflowStart
from rxloom.marbles._lanes import arranged, title_of
from rxloom.marbles._marks import Mark, Recorder
from rxloom.marbles._times import times_of
from rxloom.marbles._tokens import Placed, laid_out, tokens_of

__all__ = ["Chart", "Scale", "chart_of"]

_MAX_COLUMNS: Final = 10_000
_ROOM: Final = 16  # columns that one moment may take before order is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large a drawing is.

    Attributes:
        columns: columns for time; fewer are used for a short run, and more where nothing else helps.
        unit: seconds for each column; `None` is whatever fits.
        lanes: how many lanes are drawn; beyond that, all items of a `for_each` share theirs, then lanes are left out.
    """

    columns: int = 60
    unit: float | None = None
    lanes: int = 40

    def __post_init__(self) -> None:
        if self.columns < 1 or self.lanes < 1:
            raise ValueError("a drawing needs some width, and at least one lane")
        if self.unit is not None and not self.unit > 0:
            raise ValueError(f"unit must be more than 0 seconds, or None; got {self.unit!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A run, laid out.

    Attributes:
        title: what the lane of the run is called.
        lanes: the lanes that are drawn.
        hidden: how many are not.
        placed: the tokens of each lane, with their columns.
        width: how many columns there are.
        ticks: moments and their columns: where legs begin, the end, and all columns if nothing was cut out.
        breaks: the columns that stand for time cut out, while the run rested.
        open: whether the run goes on.
    """

    title: str
    lanes: list[str]
    hidden: int
    placed: dict[str, list[Placed]]
    width: int
    ticks: list[tuple[float, int]]
    breaks: list[int]
    open: bool


def chart_of(chunks: Sequence[Chunk], times: Sequence[float] | None, scale: Scale) -> Chart:
    """Lay a run out.

    Raises:
        ValueError: the unit is so small that there would be too many columns.
    """
    seconds = list(times) if times is not None else times_of(chunks)
    recorder = Recorder(folded=False)
    marks = recorder.marks(chunks)
    lanes = arranged(recorder.names.values())
    if len(lanes) > scale.lanes:
        recorder = Recorder(folded=True)
        marks = recorder.marks(chunks)
        lanes = arranged(recorder.names.values())
    drawn = lanes[: scale.lanes]
    visible = set(drawn)
    line = _Line(chunks, seconds)
    grid = line.grid([mark for mark in marks if mark.lane in visible], scale)
    return Chart(
        title=title_of(chunks),
        lanes=drawn,
        hidden=len(lanes) - len(drawn),
        placed={lane: grid.placed.get(lane, []) for lane in drawn},
        width=grid.width,
        ticks=[(time, grid.column(cell)) for time, cell in line.ticks(grid)],
        breaks=[grid.column(cell) for cell in line.breaks(grid)],
        open=bool(marks) and next((mark.after for mark in reversed(marks) if not mark.lane), "-") == "-",
    )


class _Line:
    """The time line of a run, without the time it rested between its legs."""

    def __init__(self, chunks: Sequence[Chunk], seconds: list[float]) -> None:
        self._seconds = seconds
        self._cuts: list[tuple[float, float]] = []  # seconds in use at a cut, and seconds cut out up to there
        self._moments: list[tuple[float, int]] = []  # seconds in use, and how many cuts are before
        out = 0.0
        for at, second in enumerate(seconds):
            idle = second - seconds[at - 1] if at and isinstance(chunks[at], WorkflowStart) else 0.0
            if idle > 0:
                out += idle
                self._cuts.append((second - out, out))
            self._moments.append((second - out, len(self._cuts)))

    @property
    def span(self) -> float:
        """The seconds in use."""
        return self._moments[-1][0] if self._moments else 0.0

    def grid(self, marks: list[Mark], scale: Scale) -> _Grid:
        """Put the marks into as many cells of time as there is room for."""
        if scale.unit is not None:
            cells = floor(self.span / scale.unit + 1e-6) + 1
            if cells > _MAX_COLUMNS:
                raise ValueError(
                    f"unit={scale.unit:g} s would take {cells} columns for a run of {self.span:g} s: take a larger one"
                )
            return _Grid(self, marks, scale.unit, scale.columns)
        cells = scale.columns if self.span else 1
        while True:
            unit = self.span / (cells - 1) if cells > 1 else self.span * 2 or 1.0
            grid = _Grid(self, marks, unit, scale.columns)
            if grid.width <= scale.columns or cells == 1:
                return grid
            cells = max(1, min(cells - 1, cells * scale.columns // grid.width))

    def cell(self, at: int, unit: float) -> int:
        """Return the cell of a chunk; a cut takes one of its own."""
        used, cuts = self._moments[at]
        return _cell(used, unit) + 2 * cuts

    def ticks(self, grid: _Grid) -> list[tuple[float, int]]:
        """Return moments with their cells."""
        if not self._moments:
            return []
        end = (self._seconds[-1], self.cell(len(self._seconds) - 1, grid.unit))
        if not self._cuts:
            return [(cell * grid.unit, cell) for cell in range(end[1])] + [end]
        starts = [(used + out, _cell(used, grid.unit) + 2 * cut) for cut, (used, out) in enumerate(self._cuts, 1)]
        return [(0.0, 0), *starts, end]

    def breaks(self, grid: _Grid) -> list[int]:
        """Return the cells of the cuts."""
        return [_cell(used, grid.unit) + 2 * cut + 1 for cut, (used, _) in enumerate(self._cuts)]


def _cell(used: float, unit: float) -> int:
    return floor(used / unit + 1e-6)


class _Grid:
    """Cells of time, each as wide as what happens in it.

    Attributes:
        unit: seconds for each cell.
        width: columns in all.
        placed: the tokens by lane, with their columns.
    """

    def __init__(self, line: _Line, marks: list[Mark], unit: float, columns: int) -> None:
        self.unit = unit
        cells: dict[int, dict[str, list[Mark]]] = {}
        for mark in marks:
            cells.setdefault(line.cell(mark.order, unit), {}).setdefault(mark.lane, []).append(mark)
        self.placed: dict[str, list[Placed]] = {}
        self._starts: list[int] = []
        room = max(_ROOM, columns // max(1, len(cells)))
        column = 0
        for cell in range(max(cells, default=-1) + 1):
            self._starts.append(column)
            found = cells.get(cell)
            if found is None:
                column += 1
                continue
            placed, width = laid_out({lane: tokens_of(each) for lane, each in found.items()}, room)
            for lane, tokens in placed.items():
                shifted = [one._replace(column=one.column + column) for one in tokens]
                self.placed.setdefault(lane, []).extend(shifted)
            column += max(1, width)
        self.width: int = column

    def column(self, cell: int) -> int:
        """Return the first column of a cell."""
        return self._starts[cell] if cell < len(self._starts) else max(0, self.width - 1)
