"""Globs of paths of steps: which chunks of steps are meant."""

from __future__ import annotations

import re
from collections.abc import Callable

from reactivex import Observable

from rxloom.chunks import StepChunk, StepOutput, StepProgress, StepRetry
from rxloom.target import Where, path_of

__all__ = ["PathGlob"]

_WILD = re.compile(r"(?:^|(?<=\.))\*\*\.|\*\*|\*|\?")
_MEANING = {"**.": r"(?:.*\.)?", "**": r".*", "*": r"[^.]*", "?": r"[^.]"}


class PathGlob:
    """A step, its path, or a glob of paths.

    `*` stands for any characters but a dot, so that it stays inside one level; `?` for one such character; `**` for
    any characters, dots included; a leading `**.` also for nothing. Everything else means itself, brackets too:
    `each[2]` is the item 2. An item of a `for_each` is meant both by its own path and by that of the `for_each`.

    Args:
        where: the step, a list of steps and ids from the outside in, or the glob.

    Raises:
        TypeError: it is something else.
        ValueError: it is empty.

    Example:
        >>> glob = PathGlob("outer.each[*].approve")
        >>> glob.fits("outer.each[2].approve"), glob.fits("outer.each[2].other.approve")
        (True, False)
        >>> PathGlob("**.approve").fits("approve"), PathGlob("outer.**").fits("outer.a.b")
        (True, True)
    """

    __slots__ = ("_fits", "_means_items", "text")

    def __init__(self, where: Where) -> None:
        if isinstance(where, Observable):
            raise TypeError("this operator is called before it is piped: `stream.pipe(outputs())`, with parentheses")
        self.text: str = path_of(where)
        if not self.text:
            raise ValueError("an empty path is no step's; `**` means all of them")
        self._fits: Callable[[str], object]
        if _WILD.search(self.text):
            self._fits = re.compile(_pattern(self.text), re.DOTALL).fullmatch
        else:
            self._fits = self.text.__eq__
        # The path of an item is made only where it can fit: an output is looked at a million times.
        self._means_items = self.text[-1] in "]*?"

    def fits(self, path: str) -> bool:
        """Tell whether a path is meant."""
        return bool(self._fits(path))

    def means(self, chunk: StepChunk) -> bool:
        """Tell whether the step of a chunk is meant, or, where the chunk is about one item of it, that item."""
        path = chunk.id if isinstance(chunk, StepOutput) else chunk.payload.id
        if self._fits(path):
            return True
        index = _index_of(chunk) if self._means_items else None
        return index is not None and bool(self._fits(f"{path}[{index}]"))


def _index_of(chunk: StepChunk) -> int | None:
    match chunk:
        case StepOutput():
            return chunk.index
        case StepProgress():
            return chunk.payload.current_index
        case StepRetry():
            return chunk.payload.index
        case _:
            return None


def _pattern(glob: str) -> str:
    """Write a glob as a regular expression."""
    parts: list[str] = []
    end = 0
    for wild in _WILD.finditer(glob):
        parts += [re.escape(glob[end : wild.start()]), _MEANING[wild.group()]]
        end = wild.end()
    return "".join([*parts, re.escape(glob[end:])])
