"""The fold of a run: what `Snapshot = scan(reduce)` makes of its records, and the results made of a snapshot.

A snapshot is a value: the reducer is the only code that changes one, and only one it has just copied. Copies share
their entries until one side changes an entry (copy on write), so that reading a run does not cost its size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from typing_extensions import TypeVar, override

from rxloom.chunks import Answer, ErrorInfo, Suspension, Usage

OutT = TypeVar("OutT", default=Any)

RunStatus: TypeAlias = Literal["pending", "running", "waiting", "suspended", "paused", "success", "failed", "canceled"]
StepStatus: TypeAlias = Literal["running", "waiting", "suspended", "success", "failed", "bailed", "canceled"]

TERMINAL: frozenset[str] = frozenset({"success", "failed", "canceled"})
NO_USAGE = Usage()


class StepRecord(NamedTuple):
    """What is known of one step call: the newest one at this path.

    Attributes:
        path: ids joined by dots; an item of a `for_each` is `each[2]`.
        status: `running`, `waiting`, `suspended`, `success`, `failed`, `bailed` or `canceled`.
        input: what the step got.
        output: what it returned, when it succeeded or bailed.
        error: why it failed.
        attempt: 0-based number of the last attempt.
        iteration: round of a loop (from 1) or 0.
        usage: tokens counted in what the step wrote.
        started_at: epoch milliseconds of its first start.
        ended_at: epoch milliseconds of its end, or `None`.
        suspend_payload: what it asks, while it is suspended.
    """

    path: str
    status: StepStatus
    input: Any
    output: Any
    error: ErrorInfo | None
    attempt: int
    iteration: int
    usage: Usage
    started_at: int
    ended_at: int | None
    suspend_payload: Any


class Entry:
    """The fold's own form of a step record, with what replaying needs besides."""

    __slots__ = (
        "asked_at", "attempt", "call_id", "emitted", "ended_at", "error", "generation", "input", "iteration",
        "mismatches", "output", "owner", "parent_generation", "path", "resume_payload", "resumed_at", "spent_ms",
        "started_at", "status", "suspend_payload", "usage",
    )  # fmt: skip

    def __init__(self, owner: object, generation: int, parent_generation: int, path: str) -> None:
        """Make an entry for a call that opens now."""
        self.owner: object = owner
        self.generation: int = generation
        self.parent_generation: int = parent_generation
        self.path: str = path
        self.status: StepStatus = "running"
        self.input: Any = None
        self.output: Any = None
        self.error: ErrorInfo | None = None
        self.attempt: int = 0
        self.iteration: int = 0
        self.usage: Usage | None = None
        self.started_at: int = 0
        self.ended_at: int | None = None
        self.suspend_payload: Any = None
        self.call_id: str = ""
        self.resume_payload: Any = None
        self.resumed_at: int | None = None
        self.mismatches: int = 0
        self.spent_ms: int = 0
        self.asked_at: int = 0
        self.emitted: list[Any] | None = None

    def clone(self, owner: object) -> Entry:
        """Copy the entry for another owner."""
        copy = Entry.__new__(Entry)
        for name in Entry.__slots__:
            setattr(copy, name, getattr(self, name))
        copy.owner = owner
        return copy

    def record(self) -> StepRecord:
        """Return the public form."""
        return StepRecord(
            self.path, self.status, self.input, self.output, self.error, self.attempt, self.iteration,
            self.usage or NO_USAGE, self.started_at, self.ended_at, self.suspend_payload,
        )  # fmt: skip


