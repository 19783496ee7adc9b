"""Run a whole workflow in virtual time, with its answers scripted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from rxloom.chunks import Chunk, Suspension
from rxloom.marbles import Scale, text
from rxloom.results import Suspended, WorkflowResult
from rxloom.run import Run
from rxloom.stream import WorkflowStream
from rxloom.testing._replace import Fake, with_fakes
from rxloom.testing._virtual import virtual_run
from rxloom.workflow import Workflow, checked_workflow

__all__ = ["VirtualRun", "run_virtual"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True)
class VirtualRun(Generic[_Out]):
    """What a run in virtual time came to.

    Attributes:
        chunks: the chunks of all its legs, in order.
        result: the result of the last leg.
        duration: the virtual seconds it took.
        times: the virtual second at which each of the chunks was told.
    """

    chunks: list[Chunk]
    result: WorkflowResult[_Out]
    duration: float
    times: list[float] = field(default_factory=list[float], repr=False)


class Recent:
    """The newest runs in virtual time, for a test runner that shows those of a test which failed."""

    def __init__(self) -> None:
        """Keep nothing, until told otherwise."""
        self._runs: deque[VirtualRun[Any]] = deque(maxlen=0)

    def keep(self, count: int = 3) -> None:
        """Keep the newest ones from now on."""
        self._runs = deque(maxlen=count)

    def forget(self) -> None:
        """Keep nothing any more."""
        self._runs = deque(maxlen=0)

    def add(self, run: VirtualRun[Any]) -> None:
        """Take note of a run."""
        self._runs.append(run)

    def drawn(self) -> list[str]:
        """Draw those that are kept, as marble diagrams."""
        return [text(run.chunks, run.times, Scale(), legend=True) for run in self._runs]


RECENT: Final = Recent()


def run_virtual(
    workflow: Workflow[_In, _Out],
    input: _In | None = None,
    *,
    resume: Sequence[Any] | Mapping[str, Any] | None = None,
    replace: Mapping[str, Fake] | None = None,
    seed: int | None = None,
) -> VirtualRun[_Out]:
    """Run a workflow to its end, or until it waits for an answer that is not scripted.

    Sleeps, timeouts, retry delays and timers of Rx take no time; the date starts at a fixed point.

    Args:
        workflow: a committed workflow.
        input: its input.
        resume: the answers to its suspensions. A list: the first answers the first suspension, and so on. A dict:
            by path, or by the label of the suspension; what waits at the same time is answered together.
        replace: fakes for some of its steps, by id or path, as `with_fakes` takes them.
        seed: puts what is ready at the same time in another order, repeatably; see `VirtualLoop`.

    Raises:
        ValueError: an answer was never asked for, or a fake is for a step that is not there.
        DefinitionError: a fake is a function that wants other arguments than a step's.
        TypeError: the answers are not in a list or dict.
        RefusedCall: a scripted answer was refused, since it does not fit or several steps wait for one.
        Deadlock: the workflow waits for something that cannot come.
        WorkflowNotCommitted: it is still a builder.
        WrongLoop: it is called in a coroutine.

    Example:
        >>> from rxloom import StepContext, create_workflow, step
        >>> @step
        ... async def greet(name: str, ctx: StepContext) -> str:
        ...     greeting = await ctx.suspend("how?")
        ...     return f"{greeting}, {name}"
        >>> greetings = create_workflow("greetings", input=str, output=str).sleep(3600).then(greet).commit()
        >>> run = run_virtual(greetings, "Ada", resume=["hello"])
        >>> run.result.unwrap(), run.duration
        ('hello, Ada', 3600.0)
        >>> run_virtual(greetings, "Ada", replace={"greet": lambda name: name.upper()}).result.unwrap()
        'ADA'
    """
    checked_workflow(workflow)
    if replace is not None:
        workflow = with_fakes(workflow, replace)
    run = virtual_run(_play(workflow, input, _Script(resume)), seed=seed)
    RECENT.add(run)
    return run


async def _play(workflow: Workflow[_In, _Out], input: _In | None, script: _Script) -> VirtualRun[_Out]:
    run = workflow.create_run()
    chunks: list[Chunk] = []
    times: list[float] = []
    now = asyncio.get_running_loop().time
    leg = run.stream_vnext(input)
    while True:
        async for chunk in leg:
            chunks.append(chunk)
            times.append(now())
        result = await leg.result
        answered = script.answer(run, result.suspensions) if isinstance(result, Suspended) else None
        if answered is None:
            script.check_all_used(result)
            return VirtualRun(chunks, result, now(), times)
        leg = answered


class _Script:
    """The answers that are still to be given."""

    def __init__(self, answers: Sequence[Any] | Mapping[str, Any] | None) -> None:
        if isinstance(answers, str | bytes):
            raise TypeError(f"resume is a list of answers, or a dict of them by path or label, not {answers!r}")
        self._named = dict(answers) if isinstance(answers, Mapping) else {}
        self._listed = [] if answers is None or isinstance(answers, Mapping) else list(answers)

    def answer(self, run: Run[Any, _Out], waiting: Sequence[Suspension]) -> WorkflowStream[_Out] | None:
        """Answer what waits, as far as it is scripted, and return the next leg."""
        if self._listed:
            return run.resume_stream_vnext(self._listed.pop(0))
        found = [(one, name) for one in waiting if (name := self._name_of(one)) is not None]
        if not found:
            return None
        answers = {one.path: self._named[name] for one, name in found}
        for name in {name for _, name in found}:
            del self._named[name]
        if len(found) > 1:
            return run.resume_all(answers)
        (one, _), (data,) = found[0], answers.values()
        return run.resume_stream_vnext(data, step=one.path, label=one.label)

    def _name_of(self, one: Suspension) -> str | None:
        for name in (one.label, one.path):
            if name is not None and name in self._named:
                return name
        return None

    def check_all_used(self, result: WorkflowResult[Any]) -> None:
        """Complain of answers nobody asked for."""
        left = [*map(repr, self._listed), *self._named]
        if left:
            raise ValueError(
                f"nobody asked for these scripted answers: {', '.join(left)}; the run came to {result.status!r}"
            )
