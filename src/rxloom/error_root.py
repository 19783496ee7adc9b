"""The root of the errors; the tree is drawn in `rxloom.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypedDict, Unpack

from typing_extensions import override

from rxloom.signals import rebuild


class Where(TypedDict, total=False):
    """Where an error happened: what every error takes as keywords, as far as it is known."""

    workflow_id: str | None
    step_path: str | None
    run_id: str | None


def _phrase(where: Mapping[str, str]) -> str:
    words = {"step_path": "step", "workflow_id": "workflow", "run_id": "run"}
    return ", ".join(f"{word} {where[key]!r}" for key, word in words.items() if key in where)


class RxLoomError(Exception):
    """Base of every error of rxloom.

    Attributes:
        workflow_id: id of the workflow it happened in, if known.
        step_path: path of the step it happened in, if known.
        run_id: id of the run it happened in, if known.

    Example:
        >>> str(RxLoomError("it broke", workflow_id="checkout", step_path="price"))
        "it broke (step 'price', workflow 'checkout')"
    """

    workflow_id: str | None = None
    step_path: str | None = None
    run_id: str | None = None
    args: tuple[Any, ...]

    def __init__(self, message: str = "", **where: Unpack[Where]) -> None:
        super().__init__(message)
        self.locate(**where)

    def locate(self, **where: Unpack[Where]) -> Self:
        """Add where it happened, in the attributes and in the message, unless that is known already.

        Example:
            >>> RxLoomError("it broke").locate(step_path="price")
            RxLoomError("it broke (step 'price')")
        """
        new = {key: str(name) for key, name in where.items() if name and getattr(self, key) is None}
        if new:
            # Only what is known is set on the instance: `vars(error)` is what is told of it.
            self.__dict__.update(new)
            message = str(self.args[0]) if self.args else ""
            self.args = (f"{message} ({_phrase(new)})" if message else _phrase(new),)
        return self

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        # Constructors take keywords, which the default way of copying an exception cannot pass.
        return rebuild, (type(self), self.args, dict(vars(self)))
