"""Tells a run chunk by chunk, for tests that need streams without running anything."""

from __future__ import annotations

from typing import Any, Self

from rxloom.chunks import (
    Chunk,
    Custom,
    CustomType,
    ErrorInfo,
    FinishStatus,
    ItemStatus,
    ResultStatus,
    StepOutput,
    StepOutputPayload,
    StepProgress,
    StepProgressPayload,
    StepResult,
    StepResultPayload,
    StepRetry,
    StepRetryPayload,
    StepStart,
    StepStartPayload,
    StepSuspended,
    StepSuspendedPayload,
    StepWaiting,
    StepWaitingPayload,
    Usage,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowFinishPayload,
    WorkflowPaused,
    WorkflowStart,
    WorkflowStartPayload,
)
from rxloom.usage import usage_in

BOOM = ErrorInfo("ValueError", "boom")
RUN = "r1"


class Story:
    """A run that is told as it should be: times, sequence numbers, call ids and usage go on by themselves."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.seq = 0
        self._now = 1000
        self._calls = 0
        self._open: dict[str, StepStartPayload] = {}
        self._usage = Usage()

    def leg(self) -> Self:
        """Begin a leg."""
        self._usage = Usage()
        return self._add(WorkflowStart(RUN, WorkflowStartPayload("w"), self.seq))

    def start(self, path: str, *, resume: Any = None) -> Self:
        """Open a step, or resume it with an answer."""
        self._calls += 1
        now = self._tick()
        before = self._open.get(path) if resume is not None else None
        started = before.started_at if before is not None else now
        payload = StepStartPayload(path, f"call{self._calls}", {"n": 1}, started)
        if resume is not None:
            payload.resume_payload, payload.resumed_at = resume, now
        self._open[path] = payload
        return self._add(StepStart(RUN, payload, self.seq))

    def wait(self, path: str) -> Self:
        """Wait, in an open step or as a step of its own."""
        begun = self._open.get(path)
        if begun is None:
            self._calls += 1
            begun = self._open[path] = StepStartPayload(path, f"call{self._calls}", None, self._tick())
        payload = StepWaitingPayload(path, begun.step_call_id, None, begun.started_at, until=begun.started_at + 5)
        return self._add(StepWaiting(RUN, payload, self.seq))

    def write(self, path: str, output: Any, index: int | None = None) -> Self:
        """Write an output, and count the tokens it reports."""
        self._usage += usage_in(output) or Usage()
        payload = StepOutputPayload(path, self._open[path].step_call_id, output, RUN, index)
        return self._add(StepOutput.of(RUN, payload, self.seq))

    def item(self, path: str, index: int, done: int, total: int, status: ItemStatus = "success") -> Self:
        """Settle an item of a `for_each`."""
        payload = StepProgressPayload(path, self._open[path].step_call_id, done, total, index, status)
        return self._add(StepProgress(RUN, payload, self.seq))

    def retry(self, path: str, attempt: int = 1, index: int | None = None) -> Self:
        """Announce another attempt."""
        payload = StepRetryPayload(path, self._open[path].step_call_id, attempt, BOOM, 10, index)
        return self._add(StepRetry(RUN, payload, self.seq))

    def suspend(self, path: str) -> Self:
        """Close a step that asks something."""
        begun = self._open[path]
        payload = StepSuspendedPayload(
            path, begun.step_call_id, begun.payload, begun.started_at, self._tick(), {"ask": 1}, begun.resume_payload,
            begun.resumed_at,
        )  # fmt: skip
        return self._add(StepSuspended(RUN, payload, self.seq))

    def end(self, path: str, status: ResultStatus = "success", *, handled: bool = False) -> Self:
        """Close a step."""
        begun = self._open.pop(path)
        payload = StepResultPayload(
            path, begun.step_call_id, begun.payload, begun.started_at, status, self._tick(),
            output=1 if status in {"success", "bailed"} else None,
            error=BOOM if status == "failed" else None, handled=handled,
            resume_payload=begun.resume_payload, resumed_at=begun.resumed_at,
        )  # fmt: skip
        return self._add(StepResult(RUN, payload, self.seq))

    def step(self, path: str) -> Self:
        """Open a step and close it."""
        return self.start(path).end(path)

    def custom(self, name: CustomType | Any = "data-note", data: Any = None) -> Self:
        """Tell a chunk of the user's own type."""
        return self._add(Custom(RUN, name, data, self.seq))

    def canceled(self) -> Self:
        """Tell that the run is canceled."""
        return self._add(WorkflowCanceled(RUN, seq=self.seq))

    def paused(self) -> Self:
        """Tell that the run is paused."""
        return self._add(WorkflowPaused(RUN, seq=self.seq))

    def finish(self, status: FinishStatus = "success", error: ErrorInfo | None = None) -> Self:
        """End the leg."""
        result = 1 if status == "success" else None
        return self._add(WorkflowFinish(RUN, WorkflowFinishPayload(status, self._usage, error, result), self.seq))

    def _add(self, chunk: Chunk) -> Self:
        self.chunks.append(chunk)
        self.seq += 1
        return self

    def _tick(self) -> int:
        self._now += 1
        return self._now


def tokens(given: int) -> dict[str, Any]:
    """Make an output that reports tokens, as an agent's last chunk does."""
    usage = {"inputTokens": given, "outputTokens": 1, "totalTokens": given + 1}
    return {"type": "finish", "runId": "agent", "from": "AGENT", "payload": {"output": {"usage": usage}}}


