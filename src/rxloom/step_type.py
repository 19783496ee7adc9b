"""The class of steps."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from datetime import timedelta
from types import GenericAlias
from typing import Any, Generic, Self, TypedDict, TypeGuard, Unpack, get_args, get_origin, overload

from reactivex import Observable
from typing_extensions import TypeVar, override

from rxloom.callables import check_function
from rxloom.collect import only
from rxloom.errors import DefinitionError
from rxloom.retry import Retry
from rxloom.schema import Schema
from rxloom.step_body import Body, Kind, Unresolved

In_contra = TypeVar("In_contra", contravariant=True, default=Any)
Out_co = TypeVar("Out_co", covariant=True, default=Any)
Resume_contra = TypeVar("Resume_contra", contravariant=True, default=Any)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
StepT = TypeVar("StepT", bound="Step[Any, Any, Any]")

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STREAMS: frozenset[Kind] = frozenset(
    {"async_generator", "generator", "inline_generator", "observable", "async_observable"}
)
_MISSING = inspect.Parameter.empty


class CommonOptions(TypedDict, total=False):
    """The options of a step, but for those that change its type.

    Attributes:
        input: what its input must look like: anything `pydantic.TypeAdapter` takes; from the annotations if left out.
        output: the same for its output.
        suspend: what the payload of a suspension must look like.
        retries: how many further attempts a failure is worth, or a `Retry`; the workflow's if left out.
        timeout: seconds for one attempt.
        total_timeout: seconds for the call with all its attempts.
        inline: whether a plain `def` runs on the event loop, and not on a worker thread.
        description: shown in the graph; the first line of the docstring if left out.
        metadata: shown in the graph.
    """

    input: Any
    output: Any
    suspend: Any
    retries: int | Retry | None
    timeout: float | timedelta | None
    total_timeout: float | timedelta | None
    inline: bool
    description: str
    metadata: Mapping[str, Any] | None


class ResumeOptions(CommonOptions, total=False):
    """The options of a step, but for `collect`.

    Attributes:
        resume: what the answer to a suspension must look like.
    """

    resume: Any


class StepOptions(ResumeOptions, total=False):
    """All options of a step.

    Attributes:
        collect: folds the items of a stream into the output; `list` if left out.
        observable_input: whether the input is an Observable of the items of the step before, as they are produced.
    """

    collect: Callable[[Iterable[Any]], Any]
    observable_input: bool


class Step(Generic[In_contra, Out_co, Resume_contra]):
    """A named, typed function: one step of a workflow.

    Made by `step`, `create_step` and `step_from_operator`; a committed workflow is one too. Immutable: `with_id` and
    `pipe` give a new step. Calling it calls the plain function.

    Attributes:
        id: unique inside a workflow.
        kind: how the body is carried out.
        function: the plain function.
        invoke: calls the function with `(value, context)`, of which it gets what it wants.
        takes_input: whether the function wants the input.
        context_name: the parameter that wants the context, if any.
        observable_input: whether the input is an Observable of the items of the step before.
        input: schema of the input; of an item, where the input is an Observable.
        output: schema of the output.
        attempt_output: schema of what one attempt gives, before the operators of `pipe`; else equal to `output`.
        resume: schema of the answer to a suspension.
        suspend: schema of the payload of a suspension.
        operators: the Rx operators around its attempts.
        collect: folds the items of a stream into the output.
        retries: its own policy; None means the workflow's.
        timeout: seconds for one attempt.
        total_timeout: seconds for the call with all its attempts.
        description: shown in the graph.
        metadata: shown in the graph.
    """

    __slots__ = (
        "__weakref__",
        "attempt_output",
        "collect",
        "context_name",
        "description",
        "function",
        "id",
        "input",
        "invoke",
        "kind",
        "metadata",
        "observable_input",
        "operators",
        "output",
        "resume",
        "retries",
        "suspend",
        "takes_input",
        "timeout",
        "total_timeout",
    )

    id: str
    kind: Kind
    function: Callable[..., Any]
    invoke: Callable[[Any, Any], Any]
    takes_input: bool
    context_name: str | None
    observable_input: bool
    input: Schema[Any]
    output: Schema[Any]
    attempt_output: Schema[Any]
    resume: Schema[Any]
    suspend: Schema[Any]
    operators: tuple[Callable[[Observable[Any]], Observable[Any]], ...]
    collect: Callable[[Iterable[Any]], Any]
    retries: Retry | None
    timeout: float | None
    total_timeout: float | None
    description: str
    metadata: Mapping[str, Any]

    def __init__(self, id: str, body: Body, **options: Unpack[StepOptions]) -> None:
        self.id = checked_id(id)
        self.kind = body.kind
        self.function = body.function
        self.invoke = body.invoke
        self.takes_input = body.takes_input
        self.context_name = body.context_name
        self.observable_input = options.get("observable_input", False)
        self.operators = ()
        self._set_schemas(body, options)
        self.retries = Retry.of(options.get("retries"))
        self.timeout = seconds_of("timeout", options.get("timeout"), id)
        self.total_timeout = seconds_of("total_timeout", options.get("total_timeout"), id)
        self.description = options.get("description") or _first_line(body)
        self.metadata = dict(options.get("metadata") or {})

    def _set_schemas(self, body: Body, options: StepOptions) -> None:
        self.collect = _collect(self.id, body.kind, options)
        given = _item_of(self.id, body.input) if self.observable_input else body.input
        self.input = _schema(self.id, "input", options.get("input", given))
        output = options.get("output", _MISSING)
        if output is _MISSING:
            output = _output_of(body, self.collect)
        self.output = self.attempt_output = _schema(self.id, "output", output)
        self.resume = _schema(self.id, "resume", options.get("resume", Any))
        self.suspend = _schema(self.id, "suspend", options.get("suspend", Any))

    @override
    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(self, name):
            raise AttributeError(f"a step is immutable, and {name!r} of step {self.id!r} is set: make a new step")
        super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the plain function."""
        return self.function(*args, **kwargs)

    def with_id(self, id: str) -> Self:
        """Give the same step under another id: a workflow can hold it twice.

        Raises:
            DefinitionError: if the id is not a good one.
        """
        return self._replace(id=checked_id(id))

    @overload
    def pipe(self, op1: Callable[[Observable[Out_co]], Observable[A]], /) -> Step[In_contra, A, Resume_contra]: ...
    @overload
    def pipe(
        self, op1: Callable[[Observable[Out_co]], Observable[A]], op2: Callable[[Observable[A]], Observable[B]], /
    ) -> Step[In_contra, B, Resume_contra]: ...
    @overload
    def pipe(
        self,
        op1: Callable[[Observable[Out_co]], Observable[A]],
        op2: Callable[[Observable[A]], Observable[B]],
        op3: Callable[[Observable[B]], Observable[C]],
        /,
    ) -> Step[In_contra, C, Resume_contra]: ...
    @overload
    def pipe(
        self,
        op1: Callable[[Observable[Out_co]], Observable[A]],
        op2: Callable[[Observable[A]], Observable[B]],
        op3: Callable[[Observable[B]], Observable[C]],
        op4: Callable[[Observable[C]], Observable[D]],
        /,
        *operators: Callable[[Observable[Any]], Observable[Any]],
    ) -> Step[In_contra, Any, Resume_contra]: ...
    def pipe(self, *operators: Callable[[Observable[Any]], Observable[Any]]) -> Step[In_contra, Any, Resume_contra]:
        """Put Rx operators around the attempts of the step; it stays one step.

        They see values: each subscription is an attempt, whose output is checked before they get it. What the last
        of them emits is the output, of any type.

        ```text
        attempt   --x          fails
        attempt   ----7|       and again, by ops.retry(2)
        output    ---------7|
        ```

        Raises:
            DefinitionError: when one of them cannot be called.
        """
        for one in operators:
            check_function("an operator", one)
        return self._replace(operators=(*self.operators, *operators), output=Schema())

    def _replace(self, **changes: Any) -> Self:
        other = copy(self)
        for name, value in changes.items():
            object.__setattr__(other, name, value)
        return other

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id!r}: {self.input.name} -> {self.output.name}>"


