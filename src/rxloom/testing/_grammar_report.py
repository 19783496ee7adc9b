"""The rules of the grammar, and the messages about chunks that break them."""

from __future__ import annotations

from typing import Literal, TypeAlias

Rule: TypeAlias = Literal[
    "shape", "json", "run-id", "seq", "leg-start", "leg-end", "settled", "left-open", "status", "usage",
    "path", "orphan", "reopen", "resume", "call-id", "not-open", "close", "children", "result", "times", "progress",
    "retry",
]  # fmt: skip


class Report:
    """Collects what is wrong, and knows which chunk is being looked at."""

    __slots__ = ("found", "index", "seq")

    def __init__(self) -> None:
        """Begin before the first chunk."""
        self.found: list[str] = []
        self.index = -1
        self.seq: int | None = None

    def add(self, rule: Rule, text: str, path: str | None = None) -> None:
        """Add a message: the rule, the chunk, the step if it is about one, and what is wrong."""
        seq = "" if self.seq is None else f" (seq {self.seq})"
        step = "" if path is None else f", step {path!r}"
        self.found.append(f"{rule}: chunk {self.index}{seq}{step}: {text}")
