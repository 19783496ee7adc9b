"""How a leg ended, for whoever asks, also when later legs have followed."""

from __future__ import annotations

import logging

from rxloom.results import WorkflowResult, result_of
from rxloom.snapshot import Snapshot

logger: logging.Logger = logging.getLogger("rxloom")


class LegOutcome:
    """The result of one leg: made when it is asked for, of the fold as it was at the end of the leg."""

    __slots__ = ("__weakref__", "_leg", "_result", "exception", "looked_at", "reason", "snapshot")

    def __init__(self, snapshot: Snapshot, leg: int) -> None:
        """Make the outcome of leg number `leg` of the run that `snapshot` folds."""
        self._leg = leg
        self._result: WorkflowResult | None = None
        self.snapshot: Snapshot = snapshot
        self.exception: BaseException | None = None
        self.reason: str | None = None
        self.looked_at: bool = False

    @property
    def result(self) -> WorkflowResult:
        """The result.

        Raises:
            RunInterrupted: when the leg has not ended, and never will in this process.
        """
        self.looked_at = True
        if self._result is None:
            self._result = result_of(self.snapshot, self.exception, self.reason)
        return self._result

    def freeze(self) -> None:
        """Keep the fold as it is now: the next leg is about to change it."""
        if self.snapshot.leg == self._leg:
            self.snapshot = self.snapshot.copy()

    def __del__(self) -> None:
        """Log a failure that nobody looked at."""
        snapshot = self.snapshot
        if self.looked_at or snapshot.leg != self._leg or snapshot.status != "failed":
            return
        error = snapshot.error
        where = f"step {error.step_path!r}: " if error is not None and error.step_path else ""
        text = f"{where}{error.name}: {error.message}" if error is not None else "unknown error"
        logger.error(
            "run %s of workflow %r failed, and nobody looked at its result: %s",
            snapshot.run_id, snapshot.workflow_id, text,
        )  # fmt: skip
