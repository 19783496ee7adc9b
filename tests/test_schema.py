"""Schemas: what is checked, what passes untouched, and what is said of a value that does not fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rxloom.errors import DefinitionError, FieldError, InputInvalid, OutputInvalid, ResumeInvalid
from rxloom.schema import Schema, input_invalid, invalid, output_invalid, resume_invalid, suspend_invalid


class Order(BaseModel):
    """An order."""

    item: str
    quantity: Annotated[int, Field(gt=0)]


class Basket(BaseModel):
    """Several orders."""

    orders: list[Order]


class Strict(BaseModel):
    """Wants its instances checked again."""

    model_config: ClassVar[ConfigDict] = ConfigDict(revalidate_instances="always")

    number: int


class Secret(BaseModel):
    """Keeps its input out of messages."""

    model_config: ClassVar[ConfigDict] = ConfigDict(hide_input_in_errors=True)

    pin: int


@dataclass
class Point:
    """A dataclass."""

    x: int


class Engine:
    """A class pydantic knows nothing of."""


def failure_of(schema: Schema[Any], value: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        schema.validate(value)
    return caught.value


@pytest.mark.parametrize("annotation", [Any, object, inspect.Parameter.empty])
def test_anything_passes_where_anything_is_wanted(annotation: Any) -> None:
    schema, value = Schema[Any](annotation), object()

    assert schema.is_any
    assert schema.validate(value) is value
    assert (schema.name, schema.json_schema()) == ("Any", {})


def test_a_value_is_converted_where_pydantic_converts() -> None:
    assert Schema[int](int).validate("3") == 3
    assert Schema[Order](Order).validate({"item": "loom", "quantity": 2}) == Order(item="loom", quantity=2)


@pytest.mark.parametrize("value", [Order(item="loom", quantity=1), Point(1)])
def test_an_instance_of_the_very_class_passes_as_it_is(value: object) -> None:
    assert Schema[object](type(value)).validate(value) is value


def test_a_subclass_passes_too() -> None:
    class Express(Order):
        by: str

    express = Express(item="loom", quantity=1, by="noon")

    assert Schema[Order](Order).validate(express) is express


def test_a_model_that_wants_its_instances_checked_gets_that() -> None:
    broken = Strict.model_construct(number="x")

    with pytest.raises(ValidationError):
        Schema[Strict](Strict).validate(broken)


def test_a_constrained_scalar_is_checked() -> None:
    with pytest.raises(ValidationError):
        Schema[int](Annotated[int, Field(gt=0)]).validate(-1)


def test_none_is_a_schema_of_its_own() -> None:
    schema = Schema[None](None)

    assert schema.validate(None) is None
    with pytest.raises(ValidationError):
        schema.validate(0)


def test_a_class_unknown_to_pydantic_is_checked_by_isinstance() -> None:
    schema, engine = Schema[Engine](Engine), Engine()

    assert schema.validate(engine) is engine
    assert schema.json_schema() == {}
    with pytest.raises(ValidationError, match="Engine"):
        schema.validate(1)


def test_a_list_of_unknown_classes_is_checked_too() -> None:
    engine = Engine()

    assert Schema[list[Engine]](list[Engine]).validate([engine])[0] is engine


@pytest.mark.parametrize("annotation", ["list[", "Nowhere", 3])
def test_no_schema_can_be_made_of_what_is_no_type(annotation: Any) -> None:
    with pytest.raises(DefinitionError, match="no schema can be made of"):
        Schema[Any](annotation)


def test_a_model_may_refer_to_one_defined_later() -> None:
    class Tree(BaseModel):
        left: Leaf | None = None

    schema = Schema[Tree](Tree)

    class Leaf(BaseModel):
        n: int

    Tree.model_rebuild()
    assert schema.validate({"left": {"n": 1}}) == Tree(left=Leaf(n=1))


def test_the_json_schema_is_pydantics() -> None:
    assert Schema[list[int]](list[int]).json_schema() == {"items": {"type": "integer"}, "type": "array"}


def test_the_name_is_what_a_person_would_write() -> None:
    names = [Schema[Any](each).name for each in (int, Order, list[Order], dict[str, int], int | None)]

    assert names == ["int", "Order", "list[tests.test_schema.Order]", "dict[str, int]", "int | None"]


def test_the_error_names_step_workflow_field_and_value() -> None:
    schema = Schema[Basket](Basket)
    value = {"orders": [{"item": "loom", "quantity": 0}]}
    error = input_invalid("checkout", "outer.price", schema, value, failure_of(schema, value))

    assert str(error) == (
        "the input does not fit Basket: orders[0].quantity: Input should be greater than 0 (got 0) "
        "(step 'outer.price', workflow 'checkout')"
    )
    assert error.errors == [FieldError("orders[0].quantity", "Input should be greater than 0", 0)]
    assert (error.workflow_id, error.step_path, error.what) == ("checkout", "outer.price", "input")


def test_the_whole_value_has_no_location() -> None:
    schema = Schema[int](int)
    error = input_invalid("w", None, schema, "x", failure_of(schema, "x"))

    assert error.errors[0].location == ""
    assert "fit int: Input should be a valid integer" in str(error)


def test_the_failed_validation_is_the_cause() -> None:
    cause = failure_of(Schema[int](int), "x")

    assert input_invalid("w", "s", Schema[int](int), "x", cause).__cause__ is cause


@pytest.mark.parametrize(
    ("make", "kind", "what"),
    [
        (input_invalid, InputInvalid, "input"),
        (output_invalid, OutputInvalid, "output"),
        (suspend_invalid, OutputInvalid, "suspend payload"),
        (resume_invalid, ResumeInvalid, "resume data"),
    ],
)
def test_each_value_has_its_error(make: Callable[..., Exception], kind: type[Exception], what: str) -> None:
    schema = Schema[int](int)
    error = make("w", "s", schema, "x", failure_of(schema, "x"))

    assert type(error) is kind
    assert str(error).startswith(f"the {what} does not fit int")


def test_a_long_value_is_shortened_in_the_message_only() -> None:
    schema, value = Schema[int](int), "x" * 100_000
    error = input_invalid("w", "s", schema, value, failure_of(schema, value))

    assert len(str(error)) < 300
    assert error.errors[0].value is value


def test_many_errors_are_counted_in_the_message() -> None:
    schema, value = Schema[list[int]](list[int]), ["x"] * 100
    error = input_invalid("w", "s", schema, value, failure_of(schema, value))

    assert "; and 95 more" in str(error)
    assert len(error.errors) == 100


def test_a_model_that_hides_its_input_keeps_it_hidden() -> None:
    schema, value = Schema[Secret](Secret), {"pin": "hunter2"}
    error = input_invalid("w", "s", schema, value, failure_of(schema, value))

    assert "hunter2" not in str(error)
    assert error.errors[0].value == "…"


def test_a_validator_that_fails_in_its_own_way_is_a_failed_validation() -> None:
    def look_up(value: object) -> object:
        raise LookupError(f"no row {value}")

    schema = Schema[Any](Annotated[int, BeforeValidator(look_up)])
    error = invalid(OutputInvalid, "state", schema, 3, failure_of(schema, 3), workflow_id="w")

    assert error.errors == [FieldError("", "LookupError: no row 3", 3)]
    assert isinstance(error.__cause__, ValidationError)
    assert isinstance(error.__cause__.__cause__, LookupError)


def test_any_other_error_can_be_told_as_a_failed_validation() -> None:
    error = invalid(OutputInvalid, "state", Schema[int](int), 3, LookupError("no such row"), workflow_id="w")

    assert str(error) == "the state does not fit int: no such row (got 3) (workflow 'w')"


def test_a_schema_of_anything_has_an_adapter_too() -> None:
    assert Schema[Any]().adapter.validate_python(3) == 3
    assert repr(Schema[int](int)) == "Schema(int)"
