# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
"""What a state schema holds its fields to."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, field_validator

from rxloom import DefinitionError, InputInvalid, create_workflow
from rxloom.state import StateSpec, fields_of
from tests.play import doing
from tests.test_state import Data, Model, run


@pytest.mark.parametrize("change", [{"size": -1}, {"name": "x" * 9}, {"even": 3}], ids=str)
def test_the_constraints_and_validators_of_a_field_hold_for_its_updates(change: dict[str, Any]) -> None:
    class Strict(BaseModel):
        """A state whose fields are particular."""

        size: int = Field(default=0, ge=0)
        name: Annotated[str, Field(max_length=8)] = ""
        even: int = 0

        @field_validator("even")
        @classmethod
        def _even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("odd")
            return value

    good = {"size": 1, "name": "x", "even": 2}

    assert isinstance(run(Strict, doing(lambda ctx: ctx.update_state(**change))).error, InputInvalid)
    assert run(Strict, doing(lambda ctx: ctx.update_state(**good))).result.state == good


@pytest.mark.parametrize("annotation", [int, dict, list[int], Data()], ids=str)
def test_a_schema_without_fields_is_refused(annotation: Any) -> None:
    with pytest.raises(DefinitionError, match="model, dataclass or TypedDict"):
        create_workflow("wf", state=annotation)


def test_fields_of_whatever_a_state_may_be() -> None:
    assert fields_of(None) == {}
    assert fields_of({"a": 1}) == {"a": 1}
    assert fields_of(Model(count=1)) == {"count": 1, "names": []}
    assert fields_of(Data(count=1)) == {"count": 1, "names": []}
    with pytest.raises(DefinitionError, match="int"):
        fields_of(5)
    assert StateSpec("wf").view({"a": 1}) == {"a": 1}
