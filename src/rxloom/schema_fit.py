"""Whether the output of one step can be the input of the next: told before anything runs."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from typing_extensions import is_typeddict  # knows the TypedDict of both modules

from rxloom.schema import Schema, isclass

_NUMBERS = (bool, int, float, Decimal, timedelta, date, datetime, time)
_TEXTS = (str, bytes, bytearray)
_SCALARS = (*_NUMBERS, *_TEXTS, UUID, PurePath, Enum)
_SEQUENCES = (list, tuple, set, frozenset, deque)


def mismatch(given: Schema[Any], wanted: Schema[Any]) -> bool:
    """Tell whether a value of one schema can surely not be one of the other.

    So it is only where both are classes and neither validates an instance of the other. In doubt they match.

    Example:
        >>> mismatch(Schema(int), Schema(dict)), mismatch(Schema(int), Schema(float)), mismatch(Schema(int), Schema())
        (True, False, False)
    """
    return not (accepts_instance_of(wanted, given.annotation) or accepts_instance_of(given, wanted.annotation))


def accepts_instance_of(schema: Schema[Any], given: Any) -> bool:
    """Tell whether some instance of `given` may be valid; True also when that cannot be known."""
    wanted = _runtime_class(schema.annotation)
    given = _runtime_class(given)
    if schema.is_any or not isclass(wanted) or not isclass(given) or given is object:
        return True
    try:
        if issubclass(given, wanted) or issubclass(wanted, given):
            return True
    except TypeError:  # a Protocol, of which nobody can say at run time
        return True
    return any(test(wanted, given) for test in _TESTS)


def _runtime_class(annotation: Any) -> Any:
    """A value of a TypedDict is a dict."""
    return dict if is_typeddict(annotation) else annotation


def _custom(wanted: type[Any], given: type[Any]) -> bool:
    """A class with its own way of being validated may take anything."""
    del given
    if issubclass(wanted, BaseModel):
        if wanted.__pydantic_root_model__:  # `RootModel` itself is a model whose import takes 15 ms
            return True
        validators = wanted.__pydantic_decorators__.model_validators.values()
        return any(validator.info.mode in {"before", "wrap"} for validator in validators) or (
            "__get_pydantic_core_schema__" in _own_names(wanted)
        )
    return hasattr(wanted, "__get_pydantic_core_schema__") or hasattr(wanted, "__get_validators__")


def _own_names(model: type[BaseModel]) -> set[str]:
    return {name for cls in model.__mro__ if cls not in BaseModel.__mro__ for name in vars(cls)}


def _record(wanted: type[Any], given: type[Any]) -> bool:
    """A model or dataclass takes a mapping, or, if it says so, the attributes of anything."""
    if not (issubclass(wanted, BaseModel) or dataclasses.is_dataclass(wanted)):
        return False
    if issubclass(given, Mapping):
        return True
    if not issubclass(wanted, BaseModel):
        return False
    return bool(wanted.model_config.get("from_attributes")) or _same_generic(wanted, given)


def _same_generic(wanted: type[BaseModel], given: type[Any]) -> bool:
    origin = wanted.__pydantic_generic_metadata__["origin"]
    return origin is not None and issubclass(given, BaseModel) and issubclass(given, origin)


def _scalar(wanted: type[Any], given: type[Any]) -> bool:
    """Text may be read as anything; numbers and times convert into each other; an Enum is named by its values."""
    if not issubclass(wanted, _SCALARS) or not issubclass(given, _SCALARS):
        return False
    if issubclass(wanted, Enum) or issubclass(given, (Enum, *_TEXTS)):
        return True
    return issubclass(wanted, _NUMBERS) and issubclass(given, _NUMBERS)


def _collection(wanted: type[Any], given: type[Any]) -> bool:
    """A collection may be made of any other iterable that is no text, a dict of a mapping."""
    if issubclass(wanted, Mapping):
        return issubclass(given, Mapping)
    if not issubclass(wanted, _SEQUENCES):
        return False
    return issubclass(given, Iterable) and not issubclass(given, (*_TEXTS, Mapping, BaseModel))


_TESTS: tuple[Callable[[type[Any], type[Any]], bool], ...] = (_custom, _record, _scalar, _collection)
