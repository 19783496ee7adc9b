"""Templates: texts with placeholders for parts of a run."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rxloom.errors import DefinitionError, ValidationFailed
from rxloom.template import Placeholder, TextTemplate


def fill(text: str, **values: Any) -> str:
    def look_up(placeholder: Placeholder) -> Any:
        source = values[placeholder.namespace]
        return placeholder.path.of(source[placeholder.key] if placeholder.key else source, placeholder.text)

    return TextTemplate(text).render(look_up)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("no placeholder", "no placeholder"),
        ("Hello ${init.name}!", "Hello Ada!"),
        ("${init.name}${init.age}", "Ada36"),
        ("${init.name}: ${steps.price.total} ${context.unit} ${state.note}", "Ada: 9.5 EUR ok"),
        ("${init.tags.1}${init.tags[0]}", "ba"),
        ("${steps.plain} ${context.unit}", "7 EUR"),
        ("[${init.nothing}][${init.missing}]", "[][]"),
        ("costs $5, $ {x} and $", "costs $5, $ {x} and $"),
        ("$${init.name} is ${init.name}", "${init.name} is Ada"),
        ("$$${init.name}", "$${init.name}"),
        ("one\n${init.name}\ntwo", "one\nAda\ntwo"),
        ("${init.born} ${init.yes}", "1815-12-10 True"),
        ("{init.name} }{", "{init.name} }{"),
    ],
)
def test_placeholders_are_filled_in(text: str, expected: str) -> None:
    init = {"name": "Ada", "age": 36, "tags": ["a", "b"], "nothing": None, "born": date(1815, 12, 10), "yes": True}
    steps = {"price": {"total": 9.5}, "plain": 7}

    assert fill(text, init=init, steps=steps, state={"note": "ok"}, context={"unit": "EUR"}) == expected


def test_long_template_is_filled_in() -> None:
    assert fill("x${init.a}" * 5_000, init={"a": 1}) == "x1" * 5_000


@pytest.mark.parametrize("found", [{"a": 1}, [1], (1,), {1}])
def test_object_or_array_has_no_text(found: Any) -> None:
    with pytest.raises(ValidationFailed, match=r"'\$\{init.a\}' in a template resolved to an object or array"):
        fill("${init.a}", init={"a": found})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("${}", "unknown"),
        ("${other.a}", "unknown"),
        ("${ init.a}", "unknown"),
        ("${steps}", "names nothing"),
        ("${steps.}", "names nothing"),
        ("${steps..a}", "names nothing"),
        ("${steps.a.}", "names nothing"),
        ("${steps.a b.c}", "names nothing"),
        ("${context}", "names nothing"),
        ("${init.}", "names nothing"),
        ("${init. }", "is no path"),
        ("${init.a b}", "is no path"),
        ("${init.a", "is not closed"),
        ("${init.a ${init.b}", "is not closed"),
    ],
)
def test_malformed_placeholder_is_refused_where_it_is_written(text: str, complaint: str) -> None:
    with pytest.raises(DefinitionError, match=complaint):
        TextTemplate(text)
