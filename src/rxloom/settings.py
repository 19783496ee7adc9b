"""What a workflow is set to besides its pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from rxloom.chunks import ErrorInfo
from rxloom.retry import Retry
from rxloom.snapshot import RunStatus
from rxloom.state import StateSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What the callbacks of a workflow are told of a run.

    Attributes:
        workflow_id: the workflow.
        run_id: the run.
        resource_id: whose it is.
        input: its input.
        state: the workflow state.
        status: `running` in `on_start`, else how the leg ended.
        result: the output of a successful run.
        error: the error of a failed one.
    """

    workflow_id: str
    run_id: str
    resource_id: str | None
    input: Any
    state: Any
    status: RunStatus
    result: Any = None
    error: ErrorInfo | None = None


Callback: TypeAlias = Callable[[RunInfo], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """State schema, retries, limits and callbacks of a workflow."""

    state: StateSpec
    retries: Retry | None = None
    timeout: float | None = None
    max_concurrency: int | None = None
    on_start: Callback | None = None
    on_finish: Callback | None = None
    on_error: Callback | None = None
