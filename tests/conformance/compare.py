"""Compares what we told with a recording, through the differences that its entry names and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from tests.conformance.decided import DECIDED
from tests.conformance.differences import DIFFERENCES, copied
from tests.conformance.table import Named
from tests.conformance.telling import KEY, Json, Telling, keyed, renumbered

_MISSING = "<nothing>"
_ALL = DIFFERENCES | DECIDED


def compare(recorded: Telling, told: Telling, named: Sequence[Named]) -> list[str]:
    """Return what still differs once the named differences are applied; nothing if all is as demanded.

    A difference that does not touch exactly the fields it names is reported too.
    """
    expected, actual = copied(recorded), keyed(copied(told))
    problems: list[str] = []
    for one in named:
        touched = apply(one, expected, actual)
        if touched != one.fields:
            problems.append(f"{one.by} names {_list(one.fields - touched)} and touches {_list(touched - one.fields)}")
    _leave_out_what_the_recording_does(expected, actual)
    return problems + list(_unequal(renumbered(expected), renumbered(actual)))


def apply(one: Named, expected: Telling, actual: Telling) -> frozenset[str]:
    """Apply a difference to both tellings and return the fields it touched."""
    before = copied(expected), copied(actual)
    _ALL[one.by](expected, actual, one.args)
    touched = frozenset(_touched(before[0], expected)) | frozenset(_touched(before[1], actual))
    for number, chunk in enumerate(expected.chunks()):
        chunk.setdefault(KEY, f"{one.by}-{number}")
    return touched


def not_needed(recorded: Telling, told: Telling, named: Sequence[Named]) -> list[str]:
    """Return the numbers of the differences without which the tellings are equal too."""
    numbers: list[str] = []
    for one in named:
        others = [other for other in named if other is not one]
        try:
            if not compare(recorded, told, others):
                numbers.append(one.by)
        except (KeyError, StopIteration):
            continue  # the others build on it
    return numbers


def _list(names: Iterable[str]) -> str:
    return "[" + ", ".join(sorted(names)) + "]"


# -- what a transformation touched -----------------------------------------------------------------------------


def _touched(before: Telling, after: Telling) -> Iterator[str]:
    old = {chunk[KEY]: chunk for chunk in before.chunks()}
    new = {chunk[KEY]: chunk for chunk in after.chunks() if KEY in chunk}
    yield from (f"-{chunk.get('type')}" for key, chunk in old.items() if key not in new)
    yield from (f"+{chunk.get('type')}" for chunk in after.chunks() if KEY not in chunk)
    for key, chunk in new.items():
        yield from _changed_keys("", old[key], chunk, skip=("payload",))
        yield from _changed_keys(f"{chunk.get('type')}.", old[key].get("payload"), chunk.get("payload"))
    for label in before.finals.keys() & after.finals.keys():
        yield from _changed_keys("final.", before.finals[label], after.finals[label], skip=("result",))
        yield from _changed_keys("result.", before.finals[label]["result"], after.finals[label]["result"])
    yield from ("refused" for _ in _changed_keys("", before.refused, after.refused))
    yield from _changed_keys("fact.", before.facts, after.facts)
    if before.log != after.log:
        yield "log"


def _changed_keys(prefix: str, before: Any, after: Any, skip: Sequence[str] = ()) -> Iterator[str]:
    old, new = cast("Json", before or {}), cast("Json", after or {})
    for key in old.keys() | new.keys():
        if key not in skip and old.get(key, _MISSING) != new.get(key, _MISSING):
            yield prefix + key


# -- equality --------------------------------------------------------------------------------------------------


def _unequal(expected: Telling, actual: Telling) -> Iterator[str]:
    yield from _labels("streams", expected.streams, actual.streams)
    for label in expected.streams.keys() & actual.streams.keys():
        yield from _stream(label, expected.streams[label], actual.streams[label])
    yield from _labels("finals", expected.finals, actual.finals)
    for label in expected.finals.keys() & actual.finals.keys():
        yield from _value(f"final of {label}", expected.finals[label], actual.finals[label])
    yield from _value("refused", expected.refused, actual.refused)
    yield from _value("log", expected.log, actual.log)
    # A recording holds facts about its own surface (class names, methods); ours states those that it can state.
    for name, fact in actual.facts.items():
        yield from _value(f"fact {name}", expected.facts.get(name, _MISSING), fact)


def _labels(what: str, expected: Json | dict[str, list[Json]], actual: Json | dict[str, list[Json]]) -> Iterator[str]:
    if expected.keys() != actual.keys():
        yield f"{what}: recorded {_list(expected)}, ours {_list(actual)}"


def _stream(label: str, expected: list[Json], actual: list[Json]) -> Iterator[str]:
    if len(expected) != len(actual):
        yield f"{label}: recorded {_types(expected)}, ours {_types(actual)}"
        return
    for number, (want, have) in enumerate(zip(expected, actual, strict=True)):
        yield from _value(f"{label}[{number}] {have.get('type')}", _unkeyed(want), _unkeyed(have))


def _leave_out_what_the_recording_does(expected: Telling, actual: Telling) -> None:
    """Cut our chunks where a long recording was cut: it says how many it left out."""
    for label, stream in expected.streams.items():
        for number, chunk in enumerate(stream):
            if "$omitted" in chunk:
                del stream[number]
                del actual.streams.get(label, [])[number : number + chunk["$omitted"]]


def _types(chunks: Iterable[Json]) -> list[str]:
    return [_short(chunk) for chunk in chunks]


def _short(chunk: Json) -> str:
    payload: Json = chunk.get("payload") or {}
    return f"{str(chunk.get('type')).removeprefix('workflow-')}:{payload.get('id', '')}"


def _unkeyed(chunk: Json) -> Json:
    return {key: value for key, value in chunk.items() if key != KEY}


def _value(where: str, expected: Any, actual: Any) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        old, new = cast("Json", expected), cast("Json", actual)
        for key in sorted(old.keys() | new.keys()):
            yield from _value(f"{where}.{key}", old.get(key, _MISSING), new.get(key, _MISSING))
    elif not _same(cast("object", expected), cast("object", actual)):
        yield f"{where}: recorded {expected!r}, ours {actual!r}"


def _same(expected: object, actual: object) -> bool:
    """Compare as JSON does: neither `True` nor 1.0 is 1."""
    return expected == actual and type(expected) is type(actual)
