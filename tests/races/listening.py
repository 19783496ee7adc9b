"""Who listens to a stream, and what they have heard."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.chunks import Chunk
from tests.hearing import Heard

Kind = Literal["leg", "seamless", "observed"]
PARTS = ("result", "status", "usage", "output")
"""What a stream offers beside its chunks."""


@dataclass
class Listened:
    """A listener of chunks, and how far it is to have heard.

    Attributes:
        kind: what its stream shows.
        items: what it heard.
        end: how that ended: `completed`, `disposed` or an error.
        first: the seq to begin with, if it was named.
        terminal: whether only a terminal finish may end it.
    """

    kind: Kind
    items: list[Chunk]
    end: Any = None
    first: int | None = None
    terminal: bool = False


@dataclass
class Seen:
    """A stream, and what became of everything it offers.

    Attributes:
        main: a subscriber from the beginning to the end.
        others: further subscribers and readers.
        ends: what its result, status, usage and output came to, a value or an error each.
    """

    main: Listened
    others: list[Listened] = field(default_factory=list[Listened])
    ends: dict[str, Any] = field(default_factory=dict[str, Any])

    def another(self) -> Listened:
        """Return one more listener."""
        self.others.append(replace(self.main, items=[], end=None))
        return self.others[-1]


@dataclass
class Resume:
    """Somebody's resume.

    Attributes:
        answers: the data by path, or under `None`.
        seen: the stream that was returned.
        late: whether the run was about to be canceled by then.
    """

    answers: dict[Any, Any]
    seen: Seen
    late: bool


class Ear(Heard[Chunk]):
    """A subscriber whose notes go to a listener."""

    def __init__(self, listened: Listened, problems: list[str], *, leaves_after: int | None = None) -> None:
        super().__init__()
        self._leaves_after = leaves_after
        self.subscription: DisposableBase | None = None  # there is none yet while `subscribe` replays what was told
        self.listened = listened
        self.items = listened.items
        self.wrong = problems

    @override
    def on_next(self, value: Chunk) -> None:
        super().on_next(value)
        if self._leaves_after is not None and self.subscription is not None and len(self.items) >= self._leaves_after:
            self.subscription.dispose()
            self.disposed()

    @override
    def on_error(self, error: Exception) -> None:
        super().on_error(error)
        self.listened.end = error

    @override
    def on_completed(self) -> None:
        super().on_completed()
        self.listened.end = "completed"

    def disposed(self) -> None:
        """Take note that it is to hear nothing any more."""
        if self.end is None:
            self.listened.end = self.end = "disposed"
