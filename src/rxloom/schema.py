"""Schemas: what a value must look like, and what to say when it does not."""

from __future__ import annotations

import dataclasses
import inspect
import reprlib
import warnings
from collections.abc import Callable
from typing import Any, Generic, TypeGuard, TypeVar, Unpack

from pydantic import (
    BaseModel,
    ConfigDict,
    PydanticInvalidForJsonSchema,
    PydanticSchemaGenerationError,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
)
from pydantic.warnings import ArbitraryTypeWarning
from pydantic_core import InitErrorDetails, PydanticCustomError, SchemaError
from typing_extensions import override

from rxloom.errors import (
    DefinitionError,
    FieldError,
    InputInvalid,
    OutputInvalid,
    ResumeInvalid,
    ValidationFailed,
    Where,
)
from rxloom.values import type_of

T = TypeVar("T")
_V = TypeVar("_V", bound=ValidationFailed)

_ANYTHING = (Any, object, inspect.Parameter.empty)
# An instance of exactly such a class is valid as it is.
_PLAIN: frozenset[type] = frozenset({bool, int, float, str, bytes, type(None)})
_SHOWN = 5


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80
_short.maxdict = _short.maxlist = _short.maxtuple = 4


class _Nothing:
    """Class of no value: compares unequal to the class of any."""


