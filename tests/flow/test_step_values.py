"""Steps: their input and output are checked on the way in and out."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from rxloom import InputInvalid, OutputInvalid, create_step, create_workflow, step
from tests.play import Played, play


class Order(BaseModel):
    """An order."""

    item: str
    quantity: int


def one(step: Any, given: Any = None) -> Played:
    """Play a workflow of one step."""
    return play(create_workflow("wf").then(step).commit(), given)


def test_input_is_validated_and_handed_over_in_its_type() -> None:
    @step
    async def price(order: Order) -> int:
        return order.quantity

    assert one(price, {"item": "loom", "quantity": "3"}).output == 3


def test_a_bad_input_fails_the_step_and_names_workflow_step_field_and_value() -> None:
    @step
    async def price(order: Order) -> int:
        return order.quantity

    played = one(price, {"item": "loom", "quantity": "many"})

    assert isinstance(played.error, InputInvalid)
    assert all(word in str(played.error) for word in ("'price'", "'wf'", "quantity", "'many'"))
    assert (played.error.step_path, played.error.workflow_id) == ("price", "wf")
    assert [error.location for error in played.error.errors] == ["quantity"]
    assert played.told == ["start", "price: running", "price: failed", "failed"]


def test_a_bad_output_fails_the_step_and_names_workflow_step_field_and_value() -> None:
    async def order(_: Any) -> Any:
        return {"item": "loom", "quantity": "many"}

    played = one(create_step("order", order, output=Order))

    assert isinstance(played.error, OutputInvalid)
    assert all(word in str(played.error) for word in ("'order'", "'wf'", "quantity", "'many'"))


def test_output_is_validated_too_and_becomes_its_type() -> None:
    async def order(_: Any) -> Any:
        return {"item": "loom", "quantity": "3"}

    assert one(create_step("order", order, output=Order)).output == Order(item="loom", quantity=3)


def test_a_validator_may_raise_anything_and_fails_the_step() -> None:
    def refuse(_: Any) -> Any:
        raise LookupError("nothing is good enough")

    async def body(_: Any) -> Any:
        return {}

    picky = Annotated[Any, BeforeValidator(refuse)]

    assert isinstance(one(create_step("s", body, output=picky)).error, LookupError | OutputInvalid)
    assert isinstance(one(create_step("s", body, input=picky)).error, LookupError | InputInvalid)
