"""`error_info` and `exception_from`: exceptions as data, whatever they look like."""

from __future__ import annotations

import gc
import weakref
from decimal import Decimal
from typing import Any

import pytest
from typing_extensions import override

from rxloom.chunks import ErrorInfo
from rxloom.error_info import error_info, exception_from
from rxloom.errors import StepFailed, StepTimeout


class Declined(Exception):
    """An error with data, methods and secrets."""

    kind = "of the class, not its own"

    def __init__(self, **data: Any) -> None:
        super().__init__("card declined")
        self.__dict__.update(data)

    def method(self) -> None:
        """Never told."""


class Unprintable(Exception):
    """An error that breaks whoever prints it."""

    @override
    def __str__(self) -> str:
        msg = "no"
        raise ValueError(msg)


def raised(exc: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise exc from cause  # noqa: TRY301 - the point is a real traceback
    except BaseException as caught:  # noqa: BLE001 - SystemExit and the like are among the cases
        return caught


def test_name_message_and_place_are_told() -> None:
    info = error_info(raised(ValueError("bad")), step_path="a.b", attempt=2)

    assert (info.name, info.message, info.step_path, info.attempt) == ("ValueError", "bad", "a.b", 2)
    assert info.traceback is not None
    assert "ValueError: bad" in info.traceback


def test_traceback_is_left_out_when_not_wanted() -> None:
    assert error_info(raised(ValueError("bad")), with_traceback=False).traceback is None


def test_own_public_attributes_are_told_as_data() -> None:
    data: dict[str, Any] = {"code": 51, "amount": Decimal("1.5"), "tags": ["a", ("b",)], "limits": {"day": 3}}
    info = error_info(Declined(**data, _private="x", note=None))

    assert info.attributes == {**data, "note": None}


def test_attributes_are_copies() -> None:
    tags = ["a"]
    info = error_info(Declined(tags=tags))
    tags.append("b")

    assert info.attributes == {"tags": ["a"]}


def test_live_objects_among_the_attributes_are_not_told() -> None:
    assert error_info(Declined(response=object(), retry=lambda: 1, code=1)).attributes == {"code": 1}


def test_object_inside_a_container_is_told_by_its_type() -> None:
    assert error_info(Declined(found=[1, object()])).attributes == {"found": [1, "<object>"]}


def test_attribute_that_holds_itself_is_cut() -> None:
    tags: list[Any] = []
    tags.extend([tags, tags])

    assert "<list>" in repr(error_info(Declined(tags=tags)).attributes["tags"])


def test_keys_that_are_no_text_become_text() -> None:
    assert error_info(Declined(found={1: "a", None: "b"})).attributes == {"found": {"1": "a", "None": "b"}}


def test_errors_of_the_library_tell_their_attributes() -> None:
    info = error_info(StepTimeout(3, step_path="slow"))

    assert info.attributes == {"step_path": "slow", "seconds": 3, "total": False}


def test_cause_is_told() -> None:
    info = error_info(raised(ValueError("outer"), KeyError("inner")))

    assert info.cause == ErrorInfo("KeyError", "'inner'")


def test_first_of_a_group_is_its_cause() -> None:
    info = error_info(ExceptionGroup("several", [ValueError("first"), ValueError("second")]))

    assert info.message == "several (2 sub-exceptions)"
    assert info.cause == ErrorInfo("ValueError", "first")


def test_cycle_of_causes_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    info = error_info(one)

    assert info.cause == ErrorInfo("ValueError", "two")


def test_long_chain_of_causes_is_cut() -> None:
    error: Exception = ValueError(0)
    for number in range(1, 5_000):
        outer = ValueError(number)
        outer.__cause__ = error
        error = outer
    info: ErrorInfo | None = error_info(error, with_traceback=False)

    length = 0
    while info is not None:
        info, length = info.cause, length + 1
    assert length == 17


def test_message_of_an_unprintable_error_says_so() -> None:
    info = error_info(raised(Unprintable()))

    assert info.message == "<str() raised ValueError>"
    assert info.traceback is not None


@pytest.mark.parametrize("exc", [SystemExit(3), KeyboardInterrupt(), GeneratorExit("g")])
def test_what_is_no_exception_is_told_alike(exc: BaseException) -> None:
    assert error_info(raised(exc)).name == type(exc).__name__


def test_value_that_cannot_be_raised_is_told_by_its_type() -> None:
    assert error_info("oops") == ErrorInfo("str", "oops")


def test_exception_is_not_kept_alive() -> None:
    error = Declined(tags=["a"])
    info = error_info(error)
    gone = weakref.ref(error)
    del error
    gc.collect()

    assert gone() is None
    assert info.attributes == {"tags": ["a"]}


def test_error_from_elsewhere_names_the_original() -> None:
    info = ErrorInfo("CardDeclined", "code 51", cause=ErrorInfo("OSError", "gone"), step_path="pay")
    error = exception_from(info)

    assert isinstance(error, StepFailed)
    assert str(error) == "CardDeclined: code 51 (step 'pay')"
    assert str(error.__cause__) == "OSError: gone"


def test_error_from_elsewhere_has_a_bounded_chain() -> None:
    info = ErrorInfo("E", "0")
    for number in range(1, 5_000):
        info = ErrorInfo("E", str(number), cause=info)
    error: BaseException | None = exception_from(info)

    length = 0
    while error is not None:
        error, length = error.__cause__, length + 1
    assert length == 17