class Schema(Generic[T]):
    """A type that values are checked against: anything `pydantic.TypeAdapter` takes.

    A class pydantic knows nothing of is checked with `isinstance`.

    Attributes:
        annotation: the type.
        is_any: whether every value is fine, so that nothing is checked.
        exact: objects of exactly this class are fine as they are; of a schema without such a class, an empty one.

    Args:
        annotation: the type; `Any`, `object` and nothing at all accept everything.

    Raises:
        DefinitionError: when no schema can be made of it.

    Example:
        >>> Schema(list[int]).validate(("1", 2))
        [1, 2]
    """

    __slots__ = ("_adapter", "_validate", "annotation", "exact", "is_any")

    annotation: Any
    is_any: bool

    def __init__(self, annotation: Any = Any) -> None:
        self.annotation = type(None) if annotation is None else annotation
        self.is_any = any(annotation is anything for anything in _ANYTHING)
        self._adapter: TypeAdapter[Any] | None = None if self.is_any else _adapter_of(self.annotation)
        self.exact: type = _exact_class(self.annotation)
        self._validate: Callable[[Any], Any] = self._validate_first

    def validate(self, value: Any) -> T:
        """Give the value as the schema wants it, converted where pydantic converts.

        Raises:
            ValidationError: when it does not fit, or a validator of the user fails in its own way.
        """
        if type_of(value) is self.exact or self.is_any:
            return value
        try:
            return self._validate(value)
        except ValidationError:
            raise
        except Exception as error:
            reason = PydanticCustomError("validator_failed", "{reason}", {"reason": f"{type(error).__name__}: {error}"})
            details = InitErrorDetails(type=reason, input=value)
            raise ValidationError.from_exception_data(self.name, [details]) from error

    def _validate_first(self, value: Any) -> Any:
        # Asked for late: the validator of a model with forward references exists only once they are defined.
        self._validate = self.adapter.validator.validate_python
        return self._validate(value)

    @property
    def adapter(self) -> TypeAdapter[Any]:
        """The pydantic adapter behind it."""
        if self._adapter is None:
            self._adapter = TypeAdapter(Any)
        return self._adapter

    @property
    def name(self) -> str:
        """The type, as a person would write it.

        Example:
            >>> Schema(int).name, Schema(list[int]).name, Schema().name
            ('int', 'list[int]', 'Any')
        """
        if self.is_any:
            return "Any"
        if self.annotation is type(None):
            return "None"
        return self.annotation.__name__ if isclass(self.annotation) else str(self.annotation)

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON Schema, or `{}` (anything) for a type that has none."""
        if self.is_any:
            return {}
        try:
            return self.adapter.json_schema()
        except (PydanticInvalidForJsonSchema, PydanticUserError):
            return {}

    @override
    def __repr__(self) -> str:
        return f"Schema({self.name})"


def isclass(annotation: Any) -> TypeGuard[type[Any]]:
    """Tell a class from the other things that can be an annotation; `list[int]` is none."""
    return isinstance(annotation, type) and not hasattr(annotation, "__origin__")


def _adapter_of(annotation: Any) -> TypeAdapter[Any]:
    if isinstance(annotation, str):
        raise DefinitionError(f"no schema can be made of the text {annotation!r}: pass the type itself")
    try:
        return _strict_or_lenient_adapter(annotation)
    except SchemaError:
        # A Protocol, say: there is no way to check it, and whoever wrote it knows.
        return TypeAdapter(Any)
    except (PydanticUserError, ArbitraryTypeWarning, TypeError, NameError, KeyError) as error:
        # A KeyError: pydantic takes a mapping for a core schema of its own.
        reason = "a mapping is no type" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise DefinitionError(f"no schema can be made of {annotation!r}: {reason}") from error


def _strict_or_lenient_adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation)
    except PydanticSchemaGenerationError:
        pass
    with warnings.catch_warnings():
        # pydantic only warns that it would let everything pass, where something is no type at all.
        warnings.simplefilter("error", ArbitraryTypeWarning)
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


def _exact_class(annotation: Any) -> type[Any]:
    if not isclass(annotation):
        return _Nothing
    if annotation in _PLAIN:
        return annotation
    if issubclass(annotation, BaseModel):
        config: Any = annotation.model_config
    elif dataclasses.is_dataclass(annotation):
        config = getattr(annotation, "__pydantic_config__", {})
    else:
        return _Nothing
    return annotation if config.get("revalidate_instances", "never") == "never" else _Nothing


def describe(error: Exception, value: object, *, hide: bool = False) -> list[FieldError]:
    """Take a failed validation apart: where in the value, what is wrong, and the offending part."""
    if not isinstance(error, ValidationError):
        return [FieldError("", str(error) or type(error).__name__, value)]
    return [
        FieldError(_location(part["loc"]), part["msg"], "…" if hide else part["input"])
        for part in error.errors(include_url=False)
    ]


def _location(parts: tuple[int | str, ...]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _sentence(wrong: FieldError) -> str:
    location = f"{wrong.location}: " if wrong.location else ""
    return f"{location}{wrong.message} (got {_short.repr(wrong.value)})"


def invalid(
    kind: type[_V],
    what: str,
    schema: Schema[Any],
    value: object,
    error: Exception,
    **where: Unpack[Where],
) -> _V:
    """Turn a failed validation into an error that names workflow, step, field and value.

    Args:
        kind: the class of the error to make.
        what: what was validated, such as `"input"` or `"state"`.
        schema: what it was validated against.
        value: what was validated.
        error: what `Schema.validate` raised; becomes the `__cause__`.
        where: workflow and step; no step when it is the workflow's own value.
    """
    hide = bool(getattr(schema.annotation, "model_config", {}).get("hide_input_in_errors", False))
    errors = describe(error, value, hide=hide)
    more = f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    details = "; ".join(_sentence(wrong) for wrong in errors[:_SHOWN]) + more
    failure = kind(
        f"the {what} does not fit {schema.name}: {details}",
        what=what,
        errors=errors,
        **where,
    )
    # Its frames say nothing that the message does not, and would keep whoever called this alive.
    failure.__cause__ = error.with_traceback(None)
    return failure


def input_invalid(
    workflow_id: str, step_path: str | None, schema: Schema[Any], value: object, error: Exception
) -> InputInvalid:
    """Make the error of an input that does not fit; see `invalid`."""
    return invalid(InputInvalid, "input", schema, value, error, workflow_id=workflow_id, step_path=step_path)


def output_invalid(
    workflow_id: str, step_path: str | None, schema: Schema[Any], value: object, error: Exception
) -> OutputInvalid:
    """Make the error of an output that does not fit; see `invalid`."""
    return invalid(OutputInvalid, "output", schema, value, error, workflow_id=workflow_id, step_path=step_path)


def suspend_invalid(
    workflow_id: str, step_path: str, schema: Schema[Any], value: object, error: Exception
) -> OutputInvalid:
    """Make the error of a suspend payload that does not fit; see `invalid`."""
    return invalid(OutputInvalid, "suspend payload", schema, value, error, workflow_id=workflow_id, step_path=step_path)


def resume_invalid(
    workflow_id: str, step_path: str, schema: Schema[Any], value: object, error: Exception
) -> ResumeInvalid:
    """Make the error of resume data that does not fit; see `invalid`."""
    return invalid(ResumeInvalid, "resume data", schema, value, error, workflow_id=workflow_id, step_path=step_path)
