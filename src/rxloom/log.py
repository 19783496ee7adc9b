"""The hot hub of a run: one append-only buffer of chunks, in which every reader is a cursor.

Records go to the store first; a chunk is told only below the watermark of what the store has committed. With a
store that commits at once, appending tells.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol
from weakref import ref

from typing_extensions import override

from rxloom.chunk_buffer import ChunkBuffer
from rxloom.chunks import Private, Record, StepOutput, Told, WorkflowFinish, WorkflowStart
from rxloom.commits import Commits
from rxloom.errors import RunInterrupted
from rxloom.lock import LOCK
from rxloom.outcome import LegOutcome
from rxloom.pacing import PacingReader
from rxloom.ports.store import Store
from rxloom.reducer import apply
from rxloom.snapshot import Snapshot

HEARD: Final[set[ChunkLog]] = set()
"""The logs that somebody listens to. Of a run that is suspended, say, nobody else may hold it."""


class Listener(Protocol):
    """What the log tells its chunks to: a subscription, or a projection of the fold."""

    @property
    def keen(self) -> bool:
        """Whether it wants to be told what steps write, and not the lifecycle alone."""
        ...

    def push(self, chunk: Told) -> None:
        """Take the next chunk."""
        ...

    def end(self, error: Exception | None) -> None:
        """Take the end: the run was taken from this process, with `error`."""
        ...


class Sleeper(Protocol):
    """A reader that waits for more; nobody but whoever waits in it holds it."""

    def ready(self) -> None:
        """Look again; on any thread."""
        ...


class ChunkLog(ChunkBuffer):
    """The records of one run as this process sees them, and the only place where they are appended.

    Appending happens on the loop thread of the run; everything a reader needs may be called from any thread.

    Attributes:
        snapshot: the fold of all records, for the leg that makes them.
        seen: the fold of those that are committed and told, for everybody else; the same one where appending commits.
        commits: what is on its way into a store that takes its time, while there is a leg.
        committed: the watermark: what comes before this seq may be told.
        outcome: how the newest leg ends.
    """

    __slots__ = (
        "__weakref__", "_draining", "_fence", "_keen", "_listeners", "_pending", "_pin", "_sleepers", "_store",
        "commits", "committed", "outcome", "seen", "snapshot",
    )  # fmt: skip

    def __init__(self, run_id: str, store: Store, snapshot: Snapshot, *, keep: int | None, fence: int = 0) -> None:
        """Make the log of a run.

        Args:
            run_id: the run.
            store: where its records go.
            snapshot: the fold of the records the store has.
            keep: how many written outputs to keep in memory; `None` keeps all.
            fence: the number under which this process owns the run.
        """
        super().__init__(run_id, snapshot.next_seq, keep=keep)
        self.snapshot: Snapshot = snapshot
        self.seen: Snapshot = snapshot if store.immediate else snapshot.copy()
        self.commits: Commits | None = None
        self.committed: int = snapshot.next_seq
        self.outcome: LegOutcome | None = None
        self._store = store
        self._fence = fence
        self._pending: list[Private] = []
        self._listeners: tuple[Listener, ...] = ()
        self._keen: tuple[Listener, ...] = ()
        self._sleepers: list[ref[Sleeper]] = []
        self._draining = False
        self._pin: object = None

    # -- writing (loop thread only) --------------------------------------------------------------------------

    def note(self, record: Private) -> None:
        """Fold a private record now; it is stored together with the next chunk, or by `commit`."""
        apply(self.snapshot, record)
        if self.commits is None:
            self._pending.append(record)
        else:
            self.commits.put(record, hurry=False)

    def append(self, chunk: Told) -> None:
        """Give `chunk` the next seq, store it with the private records before it, fold it, and tell it.

        Raises:
            RunInterrupted: when the store refuses (`OwnershipLost`) or is lost; nothing was appended.
        """
        snapshot = self.snapshot
        chunk.seq = snapshot.next_seq
        if self.commits is not None:
            apply(snapshot, chunk)
            self.commits.put(chunk, hurry=type(chunk) is not StepOutput)
            return
        if self._pending:
            self._store_pending(chunk)
        else:
            self._store.append(self.run_id, self._fence, snapshot.next_pos, (chunk,), self._keep)
        apply(snapshot, chunk)
        self._publish(chunk)

    def _publish(self, chunk: Told) -> None:
        """Move the watermark past a chunk, and tell it."""
        self.chunks.append(chunk)
        self.committed = chunk.seq + 1
        if type(chunk) is StepOutput:
            if self._keep is not None:
                self._count_output(self._keep)
        elif type(chunk) is WorkflowFinish and self.outcome is not None:
            self._leg_ended(chunk, self.outcome)
        if not self._draining:
            if self._keen or (self._listeners and type(chunk) is not StepOutput):
                self._tell()
            else:
                self.told = self.committed
            if self._sleepers:
                self._wake()

    def commit(self) -> None:
        """Store the private records that wait for a chunk.

        Raises:
            RunInterrupted: when the store refuses or is lost.
        """
        if self.commits is not None:
            self.commits.flush()
        elif self._pending:
            self._store_pending(None)

    def settled(self, action: Callable[[], None]) -> None:
        """Call `action` when all that was appended so far is committed, or the run was taken; now, if it is."""
        if self.commits is None:
            action()
        else:
            self.commits.settled(action)

    def _write(self, records: Sequence[Record]) -> Awaitable[None] | None:
        return self._store.append(self.run_id, self._fence, self.seen.next_pos, records, self._keep)

    def _landed(self, records: Sequence[Record]) -> None:
        if self._pin is None:
            self._pin = self._store.pin(self.run_id)
        for record in records:
            apply(self.seen, record)
            if not isinstance(record, Private):
                self._publish(record)

    def _store_pending(self, chunk: Told | None) -> None:
        records: list[Record] = [*self._pending]
        pos = self.snapshot.next_pos - len(records)
        if chunk is not None:
            records.append(chunk)
        self._pending = []
        self._store.append(self.run_id, self._fence, pos, records, self._keep)
        if self._pin is None:
            self._pin = self._store.pin(self.run_id)

    def _tell(self) -> None:
        """Give every listener what it has not been told, in order; what is appended meanwhile queues behind."""
        self._draining = True
        try:
            while self.told < self.committed:
                chunk = self.chunks[self.told - self.base]
                self.told += 1
                for listener in self._keen if type(chunk) is StepOutput else self._listeners:
                    listener.push(chunk)
        finally:
            self._draining = False
        if self.error is not None:
            self._end_listeners(self.error)

    def _wake(self) -> None:
        sleepers, self._sleepers = self._sleepers, []
        for one in sleepers:
            sleeper = one()
            if sleeper is not None:
                sleeper.ready()

    def interrupt(self, error: Exception) -> None:
        """End every stream with `error`: the run was taken from this process. Nothing is recorded."""
        if self.error is not None:
            return
        self.error: Exception | None = error
        if not self._draining:
            self._end_listeners(error)
        self._wake()
        self.release_writers()
        commits, self.commits = self.commits, None
        if commits is not None:
            commits.abandon()
            self.snapshot = self.seen.copy()  # the run is at its last commit

    def _end_listeners(self, error: Exception) -> None:
        with LOCK:
            listeners, self._listeners, self._keen = self._listeners, (), ()
            HEARD.discard(self)
        for listener in listeners:
            listener.end(error)

    def rest(self) -> None:
        """Take note that the leg is over, and all of it committed."""
        self.commits = None

    def disown(self, error: Exception) -> None:
        """Forget everybody, and have whoever comes now end with `error`: the run is another process's."""
        self.error: Exception | None = error
        self._listeners = self._keen = ()
        HEARD.discard(self)
        self.pacing: tuple[ref[PacingReader], ...] = ()
        self._sleepers = []

    def reopen(self, fence: int) -> LegOutcome:
        """Let a new leg append under `fence`, and return what will be its outcome."""
        self._fence = fence
        self.error = None
        return self._next_outcome()

    def commit_on(self, loop: AbstractEventLoop, lost: Callable[[RunInterrupted], None]) -> None:
        """Commit what the leg appends by tasks on its loop, where appending is not enough.

        Args:
            loop: the loop.
            lost: called when the store refuses what was appended, or is lost.
        """
        if not self._store.immediate:
            self.commits = Commits(loop, self._write, self._landed, lost)

    def _next_outcome(self) -> LegOutcome:
        if self.outcome is not None:
            self.outcome.freeze()
        self.outcome = LegOutcome(self.seen, self.seen.leg + 1)
        return self.outcome

    async def record(self, fence: int, record: Private) -> None:
        """Store something private outside of any leg.

        Raises:
            RunInterrupted: when the store refuses (`OwnershipLost`) or is lost; nothing was recorded.
        """
        self._fence = fence
        committed = self._write((record,))
        if committed is not None:
            await committed
        if self.seen is not self.snapshot:
            apply(self.seen, record)
        apply(self.snapshot, record)

    def adopt(self, records: Sequence[Record], next_pos: int) -> None:
        """Take the recorded history of the run: fold it, and keep its chunks for readers."""
        history: list[Told] = []
        for record in records:
            if isinstance(record, WorkflowStart):
                self._next_outcome().looked_at = True  # whoever was there then has seen it
            apply(self.seen, record)
            if isinstance(record, Private):
                continue
            history.append(record)
            if isinstance(record, WorkflowFinish) and self.outcome is not None:
                self._leg_ended(record, self.outcome)
        self.seen.next_pos = next_pos
        if self.seen is not self.snapshot:
            self.snapshot = self.seen.copy()
        self.told: int = self.seen.next_seq
        self.committed = self.told
        self._follow(history, self.told)
        self._pin = self._store.pin(self.run_id)

    @property
    @override
    def written(self) -> int:
        return self.snapshot.next_seq

    # -- reading (any thread) --------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        """Add a listener that has been told everything so far."""
        with LOCK:
            self._listeners = (*self._listeners, listener)
            HEARD.add(self)
            if listener.keen:
                self._keen = (*self._keen, listener)

    def forget(self, listener: Listener) -> None:
        """Remove a listener; harmless when it is not there."""
        with LOCK:
            self._listeners = tuple(one for one in self._listeners if one is not listener)
            self._keen = tuple(one for one in self._keen if one is not listener)
            if not self._listeners:
                HEARD.discard(self)

    def sleep(self, seq: int, sleeper: Sleeper) -> None:
        """Have `sleeper` woken when chunk `seq` was told or the run is interrupted, perhaps a moment too early."""
        # Who sleeps lies down, then looks; who tells tells, then looks for sleepers: one of the two sees the other.
        self._sleepers.append(ref(sleeper))
        if self.told > seq or self.error is not None:
            sleeper.ready()
