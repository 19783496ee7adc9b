"""What the model says of a run: its outcome, its bodies, its starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tests.properties.values import Body

Trace: TypeAlias = "str | list[Trace] | tuple[Trace, ...]"
"""Starts: of one path, in a list one after the other, in a tuple side by side and begun in this order."""


@dataclass(frozen=True)
class Failure:
    """Why something failed: what is told of it, and the names of all exceptions in it."""

    name: str
    path: str | None
    names: tuple[str, ...]

    @property
    def may_be_retried(self) -> bool:
        """Whether a policy tries again after it."""
        return not {"NonRetryable", "InputInvalid"}.intersection(self.names)


@dataclass(frozen=True)
class Out:
    """What a node came to."""

    kind: Literal["ok", "bailed", "failed", "aborted"]
    value: Any = None
    failure: Failure | None = None


def failed(name: str, path: str | None) -> Out:
    """Return the outcome of one failure."""
    return Out("failed", failure=Failure(name, path, (name,)))


@dataclass
class Expected:
    """What a run is to come to.

    Attributes:
        out: its outcome.
        bodies: the attempts that run.
        maybe: those that may run or not: items of a `for_each` after one that failed beside them.
        trace: the starts, in their order.
        sleeps: how many sleeps there are.
        records: status and output by path, of the newest call.
        is_vague: whether what may run or not makes a difference to the outcome.
    """

    out: Out
    bodies: Counter[Body] = field(default_factory=Counter[Body])
    maybe: Counter[Body] = field(default_factory=Counter[Body])
    trace: list[Trace] = field(default_factory=list[Trace])
    sleeps: int = 0
    records: dict[str, tuple[str, Any]] = field(default_factory=dict[str, tuple[str, Any]])
    is_vague: bool = False


def joined_failure(outs: Sequence[Out]) -> Out | None:
    """Return the failure of some siblings: the first declared one is told, and all are in it."""
    failures = [out.failure for out in outs if out.failure is not None]
    if not failures:
        return None
    names = tuple(name for failure in failures for name in failure.names)
    return Out("failed", failure=Failure(failures[0].name, failures[0].path, names))


def same_to_retry(out: Out, outs: Sequence[Out]) -> bool:
    """Tell whether a failure that may be among others makes no difference to whether they are tried again."""
    joined = joined_failure(outs)
    if out.failure is None or joined is None or joined.failure is None:
        return True
    return out.failure.may_be_retried or not joined.failure.may_be_retried
