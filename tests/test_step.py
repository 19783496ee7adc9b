"""Making steps: ids, options, schemas from annotations, steps of other things."""

# Functions without annotations are tested here too.
# pyright: basic
from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
import reactivex as rx
from pydantic import BaseModel
from reactivex import Observable
from reactivex import operators as ops

from rxloom.collect import last, only
from rxloom.errors import DefinitionError
from rxloom.retry import Retry
from rxloom.schema import Schema
from rxloom.step import Step, create_step, register_step_source, step, step_from_operator


class Order(BaseModel):
    """An order."""

    item: str


def length(text: str) -> int:
    """Count the characters.

    Not the bytes.
    """
    return len(text)


def names(made: Step[Any, Any, Any]) -> tuple[str, str]:
    return made.input.name, made.output.name


def test_a_bare_decorator_takes_id_and_schemas_from_the_function() -> None:
    made = step(length)

    assert (made.id, *names(made)) == ("length", "str", "int")


def test_options_win_over_the_function() -> None:
    made = step(id="len-1", input=bytes, output=float, resume=bool, suspend=str)(length)

    assert (made.id, *names(made)) == ("len-1", "bytes", "float")
    assert (made.resume.name, made.suspend.name) == ("bool", "str")


def test_without_annotations_anything_passes() -> None:
    def same(value):  # noqa: ANN001, ANN202
        return value

    made = create_step("same", same)

    assert made.input.is_any
    assert made.output.is_any


def test_none_may_be_given_as_a_schema() -> None:
    assert create_step("a", lambda: None, input=None, output=None).output.name == "None"


def test_a_schema_may_be_given_as_it_is() -> None:
    schema = Schema[int](int)

    assert create_step("a", length, output=schema).output is schema


def test_local_classes_can_be_annotations() -> None:
    class Local(BaseModel):
        n: int

    @step
    async def make(order: Order) -> Local:
        return Local(n=len(order.item))

    assert make.output.annotation is Local


def test_an_annotation_unknown_at_run_time_is_refused_unless_the_option_is_given() -> None:
    def make(order: Any) -> int:
        return len(order.item)

    make.__annotations__["order"] = "Nowhere"

    with pytest.raises(DefinitionError, match=r"'Nowhere' of its input is not known at run time.* or pass `input=`"):
        create_step("make", make)
    assert names(create_step("make", make, input=Order)) == ("Order", "int")


def test_calling_a_step_calls_the_function() -> None:
    assert step(length)("four") == 4


@pytest.mark.parametrize("id", ["a", "A-b_9", "x" * 128])
def test_a_good_id_is_taken(id: str) -> None:
    assert create_step(id, length).id == id


@pytest.mark.parametrize("id", ["", "a.b", "a b", "x" * 129, "für", "a[0]", "a\n"])
def test_a_bad_id_is_refused(id: str) -> None:
    with pytest.raises(DefinitionError, match="cannot be an id: pass `id=`"):
        create_step(id, length)


def test_a_lambda_needs_an_id() -> None:
    with pytest.raises(DefinitionError, match="pass `id=`"):
        step(lambda value: value)


@pytest.mark.parametrize("wrong", [3, "text", None, [length]])
def test_no_step_can_be_made_of_a_thing_that_cannot_be_called(wrong: Any) -> None:
    with pytest.raises(DefinitionError, match="no step can be made of"):
        create_step("a", wrong)


def test_a_step_of_a_step_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"use `step.with_id\(id\)`"):
        create_step("a", step(length))


def test_with_id_gives_the_same_step_under_another_id() -> None:
    one = step(retries=2)(length)
    two = one.with_id("other")

    assert (one.id, two.id) == ("length", "other")
    assert (two.function, two.retries, two.input) == (one.function, one.retries, one.input)


def test_with_id_refuses_a_bad_id() -> None:
    with pytest.raises(DefinitionError):
        step(length).with_id("not good")


def test_a_step_cannot_be_changed() -> None:
    made = step(length)

    with pytest.raises(AttributeError, match="immutable"):
        made.retries = Retry(3)


@pytest.mark.parametrize(("given", "seconds"), [(2, 2.0), (0.5, 0.5), (timedelta(minutes=1), 60.0), (None, None)])
def test_limits_are_seconds_or_a_timedelta(given: Any, seconds: float | None) -> None:
    made = create_step("a", length, timeout=given, total_timeout=given)

    assert (made.timeout, made.total_timeout) == (seconds, seconds)


