"""Sleeps: for some seconds, or until some time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.callables import Adapter
from rxloom.engine import Ctx, Err, Node, Ok, Question, Waiting, bodiless, replayed
from rxloom.errors import DefinitionError
from rxloom.values import copy_plain


class Sleep(Node):
    """Lets the value pass after a while; the run's status is `waiting` meanwhile.

    ```text
    contexts   --1---------|
    sleep(3)   -----1|
    ```
    """

    __slots__ = ("_step", "computed", "due", "fixed", "id", "kind")

    def __init__(
        self, id: str, due: Adapter, *, kind: Literal["sleep", "sleep_until"], fixed: str, computed: bool = False
    ) -> None:
        """Make a sleep.

        Args:
            id: its step id.
            due: gives, of `(value, ctx)`, seconds or a timedelta for `sleep`, a datetime for `sleep_until`.
            kind: which of the two.
            fixed: what the graph shows of the time.
            computed: whether that is the name of a function, and not the time itself.
        """
        self.id = id
        self.due = due
        self.kind: Literal["sleep", "sleep_until"] = kind
        self.fixed = fixed
        self.computed = computed
        self._step = bodiless(id)

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        if ctx.execution.recorded and replayed(ctx, ctx.scope.prefix + self.id, ok, err)[0]:
            return None
        call = _Sleeping(self._step, ctx, ok, err, None)
        question = Question(self.id, ctx, lambda due: self._begin(call, due), lambda error: _refuse(call, error))
        call.question = question
        question.ask(self.due, copy_plain(ctx.value))
        return call

    def _begin(self, call: _Sleeping, due: Any) -> None:
        try:
            call.until = _until(self.kind, due, call.execution.now())
        except Exception as error:  # noqa: BLE001 # a user's value: the step fails with it
            _refuse(call, error)
            return
        call.open()
        call.run_attempt()

    @override
    def describe(self) -> Mapping[str, Any]:
        key = "function" if self.computed else "seconds" if self.kind == "sleep" else "until"
        return {"type": "sleep", "id": self.id, key: float(self.fixed) if key == "seconds" else self.fixed}


class _Sleeping(Waiting):
    __slots__ = ("question",)

    @override
    def wait(self) -> DisposableBase:
        seconds = max(0, self.until - self.execution.now()) / 1000
        return self.execution.after(seconds, self._wake)

    def _wake(self) -> None:
        # The clock of the chunks has whole milliseconds: a timer may be a fraction of one early.
        if self.execution.now() < self.until:
            self._timer = self.execution.after(0.001, self._wake)
        else:
            self.succeed(self.input)

    @override
    def dispose(self) -> None:
        self.question.dispose()
        super().dispose()


def _refuse(call: _Sleeping, error: Exception) -> None:
    call.until = call.execution.now()
    call.open()
    call.fail(error)


def _until(kind: str, due: Any, now: int) -> int:
    if kind == "sleep_until":
        if not isinstance(due, datetime):
            raise DefinitionError(f"sleep_until needs a datetime, and got {due!r}")
        aware = due if due.tzinfo is not None else due.astimezone()
        return max(now, math.ceil(aware.astimezone(UTC).timestamp() * 1000))
    seconds = seconds_in(due)
    if seconds is None:
        raise DefinitionError(f"sleep needs seconds or a timedelta, and got {due!r}")
    return now + max(0, math.ceil(seconds * 1000))


def seconds_in(due: Any) -> float | None:
    """Return seconds, or a timedelta, as seconds; `None` for anything else."""
    seconds = due.total_seconds() if isinstance(due, timedelta) else due
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        return None
    return seconds
