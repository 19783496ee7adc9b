"""Tests in virtual time, in asyncio's debug mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rxloom.testing import virtual_test

virtual = virtual_test(debug=True)


def does(action: Callable[[], object]) -> Callable[..., Any]:
    """Make a scheduled action of a function without arguments."""

    def act(*_: Any) -> Any:
        return action()

    return act