class Steps(Mapping[str, StepRecord]):
    """The step records of a run by path, in the order of their first start."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        """Wrap `entries`, which nobody may change any more."""
        self._entries = entries

    @override
    def __getitem__(self, path: str) -> StepRecord:
        return self._entries[path].record()

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    @override
    def __len__(self) -> int:
        return len(self._entries)

    @override
    def __repr__(self) -> str:
        return f"Steps({dict(self)!r})"


class Decision(NamedTuple):
    """A recorded `Choice`, valid while its enclosing call is the one it was made in."""

    parent_generation: int
    taken: tuple[int, ...]


class Snapshot:
    """The state of a run after some prefix of its records.

    Attributes:
        run_id: the run.
        workflow_id: its workflow.
        resource_id: whose it is, as given to `create_run`.
        status: `pending`, `running`, `waiting`, `suspended`, `paused`, `success`, `failed` or `canceled`.
        input: the input it started with.
        state: the workflow state.
        context: the runtime context.
        usage: tokens counted over the whole life of the run.
        leg_usage: tokens counted in the newest leg.
        suspensions: the leaves that wait for an answer, by path.
        output: the result of a successful run.
        error: the error of a failed run.
        next_seq: number of chunks so far.
        next_pos: number of records so far.
        epoch: 0, plus one for each time travel.
        active_ms: time spent in legs that have ended, in milliseconds.
        started_at: epoch milliseconds of the first leg's start, or `None` before it.
    """

    __slots__ = (
        "_generation", "_owner", "active_ms", "answers", "choices", "context", "entries", "epoch", "error", "event_ids",
        "events", "input", "leaves", "leg", "leg_started_at", "leg_usage", "next_pos", "next_seq", "output",
        "resource_id", "run_id", "started_at", "state", "status", "suspensions", "usage", "usage_before", "waiting",
        "workflow_id",
    )  # fmt: skip

    def __init__(self, run_id: str, workflow_id: str = "", resource_id: str | None = None) -> None:
        """Make the snapshot of a run without records."""
        self._owner: object = object()
        self._generation = 0
        self.run_id: str = run_id
        self.workflow_id: str = workflow_id
        self.resource_id: str | None = resource_id
        self.status: RunStatus = "pending"
        self.input: Any = None
        self.state: dict[str, Any] = {}
        self.context: dict[str, Any] = {}
        self.usage: Usage = NO_USAGE
        self.leg_usage: Usage = NO_USAGE
        self.usage_before: Usage = NO_USAGE
        self.suspensions: dict[str, Suspension] = {}
        self.output: Any = None
        self.error: ErrorInfo | None = None
        self.next_seq: int = 0
        self.next_pos: int = 0
        self.epoch: int = 0
        self.leg: int = 0
        self.leg_started_at: int = 0
        self.started_at: int | None = None
        self.active_ms: int = 0
        self.entries: dict[str, Entry] = {}
        self.answers: dict[str, list[Answer]] = {}
        self.choices: dict[str, Decision] = {}
        self.events: dict[str, deque[Any]] = {}
        # Dicts serve as sets: an empty one takes a quarter of the memory, and the garbage collector passes it by.
        self.event_ids: dict[str, None] = {}
        self.leaves: dict[str, None] = {}
        self.waiting: dict[str, None] = {}

    @property
    def steps(self) -> Steps:
        """The step records by path."""
        self._owner = object()  # whoever changes an entry from now on changes a clone
        return Steps(self.entries.copy())

    def copy(self) -> Snapshot:
        """Return an independent copy; entries are shared until either side changes them."""
        copy = Snapshot.__new__(Snapshot)
        for name in Snapshot.__slots__:
            setattr(copy, name, getattr(self, name))
        self._owner = object()
        copy._owner = object()  # noqa: SLF001 # it is a snapshot, too
        for name in ("state", "context", "suspensions", "entries", "choices", "event_ids", "leaves", "waiting"):
            setattr(copy, name, getattr(self, name).copy())
        copy.answers = {path: list(given) for path, given in self.answers.items()}
        copy.events = {name: deque(queue) for name, queue in self.events.items()}
        return copy

    def mine(self, path: str) -> Entry | None:
        """Return the entry at `path`, made this snapshot's own so that the reducer may change it."""
        entry = self.entries.get(path)
        if entry is not None and entry.owner is not self._owner:
            entry = entry.clone(self._owner)
            self.entries[path] = entry
        return entry

    def open(self, path: str, value: object, started_at: int) -> Entry:
        """Put a fresh entry at `path`: whatever hung below an older one is stale from now on."""
        parent = self.generation_of(parent_path(path)) if "." in path or "[" in path else -self.epoch
        self._generation += 1
        self.entries[path] = entry = Entry(self._owner, self._generation, parent, path)
        entry.input = value
        entry.started_at = started_at
        if self.answers:
            self.answers.pop(path, None)
        if self.suspensions:
            self.forget_below(path)
        return entry

    def forget_below(self, path: str) -> None:
        """Drop the suspensions and answers of calls inside `path`: they belong to a call that is over."""
        prefixes = (path + ".", path + "[")
        for below in [one for one in self.suspensions if one.startswith(prefixes)]:
            del self.suspensions[below]
            self.answers.pop(below, None)

    def renew(self, entry: Entry) -> None:
        """Give `entry` a new generation, which makes everything recorded below it stale."""
        self._generation += 1
        entry.generation = self._generation

    def generation_of(self, path: str) -> int:
        """Return the generation of the call at `path`; the root's is the negative epoch."""
        if not path:
            return -self.epoch
        entry = self.entries.get(path)
        return entry.generation if entry is not None else -self.epoch

    def valid(self, path: str) -> Entry | None:
        """Return the entry at `path` if it belongs to the present call of its container."""
        entry = self.entries.get(path)
        if entry is None or entry.parent_generation != self.generation_of(parent_path(path)):
            return None
        return entry

    def decided(self, node: str) -> tuple[int, ...] | None:
        """Return what the node chose in the present call of its container, or `None`."""
        decision = self.choices.get(node)
        if decision is None or decision.parent_generation != self.generation_of(parent_path(node)):
            return None
        return decision.taken

    @override
    def __repr__(self) -> str:
        return f"Snapshot(run_id={self.run_id!r}, status={self.status!r}, steps={len(self.entries)})"


def parent_path(path: str) -> str:
    """Return the path of the call that `path` belongs to.

    >>> [parent_path(path) for path in ("a", "a.b", "a[2]", "a[2].b", "a.b[0]")]
    ['', 'a', 'a', 'a[2]', 'a.b']
    """
    return path[: path.rindex("[")] if path.endswith("]") else path.rpartition(".")[0]
