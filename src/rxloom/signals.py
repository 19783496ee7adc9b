"""The signals with which a step leaves its body early. They are no errors; nobody should catch them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar, cast

from typing_extensions import override

_E = TypeVar("_E", bound=BaseException)


def rebuild(cls: type[_E], args: tuple[object, ...], state: dict[str, object]) -> _E:
    """Make an exception again from its parts, past its constructor: how ours are copied."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class StepSignal(BaseException):
    """How a step leaves its body early. **Do not catch it**, and re-raise it if you must.

    It is no error: `except Exception` lets it pass. A body that swallows it fails with `SignalSwallowed`.

    Attributes:
        owner: the context that raised it.
    """

    rank: ClassVar[int] = 0

    def __init__(self, message: str = "", *, owner: object = None) -> None:
        super().__init__(message or f"{type(self).__name__} is how a step ends early: let it pass, do not catch it")
        self.owner = owner

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (type(self), self.args, dict(vars(self)))


class SuspendSignal(StepSignal):
    """The step waits for an answer from outside."""

    rank: ClassVar[int] = 3

    def __init__(self, payload: Any = None, label: str | None = None, *, owner: object = None) -> None:
        super().__init__(owner=owner)
        self.payload = payload
        self.label = label


class BailSignal(StepSignal):
    """The step ends its workflow now, with success."""

    rank: ClassVar[int] = 2

    def __init__(self, result: Any = None, *, owner: object = None) -> None:
        super().__init__(owner=owner)
        self.result = result


class AbortSignal(StepSignal):
    """The step cancels its run."""

    rank: ClassVar[int] = 1

    def __init__(self, reason: str | None = None, *, owner: object = None) -> None:
        super().__init__(owner=owner)
        self.reason = reason


def leaves(error: BaseException) -> Iterable[BaseException]:
    """Give the exceptions inside a group, however nested, or the one that is no group."""
    if isinstance(error, BaseExceptionGroup):
        # isinstance cannot tell of what the group is.
        group = cast("BaseExceptionGroup[BaseException]", error)
        for inner in group.exceptions:
            yield from leaves(inner)
    else:
        yield error


def signal_in(error: BaseException, owner: object = None) -> StepSignal | None:
    """Find the signal that a body ended with.

    Args:
        error: what the body raised.
        owner: the context of the step; with it, only this step's own signals count.

    Returns:
        The signal itself, or the strongest of a group all of whose leaves are signals (abort before bail before
        suspend); None when anything else is among them.

    Example:
        >>> signal_in(BaseExceptionGroup("two", [SuspendSignal("a?"), AbortSignal("enough")])).reason
        'enough'
        >>> signal_in(BaseExceptionGroup("mixed", [SuspendSignal("a?"), OSError()])) is None
        True
    """
    signals: list[StepSignal] = []
    for leaf in leaves(error):
        if not isinstance(leaf, StepSignal) or (owner is not None and leaf.owner is not owner):
            return None
        signals.append(leaf)
    return min(signals, key=lambda signal: signal.rank)