@pytest.mark.parametrize("given", [0, -1, timedelta(0), float("inf"), float("nan")])
def test_a_limit_must_be_positive(given: Any) -> None:
    with pytest.raises(DefinitionError, match=r"total_timeout=.*step 'a'"):
        create_step("a", length, total_timeout=given)


def test_retries_are_none_unless_given() -> None:
    assert step(length).retries is None
    assert step(retries=0)(length).retries == Retry(0)


def test_the_description_is_the_first_line_of_the_docstring() -> None:
    assert step(length).description == "Count the characters."
    assert step(description="Measure.")(length).description == "Measure."


def test_metadata_is_copied() -> None:
    metadata = {"team": "a"}
    made = create_step("a", length, metadata=metadata)
    metadata["team"] = "b"

    assert made.metadata == {"team": "a"}


async def tokens(text: str) -> AsyncIterator[str]:
    yield text


def lines(text: str) -> Iterator[str]:
    yield text


def prices(text: str) -> Observable[float]:
    return rx.of(float(text))


@pytest.mark.parametrize(("function", "output"), [(tokens, "list[str]"), (lines, "list[str]"), (prices, "list[float]")])
def test_a_stream_is_folded_into_a_list_of_its_items(function: Any, output: str) -> None:
    made = create_step("a", function)

    assert (made.collect, made.output.name) == (list, output)


def test_another_fold_gives_another_output() -> None:
    made = create_step("a", tokens, collect=last, output=str)

    assert (made.collect, made.output.name) == (last, "str")
    assert create_step("a", tokens, collect=last).output.is_any


def test_a_coroutine_has_nothing_to_collect() -> None:
    async def one(text: str) -> str:
        return text

    untyped: Any = one
    with pytest.raises(DefinitionError, match="collect"):
        create_step("one", untyped, collect=list)


def test_an_rx_operator_is_a_step_with_exactly_one_item() -> None:
    def twice(number: int) -> int:
        return 2 * number

    made = step_from_operator("double", ops.map(twice), input=int, output=int)

    assert (made.kind, made.collect, *names(made)) == ("operator", only, "int", "int")
    assert made.invoke(21, None).run() == 42


def test_pipe_puts_operators_around_the_attempts() -> None:
    retry, take = ops.retry(3), ops.take(1)
    plain = step(length)
    piped = plain.pipe(retry).pipe(take)

    assert (plain.operators, piped.operators) == ((), (retry, take))
    assert (piped.id, piped.input.name) == ("length", "str")


def test_after_pipe_only_the_attempts_are_checked() -> None:
    piped = step(length).pipe(ops.map(str))

    assert (piped.attempt_output.name, piped.output.name) == ("int", "Any")


def test_an_extra_can_teach_create_step_a_new_kind_of_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["rxloom.step"], "_sources", [])
    register_step_source(
        lambda execute: isinstance(execute, Order),
        lambda name, execute, options: create_step(name, lambda: execute, **options),
    )
    constant: Any = Order(item="loom")
    made = create_step("order", constant, description="a constant")

    assert (made.id, made.description, made(), made.takes_input) == ("order", "a constant", constant, False)


def test_the_repr_names_id_and_types() -> None:
    assert repr(step(length)) == "<Step 'length': str -> int>"


def test_a_step_class_tells_its_attributes() -> None:
    documented = inspect.getdoc(Step) or ""

    assert {name for name in Step.__slots__ if not name.startswith("_") and f"{name}:" not in documented} == set()


def test_a_function_that_cannot_be_a_step_is_named() -> None:
    with pytest.raises(DefinitionError, match=r"also wants width.*step 'pad'"):
        create_step("pad", lambda text, width: (text, width))


def test_a_schema_that_cannot_be_made_is_named() -> None:
    with pytest.raises(DefinitionError, match=r"no schema can be made of the text 'Order'.*step 'length'"):
        step(input="Order")(length)


def test_a_decorator_with_options_can_be_kept_and_changed() -> None:
    steady = step(retries=3, timeout=5)
    one, two = steady(length), steady(id="two", retries=1)(length)

    assert (one.id, one.retries, one.timeout) == ("length", Retry(3), 5)
    assert (two.id, two.retries, two.timeout) == ("two", Retry(1), 5)
