"""A run as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from rxloom.chunks import Chunk
from rxloom.marbles._chart import Chart, Scale, chart_of
from rxloom.marbles._lanes import cells_of, shortened, shown
from rxloom.marbles._marks import MEANINGS, RUN
from rxloom.marbles._ruler import duration, labels
from rxloom.marbles._times import times_of
from rxloom.marbles._tokens import Placed, Token

__all__ = ["INK", "svg"]

# As dark as they are light: each stands out from white and from black by 3 to 1 at least, so that the picture needs no
# style of its own, which would be that of the whole page.
INK: Final = {
    "text": "#767676",
    "line": "#767676",
    "^": "#767676",
    "o": "#2f81d7",
    "|": "#2a8c4a",
    "x": "#d9434e",
    "r": "#b8741a",
    "w": "#767676",
    "?": "#a259c9",
    "!": "#b8741a",
    "b": "#2a8c4a",
}

_COLUMN: Final = 12.0
_ROW: Final = 24.0
_TOP: Final = 30.0
_LETTER: Final = 7.3
_MAX_NAME: Final = 28
_MAX_HINT: Final = 160
_DASHES: Final = {"-": "", "~": ' stroke-dasharray="6 3"', ".": ' stroke-dasharray="1 4"'}


def svg(chunks: Sequence[Chunk], times: Sequence[float] | None, scale: Scale) -> str:
    """Draw a run as an SVG picture: no script, no style, nothing loaded, and all texts escaped.

    Args:
        chunks: its chunks.
        times: the second at which each was told; from what they carry themselves if left out.
        scale: how large.
    """
    seconds = list(times) if times is not None else times_of(chunks)
    chart = chart_of(chunks, seconds, scale)
    names = [shortened(lane if lane != RUN else chart.title, _MAX_NAME) for lane in chart.lanes]
    left = max((cells_of(name) for name in names), default=0) * _LETTER + 16
    width = left + (chart.width + 6) * _COLUMN
    height = _TOP + _ROW * (len(names) + bool(chart.hidden)) + 6
    hints = _Hints(chunks, seconds)
    body = [*_ruler(chart, left, height)]
    for row, (name, lane) in enumerate(zip(names, chart.lanes, strict=True)):
        y = _TOP + _ROW * (row + 0.5)
        body.append(_text(6, y + 4, name))
        body += _lane(chart.placed[lane], chart, left, y)
        body += [hints.with_hint(_mark(one, left, y), one.token) for one in chart.placed[lane] if one.token.text]
    if chart.hidden:
        body.append(_text(6, height - 10, f"… and {chart.hidden} more lanes"))
    title = _xml(f"marbles of {chart.title}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{title}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="ui-monospace, monospace" font-size="12" fill="{INK["text"]}">'
        f"<title>{title}</title>{''.join(body)}</svg>"
    )


def _ruler(chart: Chart, left: float, height: float) -> Iterator[str]:
    for column in chart.breaks:
        x = _x(column, left)
        yield _line(x, _TOP - 6, x, height - 6, ' stroke-dasharray="2 4"')
    for column, label in labels(chart.ticks, cut=bool(chart.breaks)):
        x = _x(column, left)
        yield _line(x, _TOP - 10, x, height - 6, ' stroke-opacity="0.25"')
        yield _text(x, _TOP - 14, label, anchor="middle")


def _lane(placed: Sequence[Placed], chart: Chart, left: float, y: float) -> Iterator[str]:
    """Draw how a lane goes on between its marks."""
    ends = [one.column for one in placed[1:]] + [chart.width - 1 + chart.open]
    for one, end in zip(placed, ends, strict=False):
        dashes = _DASHES.get(one.token.after)
        if dashes is not None and end > one.column:
            yield _line(_x(one.column, left), y, _x(end, left), y, dashes)
    if chart.open and placed and placed[-1].token.after in "-~":
        yield _path(_x(chart.width, left), y, "M-4 -4L2 0L-4 4", "text")


def _mark(one: Placed, left: float, y: float) -> str:
    text = one.token.text
    x = _x(one.column, left)
    if len(text) > 1:
        wide = len(text) * _LETTER + 8
        box = f'<rect x="{x - 5:.1f}" y="{y - 8:.1f}" width="{wide:.1f}" height="16" rx="8" fill="{_ink(text)}"/>'
        return box + _text(x - 1, y + 4, text, ink="#fff")
    match text:
        case "^":
            return _path(x, y, "M-3 -5L4 0L-3 5Z", "^", fill=True)
        case "o":
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{INK["o"]}"/>'
        case "|":
            return _path(x, y, "M0 -8L0 8", "|")
        case "x":
            return _path(x, y, "M-4 -5L4 5M-4 5L4 -5", "x")
        case _:
            disc = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6.5" fill="{_ink(text)}"/>'
            return disc + _text(x, y + 4, text, ink="#fff", anchor="middle")


class _Hints:
    """What a pointer over a mark is told."""

    def __init__(self, chunks: Sequence[Chunk], seconds: Sequence[float]) -> None:
        self._chunks = chunks
        self._seconds = seconds

    def with_hint(self, mark: str, token: Token) -> str:
        order = token.first.order
        at = duration(self._seconds[order])
        if token.number > 1:
            hint = f"{token.number} chunks from {at}"
        else:
            payload = getattr(self._chunks[order], "payload", None) or getattr(self._chunks[order], "data", None)
            hint = f"{MEANINGS.get(token.text, 'chunk')} at {at}: {_said(payload)}"
        return f"<g>{mark}<title>{_xml(hint)}</title></g>"


def _said(payload: object) -> str:
    try:
        said = repr(payload)
    except Exception:  # noqa: BLE001 # a user's `__repr__` may do anything
        said = f"<{type(payload).__name__}>"
    return said if len(said) <= _MAX_HINT else said[: _MAX_HINT - 1] + "…"


def _x(column: int, left: float) -> float:
    return left + column * _COLUMN


def _ink(text: str) -> str:
    return INK.get(text.lstrip("(")[0], INK["line"])


def _line(x1: float, y1: float, x2: float, y2: float, more: str = "") -> str:
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{INK["line"]}"{more}/>'


def _path(x: float, y: float, shape: str, ink: str, *, fill: bool = False) -> str:
    paint = f'fill="{INK[ink]}"' if fill else f'fill="none" stroke="{INK[ink]}" stroke-width="2"'
    return f'<path transform="translate({x:.1f} {y:.1f})" d="{shape}" {paint}/>'


def _text(x: float, y: float, text: str, *, ink: str = INK["text"], anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{ink}" text-anchor="{anchor}" xml:space="preserve">{_xml(text)}</text>'


def _xml(text: str) -> str:
    return escape(shown(text))
