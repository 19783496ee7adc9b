"""Observables bound to a scheduler, and what is piped from them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, assert_type

import pytest
import reactivex as rx
from reactivex import ConnectableObservable, Observable
from reactivex import operators as ops
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import Disposable
from reactivex.scheduler import ImmediateScheduler
from reactivex.subject import Subject
from reactivex.testing import TestScheduler

from rxloom.observable import BoundConnectable, BoundObservable, bind

_HERE = ImmediateScheduler()


def _bound(source: Observable[Any]) -> BoundObservable[Any]:
    return BoundObservable(_HERE, source)


def _schedulers(seen: list[SchedulerBase | None]) -> Observable[int]:
    """Make a source that notes the scheduler of each subscription."""

    def subscribe(observer: ObserverBase[int], scheduler: SchedulerBase | None = None) -> DisposableBase:
        seen.append(scheduler)
        observer.on_next(1)
        observer.on_completed()
        return Disposable()

    return Observable(subscribe)


def test_subscriptions_get_the_scheduler_unless_they_name_another() -> None:
    seen: list[SchedulerBase | None] = []
    other = TestScheduler()
    bound = _bound(_schedulers(seen))
    bound.subscribe()
    bound.map(str).subscribe()
    bound.subscribe(scheduler=other)

    assert [scheduler is _HERE for scheduler in seen] == [True, True, False]
    assert seen[2] is other


def test_a_subclass_without_a_source_overrides_subscribe_core() -> None:
    completed: list[bool] = []
    subscription = BoundObservable[int](_HERE).subscribe(on_completed=lambda: completed.append(True))
    subscription.dispose()

    assert completed == []


def _plus_one(number: int) -> int:
    return number + 1


def test_pipe_keeps_types_and_takes_any_number_of_operators() -> None:
    def text(number: int) -> str:
        return f"<{number}>"

    numbers: BoundObservable[int] = BoundObservable(_HERE, rx.of(1, 2))
    texts = numbers.pipe(ops.map(text), ops.to_list())
    assert_type(texts, Observable[list[str]])
    more = ops.map(_plus_one)
    eight = numbers.pipe(more, more, more, more, more, more, more, more)

    assert texts.run() == ["<1>", "<2>"]
    assert eight.run() == 10
    assert numbers.pipe() is numbers


def test_only_stock_observables_are_bound() -> None:
    subject: Subject[int] = Subject()
    bound = _bound(rx.of(1))

    assert bind(subject, _HERE) is subject
    assert bind(bound, TestScheduler()) is bound
    assert bind("text", _HERE) == "text"
    assert isinstance(bind(rx.of(1), _HERE), BoundObservable)
    assert isinstance(rx.of(1).pipe(ops.publish(), lambda made: bind(made, _HERE)), BoundConnectable)


async def test_a_connectable_stays_one_and_stays_bound() -> None:
    seen: list[SchedulerBase | None] = []
    bound = _bound(_schedulers(seen))
    published = bound.pipe(ops.publish())
    assert isinstance(published, ConnectableObservable)
    values: list[int] = []
    published.subscribe(values.append)
    published.connect()

    assert values == [1]
    assert await bound.publish().ref_count() == 1
    assert await bound.publish().auto_connect() == 1
    assert isinstance(bound.publish().ref_count(), BoundObservable)
    assert isinstance(bound.publish().auto_connect(), BoundObservable)
    assert seen == [_HERE] * 3


def _one(_: Any) -> Observable[int]:
    return rx.of(1)


_FLUENT: dict[str, Callable[[BoundObservable[Any]], Any]] = {
    "__add__": lambda source: source + rx.of(1),
    "__getitem__": lambda source: source[0:1],
    "catch": lambda source: source.catch(rx.of(1)),
    "dematerialize": lambda source: source.materialize().dematerialize(),
    "do": lambda source: source.do(on_next=print),
    "flat_map": lambda source: source.flat_map(_one),
    "merge": lambda source: source.merge(rx.of(1)),
    "pluck": lambda source: source.pluck("key"),
    "retry": lambda source: source.retry(2),
    "share": lambda source: source.share(),
    "sum": lambda source: source.sum(),
    "sum_of": lambda source: source.sum(len),
    "switch_latest": lambda source: source.map(_one).switch_latest(),
    "timeout": lambda source: source.timeout(1.0),
    "to_list": lambda source: source.to_list(),
    "zip": lambda source: source.zip(rx.of(1)),
}


@pytest.mark.parametrize("name", _FLUENT)
def test_fluent_methods_stay_bound(name: str) -> None:
    assert isinstance(_FLUENT[name](_bound(rx.of(1))), BoundObservable)


def test_every_fluent_method_of_reactivex_goes_through_pipe_or_is_overridden() -> None:
    mixins = [base for base in Observable.__mro__ if base.__module__.startswith("reactivex.observable.mixins.")]
    methods = {
        name: method
        for mixin in mixins
        for name, method in vars(mixin).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }
    astray = {
        name
        for name, method in methods.items()
        if ".pipe(" not in inspect.getsource(method).rpartition('"""')[2] and name not in vars(BoundObservable)
    }

    assert len(methods) > 100
    assert astray == {
        "do",  # calls do_action
        "ref_count",  # for connectables only, and overridden there
        "to_list",  # calls to_iterable
    }


def test_adding_in_place_stays_bound() -> None:
    bound: Observable[int] = _bound(rx.of(1))
    bound += rx.of(2)

    assert isinstance(bound, BoundObservable)


def test_both_halves_of_a_partition_stay_bound() -> None:
    bound = _bound(rx.of(1, 2))
    parts = bound.partition(bool) + bound.partition_indexed(lambda value, index: value > index)

    assert [type(part) for part in parts] == [BoundObservable] * 4
