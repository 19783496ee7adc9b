"""The workflow state: a flat set of fields that steps read and write, checked by the workflow's `state` schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NotRequired, Required, TypeGuard, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from typing_extensions import ReadOnly, is_typeddict

from rxloom.errors import DefinitionError
from rxloom.schema import Schema, input_invalid
from rxloom.values import copy_plain


@dataclasses.dataclass(frozen=True, slots=True)
class Reduce:
    """How `update_state` joins a new value of a field with the present one: `Annotated[int, Reduce(operator.add)]`.

    Attributes:
        join: called with the present and the given value; returns the new one.

    Example:
        >>> import operator
        >>> Reduce(operator.add).join(1, 2)
        3
    """

    join: Callable[[Any, Any], Any]


class StateSpec:
    """The state schema of a workflow: which fields of the run's state it sees, and what they must look like."""

    __slots__ = ("_fields", "_model", "_reducers", "_schema", "workflow_id")

    def __init__(self, workflow_id: str, annotation: Any = None) -> None:
        """Look at a state schema.

        Args:
            workflow_id: for messages.
            annotation: a pydantic model, dataclass or TypedDict class, or `None`: any fields, a plain dict.

        Raises:
            DefinitionError: when the annotation has no fields.
        """
        self.workflow_id: str = workflow_id
        self._model = annotation
        self._schema: Schema[Any] | None = None
        self._fields: dict[str, Schema[Any]] | None = None
        self._reducers: dict[str, Reduce] = {}
        if annotation is not None:
            hints = _fields_of_schema(annotation, workflow_id)
            self._schema = Schema(annotation)
            self._fields = {name: Schema(hint) for name, hint in hints.items()}
            for name, hint in hints.items():
                found = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Reduce)]
                if found:
                    self._reducers[name] = found[-1]

    def view(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of the run's state that this workflow sees."""
        if self._fields is None:
            return dict(state)
        return {name: state[name] for name in self._fields if name in state}

    def present(self, state: Mapping[str, Any]) -> Any:
        """Return what a step sees: an object of the schema, or a dict where there is none."""
        fields = copy_plain(self.view(state))
        if self._schema is None:
            return fields
        try:
            return self._schema.validate(fields)
        except ValidationError:
            # Before the first write a field without a default is simply not there.
            if isinstance(self._model, type) and issubclass(self._model, BaseModel):
                return self._model.model_construct(**fields)
            return fields

    def initial(self, given: Any) -> dict[str, Any]:
        """Check an initial state and return its fields.

        Raises:
            InputInvalid: when it does not fit the schema.
        """
        if self._schema is None:
            return {} if given is None else dict(fields_of(given))
        try:
            return dict(fields_of(self._schema.validate({} if given is None else given)))
        except ValidationError as error:
            if given is None:
                return {}
            raise input_invalid(self.workflow_id, None, self._schema, given, error) from error

    def checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Check changed fields one by one, and return them as plain copies.

        Raises:
            InputInvalid: when a field is unknown to the schema, or its value does not fit.
        """
        if self._fields is None:
            return {name: copy_plain(value) for name, value in changes.items()}
        fine: dict[str, Any] = {}
        for name, value in changes.items():
            schema = self._fields.get(name)
            if schema is None:
                raise DefinitionError(
                    f"the state has no field {name!r}; it has {', '.join(self._fields)}", workflow_id=self.workflow_id
                )
            try:
                fine[name] = copy_plain(self._by_the_model(name, schema.validate(value)))
            except ValidationError as error:
                raise input_invalid(self.workflow_id, f"state.{name}", schema, value, error) from error
        return fine

    def _by_the_model(self, name: str, value: Any) -> Any:
        """Have the validators of a model's field look at a value; those of the whole model see whole states only."""
        model = self._model
        if not _has_validators(model, name):
            return value
        probe = model.model_construct()
        model.__pydantic_validator__.validate_assignment(probe, name, value)
        return getattr(probe, name)

    def joined(self, state: Mapping[str, Any], change: Callable[[Any], Mapping[str, Any]]) -> dict[str, Any]:
        """Return the fields that a function of the present state changes, joined with it where the schema says how.

        Raises:
            InputInvalid: when a field is unknown to the schema, or its value does not fit.
        """
        changes = self.checked(change(self.present(state)))
        return {
            name: self._reducers[name].join(state[name], value) if name in self._reducers and name in state else value
            for name, value in changes.items()
        }


def _fields_of_schema(annotation: Any, workflow_id: str) -> dict[str, Any]:
    """Return the annotations of the fields of a state schema.

    Raises:
        DefinitionError: when it is none of the kinds a state can be.
    """
    if _is_model(annotation):
        # A constraint may stand in the annotation or in the default, `size: int = Field(0, ge=0)`.
        return {name: _constrained(field) for name, field in annotation.model_fields.items()}
    typed = is_typeddict(annotation)
    if not typed and not (isinstance(annotation, type) and dataclasses.is_dataclass(cast("Any", annotation))):
        raise DefinitionError(
            f"state must be a pydantic model, dataclass or TypedDict, got {annotation!r}", workflow_id=workflow_id
        )
    try:
        hints = get_type_hints(cast("Any", annotation), include_extras=True)
    except NameError as error:
        raise DefinitionError(f"a field of the state is unknown: {error}", workflow_id=workflow_id) from error
    names = list(hints) if typed else [field.name for field in dataclasses.fields(cast("Any", annotation))]
    return {name: _bare(hints[name]) for name in names}


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _constrained(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _bare(hint: Any) -> Any:
    """Take off what a TypedDict says of a key and not of its value."""
    while get_origin(hint) in (NotRequired, ReadOnly, Required):
        hint = get_args(hint)[0]
    return hint


def _has_validators(model: Any, name: str) -> bool:
    """Tell whether a field has validators that can be asked about it alone."""
    if not _is_model(model) or model.model_config.get("frozen"):
        return False
    found = model.__pydantic_decorators__
    return not found.model_validators and any(
        name in one.info.fields or "*" in one.info.fields for one in found.field_validators.values()
    )


def differing(new: Any, seen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields in which a new state differs from what was seen of it.

    Raises:
        DefinitionError: when it is no state.
    """
    missing = object()
    return {name: value for name, value in fields_of(new).items() if seen.get(name, missing) != value}


def fields_of(state: Any) -> Mapping[str, Any]:
    """Return the fields of a state object: a mapping, a pydantic model or a dataclass instance.

    Raises:
        DefinitionError: when it is none of them.
    """
    if state is None:
        return {}
    if isinstance(state, Mapping):
        return {str(name): value for name, value in state.items()}  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] # a user's mapping
    if isinstance(state, BaseModel):
        return {name: getattr(state, name) for name in type(state).model_fields if hasattr(state, name)}
    if dataclasses.is_dataclass(state) and not isinstance(state, type):
        return {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    raise DefinitionError(f"a state is a mapping, a pydantic model or a dataclass, not a {type(state).__name__}")