def checked_id(id: object) -> str:
    """Give the id back.

    Raises:
        DefinitionError: if it cannot be the id of a step or workflow.
    """
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise DefinitionError(f"{id!r} cannot be an id: pass `id=`, 1 to 128 of the characters A-Z a-z 0-9 _ -")
    return id


def seconds_of(name: str, limit: float | timedelta | None, step_id: str) -> float | None:
    """Give a time limit in seconds.

    Raises:
        DefinitionError: if it is not positive.
    """
    if limit is None:
        return None
    seconds = limit.total_seconds() if isinstance(limit, timedelta) else float(limit)
    if not 0 < seconds < math.inf:
        raise DefinitionError(f"{name}={limit!r} must be more than 0 seconds, or None for no limit", step_path=step_id)
    return seconds


def _collect(step_id: str, kind: Kind, options: StepOptions) -> Callable[[Iterable[Any]], Any]:
    given = options.get("collect")
    if given is None:
        return only if kind == "operator" else list
    if kind == "async":
        raise DefinitionError("`collect=` folds the items of a stream, and this is a coroutine", step_path=step_id)
    check_function("`collect=`", given)
    return given


def _output_of(body: Body, collect: Callable[[Iterable[Any]], Any]) -> Any:
    """Give the annotation of the output, if the one of the function tells it."""
    if body.kind not in _STREAMS or isinstance(body.output, Unresolved):
        return body.output
    if body.output in (_MISSING, Any) or collect is not list:
        return Any
    return GenericAlias(list, (body.output,))


def _item_of(step_id: str, annotation: Any) -> Any:
    """Give the annotation of an item of the Observable that a function wants."""
    if isinstance(annotation, Unresolved) or annotation in (_MISSING, Any):
        return annotation
    origin: Any = get_origin(annotation) or annotation
    if not (isinstance(origin, type) and issubclass(Observable, origin)):
        raise DefinitionError(
            f"`observable_input=True` gives it an Observable, and its input is annotated {annotation!r}: annotate "
            "`Observable[...]`",
            step_path=step_id,
        )
    return next(iter(get_args(annotation)), Any)


def invoked_by(step: StepT, invoke: Callable[[Any, Any], Any]) -> StepT:
    """Give the same step, whose function is called by `invoke`."""
    other = copy(step)
    object.__setattr__(other, "invoke", invoke)
    return other


def _schema(step_id: str, option: str, annotation: Any) -> Schema[Any]:
    if isinstance(annotation, Unresolved):
        raise DefinitionError(
            f"the annotation {annotation.text!r} of its {option} is not known at run time ({annotation.reason}): "
            f"import it where the module runs, or pass `{option}=`",
            step_path=step_id,
        )
    try:
        return annotation if _is_schema(annotation) else Schema(annotation)
    except DefinitionError as error:
        raise error.locate(step_path=step_id) from error.__cause__


def _is_schema(annotation: object) -> TypeGuard[Schema[Any]]:
    return isinstance(annotation, Schema)


def _first_line(body: Body) -> str:
    text = inspect.getdoc(body.function) if inspect.isfunction(body.function) else None
    return (text or "").strip().partition("\n")[0]
