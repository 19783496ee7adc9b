"""Text templates over a run: `"Dear ${init.name}, your total is ${steps.price.total}"`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast, get_args

from pydantic import BaseModel

from rxloom.errors import DefinitionError, ValidationFailed
from rxloom.value_path import ValuePath

Namespace: TypeAlias = Literal["init", "steps", "state", "context"]
_NAMESPACES: Final[tuple[str, ...]] = get_args(Namespace)
_KEYED: Final = ("steps", "context")  # `${steps}` alone means nothing: a name has to follow

# In this order: an escaped opening, a placeholder, an opening that is never closed.
_TOKEN: Final = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")


class Placeholder(NamedTuple):
    """One `${…}`: the namespace, the key in it for `steps` and `context`, and the path into the value found there."""

    text: str
    namespace: Namespace
    key: str
    path: ValuePath


class TextTemplate:
    """A template, parsed once.

    `${init.a}` is a part of the run's input, `${steps.x.b}` of the output of step `x`, `${state.k}` of the run's
    state, `${context.k}` of its runtime context. `None` becomes the empty text. `$${` stands for `${` itself; any
    other `$` for itself.

    Args:
        text: the template.

    Raises:
        DefinitionError: a placeholder is not closed, not a path, or of an unknown namespace.

    Example:
        >>> TextTemplate("Hello ${init.name}!").render(lambda placeholder: "Ada")
        'Hello Ada!'
    """

    __slots__ = ("_pieces", "text")

    text: Final[str]

    def __init__(self, text: str) -> None:
        self.text = text
        self._pieces: tuple[str | Placeholder, ...] = tuple(_parse(text))

    def render(self, look_up: Callable[[Placeholder], Any]) -> str:
        """Fill in the template.

        Args:
            look_up: gives the value of a placeholder.

        Raises:
            ValidationFailed: a placeholder stands for an object or a list, which have no text.
        """
        return "".join([piece if isinstance(piece, str) else _text(piece, look_up(piece)) for piece in self._pieces])


def _parse(text: str) -> list[str | Placeholder]:
    pieces: list[str | Placeholder] = []
    position = 0
    for token in _TOKEN.finditer(text):
        pieces.append(text[position : token.start()])
        position = token.end()
        if token[0] == "$${":
            pieces.append("${")
        elif token[1] is None:
            message = (
                f"`${{` at position {token.start()} of the template is not closed: write `$${{` for the text `${{`"
            )
            raise DefinitionError(message)
        else:
            pieces.append(_placeholder(token[0], token[1]))
    pieces.append(text[position:])
    return [piece for piece in pieces if piece]


def _placeholder(text: str, content: str) -> Placeholder:
    namespace, dot, rest = content.partition(".")
    if namespace not in _NAMESPACES:
        message = f"unknown {text!r} in a template: it starts with one of {', '.join(_NAMESPACES)}"
        raise DefinitionError(message)
    key = ""
    if namespace in _KEYED:
        key, dot, rest = rest.partition(".")
    if (dot and not rest) or (namespace in _KEYED and not key) or key.split() not in ([], [key]):
        message = f"{text!r} in a template names nothing: write `${{{namespace}.name}}`"
        raise DefinitionError(message)
    return Placeholder(text, cast("Namespace", namespace), key, ValuePath(rest or "."))


def _text(placeholder: Placeholder, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (Mapping, list, tuple, set, frozenset, BaseModel)) or dataclasses.is_dataclass(value):
        kind = type(cast("object", value)).__name__
        message = (
            f"{placeholder.text!r} in a template resolved to an object or array, of type {kind}: name a part of it"
        )
        raise ValidationFailed(message, what="template")
    return str(value)
