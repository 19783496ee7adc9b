"""The grammar of sequence numbers: no gap but a told one."""

from __future__ import annotations

from rxloom.chunks import GapData
from rxloom.testing._grammar_report import Report

_LEFT_OUT_BY_A_VIEW = 2  # the finish of one leg and the start of the next


class Sequence:
    """Follows the `seq` of the chunks; the first may have any, and a stream without any is not checked."""

    def __init__(self, report: Report, *, is_view: bool) -> None:
        """Begin before the first chunk."""
        self._report = report
        self._is_view = is_view
        self._expected: int | None = None
        self._is_told: bool | None = None
        self._missing = 0
        self._gap_end = -1

    def next(self, seq: int | None) -> bool:
        """Check the next one; return whether a view goes over to the next leg here."""
        if self._is_told is None:
            self._is_told = seq is not None
        if seq is None or not self._is_told:
            if self._is_told:
                self._report.add("seq", "it has none")
                self.skip(None)
            elif seq is not None:
                self._report.add("seq", "the chunks before had none")
            return False
        expected, self._expected = self._expected, seq + 1
        if expected is None or seq == expected:
            self._account(seq)
            return False
        skipped = seq - expected
        if self._missing and 0 < skipped <= self._missing and seq - 1 <= self._gap_end:
            self._missing -= skipped
            self._account(seq)
            return False
        if self._is_view and skipped == _LEFT_OUT_BY_A_VIEW:
            return True
        self._report.add("seq", f"expected {expected}")
        self._missing = 0
        return False

    def skip(self, seq: int | None) -> None:
        """Pass over a chunk that could not be read."""
        if seq is not None:
            self._expected = seq + 1
        elif self._expected is not None:
            self._expected += 1

    def gap(self, data: GapData) -> None:
        """Take note of chunks that are announced as missing."""
        span = data.to_seq - data.from_seq + 1
        if not 1 <= data.count <= span:
            self._report.add("seq", f"a gap of {data.count} from {data.from_seq} to {data.to_seq}")
        if self._expected is None:
            self._expected = data.from_seq
        elif data.from_seq < self._expected:
            self._report.add("seq", f"a gap from {data.from_seq}, and {self._expected} comes next")
        self._missing += data.count
        self._gap_end = max(self._gap_end, data.to_seq)

    def _account(self, seq: int) -> None:
        if self._missing and seq > self._gap_end:
            self._report.add("seq", f"{self._missing} fewer are missing than the gap said")
            self._missing = 0
