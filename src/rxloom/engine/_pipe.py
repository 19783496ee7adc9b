"""Rx operators around the attempts of one step call.

The operators see an Observable of values: each subscription to it is an attempt. Suspension, bail and cancellation
do not go through them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import Disposable

from rxloom.collect import only
from rxloom.errors import StepFailed


class PipedCall(Protocol):
    """What the pipe needs of its call."""

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
    """The subscription to a step's operators, and the attempts they are subscribed to, one after the other."""

    __slots__ = (
        "_begun", "_call", "_error", "_items", "_last_error", "_left", "_observer", "_outer", "_settled", "_waiting",
    )  # fmt: skip

    def __init__(self, call: PipedCall) -> None:
        """Make the pipe of `call`; another one when the call's own policy tries the whole pipe once more."""
        self._call = call
        self._observer: ObserverBase[Any] | None = None
        self._waiting: deque[ObserverBase[Any]] = deque()
        self._outer: DisposableBase | None = None
        self._items: list[Any] = []
        self._error: Exception | None = None
        self._last_error: Exception | None = None
        self._begun = False
        self._settled = False
        self._left = False

    # -- the side of the operators -------------------------------------------------------------------------------

    def start(self) -> None:
        """Subscribe to the operators."""
        call = self._call
        source: Observable[Any] = Observable(self._subscribe)
        try:
            outer = source.pipe(*call.step.operators).subscribe(
                self._items.append, self._ended, partial(self._ended, None), scheduler=call.execution.scheduler
            )
        except Exception as error:  # noqa: BLE001 # a user's operator may raise anything
            self._ended(error)
            return
        if self._left:
            outer.dispose()
        else:
            self._outer = outer

    def _subscribe(self, observer: ObserverBase[Any], _: SchedulerBase | None = None) -> DisposableBase:
        if self._left or self._settled:
            return Disposable()
        self._waiting.append(observer)
        if self._observer is None:
            self._call.when_empty(self._go_on)
        return Disposable(partial(self._unsubscribed, observer))

    def _unsubscribed(self, observer: ObserverBase[Any]) -> None:
        """End the attempt that an operator has let go of."""
        if observer in self._waiting:
            self._waiting.remove(observer)
        elif observer is self._observer:
            self._observer = None
            self._last_error = self._call.timed_out(message="an operator around it let go of the attempt")
            self._call.stop(self._go_on)

    def _ended(self, error: Any) -> None:
        """Take the end of the operators: it closes the call, as soon as no attempt is left."""
        if self._left or self._settled:
            return
        self._settled = True
        self._error = None if error is None else self._as_exception(error)
        self._waiting.clear()
        call = self._call
        if not call.opened:
            call.open()
        if self._observer is None:
            call.when_empty(self._go_on)
        else:
            self._observer = None
            call.stop(self._go_on)

    def _as_exception(self, error: Any) -> Exception:
        if type(error) is Exception and error.args == ("Timeout",):  # what `ops.timeout` ends with
            return self._call.timed_out(message="an `ops.timeout` around it expired")
        return error if isinstance(error, Exception) else RuntimeError(f"the operators ended with {error!r}")

    # -- the side of the call ------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Do what is next, now that no attempt runs."""
        if self._left:
            return
        if self._settled:
            self._settle()
        elif self._waiting:
            self._begin(self._waiting.popleft())

    def _begin(self, observer: ObserverBase[Any]) -> None:
        call = self._call
        self._observer = observer
        if not call.opened:
            call.open()
        if self._begun:
            call.tell_retry(self._last_error or StepFailed("it succeeded, and an operator wanted it once more"), 0)
        self._begun = True
        self._last_error = None
        call.run_attempt()

    def _settle(self) -> None:
        if self._error is not None:
            self._call.fail(self._error)
            return
        try:
            output = only(self._items)
        except Exception as error:  # noqa: BLE001 # none or several items: the step fails with it
            self._call.fail(error)
        else:
            self._call.succeed(output)

    def emitted(self, value: Any) -> None:
        """Give the operators what the attempt returned."""
        observer, self._observer = self._observer, None
        if observer is not None:
            self._tell(lambda: (observer.on_next(value), observer.on_completed()))

    def failed(self, error: Exception) -> None:
        """Give the operators the failure of the attempt."""
        observer, self._observer = self._observer, None
        self._last_error = error
        if observer is not None:
            self._tell(lambda: observer.on_error(error))

    def _tell(self, tell: Callable[[], object]) -> None:
        try:
            tell()
        except Exception as error:  # noqa: BLE001 # a user's operator may raise anything
            self._ended(error)
        if self._observer is None and self._waiting:  # who subscribed while the attempt ran
            self._call.when_empty(self._go_on)

    def leave(self) -> None:
        """Take no more of the operators."""
        self._left = True
        self._observer = None
        self._waiting.clear()
        outer, self._outer = self._outer, None
        if outer is not None:
            outer.dispose()
