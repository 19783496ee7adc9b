"""Every run of these tests is checked when its test is over, and every test runs with and without fused strands."""

from __future__ import annotations

import pytest

from rxloom.engine import _leaf
from tests.ledger import ledger

__all__ = ["ledger", "strands"]


@pytest.fixture(autouse=True, params=["fused", "unfused"])
def strands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Say whether consecutive bodies may share a task: nothing in the chunks may tell."""
    if request.param == "unfused":
        monkeypatch.setattr(_leaf, "FUSABLE", frozenset[str]())
    return request.param
