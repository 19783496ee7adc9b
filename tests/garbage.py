"""What only the garbage collector could free."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Generator[None]:
    """Collect what there is, then let the collector rest."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def ours_in_cycles() -> list[str]:
    """Return the names of the types of ours whose objects only the collector can free."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        garbage: list[object] = gc.garbage
        types = {type(item) for item in garbage}
        return sorted(f"{one.__module__}.{one.__name__}" for one in types if one.__module__.startswith("rxloom."))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
