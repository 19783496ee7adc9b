"""What is drawn in one column of time, where many things may happen at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rxloom.marbles._marks import Mark

__all__ = ["Placed", "Token", "laid_out", "tokens_of"]

_LONGEST: Final = 4  # of a pattern that is looked for
_MOST: Final = 12  # tokens of a lane in a column


class Token(NamedTuple):
    """Something that is drawn in a lane.

    Attributes:
        text: `o`, `o×37`, `(^|)×4`, or nothing where the lane only goes on in another way.
        first: its first mark.
        number: how many marks it stands for.
        after: how the lane goes on.
    """

    text: str
    first: Mark
    number: int
    after: str


class Placed(NamedTuple):
    """A token with its column."""

    column: int
    token: Token


def tokens_of(marks: Sequence[Mark]) -> list[Token]:
    """Draw the marks of one lane, repetitions shortened.

    >>> marks = [Mark("a", symbol, 0, "-") for symbol in "^ooooo^|^|^|^|x"]
    >>> [token.text for token in tokens_of(marks)]
    ['^', 'o×5', '(^|)×4', 'x']
    """
    symbols = "".join([mark.symbol for mark in marks])
    drawn = [mark for mark in marks if mark.symbol]
    if not drawn:
        return [Token("", marks[-1], 0, marks[-1].after)]
    tokens: list[Token] = []
    at = 0
    while at < len(symbols):
        length, times = _repeated(symbols, at)
        block = symbols[at : at + length]
        text = block if times == 1 else f"{block}×{times}" if length == 1 else f"({block})×{times}"
        end = at + length * times
        tokens.append(Token(text, drawn[at], length * times, drawn[end - 1].after))
        at = end
    if len(tokens) > _MOST:
        left = sum(token.number for token in tokens[1:-1])
        tokens = [tokens[0], Token(f"*{left}", tokens[1].first, left, tokens[-2].after), tokens[-1]]
    return [*tokens[:-1], tokens[-1]._replace(after=marks[-1].after)]


def _repeated(symbols: str, at: int) -> tuple[int, int]:
    """Return the length of the pattern that begins here, and how often it comes; 1 and 1 if it is not worth it."""
    for length in range(1, _LONGEST + 1):
        block = symbols[at : at + length]
        times = 1
        while symbols.startswith(block, at + length * times):
            times += 1
        shorter = length + len(str(times)) + (1 if length == 1 else 3)
        if length * times > shorter and len(block) == length:
            return length, times
    return 1, 1


def laid_out(lanes: dict[str, list[Token]], limit: int) -> tuple[dict[str, list[Placed]], int]:
    """Give the tokens of one column of time their places, relative to its left edge.

    What came later stands further right, or at the same place in another lane; unless that takes more than `limit`
    columns: then each lane begins at the left.

    Returns:
        The tokens by lane, and how many columns they take.
    """
    placed = _in_order(lanes)
    width = _width(placed)
    if width > limit:
        placed = {lane: _packed(tokens) for lane, tokens in lanes.items()}
        width = _width(placed)
    return placed, width


def _in_order(lanes: dict[str, list[Token]]) -> dict[str, list[Placed]]:
    placed: dict[str, list[Placed]] = {lane: [] for lane in lanes}
    free = dict.fromkeys(lanes, 0)
    column = 0
    for token in sorted((token for tokens in lanes.values() for token in tokens), key=lambda token: token.first.order):
        lane = token.first.lane
        column = max(column, free[lane])
        free[lane] = column + _room(token)
        placed[lane].append(Placed(column, token))
    return placed


def _packed(tokens: Sequence[Token]) -> list[Placed]:
    placed: list[Placed] = []
    column = 0
    for token in tokens:
        placed.append(Placed(column, token))
        column += _room(token)
    return placed


def _room(token: Token) -> int:
    """Return how many columns a token takes: one with numbers is kept apart from the next."""
    return len(token.text) + (len(token.text) > 1)


def _width(placed: dict[str, list[Placed]]) -> int:
    return max((one.column + _room(one.token) for tokens in placed.values() for one in tokens), default=0)
