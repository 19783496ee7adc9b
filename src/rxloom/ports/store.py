"""The store port: an append-only log of records per run, and a head row that finds the run."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import ClassVar, NamedTuple, Protocol

from rxloom.chunks import Record
from rxloom.snapshot import RunStatus


class Head(NamedTuple):
    """What a store knows of a run without reading its records.

    Attributes:
        run_id: the run.
        workflow_id: its workflow.
        resource_id: whose it is.
        status: as of the last commit.
        created_at: epoch milliseconds of the first record.
        updated_at: epoch milliseconds of the newest leg's start or end.
        fence: number of the present owner; an append with an older one is refused.
        next_pos: number of records.
    """

    run_id: str
    workflow_id: str
    resource_id: str | None
    status: RunStatus
    created_at: int
    updated_at: int
    fence: int
    next_pos: int


class Store(Protocol):
    """Keeps the records of runs.

    A record is committed when `append` returned `None`, or when the awaitable it returned is done. The log tells
    nothing that is not committed.
    """

    immediate: ClassVar[bool]
    """Whether `append` has always committed when it returns."""

    def append(
        self, run_id: str, fence: int, pos: int, records: Sequence[Record], keep_outputs: int | None = None, /
    ) -> Awaitable[None] | None:
        """Append `records` at `pos` if that is the next position and `fence` is the run's.

        The first append of a run begins with its `LegStarted` at position 0 under fence 0. `keep_outputs` is how
        many written outputs a store that holds its records in memory needs to keep; `None` is all of them.

        Raises:
            OwnershipLost: when another owner holds the run, or has appended at `pos`; nothing was changed.
        """
        ...

    async def read(self, run_id: str, pos: int = 0) -> Sequence[Record]:
        """Return the records from `pos` on.

        Raises:
            RunNotFound: when the store knows no such run.
        """
        ...

    async def take(self, run_id: str) -> Head:
        """Raise the run's fence, so that no earlier owner can append, and return the head.

        Raises:
            RunNotFound: when the store knows no such run.
        """
        ...

    async def head(self, run_id: str) -> Head | None:
        """Return the head row, or `None` for an unknown run."""
        ...

    async def heads(self) -> Sequence[Head]:
        """Return all head rows, oldest first."""
        ...

    async def delete(self, run_id: str) -> None:
        """Forget the run.

        Raises:
            RunNotFound: when the store knows no such run.
        """
        ...

    def pin(self, run_id: str) -> object:
        """Return a token; while it lives, the store does not drop the run by itself."""
        ...
