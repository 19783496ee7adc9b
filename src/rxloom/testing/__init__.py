"""The public kit for tests of workflows."""

from __future__ import annotations

from rxloom.testing._grammar import check_chunks

__all__ = ["check_chunks"]
