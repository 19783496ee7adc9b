"""Ids of runs: random UUIDs, version 4."""

from __future__ import annotations

import os
from typing import Final

BATCH: Final = 64

_unused: list[str] = []


def new_run_id() -> str:
    """Return an id that no other run has, and that nobody can guess.

    They are made a batch at a time: to ask the system for randomness takes longer than all the rest of making a run.

    Example:
        >>> len(new_run_id()), new_run_id() == new_run_id()
        (36, False)
    """
    try:
        return _unused.pop()
    except IndexError:
        digits = os.urandom(16 * BATCH).hex()
        first, *rest = [_uuid(digits[at : at + 32]) for at in range(0, len(digits), 32)]
        _unused.extend(rest)
        return first


def _uuid(digits: str) -> str:
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unused.clear)  # the parent has the same ones
