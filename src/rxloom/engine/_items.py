"""What a step produces while it runs, for the step after it: a list that grows, and an Observable of it."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable
from contextvars import copy_context
from threading import RLock
from typing import Any, Protocol

from pydantic import ValidationError
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from typing_extensions import override

from rxloom.engine._execution import Execution
from rxloom.errors import InputInvalid, StepFailed
from rxloom.observable import BoundObservable
from rxloom.scheduler import hold, release
from rxloom.schema import invalid
from rxloom.step_type import Step
from rxloom.values import copy_plain

BUDGET = 256
"""After so many items that are told at once, the loop gets a turn."""

BEGIN = 0.05
"""Seconds that disposing on another thread waits for a call that is about to begin; as a rule it is microseconds."""


class Reader(Protocol):
    """The call that is fed with the items."""

    def source_began(self) -> None:
        """Be told that there is an item, or that there will be none."""
        ...

    def source_restarted(self, error: Exception) -> None:
        """Be told that the items are void: the step that produced them failed, and is tried again."""
        ...

    def source_failed(self) -> None:
        """Be told that the step that produces them failed for good."""
        ...


class Items:
    """The items that the newest attempt of a step has produced.

    It belongs to the thread of the leg.

    Attributes:
        values: the items so far.
        attempt: changes with each attempt, so that what is left of an older one adds nothing.
        streamed: whether the attempt produces a stream, and not a single output.
        complete: whether there will be no more.
        error: set when the step failed for good.
        reader: the call that is fed with them, once there is one.
        on_begin: called when there is something to begin with: an item, or the end.
    """

    __slots__ = ("_cursors", "attempt", "complete", "error", "on_begin", "reader", "streamed", "values")

    def __init__(self, on_begin: Callable[[], None] | None = None) -> None:
        """Make an empty list."""
        self.values: list[Any] = []
        self.attempt: int = 0
        self.streamed: bool = False
        self.complete: bool = False
        self.error: Exception | None = None
        self.reader: Reader | None = None
        self.on_begin = on_begin
        self._cursors: dict[Cursor, None] = {}

    @classmethod
    def of(cls, value: Any) -> Items:
        """Make the complete list of the items of a value; see `spread`."""
        items = cls()
        items.finish(spread(value))
        return items

    @property
    def begun(self) -> bool:
        """Whether there is something to begin with."""
        return self.complete or bool(self.values)

    def push(self, attempt: int, item: Any) -> None:
        """Take the next item of an attempt."""
        if attempt == self.attempt and not self.complete and self.error is None:
            self.values.append(item)
            self._tell(began=len(self.values) == 1)

    def stream(self, attempt: int) -> None:
        """Take note that an attempt produces a stream."""
        if attempt == self.attempt:
            self.streamed = True

    def finish(self, values: Iterable[Any] | None = None) -> None:
        """Take the end of the step; `values` are all its items where they did not come one by one."""
        if self.complete:
            return
        began = not self.begun
        if values is not None:
            self.values = list(values)
        self.complete = True
        self._tell(began=began)

    def fail(self, error: Exception) -> None:
        """Take the failure of the step."""
        self.error = error
        self._tell(began=False)
        if self.reader is not None:
            self.reader.source_failed()

    def restart(self, error: Exception | None) -> None:
        """Forget the items: another attempt begins, after `error`."""
        seen = bool(self.values)
        self.attempt += 1
        self.values = []
        self.streamed = self.complete = False
        if seen and error is not None and self.reader is not None:
            self.reader.source_restarted(error)

    def _tell(self, *, began: bool) -> None:
        for cursor in list(self._cursors):
            cursor.wake()
        if began:
            if self.reader is not None:
                self.reader.source_began()
            if self.on_begin is not None:
                self.on_begin()

    def join(self, cursor: Cursor) -> None:
        """Tell a cursor what comes."""
        self._cursors[cursor] = None

    def forget(self, cursor: Cursor) -> None:
        """Tell a cursor no more."""
        self._cursors.pop(cursor, None)

    def drop(self) -> None:
        """Let go of everything: the step that was fed is over, and its frames may refer to the list."""
        self.reader = self.on_begin = self.error = None


def spread(value: Any) -> list[Any]:
    """Return the items of a value that did not come as a stream: those of a list or tuple, else the value itself."""
    if isinstance(value, list) or type(value) is tuple:
        return list(value)  # pyright: ignore[reportUnknownArgumentType] # a user's values
    return [value]


class Fed(Protocol):
    """What the Observable needs of the call whose input it is."""

    step: Step[Any, Any, Any]
    path: str
    closed: bool
    execution: Execution

    @property
    def workflow_id(self) -> str: ...
    def fault(self, error: BaseException) -> None: ...


class ItemsInput(BoundObservable[Any]):
    """The input of one attempt of a step that takes an Observable.

    Every subscription is told all items from the first one on, as they are produced; it is told on the thread of the
    leg, never inside `subscribe`, in a copy of the `contextvars` of whoever subscribed.
    """

    def __init__(self, call: Fed, items: Items) -> None:
        """Make the input of an attempt of `call`."""
        super().__init__(call.execution.scheduler)
        self.call: Fed | None = call
        self._loop: AbstractEventLoop = call.execution.loop
        self.items = items
        self.cursors: dict[Cursor, None] = {}
        self._waiting = 0

    @override
    def _subscribe_core(self, observer: ObserverBase[Any], scheduler: SchedulerBase | None = None) -> DisposableBase:
        call = self.call
        if call is None:
            observer.on_error(StepFailed("the attempt whose input this is, is over"))
            return BoundObservable[Any](self.scheduler).subscribe()
        cursor = Cursor(self, call, observer)
        self.cursors[cursor] = None
        if call.execution.on_thread():
            cursor.join()
        else:
            cursor.held = True
            self.wait(1)
            call.execution.post(cursor.join)
        return cursor

    def accept(self, value: Any, number: int) -> tuple[Any, Exception | None]:
        """Return an item in its type, a copy that the step may change, and what is wrong with it."""
        value = copy_plain(value)
        call = self.call
        if call is None or call.step.input.is_any:
            return value, None
        schema = call.step.input
        try:
            return schema.validate(value), None
        except ValidationError as error:
            what = f"item {number} of the input"
            where = {"workflow_id": call.workflow_id, "step_path": call.path}
            return value, invalid(InputInvalid, what, schema, value, error, **where)

    def wait(self, change: int) -> None:
        """Count the subscriptions of other threads: while there is one, a virtual clock goes on for it."""
        with self.lock:
            before, self._waiting = self._waiting, self._waiting + change
        loop = self._loop
        if not before:
            release(loop)
        elif not self._waiting:
            hold(loop)

    def release_threads(self, error: Exception) -> None:
        """End what other threads may be waiting for."""
        for cursor in list(self.cursors):
            if cursor.held:
                cursor.end(error)

    def close(self) -> None:
        """End all subscriptions: the attempt is over."""
        self.call = None
        for cursor in list(self.cursors):
            cursor.dispose()


class Cursor(DisposableBase):
    """One subscription: calls to it never overlap, and none begins after `dispose` has returned.

    Attributes:
        held: whether it was made on another thread, which may block until its end.
    """

    __slots__ = ("_at", "_awake", "_call", "_context", "_input", "_lock", "_observer", "held")

    def __init__(self, source: ItemsInput, call: Fed, observer: ObserverBase[Any]) -> None:
        """Make a subscription to `source`."""
        self._input: ItemsInput = source
        self._call: Fed = call
        self._observer: ObserverBase[Any] | None = observer
        self._context = copy_context()
        self._lock = RLock()
        self._at = 0
        self._awake = False
        self.held: bool = False

    def join(self) -> None:
        """Begin, on the thread of the leg."""
        if self._observer is not None:
            self._input.items.join(self)
            self.wake()

    def wake(self) -> None:
        """Look for something to tell, in a turn of its own."""
        if not self._awake and self._observer is not None:
            self._awake = True
            self._call.execution.soon(self._look)

    def _look(self) -> None:
        self._awake = False
        self._context.run(self._tell_all)

    def _tell_all(self) -> None:
        items = self._input.items
        for _ in range(BUDGET):
            if self._at < len(items.values):
                self._at += 1
                value, wrong = self._input.accept(items.values[self._at - 1], self._at - 1)
                if wrong is None:
                    self._tell(value)
                else:
                    self.end(wrong)
            elif items.complete or items.error is not None:
                self.end(items.error)
            else:
                return
            if self._observer is None:
                return
        self.wake()

    def _tell(self, value: Any) -> None:
        with self._lock:
            observer = self._observer
            if observer is None:
                return
            try:
                observer.on_next(value)
            except BaseException as error:  # noqa: BLE001 # it is the fault of the step that subscribed
                self._fault(error)

    def end(self, error: Exception | None) -> None:
        """Tell the end."""
        with self._lock:
            observer = self._observer
            if observer is None:
                return
            self._leave()
            try:
                if error is None:
                    observer.on_completed()
                else:
                    observer.on_error(error)
            except BaseException as fault:  # noqa: BLE001 # so is this; what has no `on_error` raises it
                self._fault(fault)

    def _fault(self, error: BaseException) -> None:
        self._leave()
        self._call.fault(error)

    def _leave(self) -> None:
        self._observer = None
        self._input.cursors.pop(self, None)
        self._input.items.forget(self)
        if self.held:
            self.held = False
            self._input.wait(-1)

    @override
    def dispose(self) -> None:
        self._observer, observer = None, self._observer
        if self._lock.acquire(timeout=BEGIN):
            self._lock.release()
        if observer is not None:
            self._leave()
