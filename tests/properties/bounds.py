"""How many bodies may be inside at once, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tests.properties.graphs import Each, Flow, Parallel, walk


class Bounds:
    """The limits of one workflow: of its budgets, and of what stands side by side."""

    def __init__(self, flow: Flow) -> None:
        """Look for all limits."""
        self._root = flow.limit
        self._budgets: dict[str, int] = {}
        self._windows: dict[str, tuple[str, int]] = {}
        for _, node in walk(flow):
            if isinstance(node, Flow) and node.limit is not None:
                self._budgets[node.id] = node.limit
            elif isinstance(node, Each):
                self._windows[node.body.id] = node.body.id, node.concurrency
            elif isinstance(node, Parallel) and node.limit is not None:
                self._windows.update({arm.id: (node.arms[0].id, node.limit) for arm in node.arms})

    def crowded(self, inside: Iterable[str]) -> list[str]:
        """Return the places where more run than may; `inside` are the paths of the bodies that run."""
        bound: dict[str, int] = {} if self._root is None else {"": self._root}
        users: defaultdict[str, set[str]] = defaultdict(set)
        for path in inside:
            users[""].add(path)
            prefix = ""
            for part in path.split("."):
                id = part.partition("[")[0]  # noqa: A001 # of a step
                if id in self._windows:
                    window, limit = self._windows[id]
                    bound[f"{prefix}{window}…"] = limit
                    users[f"{prefix}{window}…"].add(part)
                prefix += part + "."
                if id in self._budgets:
                    bound[prefix] = self._budgets[id]
                    users[prefix].add(path)
        return [f"{place} {sorted(users[place])}" for place, limit in bound.items() if len(users[place]) > limit]
