"""Observables of what runs come to, one run for each input: what `as_operator` and `map_async` of a workflow make."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from functools import partial
from typing import Any, TypeAlias, TypeVar

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from typing_extensions import override

from rxloom.arriving import POLICIES, Backlog, Observed
from rxloom.inputs import Inputs
from rxloom.observable import BoundObservable
from rxloom.open_runs import OpenRuns, Terms
from rxloom.ports import runtime as runtimes
from rxloom.ports.node import WorkflowPort
from rxloom.pulled import Pulled, PulledAsync
from rxloom.scheduler import running_loop

Out = TypeVar("Out")

Items: TypeAlias = Iterable[Any] | AsyncIterable[Any]
Make: TypeAlias = Callable[[], Inputs[Any]]


def from_observable(workflow: WorkflowPort, terms: Terms, backlog: Backlog, source: Observable[Any]) -> Observable[Any]:
    """Run a workflow for each item of an Observable."""
    runs: Observable[Any] = Observable(
        partial(_run_each, workflow, terms, partial(Observed, terms.limit, source, backlog))
    )
    scheduler = source.scheduler if isinstance(source, BoundObservable) else _scheduler_here()
    return runs if scheduler is None else BoundObservable(scheduler, runs)


def from_iterable(
    workflow: WorkflowPort, terms: Terms, iterable: Iterable[Any] | AsyncIterable[Any]
) -> Observable[Any]:
    """Run a workflow for each item of an iterable of either kind.

    Raises:
        TypeError: when it is none.
    """
    make: Make
    if isinstance(iterable, AsyncIterable):
        make = partial(PulledAsync, terms.limit, iterable)
    elif isinstance(iterable, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        make = partial(Pulled, terms.limit, iterable)
    else:
        raise TypeError(f"map_async takes an iterable or an async iterable; got {iterable!r}")
    scheduler = _scheduler_here()
    start = partial(_run_each, workflow, terms, make)
    return _Pulling(start) if scheduler is None else _BoundPulling(scheduler, start)


def checked_terms(terms: Terms) -> Terms:
    """Return the terms if they make sense.

    Raises:
        ValueError: when the limit is out of range.
        TypeError: when `on_chunk` cannot be called.
    """
    limit, on_chunk = terms.limit, terms.on_chunk
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        raise ValueError(f"max_concurrency must be a whole number of at least 1; got {limit!r}")
    if on_chunk is not None and not callable(on_chunk):
        raise TypeError(f"on_chunk must be a function of a chunk; got {on_chunk!r}")
    return terms


def checked_backlog(backlog: Backlog) -> Backlog:
    """Return the backlog if it makes sense.

    Raises:
        ValueError: when it does not.
    """
    buffer, on_overflow = backlog
    if buffer is not None and (isinstance(buffer, bool) or not isinstance(buffer, int) or buffer < 0):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        raise ValueError(f"buffer must be a whole number of at least 0, or None for any; got {buffer!r}")
    if on_overflow not in POLICIES:
        raise ValueError(f"on_overflow must be one of {', '.join(map(repr, POLICIES))}; got {on_overflow!r}")
    return backlog


def _scheduler_here() -> SchedulerBase | None:
    """Return the scheduler of the running loop, if one runs here; none is started for it."""
    return None if running_loop() is None else runtimes.current().here().scheduler


def _run_each(
    workflow: WorkflowPort,
    terms: Terms,
    make: Make,
    observer: ObserverBase[Any],
    scheduler: SchedulerBase | None = None,
    *,
    patient: bool = False,
) -> OpenRuns:
    runs = OpenRuns(workflow, terms, make(), observer, patient=patient)
    runs.begin(scheduler)
    return runs


class _Pulling(Observable[Out]):
    """An Observable of what runs come to whose source can wait for whoever reads."""

    def __init__(self, start: Callable[..., OpenRuns]) -> None:
        super().__init__()
        self._start = start

    @override
    def _subscribe_core(self, observer: ObserverBase[Out], scheduler: SchedulerBase | None = None) -> DisposableBase:
        return self._start(observer, scheduler)

    def subscribe_patiently(self, observer: ObserverBase[Out]) -> OpenRuns:
        """Subscribe; a run counts as open until the observer says by `took` that it has done with its outcome."""
        return self._start(observer, patient=True)


class _BoundPulling(_Pulling[Out], BoundObservable[Out]):
    """The same, made where a loop runs: time operators use that."""

    def __init__(self, scheduler: SchedulerBase, start: Callable[..., OpenRuns]) -> None:
        super(_Pulling, self).__init__(scheduler)  # past our own base, to BoundObservable
        self._start = start