def good_streams() -> dict[str, Story]:
    """Tell one run of each kind."""
    piped = {"type": "workflow-step-output", "payload": {"output": tokens(7)}}
    return {
        "empty": Story().leg().finish(),
        "chain": Story().leg().step("a").step("b").finish(),
        "outputs": Story().leg().start("a").write("a", "x").write("a", None).custom().end("a").finish(),
        "usage": Story().leg().start("a").write("a", tokens(3)).write("a", piped).end("a").finish(),
        "parallel": Story().leg().start("a").start("b").end("b").end("a").step("c").finish(),
        "failed": Story().leg().start("a").start("b").end("a", "failed").end("b").finish("failed"),
        "condition raises": Story().leg().step("a").finish("failed", BOOM),
        "input invalid": Story().leg().finish("failed", BOOM),
        "handled": Story().leg().start("a").end("a", "failed", handled=True).step("b").finish(),
        "nested": Story().leg().start("p").step("p.x").step("p.y").end("p").finish(),
        "nested recovers": Story().leg().start("p").start("p.x").end("p.x", "failed").end("p").finish(),
        "nested bails": Story().leg().start("p").start("p.x").end("p.x", "bailed").end("p").finish(),
        "bail": Story().leg().start("a").end("a", "bailed").finish(),
        "skipped": Story().leg().start("a").end("a", "skipped").finish(),
        "loop": Story().leg().step("a").step("a").step("a").finish(),
        "loop of nested": Story().leg().start("p").start("p.x").end("p.x", "failed", handled=True).end("p")
        .start("p").step("p.x").end("p").finish(),
        "retry": Story().leg().start("a").write("a", 1).retry("a").write("a", 2).retry("a", 2).end("a").finish(),
        "retried ancestor": Story().leg().start("p").start("p.x").start("p.y").end("p.x", "failed")
        .end("p.y", "canceled").retry("p").step("p.x").step("p.y").end("p").finish(),
        "sleep": Story().leg().wait("sleep_w_1").end("sleep_w_1").wait("sleep_w_1").end("sleep_w_1").finish(),
        "wait inside a step": Story().leg().start("a").wait("a").write("a", 1).end("a").finish(),
        "items": Story().leg().start("e").write("e", 1, 1).item("e", 1, 1, 2).retry("e", 1, 0).retry("e", 2, 0)
        .item("e", 0, 2, 2).end("e").finish(),
        "no items": Story().leg().start("e").end("e").finish(),
        "items collect": Story().leg().start("e").item("e", 0, 1, 2, "failed").item("e", 1, 2, 2).end("e").finish(),
        "items fail": Story().leg().start("e").item("e", 0, 1, 2, "failed").end("e", "failed").finish("failed"),
        "nested items": Story().leg().start("e").start("e[0].x").start("e[1].x").end("e[1].x").item("e", 1, 1, 2)
        .end("e[0].x", "failed").retry("e", 1, 0).step("e[0].x").item("e", 0, 2, 2).end("e").finish(),
        "canceled": Story().leg().start("a").end("a", "canceled").canceled().finish("canceled"),
        "canceled in failure": Story().leg().start("a").end("a", "failed").canceled().finish("canceled"),
        "paused": Story().leg().step("a").paused().finish("paused").leg().step("b").finish(),
        "suspended": Story().leg().start("a").suspend("a").finish("suspended"),
        "resumed": Story().leg().start("a").suspend("a").finish("suspended")
        .leg().start("a", resume=1).end("a").finish(),
        "one of two resumed": Story().leg().start("a").start("b").suspend("a").suspend("b").finish("suspended")
        .leg().start("a", resume=1).end("a").finish("suspended").leg().start("b", resume=1).end("b").finish(),
        "resumed, suspended again": Story().leg().start("a").suspend("a").finish("suspended")
        .leg().start("a", resume=1).suspend("a").finish("suspended").leg().start("a", resume=1).end("a").finish(),
        "nested resumed": Story().leg().start("p").start("p.x").suspend("p.x").suspend("p").finish("suspended")
        .leg().start("p", resume=1).start("p.x", resume=1).end("p.x").end("p").finish(),
        "items resumed": Story().leg().start("e").item("e", 0, 0, 3, "suspended").item("e", 1, 1, 3)
        .item("e", 2, 1, 3, "suspended").suspend("e").finish("suspended").leg().start("e", resume=1)
        .item("e", 2, 1, 3).suspend("e").finish("suspended").leg().start("e", resume=1).item("e", 0, 1, 3)
        .end("e").finish(),
        "joined": Story().leg().start("a").start("b").suspend("a").start("a", resume=1).end("a").end("b").finish(),
        "failed beats suspended": Story().leg().start("a").start("b").suspend("a").end("b", "failed").finish("failed"),
        "cut and restarted": Story().leg().start("p").start("p.x").leg().start("p").step("p.x").end("p").finish(),
        "cut while resumed": Story().leg().start("a").suspend("a").finish("suspended").leg().start("a", resume=1)
        .leg().start("a", resume=1).end("a").finish(),
        "cut after a failure": Story().leg().start("a").end("a", "failed").leg().finish("failed"),
        "canceled while suspended": Story().leg().start("a").suspend("a").finish("suspended").leg().canceled()
        .finish("canceled"),
        "time travel": Story().leg().start("a").end("a", "failed").finish("failed").leg().step("a").finish(),
        "time travel past a suspension": Story().leg().start("a").suspend("a").finish("suspended").leg().step("b")
        .finish(),
        "bail with a suspended sibling": Story().leg().start("a").start("b").suspend("b").end("a", "bailed").finish(),
    }  # fmt: skip
