"""Which runs this process knows: those created, those live, and the logs that somebody still refers to."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock

from rxloom.admission import Admission, Turn
from rxloom.chunks import EventReceived
from rxloom.errors import RunNotFound
from rxloom.feed import Feed
from rxloom.leg import Leg
from rxloom.lock import LOCK
from rxloom.log import ChunkLog
from rxloom.weak import WeakMap


class Early:
    """A run that was created here: what came before it started, and waits for it to do so.

    Its methods may be called from any thread.

    Attributes:
        watching: the streams of those who observe it.
        turn: its place in the queue, while it waits there.
        started: whether its leg is there, and takes what comes from now on.
    """

    __slots__ = ("__weakref__", "_canceled", "_entered", "_events", "_run_id", "started", "turn", "watching")

    def __init__(self, run_id: str) -> None:
        """Make one for a run that has just been created."""
        self._run_id = run_id
        self._canceled: tuple[str | None] | None = None
        self._events: tuple[EventReceived, ...] = ()
        self._entered = False
        self.watching: tuple[Feed, ...] = ()
        self.turn: Turn | None = None
        self.started: bool = False

    # -- what comes before it starts: each of these tells whether it came before --------------------------------------

    def cancel(self, reason: str | None) -> bool:
        """Have it end as canceled as soon as it starts."""
        with LOCK:
            self._canceled = self._canceled or (reason,)
            return not self.started

    def send(self, event: EventReceived) -> bool:
        """Keep an event for it."""
        with LOCK:
            self._events = (*self._events, event)
            return not self.started

    def watch(self, feed: Feed) -> bool:
        """Keep a stream that observes it."""
        with LOCK:
            if not self.started:
                self.watching = (*self.watching, feed)
            return not self.started

    # -- starting ------------------------------------------------------------------------------------------------

    def enter(self) -> bool:
        """Be the one who starts it; tell whether nobody else did."""
        with LOCK:
            entered, self._entered = self._entered, True
            return not entered

    def begin(self) -> tuple[tuple[str | None] | None, Sequence[EventReceived]]:
        """Take what came before: the reason for which it was cancelled, if it was, and the events."""
        with LOCK:
            self.started = True
            events, self._events = self._events, ()
            return self._canceled, events

    def watchers(self) -> Sequence[Feed]:
        """Take the streams of those who observe it."""
        with LOCK:
            watching, self.watching = self.watching, ()
            return watching

    def fail(self) -> None:
        """Take note that it did not start."""
        with LOCK:
            self.started = self._entered = False

    def forsake(self, error: Exception) -> None:
        """Tell those who observe it that it will not start."""
        for feed in self.watchers():
            feed.hop(partial(feed.refuse, error))

    def __del__(self) -> None:
        """Tell those who observe it that nobody can start it any more."""
        if self.watching:
            self.forsake(RunNotFound("the run was never started, and nobody can any more", run_id=self._run_id))


class Registry:
    """The runs of one runtime in this process. Its methods may be called from any thread."""

    __slots__ = ("_claims", "_lock", "created", "live", "logs", "lookups", "turns")

    def __init__(self, max_runs: int | None = None) -> None:
        """Make an empty registry."""
        self._lock = Lock()
        self._claims: dict[str, list[Callable[[], None]]] = {}
        self.created: WeakMap[Early] = WeakMap()
        self.live: dict[str, Leg] = {}
        self.lookups: set[Task[None]] = set()  # those who look for a leg in the store
        self.logs: WeakMap[ChunkLog] = WeakMap()
        self.turns: Admission = Admission(max_runs, self.live.__len__)

    def claim(self, run_id: str, freed: Callable[[], None]) -> bool:
        """Reserve the run for one caller who changes its owner.

        Args:
            run_id: the run.
            freed: called, on any thread, when it is free again; only if it is not now.

        Returns:
            Whether it was free.
        """
        with self._lock:
            waiting = self._claims.get(run_id)
            if waiting is None:
                self._claims[run_id] = []
            else:
                waiting.append(freed)
            return waiting is None

    def release(self, run_id: str) -> None:
        """Give the reservation back."""
        with self._lock:
            waiting = self._claims.pop(run_id)
        for freed in waiting:
            freed()

    def early(self, run_id: str) -> Early:
        """Return what all who created a run with this id share, as long as one of them holds it."""
        with self._lock:
            early = self.created.get(run_id)
            if early is None:
                early = self.created[run_id] = Early(run_id)
            return early
