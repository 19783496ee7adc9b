"""Every run of these tests is checked when its test is over."""

from __future__ import annotations

from tests.ledger import ledger

__all__ = ["ledger"]
