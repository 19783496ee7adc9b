"""Steps without a body: what the calls of sleeps, waits, loops' questions and `for_each` are calls of."""

from __future__ import annotations

from typing import Any

from rxloom.step import create_step
from rxloom.step_type import Step


def bodiless(id: str, *, output: Any = Any) -> Step[Any, Any, Any]:
    """Make a step that no body belongs to, and that is never tried again."""
    return create_step(id, _nobody, retries=0, output=output)


def _nobody() -> Any:
    """Stand in for a body."""
    return None
