"""What runs are started with, wherever it comes from."""

from __future__ import annotations

from abc import abstractmethod
from asyncio import AbstractEventLoop
from enum import Enum, auto
from typing import Final, Generic, Literal, Protocol, TypeVar

from reactivex.abc import SchedulerBase

In = TypeVar("In")


class Nothing(Enum):
    """The type of `NOTHING`."""

    NOTHING = auto()


NOTHING: Final = Nothing.NOTHING
"""There is no input to start a run with, or no run may be started now."""


class Taker(Protocol):
    """Who starts runs: the subscription that the inputs belong to."""

    @property
    def loop(self) -> AbstractEventLoop:
        """The loop on which it takes."""
        ...

    @property
    def scheduler(self) -> SchedulerBase:
        """The scheduler of the loop."""
        ...

    def on_thread(self) -> bool:
        """Tell whether the caller is on the thread of the loop."""
        ...

    def wake(self) -> None:
        """Look whether there is something to take; on any thread."""
        ...

    def fail(self, error: Exception) -> None:
        """End with an error, at once; on any thread, and harmless after the first one."""
        ...

    def report(self, message: str, error: Exception) -> None:
        """Report what nobody else is told of."""
        ...


class Inputs(Generic[In]):
    """What runs are started with. A run counts as open from `take` to `freed`.

    Attributes:
        done: whether there is nothing left to take, and nothing will come.
    """

    __slots__ = ("_limit", "_taken")

    def __init__(self, limit: int) -> None:
        """Give out as many as may be open at once."""
        self._limit: int = limit
        self._taken: int = 0

    def freed(self) -> None:
        """Take note that one run less is open."""
        self._taken -= 1

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether there is nothing left to take, and nothing will come."""

    @abstractmethod
    def begin(self, taker: Taker, scheduler: SchedulerBase | None) -> None:
        """Begin to listen or to pull; `taker` is told by `wake` that there is something to take."""

    @abstractmethod
    def take(self) -> In | Literal[Nothing.NOTHING]:
        """Return an input that a run is to be started with now; only on the thread of the loop."""

    @abstractmethod
    def close(self) -> None:
        """Give nothing more, and let go of the source; on any thread, and more than once."""
