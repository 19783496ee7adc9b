"""When a failed step is tried again, and how long it waits before."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from rxloom.errors import (
    DefinitionError,
    InputInvalid,
    NoEventLoop,
    NonRetryable,
    RxLoomError,
    SignalSwallowed,
    SuspendMismatch,
    leaves,
)

# The same input would be refused again, the same body would do the same wrong thing again.
_NEVER = (NonRetryable, InputInvalid, NoEventLoop, SignalSwallowed, SuspendMismatch)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when a failed step is tried again.

    Before attempt k (from 1) it waits `min(max_delay, delay * backoff ** (k - 1)) * (1 ± jitter)` seconds.
    `NonRetryable` is never retried.

    Attributes:
        retries: how many **further** attempts there are at most.
        delay: seconds before the first of them.
        backoff: factor by which the delay grows with each.
        max_delay: the longest delay, before jitter.
        jitter: the share by which a delay varies at random, 0 to 1.
        retry_on: the exceptions that are worth another attempt.

    Raises:
        DefinitionError: on an option out of range.

    Example:
        >>> [Retry(3, delay=1, backoff=2, max_delay=3).delay_before(k) for k in (1, 2, 3)]
        [1.0, 2.0, 3.0]
    """

    retries: int
    delay: float = 0
    backoff: float = 1
    max_delay: float | None = None
    jitter: float = 0
    retry_on: type[Exception] | tuple[type[Exception], ...] = Exception

    def __post_init__(self) -> None:
        checks = (
            ("retries", type(self.retries) is int and self.retries >= 0, "0 or more"),
            ("delay", 0 <= _number(self.delay) < math.inf, "0 or more seconds"),
            ("backoff", 0 < _number(self.backoff) < math.inf, "more than 0"),
            ("max_delay", self.max_delay is None or _number(self.max_delay) >= 0, "0 or more seconds"),
            ("jitter", 0 <= _number(self.jitter) <= 1, "between 0 and 1"),
            ("retry_on", _exceptions(self.retry_on), "an exception class or a tuple of them"),
        )
        for name, good, wanted in checks:
            if not good:
                raise DefinitionError(f"{name}={getattr(self, name)!r} of Retry must be {wanted}")

    @classmethod
    def of(cls, retries: int | Retry | None) -> Retry | None:
        """Make one of what `retries=` takes: a number, a `Retry`, or None for "not said".

        Raises:
            DefinitionError: if it is none of these.
        """
        if isinstance(retries, int) and not isinstance(retries, bool):
            return cls(retries)
        if retries is None or isinstance(retries, Retry):
            return retries
        raise DefinitionError(f"retries={retries!r} must be a number or a Retry")

    def delay_before(self, attempt: int, random: Callable[[], float] | None = None) -> float:
        """Give the seconds to wait before an attempt.

        Args:
            attempt: which one comes; the first retry is 1.
            random: gives a number from 0 to 1; without it there is no jitter.
        """
        if not self.delay:
            return 0.0
        try:
            delay = self.delay * float(self.backoff) ** (attempt - 1)
        except OverflowError:
            delay = math.inf
        if self.max_delay is not None:
            delay = min(delay, self.max_delay)
        if random is None or not self.jitter:
            return float(delay)
        return delay * (1 + self.jitter * (2 * random() - 1))

    def should_retry(self, error: BaseException) -> bool:
        """Tell whether this failure is worth another attempt; how many there were is not its business.

        A group is retried only if each exception in it is.
        """
        return all(self._worth(leaf) for leaf in leaves(error))

    def _worth(self, error: BaseException) -> bool:
        cause = error.__cause__ if isinstance(error, RxLoomError) else None
        if isinstance(error, _NEVER) or (cause is not None and not_retryable(cause)):
            return False
        return isinstance(error, Exception) and isinstance(error, self.retry_on)


def _number(value: object) -> float:
    """Return a number as it is, and anything else as one that is in no range."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _exceptions(kinds: object) -> bool:
    """Tell whether `isinstance` of an exception can be asked with this."""
    if isinstance(kinds, tuple):
        parts = cast("tuple[object, ...]", kinds)  # of what, is what is asked here
        return all(_exceptions(kind) for kind in parts)
    return isinstance(kinds, type) and issubclass(kinds, Exception)


def not_retryable(error: BaseException) -> bool:
    """Tell whether a `NonRetryable` is at the bottom of this, also inside groups and errors of a nested run."""
    return any(
        isinstance(leaf, NonRetryable)
        or (isinstance(leaf, RxLoomError) and leaf.__cause__ is not None and not_retryable(leaf.__cause__))
        for leaf in leaves(error)
    )
