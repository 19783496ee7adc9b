"""The hot hub of a run: one append-only buffer of chunks, in which every reader is a cursor.

Records go to the store first; a chunk is told only below the watermark of what the store has committed. With a
store that commits at once, appending tells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol
from weakref import ref

from rxloom.chunks import Gap, GapData, Private, Record, StepOutput, Told, WorkflowFinish, WorkflowStart
from rxloom.lock import LOCK
from rxloom.outcome import LegOutcome
from rxloom.pacing import Paced, PacingReader
from rxloom.ports.store import Store
from rxloom.reducer import apply
from rxloom.snapshot import Snapshot

BATCH = 1024

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


class Ending(NamedTuple):
    """The end of a leg.

    Attributes:
        finish: its last chunk.
        outcome: how it ended.
    """

    finish: WorkflowFinish
    outcome: LegOutcome


class ChunkLog(Paced):
    """The records of one run as this process sees them, and the only place where they are appended.

    Appending happens on the loop thread of the run; everything a reader needs may be called from any thread.
    """

    __slots__ = (
        "__weakref__", "_draining", "_fence", "_keen", "_keep", "_listeners", "_old", "_outputs",
        "_pending", "_pin", "_sleepers", "_store", "base", "chunks", "committed", "endings",
        "outcome", "run_id", "snapshot",
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
        super().__init__(snapshot.next_seq)
        self.run_id: str = run_id
        self.snapshot: Snapshot = snapshot
        self.chunks: list[Told] = []
        self.base: int = snapshot.next_seq
        self.committed: int = snapshot.next_seq
        self.endings: tuple[Ending, ...] = ()  # a live run is many objects already: what is rare is made late
        self.outcome: LegOutcome | None = None
        self._old: list[Told] | None = None  # most runs never have one: it is a list less to collect
        self._store = store
        self._fence = fence
        self._keep = keep
        self._outputs = 0
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
        self._pending.append(record)

    def append(self, chunk: Told) -> None:
        """Give `chunk` the next seq, store it with the private records before it, fold it, and tell it.

        Raises:
            RunInterrupted: when the store refuses (`OwnershipLost`) or is lost; nothing was appended.
        """
        snapshot = self.snapshot
        chunk.seq = snapshot.next_seq
        if self._pending:
            self._store_pending(chunk)
        else:
            self._store.append(self.run_id, self._fence, snapshot.next_pos, (chunk,), self._keep)
        apply(snapshot, chunk)
        self.chunks.append(chunk)
        self.committed = chunk.seq + 1
        if type(chunk) is StepOutput:
            if self._keep is not None:
                self._count_output(self._keep)
        elif type(chunk) is WorkflowFinish and self.outcome is not None:
            self.endings = (*self.endings, Ending(chunk, self.outcome))
        if not self._draining:
            if self._keen or (self._listeners and type(chunk) is not StepOutput):
                self._tell()
            else:
                self.told = self.committed
            if self._sleepers:
                self._wake()

    def _count_output(self, keep: int) -> None:
        self._outputs += 1
        if self._outputs > 2 * keep + 64:
            self._trim(keep)

    def commit(self) -> None:
        """Store the private records that wait for a chunk.

        Raises:
            RunInterrupted: when the store refuses or is lost.
        """
        if self._pending:
            self._store_pending(None)

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

    def _trim(self, keep: int) -> None:
        """Drop the oldest outputs but the newest `keep`, and none that a pacing reader has still to read."""
        limit = self.told
        for one in self.pacing:
            reader = one()
            if reader is not None and reader.cursor < limit:
                limit = reader.cursor
        drop = self._outputs - keep
        cut = 0
        kept: list[Told] = []
        while drop > 0 and self.base + cut < limit:
            chunk = self.chunks[cut]
            if type(chunk) is StepOutput:
                drop -= 1
                self._outputs -= 1
            else:
                kept.append(chunk)
            cut += 1
        with LOCK:
            if self._old is None:
                self._old = kept
            else:
                self._old += kept
            del self.chunks[:cut]
            self.base += cut

    def interrupt(self, error: Exception) -> None:
        """End every stream with `error`: the run was taken from this process. Nothing is recorded."""
        if self.error is not None:
            return
        self.error: Exception | None = error
        if not self._draining:
            self._end_listeners(error)
        self._wake()
        self.release_writers()

    def _end_listeners(self, error: Exception) -> None:
        with LOCK:
            listeners, self._listeners, self._keen = self._listeners, (), ()
            HEARD.discard(self)
        for listener in listeners:
            listener.end(error)

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

    def _next_outcome(self) -> LegOutcome:
        if self.outcome is not None:
            self.outcome.freeze()
        self.outcome = LegOutcome(self.snapshot, self.snapshot.leg + 1)
        return self.outcome

    def reown(self, fence: int) -> None:
        """Append under another fence, outside of any leg."""
        self._fence = fence

    def adopt(self, records: Sequence[Record], next_pos: int) -> None:
        """Take the recorded history of the run: fold it, and keep its chunks for readers."""
        history: list[Told] = []
        for record in records:
            if isinstance(record, WorkflowStart):
                self._next_outcome().looked_at = True  # whoever was there then has seen it
            apply(self.snapshot, record)
            if isinstance(record, Private):
                continue
            history.append(record)
            if isinstance(record, WorkflowFinish) and self.outcome is not None:
                self.endings = (*self.endings, Ending(record, self.outcome))
        self._old = history
        self.snapshot.next_pos = next_pos
        self.base = self.committed = self.snapshot.next_seq
        self.told: int = self.base
        self._pin = self._store.pin(self.run_id)

    # -- reading (any thread) --------------------------------------------------------------------------------

    def stretch(self, seq: int) -> list[Told]:
        """Return the told chunks from `seq` on, at most a batch, without any finish and what follows it."""
        with LOCK:
            start = seq - self.base
            found = [] if start < 0 else self.chunks[start : min(self.told - self.base, start + BATCH)]
        for ending in self.endings:
            if 0 <= ending.finish.seq - seq < len(found):
                del found[ending.finish.seq - seq :]
                break
        return found

    def slice(self, seq: int, limit: int = BATCH) -> Sequence[Told | Gap]:
        """Return the told chunks from `seq` on, at most `limit`, with a `Gap` where some were dropped."""
        with LOCK:
            base, told = self.base, self.told
            if seq >= base:
                return self.chunks[seq - base : min(told - base, seq - base + limit)]
            old = self._old or []
            at = bisect_left(old, seq, key=lambda chunk: chunk.seq)
            found = old[at : at + limit]
            if len(found) < limit:
                found += self.chunks[: min(told - base, limit)]
        return self._with_gaps(seq, found, told)

    def _with_gaps(self, seq: int, found: list[Told], told: int) -> list[Told | Gap]:
        told_chunks: list[Told | Gap] = []
        for chunk in found:
            if chunk.seq > seq:
                told_chunks.append(self.gap(seq, chunk.seq))
            told_chunks.append(chunk)
            seq = chunk.seq + 1
        if not found and seq < told:
            told_chunks.append(self.gap(seq, told))
        return told_chunks

    def gap(self, seq: int, until: int) -> Gap:
        """Return the gap from `seq` up to, but without, `until`."""
        return Gap(self.run_id, GapData(seq, until - 1, until - seq))

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
