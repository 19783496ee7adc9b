"""One of the runs that a subscription has open."""

from __future__ import annotations

from typing import Final, Protocol

from typing_extensions import override

from rxloom.chunks import Chunk, Told, WorkflowFinish
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
        outcome: how it ended, once it has.
    """

    __slots__ = ("_host", "outcome")

    def __init__(self, host: Host, control: Control, port: LoopPort) -> None:
        """Make one that has not been started."""
        super().__init__(control.run_id, control.workflow_id, port.scheduler, control, _ONE_LEG)
        self.port: LoopPort | None = port
        self._host: Host | None = host
        self.outcome: LegOutcome | None = None

    @property
    def keen(self) -> bool:
        """Whether it is told what steps write, and not the lifecycle alone."""
        return self._host is not None and self._host.keen

    @override
    def bind(self, log: ChunkLog, view: View) -> None:
        self.log: ChunkLog | None = log
        host = self._host
        if host is not None and host.keen:
            for chunk in log.slice(0):
                host.told(chunk)
        if log.endings:
            self._settle(log)
        elif log.error is not None:
            self.end(log.error)
        elif self._host is not None:
            log.listen(self)

    def push(self, chunk: Told) -> None:
        """Take the next chunk from the log."""
        host = self._host
        if host is not None and host.keen:
            host.told(chunk)
        if type(chunk) is WorkflowFinish and self.log is not None:
            self._settle(self.log)

    def _settle(self, log: ChunkLog) -> None:
        self.outcome = outcome = log.endings[-1].outcome
        outcome.looked_at = True
        host = self.leave()
        if host is not None:
            host.settled(self)

    def end(self, error: Exception | None) -> None:
        """Take the end of a run that was taken from this process."""
        host = self.leave()
        if host is not None and error is not None:
            host.lost(self, fresh(error))

    @override
    def refuse(self, error: Exception) -> None:
        self.end(error)

    def leave(self) -> Host | None:
        """Be told nothing more; return who was told."""
        host, self._host = self._host, None
        log, self.log = self.log, None
        if log is not None:
            log.forget(self)
        return host
