"""Marble diagrams of runs: to look at, and to hold a run against."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import ndiff
from textwrap import dedent
from typing import Any, TypeAlias, get_args

from reactivex import Observable

from rxloom.chunks import Chunk
from rxloom.marbles import Scale, svg, text
from rxloom.stream import WorkflowStream
from rxloom.testing._run import VirtualRun
from rxloom.wire import chunk_from_wire

__all__ = ["Drawable", "assert_marbles", "marbles", "marbles_svg"]

Drawable: TypeAlias = WorkflowStream[Any] | VirtualRun[Any] | Iterable[Chunk | Mapping[str, Any]]
"""What can be drawn: a stream, what `run_virtual` returns, or chunks, which may be in their wire form."""

_KINDS = get_args(Chunk)


def marbles(
    source: Drawable, *, width: int = 60, unit: float | timedelta | None = None, lanes: int = 40, legend: bool = False
) -> str:
    """Draw a run as text: a lane for each step, time from left to right.

    | sign | | sign | |
    |---|---|---|---|
    | `^` | start, also once more after an answer | `-` | running |
    | `o` | output | `~` | waiting: a sleep, an event |
    | `|` | success | `.` | suspended or paused |
    | `x` | failed | `>` | not over yet |
    | `!` | canceled | `o×37` | 37 times `o` |
    | `?` | suspended | `(^|)×5` | 5 times `^` and `|` |
    | `r` | an attempt failed, another one comes | `*37` | 37 signs of several kinds |
    | `w` | a wait begins | `/` | time left out, between two legs |
    | `b` `p` `s` | bailed, paused, skipped | `…` | chunks that were dropped: a `Gap` |

    The first lane is the run's own. The time line is to scale, but where several things happen at a time it widens,
    so that they stand next to each other in their order. A run in virtual time has the exact time of each chunk, and
    always looks the same. Other chunks carry their times to the millisecond, and outputs, retries and items carry
    none: they are put between their neighbours, evenly.

    Args:
        source: a stream, of which is drawn what was told so far (nobody waits); what `run_virtual` returned; or
            chunks, which may be in their wire form.
        width: columns of the time line; the names of the lanes come on top.
        unit: the time that each column stands for, in seconds or as a timedelta; instead of `width`.
        lanes: how many lanes there may be. Of more, those of the items of a `for_each` are put together, `each[*]`,
            and then the last ones are left out.
        legend: whether to add what the signs mean.

    Raises:
        RxLoomError: the stream is that of a refused call, and has no chunks.
        TypeError: it is nothing that can be drawn.
        ValueError: an argument is out of range.

    Example:
        >>> from rxloom import StepContext, create_workflow, step
        >>> from rxloom.testing import run_virtual
        >>> @step
        ... async def ask(name: str, ctx: StepContext) -> str:
        ...     await ctx.write("asking")
        ...     return await ctx.suspend(name)
        >>> run = run_virtual(create_workflow("asking").sleep(2).then(ask).commit(), "Ada", resume=["yes"])
        >>> print(marbles(run, unit=0.5))
                        0s  2s
        asking          ^-----?^-|
        sleep_asking_0  w~~~|
        ask                 ^o?^o|
    """
    chunks, times = _read(source)
    return text(chunks, times, _scale(width, unit, lanes), legend=legend)


def marbles_svg(source: Drawable, *, width: int = 60, unit: float | timedelta | None = None, lanes: int = 40) -> str:
    """Draw a run as an SVG picture: what `marbles` draws, with what each chunk says under the pointer.

    It is readable on light and on dark pages, has no script, loads nothing, and all that users wrote is escaped. In a
    notebook, a stream shows itself like this.

    Args:
        source: see `marbles`.
        width: columns of the time line, of 12 pixels each.
        unit: the time that each column stands for, in seconds or as a timedelta; instead of `width`.
        lanes: how many lanes there may be.

    Raises:
        RxLoomError: the stream is that of a refused call, and has no chunks.
        TypeError: it is nothing that can be drawn.
        ValueError: an argument is out of range.

    Example:
        >>> from rxloom import create_workflow
        >>> from rxloom.testing import run_virtual
        >>> marbles_svg(run_virtual(create_workflow("nap").sleep(2).commit()))[:4]
        '<svg'
    """
    chunks, times = _read(source)
    return svg(chunks, times, _scale(width, unit, lanes))


def assert_marbles(
    source: Drawable, expected: str, *, width: int = 60, unit: float | timedelta | None = None, lanes: int = 40
) -> None:
    """Check that a run looks as it should.

    Print `marbles(source)` once, look whether it is right, and paste it into the test. Indentation, blank lines around
    it and blanks at the ends of lines do not count.

    Args:
        source: see `marbles`; only runs in virtual time always look the same.
        expected: what `marbles` draws with the same arguments.
        width: columns of the time line.
        unit: the time that each column stands for, in seconds or as a timedelta; instead of `width`.
        lanes: how many lanes there may be.

    Raises:
        AssertionError: it looks otherwise; the message marks the places, and has the new drawing to paste.
        RxLoomError: the stream is that of a refused call, and has no chunks.
        TypeError: it is nothing that can be drawn.
        ValueError: an argument is out of range.

    Example:
        >>> from rxloom import create_workflow
        >>> from rxloom.testing import run_virtual
        >>> run = run_virtual(create_workflow("nap").sleep(2).commit())
        >>> assert_marbles(run, '''
        ...              0s   1s   2s
        ...     nap      ^---------|
        ...     sleep_nap_0  w~~~~~|
        ... ''', unit=0.2)
        Traceback (most recent call last):
        ...
        AssertionError: the run looks otherwise (- expected, + as it is):
        ...
    """
    __tracebackhide__ = True
    actual = marbles(source, width=width, unit=unit, lanes=lanes)
    wanted, found = _lines(expected), _lines(actual)
    if wanted != found:
        marked = "\n".join(line.rstrip() for line in ndiff(wanted, found))
        raise AssertionError(
            f"the run looks otherwise (- expected, + as it is):\n\n{marked}\n\nThe whole, to paste:\n\n{actual}\n"
        )


def _lines(drawing: str) -> list[str]:
    """Take away what does not count."""
    lines = [line.rstrip() for line in dedent(drawing.expandtabs()).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def _scale(width: int, unit: float | timedelta | None, lanes: int) -> Scale:
    return Scale(columns=width, unit=unit.total_seconds() if isinstance(unit, timedelta) else unit, lanes=lanes)


def _read(source: Any) -> tuple[Sequence[Chunk], Sequence[float] | None]:
    """Return the chunks, and their times if they are known."""
    if isinstance(source, VirtualRun):
        return source.chunks, source.times or None
    if isinstance(source, WorkflowStream):
        return source.told(), None
    if isinstance(source, (Observable, AsyncIterable)):
        raise TypeError(f"{source!r} tells its chunks later: collect them first, and draw the list")
    if isinstance(source, (str, bytes, Mapping)) or not isinstance(source, Iterable):
        raise TypeError(f"marbles are drawn of a stream, a VirtualRun or chunks, and not of {source!r}")
    return [_chunk(each) for each in source], None  # pyright: ignore[reportUnknownVariableType] # checked


def _chunk(each: Any) -> Chunk:
    if isinstance(each, _KINDS):
        return each
    if isinstance(each, Mapping):
        return chunk_from_wire(each)  # pyright: ignore[reportUnknownArgumentType] # checked there
    raise TypeError(f"marbles are drawn of chunks, and {each!r} is none")
