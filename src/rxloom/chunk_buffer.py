"""The told chunks of a run that are in memory: all of them, or the lifecycle and the newest outputs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from rxloom.chunks import Gap, GapData, StepOutput, Told, WorkflowFinish
from rxloom.lock import LOCK
from rxloom.outcome import LegOutcome
from rxloom.pacing import Paced

BATCH = 1024


class Ending(NamedTuple):
    """The end of a leg.

    Attributes:
        finish: its last chunk.
        outcome: how it ended.
    """

    finish: WorkflowFinish
    outcome: LegOutcome


class ChunkBuffer(Paced):
    """The told chunks of a run; reading them is for any thread.

    Attributes:
        run_id: the run.
        chunks: the chunks from seq `base` on.
        base: the seq of the first of them; of those before, some were dropped.
        endings: the ends of legs, oldest first.
    """

    __slots__ = ("_keep", "_old", "_outputs", "base", "chunks", "endings", "run_id")

    def __init__(self, run_id: str, next_seq: int, *, keep: int | None) -> None:
        """Make an empty one that begins at `next_seq`, and keeps so many outputs; `None` is all."""
        super().__init__(next_seq)
        self.run_id: str = run_id
        self.chunks: list[Told] = []
        self.base: int = next_seq
        self.endings: tuple[Ending, ...] = ()  # a live run is many objects already: what is rare is made late
        self._old: list[Told] | None = None  # most runs never have one: it is a list less to collect
        self._keep = keep
        self._outputs = 0

    def _leg_ended(self, finish: WorkflowFinish, outcome: LegOutcome) -> None:
        self.endings = (*self.endings, Ending(finish, outcome))

    def _follow(self, history: list[Told], next_seq: int) -> None:
        """Be what comes after `history`, which was told before."""
        self._old = history
        self.base = next_seq

    def _count_output(self, keep: int) -> None:
        self._outputs += 1
        if self._outputs > 2 * keep + 64:
            self._trim(keep)

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
