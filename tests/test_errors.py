"""The errors: one base, messages that say where and what to do, copies that are equal; and the signals."""

from __future__ import annotations

import copy
import inspect

import pytest

from rxloom import errors
from rxloom.errors import (
    AbortSignal,
    AmbiguousResume,
    BailSignal,
    CollectError,
    DefinitionError,
    DuplicateStepId,
    FieldError,
    InputInvalid,
    NonRetryable,
    PayloadTooLarge,
    RefusedCall,
    ResumeInvalid,
    RunInterrupted,
    RunNotFound,
    RunTimeout,
    RxLoomError,
    SchemaMismatch,
    SerializationError,
    StepSignal,
    StepTimeout,
    StreamOverflow,
    SuspendSignal,
    ValidationFailed,
    WorkflowFailed,
    WorkflowNotCommitted,
    leaves,
    signal_in,
)

EXAMPLES: list[BaseException] = [
    RxLoomError("it broke", workflow_id="w", step_path="a.b", run_id="r"),
    DuplicateStepId("price", workflow_id="w"),
    WorkflowNotCommitted("w"),
    SchemaMismatch("int", "Order", step_path="price"),
    InputInvalid("bad", what="input", errors=[FieldError("total", "too small", 1)]),
    ResumeInvalid("bad", errors=[]),
    StepTimeout(2.5, total=True, step_path="a"),
    RunTimeout(10, run_id="r"),
    NonRetryable("stolen"),
    CollectError(0),
    SerializationError("socket", path="a[0]", step_path="b"),
    PayloadTooLarge(10, 5),
    RunNotFound("no such run", run_id="r"),
    AmbiguousResume(["a", "b"], run_id="r"),
    StreamOverflow(10),
    WorkflowFailed("no output", result="the result"),
    SuspendSignal({"ask": "?"}, "label"),
    BailSignal(1),
    AbortSignal("enough"),
]


def test_there_is_one_base() -> None:
    classes = {each for each in vars(errors).values() if inspect.isclass(each) and issubclass(each, Exception)}

    assert all(issubclass(each, RxLoomError) for each in classes)


def test_the_tree_in_the_docstring_is_complete() -> None:
    tree = inspect.getdoc(errors) or ""
    classes = {name for name, each in vars(errors).items() if inspect.isclass(each) and issubclass(each, BaseException)}

    assert {name for name in classes if name not in tree} == set()


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_copy_is_equal_in_type_text_and_attributes(error: BaseException) -> None:
    for twin in (copy.copy(error), copy.deepcopy(error)):
        assert (type(twin), str(twin), twin.args, vars(twin)) == (type(error), str(error), error.args, vars(error))


def test_a_subclass_with_its_own_constructor_can_be_copied() -> None:
    class CardStolen(NonRetryable):
        def __init__(self, number: int, *, reported: bool) -> None:
            super().__init__(f"card {number} is stolen")
            self.reported = reported

    twin = copy.copy(CardStolen(7, reported=True))

    assert (str(twin), twin.reported) == ("card 7 is stolen", True)


def test_the_message_says_where() -> None:
    error = StepTimeout(2, workflow_id="checkout", step_path="outer.price", run_id="r1")

    assert str(error) == (
        "not done after 2 s: raise `timeout=` or make it faster (step 'outer.price', workflow 'checkout', run 'r1')"
    )
    assert (error.workflow_id, error.step_path, error.run_id) == ("checkout", "outer.price", "r1")


def test_what_is_unknown_is_no_attribute_of_the_instance() -> None:
    error = RxLoomError("it broke", step_path="price")

    assert vars(error) == {"step_path": "price"}
    assert error.workflow_id is None


def test_the_place_can_be_added_later_but_not_changed() -> None:
    error = CollectError(2).locate(step_path="numbers").locate(step_path="other", workflow_id="w")

    assert (error.step_path, error.workflow_id) == ("numbers", "w")
    assert str(error).endswith("(step 'numbers') (workflow 'w')")


def test_an_error_may_have_no_message() -> None:
    assert str(NonRetryable()) == ""
    assert str(NonRetryable(step_path="a")) == "step 'a'"


def test_a_collect_error_names_the_ways_out() -> None:
    assert all(way in str(CollectError(2)) for way in ("list", "last", "first"))
    assert "no item" in str(CollectError(0))


def test_an_ambiguous_resume_names_the_suspended_steps() -> None:
    error = AmbiguousResume(["ask", "each[2].approve"], run_id="r")

    assert error.paths == ["ask", "each[2].approve"]
    assert "ask, each[2].approve" in str(error)


def test_the_result_of_a_failed_run_is_not_among_the_told_attributes() -> None:
    error = WorkflowFailed("no output", result="the whole result", run_id="r")

    assert error.result == "the whole result"
    assert [name for name in vars(error) if not name.startswith("_")] == ["run_id"]


def test_kinds_can_be_caught_together() -> None:
    assert issubclass(ResumeInvalid, ValidationFailed)
    assert issubclass(ResumeInvalid, RefusedCall)
    assert issubclass(StepTimeout, TimeoutError)
    assert issubclass(errors.OwnershipLost, RunInterrupted)
    assert issubclass(DuplicateStepId, DefinitionError)


@pytest.mark.parametrize("signal", [SuspendSignal("?"), BailSignal(1), AbortSignal(None)])
def test_a_signal_is_no_exception_and_says_what_not_to_do(signal: StepSignal) -> None:
    assert not isinstance(signal, Exception)
    assert "do not catch" in str(signal)


def test_leaves_of_a_nested_group_are_found_in_order() -> None:
    one, two, three = OSError(1), OSError(2), OSError(3)
    group = ExceptionGroup("outer", [one, ExceptionGroup("inner", [two, three])])

    assert list(leaves(group)) == [one, two, three]


def test_a_plain_signal_is_found() -> None:
    signal = SuspendSignal("?")

    assert signal_in(signal) is signal
    assert signal_in(ValueError()) is None


def test_a_group_of_signals_counts_as_its_strongest() -> None:
    suspend, bail, abort = SuspendSignal("?"), BailSignal(1), AbortSignal("x")

    assert signal_in(BaseExceptionGroup("", [suspend, BaseExceptionGroup("", [bail, abort])])) is abort
    assert signal_in(BaseExceptionGroup("", [suspend, bail])) is bail


def test_a_group_with_anything_else_in_it_is_no_signal() -> None:
    assert signal_in(BaseExceptionGroup("", [SuspendSignal("?"), ValueError("real")])) is None


def test_only_the_signals_of_the_owner_count() -> None:
    mine, other = object(), object()

    assert signal_in(SuspendSignal("?", owner=mine), mine) is not None
    assert signal_in(SuspendSignal("?", owner=other), mine) is None
    assert signal_in(BaseExceptionGroup("", [BailSignal(1, owner=mine), BailSignal(2, owner=other)]), mine) is None
