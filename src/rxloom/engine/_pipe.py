"""Rx operators around the attempts of one step call.

The operators see an Observable of values: each subscription to it is an attempt. Suspension, bail and cancellation
do not go through them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import Disposable

from rxloom.collect import only


class PipedCall(Protocol):
    """What the pipe needs of its call."""

    attempt: int
    step: Any
    execution: Any

    def open(self) -> None: ...
    @property
    def opened(self) -> bool: ...
    def run_attempt(self) -> None: ...
    def tell_retry(self, error: Exception, delay: float) -> None: ...
    def stop(self, then: Callable[[], None]) -> None: ...
    def when_empty(self, then: Callable[[], None]) -> None: ...
    def succeed(self, output: Any) -> None: ...
    def fail(self, error: Exception) -> None: ...
    def timed_out(self, seconds: float | None = None, *, total: bool = False, message: str = "") -> Exception: ...


class Pipe:
    """The subscription to a step's operators, and the attempt they are subscribed to."""

    __slots__ = ("_call", "_items", "_last_error", "_left", "_observer", "_outer", "_started")

    def __init__(self, call: PipedCall, *, again: bool = False) -> None:
        """Make the pipe of `call`; `again` when the call's own policy tries the whole pipe once more."""
        self._call = call
        self._observer: ObserverBase[Any] | None = None
        self._outer: DisposableBase | None = None
        self._items: list[Any] = []
        self._last_error: Exception | None = None
        self._started = again
        self._left = False

    def start(self) -> None:
        """Subscribe to the operators."""
        call = self._call
        source: Observable[Any] = Observable(self._subscribe)
        outer = source.pipe(*call.step.operators).subscribe(
            self._items.append, self._ended, partial(self._ended, None), scheduler=call.execution.scheduler
        )
        if self._left:
            outer.dispose()
        else:
            self._outer = outer

    def _subscribe(self, observer: ObserverBase[Any], _: SchedulerBase | None = None) -> DisposableBase:
        call = self._call
        if self._left:
            return Disposable()
        self._observer = observer
        if not call.opened:
            call.open()
            call.run_attempt()
        elif self._started:
            call.when_empty(self._again)
        else:
            call.run_attempt()
        self._started = True
        return Disposable(partial(self._unsubscribed, observer))

    def _again(self) -> None:
        if self._left:
            return
        call = self._call
        if self._last_error is not None:
            error, self._last_error = self._last_error, None
            call.attempt += 1
            call.tell_retry(error, 0)
        call.run_attempt()

    def _unsubscribed(self, observer: ObserverBase[Any]) -> None:
        """End the attempt that an operator has let go of."""
        if self._observer is observer:
            self._observer = None
            self._last_error = self._last_error or self._call.timed_out(
                message="an operator around it let go of the attempt"
            )
            self._call.stop(_nothing)

    def emitted(self, value: Any) -> None:
        """Give the operators what the attempt returned."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.on_next(value)
            observer.on_completed()

    def failed(self, error: Exception) -> None:
        """Give the operators the failure of the attempt."""
        observer, self._observer = self._observer, None
        self._last_error = error
        if observer is not None:
            observer.on_error(error)

    def _ended(self, error: Any) -> None:
        if self._left:
            return
        call = self._call
        if not call.opened:
            call.open()
        if error is None:
            call.when_empty(self._succeed)
        else:
            call.when_empty(partial(call.fail, self._as_exception(error)))

    def _succeed(self) -> None:
        try:
            output = only(self._items)
        except Exception as error:  # noqa: BLE001 # none or several items: the step fails with it
            self._call.fail(error)
        else:
            self._call.succeed(output)

    def _as_exception(self, error: Any) -> Exception:
        if type(error) is Exception and error.args == ("Timeout",):  # what `ops.timeout` ends with
            return self._call.timed_out(message="an `ops.timeout` around it expired")
        return error if isinstance(error, Exception) else RuntimeError(f"the operators ended with {error!r}")

    def leave(self) -> None:
        """Take no more of the operators."""
        self._left = True
        self._observer = None
        outer, self._outer = self._outer, None
        if outer is not None:
            outer.dispose()


def _nothing() -> None:
    """Go on with nothing: whoever comes next decides."""
