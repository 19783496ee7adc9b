"""A mapping that does not keep its values alive."""

from __future__ import annotations

from threading import Thread

from rxloom.weak import WeakMap


class Thing:
    """Something to refer to."""


def test_value_is_there_as_long_as_somebody_refers_to_it() -> None:
    things: WeakMap[Thing] = WeakMap()
    thing = things["a"] = Thing()

    assert things.get("a") is thing
    assert "a" in things
    assert things.items() == [("a", thing)]
    assert things.values() == [thing]

    del thing

    assert things.get("a") is None
    assert "a" not in things
    assert things.items() == []


def test_nothing_is_left_of_a_value_that_is_gone() -> None:
    things: WeakMap[Thing] = WeakMap()
    for number in range(100):
        things[str(number)] = Thing()

    assert things._refs == {}


def test_newer_value_outlives_the_older_one() -> None:
    things: WeakMap[Thing] = WeakMap()
    older = things["a"] = Thing()
    newer = things["a"] = Thing()
    del older

    assert things.get("a") is newer


def test_default_is_set_only_where_nothing_is() -> None:
    things: WeakMap[Thing] = WeakMap()
    first, second = Thing(), Thing()

    assert things.setdefault("a", first) is first
    assert things.setdefault("a", second) is first


def test_value_can_be_taken_out() -> None:
    things: WeakMap[Thing] = WeakMap()
    thing = things["a"] = Thing()

    assert things.pop("a") is thing
    assert things.pop("a") is None
    assert "a" not in things


def test_many_threads_fill_and_forget_at_once() -> None:
    things: WeakMap[Thing] = WeakMap()

    def fill(prefix: int) -> None:
        for number in range(2_000):
            thing = things[f"{prefix}.{number}"] = Thing()
            assert things.get(f"{prefix}.{number}") is thing
            things.items()

    threads = [Thread(target=fill, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert things._refs == {}
