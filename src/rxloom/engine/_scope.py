"""The workflow that a context is in: the run's own, or a nested one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rxloom.engine._budget import Budget
from rxloom.engine._parent import Parent
from rxloom.ports.node import WorkflowPort
from rxloom.retry import Retry


class Scope:
    """One workflow being carried out inside a run.

    Attributes:
        workflow: the workflow.
        parent: the scope of the workflow around it, or `None` for the run's own.
        call: whose children its calls are.
        prefix: what the paths of its steps begin with, `"outer."` say.
        depth: how many workflows are around it.
        init_data: the workflow's input.
        budgets: the budgets its bodies take a slot of, innermost first.
        retries: the policy of steps that name none.
        handled: whether a failure in here is collected by a fan-out around it.
        rounds: the rounds of the loops that the workflows around are in, outermost first, `"2."` say.
    """

    __slots__ = (
        "budgets", "call", "depth", "handled", "init_data", "parent", "prefix", "retries", "rounds", "workflow",
    )  # fmt: skip

    def __init__(
        self, workflow: WorkflowPort, parent: Scope | None, call: Parent, prefix: str, *, init_data: Any = None
    ) -> None:
        """Open a scope for `workflow`."""
        self.workflow: WorkflowPort = workflow
        self.parent: Scope | None = parent
        self.call: Parent = call
        self.prefix: str = prefix
        self.init_data: Any = init_data
        self.rounds: str = ""
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.handled: bool = False if parent is None else parent.handled
        settings = workflow.settings
        self.retries: Retry | None = settings.retries
        around: Sequence[Budget] = () if parent is None else parent.budgets
        limit = settings.max_concurrency
        self.budgets: Sequence[Budget] = around if limit is None else (Budget(limit), *around)
