"""One of the runs that a subscription has open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from typing_extensions import override

from rxloom.chunks import Chunk, Told
from rxloom.control import Control
from rxloom.feed import Feed, View, fresh
from rxloom.log import ChunkLog
from rxloom.outcome import LegOutcome
from rxloom.ports.loop import LoopPort

_ONE_LEG: Final = View()


class Host(Protocol):
    """The subscription."""

    @property
    def keen(self) -> bool:
        """Whether it is told every chunk."""
        ...

    def told(self, chunk: Chunk) -> None:
        """Take a chunk of a run."""
        ...

    def settled(self, run: InnerRun) -> None:
        """Take note that a run has ended."""
        ...

    def lost(self, run: InnerRun, error: Exception) -> None:
        """Take note that a run was taken from this process."""
        ...


class InnerRun(Feed):
    """One open run. It hears its leg at first hand: a stream and a subscriber would cost half as much as the run.

    Attributes:
        keen: whether it is told what steps write, and not the lifecycle alone.
        outcome: how it ended, once it has.
    """

    __slots__ = ("_control", "_host", "_on_end", "keen", "outcome")

    def __init__(self, host: Host, control: Control, port: LoopPort) -> None:
        """Make one that has not been started."""
        super().__init__(control.run_id, control.workflow_id, port.scheduler, control, _ONE_LEG)
        self.port: LoopPort | None = port
        self.keen: bool = host.keen
        self.outcome: LegOutcome | None = None
        self._control = control
        self._host: Host | None = host
        self._on_end: Callable[[str], None] | None = None

    @override
    def bind(self, log: ChunkLog, view: View) -> None:
        host = self._host
        if host is None:
            return
        self.log: ChunkLog | None = log
        leg = self._control.registry.live.get(self.run_id)
        if leg is not None:
            self._on_end, leg.on_end = leg.on_end, self._over
        if self.keen:
            for chunk in log.slice(0):
                host.told(chunk)
            log.listen(self)
        if leg is None:
            self._settle()

    def push(self, chunk: Told) -> None:
        """Take the next chunk from the log."""
        if self._host is not None:
            self._host.told(chunk)

    def end(self, error: Exception | None) -> None:
        """Take nothing: the leg says so itself."""

    def _over(self, run_id: str) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(run_id)
        self._settle()

    def _settle(self) -> None:
        """Tell how the leg ended."""
        log = self.log
        if log is None:
            return
        host = self.leave()
        if log.endings:
            self.outcome = outcome = log.endings[-1].outcome
            outcome.looked_at = True
            if host is not None:
                host.settled(self)
        elif host is not None and log.error is not None:
            host.lost(self, fresh(log.error))

    @override
    def refuse(self, error: Exception) -> None:
        host = self.leave()
        if host is not None:
            host.lost(self, fresh(error))

    def leave(self) -> Host | None:
        """Be told nothing more; return who was told."""
        host, self._host = self._host, None
        log, self.log = self.log, None
        if self.keen and log is not None:
            log.forget(self)
        return host
