"""The folds for `collect`: the one item, the first, the last, or an error that says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from rxloom.collect import first, last, only
from rxloom.errors import CollectError


@pytest.mark.parametrize(
    ("fold", "items", "wanted"),
    [(only, [1], 1), (first, [1, 2], 1), (last, [1, 2], 2), (last, [None], None), (only, iter([None]), None)],
)
def test_a_fold_gives_its_item(fold: Callable[[Iterable[Any]], Any], items: Iterable[Any], wanted: Any) -> None:
    assert fold(items) == wanted


@pytest.mark.parametrize(("fold", "items", "count"), [(only, [], 0), (only, [1, 2], 2), (first, [], 0), (last, [], 0)])
def test_a_fold_says_what_is_missing(fold: Callable[[Iterable[Any]], Any], items: list[int], count: int) -> None:
    with pytest.raises(CollectError) as caught:
        fold(items)

    assert caught.value.count == count


def test_first_takes_no_more_than_it_needs() -> None:
    items = iter([1, 2, 3])
    first(items)

    assert list(items) == [2, 3]
