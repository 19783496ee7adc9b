"""Retry: how long it waits, and what it tries again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxloom.errors import (
    DefinitionError,
    InputInvalid,
    NonRetryable,
    OutputInvalid,
    StepTimeout,
    SuspendMismatch,
    WorkflowFailed,
)
from rxloom.retry import Retry


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_there_is_no_delay_unless_asked_for() -> None:
    assert [Retry(3).delay_before(k) for k in (1, 2, 3)] == [0, 0, 0]


def test_the_delay_grows_by_the_backoff() -> None:
    retry = Retry(4, delay=0.5, backoff=3)

    assert [retry.delay_before(k) for k in (1, 2, 3)] == [0.5, 1.5, 4.5]


def test_the_delay_is_bounded() -> None:
    retry = Retry(4, delay=1, backoff=10, max_delay=5)

    assert [retry.delay_before(k) for k in (1, 2, 3)] == [1, 5, 5]


def test_an_enormous_attempt_does_not_overflow() -> None:
    assert Retry(10_000, delay=1, backoff=10, max_delay=60).delay_before(9_999) == 60


def test_jitter_goes_both_ways() -> None:
    retry = Retry(1, delay=10, jitter=0.2)

    assert retry.delay_before(1, lambda: 0.0) == pytest.approx(8)
    assert retry.delay_before(1, lambda: 1.0) == pytest.approx(12)


def test_without_randomness_there_is_no_jitter() -> None:
    assert Retry(1, delay=10, jitter=0.5).delay_before(1) == 10


@given(
    st.floats(0, 1e6),
    st.floats(0.1, 1e3),
    st.floats(0, 1e6),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(1, 2000),
)
def test_a_delay_is_never_negative_and_never_above_the_bound(
    delay: float, backoff: float, max_delay: float, jitter: float, at: float, attempt: int
) -> None:
    retry = Retry(1, delay=delay, backoff=backoff, max_delay=max_delay, jitter=jitter)

    assert 0 <= retry.delay_before(attempt, lambda: at) <= max_delay * (1 + jitter)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("retries", -1),
        ("retries", "3"),
        ("retries", True),
        ("delay", "1"),
        ("delay", -1),
        ("delay", float("inf")),
        ("delay", float("nan")),
        ("backoff", 0),
        ("max_delay", -1),
        ("jitter", 1.5),
        ("retry_on", "ValueError"),
        ("retry_on", BaseException),
        ("retry_on", (ValueError, int)),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(option: str, value: object) -> None:
    options: dict[str, Any] = {"retries": 1, option: value}

    with pytest.raises(DefinitionError, match=f"{option}=.* of Retry must be"):
        Retry(**options)


def test_a_number_stands_for_so_many_further_attempts() -> None:
    own = Retry(2, delay=1)

    assert Retry.of(3) == Retry(3)
    assert Retry.of(own) is own
    assert Retry.of(None) is None


@pytest.mark.parametrize("wrong", ["3", 2.5, True])
def test_anything_else_is_no_retry(wrong: Any) -> None:
    with pytest.raises(DefinitionError, match="must be a number or a Retry"):
        Retry.of(wrong)


def test_only_the_named_exceptions_are_tried_again() -> None:
    retry = Retry(1, retry_on=(OSError, KeyError))

    assert retry.should_retry(FileNotFoundError())
    assert retry.should_retry(KeyError())
    assert not retry.should_retry(ValueError())


def test_a_timeout_can_be_named_as_python_names_it() -> None:
    assert Retry(1, retry_on=TimeoutError).should_retry(StepTimeout(1))


def test_what_is_no_exception_is_never_tried_again() -> None:
    assert not Retry(1).should_retry(KeyboardInterrupt())


@pytest.mark.parametrize(
    "error",
    [
        NonRetryable("x"),
        ExceptionGroup("", [OSError(), NonRetryable("x")]),
        caused(WorkflowFailed("nested"), NonRetryable("x")),
        caused(WorkflowFailed("nested"), ExceptionGroup("", [caused(WorkflowFailed("deeper"), NonRetryable("x"))])),
    ],
    ids=["itself", "in a group", "in a nested run", "in a nested run's group"],
)
def test_non_retryable_is_never_tried_again_nor_across_nesting(error: Exception) -> None:
    assert not Retry(1, retry_on=Exception).should_retry(error)


def test_an_own_exception_raised_from_a_non_retryable_is_tried_again() -> None:
    assert Retry(1).should_retry(caused(ValueError("mine now"), NonRetryable("x")))


@pytest.mark.parametrize("error", [InputInvalid("x"), SuspendMismatch("x")])
def test_what_would_be_the_same_again_is_not_tried_again(error: Exception) -> None:
    assert not Retry(1).should_retry(error)


def test_an_output_that_does_not_fit_is_tried_again() -> None:
    assert Retry(1).should_retry(OutputInvalid("x"))
