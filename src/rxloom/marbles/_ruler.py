"""The labels of the time axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["duration", "labels"]

_STEPS: Final = [
    *(step * scale for scale in (0.001, 0.01, 0.1) for step in (1, 2, 5)),
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200),
    *(86400 * scale * step for scale in (1, 10, 100, 1000, 10000) for step in (1, 2, 5)),
]
_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60))
_APART: Final = 2
_MAX_TRIES: Final = 60


def duration(seconds: float) -> str:
    """Write a duration.

    >>> [duration(seconds) for seconds in (0, 0.0125, 1.5, 60, 3661, 259200)]
    ['0s', '12.5ms', '1.5s', '1m', '1h1m1s', '3d']
    """
    if 0 < seconds < 1:
        return f"{seconds * 1000:.3f}".rstrip("0").rstrip(".") + "ms"
    rest = round(seconds, 3)
    text = ""
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            text += f"{count:.0f}{name}"
    rest = round(rest, 3)
    return text + f"{rest:.3f}".rstrip("0").rstrip(".") + "s" if rest or not text else text


def labels(ticks: Sequence[tuple[float, int]], *, cut: bool) -> list[tuple[int, str]]:
    """Choose labels that do not touch each other: round numbers, and the end.

    Args:
        ticks: moments and their columns.
        cut: whether time was cut out; then all ticks are candidates, and none lies between them.

    Returns:
        The columns and labels.
    """
    if not ticks:
        return []
    end = (ticks[-1][1], duration(ticks[-1][0]))
    if cut:
        return _apart([(column, duration(time)) for time, column in ticks[:-1]], end)
    for step in _STEPS:
        found = _multiples(ticks, step)
        if found is not None and len(_apart(found, None)) == len(found):
            return _apart(found, end)
    return _apart([(ticks[0][1], duration(0))], end)


def _multiples(ticks: Sequence[tuple[float, int]], step: float) -> list[tuple[int, str]] | None:
    """Return the multiples of a step that are in the drawing, if they are not too many."""
    last = ticks[-1][0]
    if last / step > _MAX_TRIES:
        return None
    found: list[tuple[int, str]] = []
    at = 0
    for number in range(int(last / step + 1e-9) + 1):
        while at + 1 < len(ticks) and ticks[at + 1][0] <= number * step + 1e-9:
            at += 1
        found.append((ticks[at][1], duration(number * step)))
    return found


def _apart(found: Sequence[tuple[int, str]], end: tuple[int, str] | None) -> list[tuple[int, str]]:
    """Keep what has some room; the end needs less, and comes before what is in its way."""
    kept: list[tuple[int, str]] = []
    for column, label in found:
        if not kept or column >= _end(kept) + _APART:
            kept.append((column, label))
    if end is None or end in kept:
        return kept
    while len(kept) > 1 and end[0] <= _end(kept):
        kept.pop()
    return kept if end[0] <= _end(kept) else [*kept, end]


def _end(kept: Sequence[tuple[int, str]]) -> int:
    column, label = kept[-1]
    return column + len(label)
