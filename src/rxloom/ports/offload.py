"""The offload port: blocking calls on threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Generic, Protocol, TypeVar, cast

_T = TypeVar("_T")


class Outcome(Generic[_T]):
    """How a call ended, as a value: what it returned or what it raised.

    A value, because some exceptions cannot travel as such: a `StopIteration` put into a future hangs whoever
    waits for it, and a `SystemExit` would end the event loop.

    Attributes:
        value: what was returned.
        error: what was raised, whatever it is, or `None`.
    """

    __slots__ = ("error", "value")

    def __init__(self, value: _T | None = None, error: BaseException | None = None) -> None:
        self.value: _T | None = value
        self.error: BaseException | None = error

    def unwrap(self) -> _T:
        """Return what was returned, or raise what was raised."""
        if self.error is not None:
            raise self.error
        return cast("_T", self.value)


class Call(Protocol):
    """A call that was handed over."""

    def cancel(self) -> bool:
        """Take the call back, if it has not begun.

        Returns:
            `True`: it will never run, and its `on_done` is not called. `False`: it runs or has run.
        """
        ...


class Offload(Protocol):
    """Runs each blocking call on one thread, and reports back to an event loop."""

    @property
    def open(self) -> int:
        """How many calls are queued or running."""
        ...

    def submit(
        self,
        fn: Callable[[], _T],
        on_done: Callable[[Outcome[_T]], None],
        *,
        context: Context,
        loop: asyncio.AbstractEventLoop,
        label: str = "",
    ) -> Call:
        """Run `fn` on a thread, once there is one free; first come, first served.

        If the loop has a method `hold`, it is called now, and its method `release` once the outcome has arrived:
        that is how a loop with virtual time knows that its clock has to stand still.

        Args:
            fn: the call. Whatever it raises is its outcome.
            on_done: called with the outcome, in the loop.
            context: the `contextvars` context in which `fn` runs; nobody else may be in it meanwhile.
            loop: where `on_done` is called. If it is closed by then, nobody is told.
            label: what to call it, if it does not answer.

        Returns:
            The call, to take it back.

        Raises:
            RuntimeError: closed, or no thread can be started.
        """
        ...

    def close(self, *, wait: float = 0.0) -> list[str]:
        """Take no more calls, give those that still queue an error as outcome, and let the threads go.

        Args:
            wait: how many seconds to wait for calls that run.

        Returns:
            The labels of the calls that still run. They are not waited for, and do not hold the interpreter.
        """
        ...
