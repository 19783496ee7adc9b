"""The runtime context of a run: the user's own things, by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from typing_extensions import override


class RuntimeContext(MutableMapping[str, Any]):
    """The runtime context of a run: a mapping that records what is set and removed."""

    __slots__ = ("_items", "_wrote")

    def __init__(self, items: dict[str, Any], wrote: Callable[[Mapping[str, Any], tuple[str, ...]], None]) -> None:
        """Make a mapping over `items`; `wrote` is told of each change."""
        self._items = items
        self._wrote = wrote

    @override
    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    @override
    def __setitem__(self, key: str, value: Any) -> None:
        self._wrote({key: value}, ())

    @override
    def __delitem__(self, key: str) -> None:
        if key not in self._items:
            raise KeyError(key)
        self._wrote({}, (key,))

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(list(self._items))

    @override
    def __len__(self) -> int:
        return len(self._items)

    @override
    def __repr__(self) -> str:
        return f"RuntimeContext({self._items!r})"
