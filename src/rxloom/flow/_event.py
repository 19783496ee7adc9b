"""Waiting for an event from outside."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError
from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.chunks import EventTaken
from rxloom.engine import Ctx, Err, Node, Ok, Waiting, bodiless, replayed
from rxloom.schema import input_invalid


class WaitForEvent(Node):
    """Takes the oldest event of its name that no other wait took; its output is the event's data.

    ```text
    contexts   --1-----------|
    events     ------e-------
    wait       ------e|
    ```
    """

    __slots__ = ("_step", "id", "name", "timeout")

    def __init__(self, id: str, name: str, *, output: Any, timeout: float | None) -> None:
        """Make a wait for `name`, whose data fits the schema `output`, for `timeout` seconds at most."""
        self.id = id
        self.name = name
        self.timeout = timeout
        self._step = bodiless(id, output=output)

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        if ctx.execution.recorded and replayed(ctx, ctx.scope.prefix + self.id, ok, err)[0]:
            return None
        call = _Listening(self._step, ctx, ok, err, None)
        call.event = self.name
        call.limit = self.timeout
        return call.begin()

    @override
    def describe(self) -> Mapping[str, Any]:
        limit = {} if self.timeout is None else {"timeout": self.timeout}
        return {"type": "event", "id": self.id, "event": self.name, **limit}


class _Listening(Waiting):
    __slots__ = ("limit",)

    @override
    def wait(self) -> DisposableBase | None:
        execution = self.execution
        if execution.snapshot.events.get(self.event):
            execution.soon(self.deliver)
            return None
        execution.waits.setdefault(self.event, deque()).append(self)
        if self.limit is None:
            return None
        limit = self.limit
        return execution.after(limit, partial(self._give_up, limit))

    def deliver(self) -> None:
        """Take the oldest event of the name, unless somebody else did."""
        if self.closed or self.then is not None:
            return
        execution = self.execution
        queue = execution.snapshot.events.get(self.event)
        if not queue:
            self._timer = self.wait()
            return
        data = queue[0]
        execution.note(EventTaken(self.event, self.path))
        self._leave()
        schema = self.step.output
        try:
            schema.validate(data)
        except ValidationError as error:
            self.fail(input_invalid(self.ctx.scope.workflow.id, self.path, schema, data, error))
        else:
            self.succeed(data)

    def _give_up(self, limit: float) -> None:
        self._leave()
        self.fail(self.timed_out(limit, message=f"no event {self.event!r} came within {limit:g} s"))

    @override
    def halt_attempt(self) -> None:
        self._leave()

    def _leave(self) -> None:
        self._disarm()
        waits = self.execution.waits.get(self.event)
        if waits is not None and self in waits:
            waits.remove(self)
