"""The public surface: what is exported is listed, sorted, and there."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

import rxloom

MODULES = ["rxloom", *(module.name for module in pkgutil.walk_packages(rxloom.__path__, "rxloom."))]
PUBLIC = [name for name in MODULES if "._" not in name]


WIRING = {"implicit", "install"}  # what the front door uses itself, to put things together


def rank(name: str) -> tuple[int, str]:
    """Sort as the linter does: CONSTANTS, Classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, encoding="utf-8", timeout=60)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", PUBLIC)
def test_exported_names_are_sorted_and_there(name: str) -> None:
    module = importlib.import_module(name)
    names: list[str] = list(getattr(module, "__all__", []))

    assert names == sorted(names, key=rank)
    assert len(names) == len(set(names))
    assert [each for each in names if not hasattr(module, each)] == []


def test_front_door_exports_everything_it_imports() -> None:
    offered = {
        name
        for name, value in vars(rxloom).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
    }

    assert offered - WIRING == set(rxloom.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_module_says_what_it_is_for(name: str) -> None:
    module = importlib.import_module(name)

    assert (module.__doc__ or "").strip()


def test_importing_starts_no_thread_and_no_loop() -> None:
    threads = python(
        "import asyncio, threading\n"
        "def refuse(*_): raise SystemExit('a loop was made')\n"
        "asyncio.new_event_loop = refuse\n"
        "import rxloom\n"
        "print(threading.active_count())"
    )

    assert threads == "1"


def test_importing_leaves_the_operators_over_chunks_to_who_uses_them() -> None:
    assert python("import sys, rxloom; print('rxloom.operators' in sys.modules)") == "False"


def test_importing_brings_no_extra_and_no_telemetry() -> None:
    loaded = python("import sys, rxloom; print(*{name.partition('.')[0] for name in sys.modules})").split()

    unwanted = {"opentelemetry", "pytest", "hypothesis", "langgraph", "burr", "sqlite3", "http"}
    assert unwanted.isdisjoint(loaded), unwanted.intersection(loaded)
