"""Which runs this process knows: those created, those live, and the logs that somebody still refers to."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable
from functools import partial
from threading import Lock

from rxloom.admission import Admission, Turn
from rxloom.chunks import EventReceived
from rxloom.errors import RunNotFound
from rxloom.feed import Feed
from rxloom.leg import Leg
from rxloom.log import ChunkLog
from rxloom.weak import WeakMap


class Early:
    """A run that was created here: what came before it started, and waits for it to do so.

    Attributes:
        canceled: the reason for which it was cancelled, in a tuple, if it was.
        events: the events sent to it.
        watching: the streams of those who observe it.
        turn: its place in the queue, while it waits there.
        started: whether it has started.
    """

    __slots__ = ("__weakref__", "_run_id", "canceled", "events", "started", "turn", "watching")

    def __init__(self, run_id: str) -> None:
        """Make one for a run that has just been created."""
        self._run_id = run_id
        self.canceled: tuple[str | None] | None = None
        self.events: tuple[EventReceived, ...] = ()
        self.watching: tuple[Feed, ...] = ()
        self.turn: Turn | None = None
        self.started: bool = False

    def forsake(self, error: Exception) -> None:
        """Tell those who observe it that it will not start."""
        watching, self.watching = self.watching, ()
        for feed in watching:
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
