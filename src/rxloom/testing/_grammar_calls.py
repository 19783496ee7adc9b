"""The step calls of a run as the grammar checker sees them: a tree of those that are not over."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Literal, TypeAlias

State: TypeAlias = Literal["idle", "open", "waiting", "suspended", "failed", "canceled", "bailed"]

_PATH = re.compile(r"(?:[A-Za-z0-9_-]{1,128}(?:\[[0-9]+\])?\.)*[A-Za-z0-9_-]{1,128}")
_REMEMBERED_IDS = 1000


def is_path(path: str) -> bool:
    """Tell whether `path` is ids joined by dots, with an index where a call is inside an item.

    >>> [is_path(path) for path in ("a", "a.each[2].b", "each[2]", "a..b")]
    [True, True, False, False]
    """
    return _PATH.fullmatch(path) is not None


def split_path(path: str) -> tuple[str, str]:
    """Return the path of the enclosing call, and of the enclosing item where that is one.

    >>> split_path("a.each[2].b"), split_path("a.b"), split_path("a")
    (('a.each', 'a.each[2]'), ('a', 'a'), ('', ''))
    """
    group = path.rpartition(".")[0]
    parent = group
    while parent.endswith("]") and "[" in parent:
        parent = parent[: parent.rindex("[")]
    return parent, group


class Progress:
    """How far a `for_each` got in this call."""

    __slots__ = ("done", "settled", "total")

    def __init__(self, total: int, done: int) -> None:
        """Begin with `done` items that were counted before."""
        self.total = total
        self.done = done
        self.settled: set[int] = set()


class Call:
    """A step call that is open, or over in a way that matters to what may come."""

    __slots__ = (
        "attempts", "began_leg", "call_id", "has_bailed_child", "is_resumed", "kids", "open_kids", "parent", "path",
        "progress", "resumed_at", "started_at", "state", "suspended_at", "suspended_leg",
    )  # fmt: skip

    def __init__(self, path: str, parent: Call | None) -> None:
        """Make a call that was not told yet."""
        self.path = path
        self.parent = parent
        self.state: State = "idle"
        self.kids: dict[str, dict[str, Call]] = {}
        self.open_kids = 0
        self.has_bailed_child = False
        self.suspended_leg = -1
        self.suspended_at: int | None = None
        self.begin(None, 0, None, 0)

    def begin(self, call_id: str | None, started_at: int | None, resumed_at: int | None, leg: int) -> None:
        """Take over what a start tells."""
        self.call_id = call_id
        self.started_at = started_at
        self.resumed_at = resumed_at
        self.is_resumed = resumed_at is not None
        self.began_leg = leg
        self.attempts: dict[int | None, int] = {}
        self.progress: Progress | None = None

    @property
    def is_active(self) -> bool:
        """Whether the call has yet to be closed."""
        return self.state in {"open", "waiting"}

    def suspended_kids(self) -> Iterator[Call]:
        """Name the direct children that wait for an answer."""
        return (kid for group in self.kids.values() for kid in group.values() if kid.state == "suspended")

    def active_kids(self) -> Iterator[Call]:
        """Name the direct children that have yet to be closed."""
        return (kid for group in self.kids.values() for kid in group.values() if kid.is_active)


class Calls:
    """The tree of calls. What is over and may simply start again is not in it, so it stays small."""

    def __init__(self) -> None:
        """Make the tree of a run without steps."""
        self.root = Call("", None)
        self.root.state = "open"
        self.lost = Call("", None)
        self._by_path: dict[str, Call] = {"": self.root}
        self._recent: deque[str] = deque(maxlen=_REMEMBERED_IDS)
        self._recent_ids: set[str] = set()

    def get(self, path: str) -> Call | None:
        """Return the call at `path`, if it is in the tree."""
        return self._by_path.get(path)

    def add(self, path: str) -> Call:
        """Put a new call at `path`; one whose parent is not there hangs nowhere."""
        parent_path, group = split_path(path)
        parent = self._by_path.get(parent_path, self.lost)
        call = Call(path, parent)
        parent.kids.setdefault(group, {})[path] = call
        self._by_path[path] = call
        return call

    def set_state(self, call: Call, state: State) -> None:
        """Move a call to another state."""
        was_active = call.is_active
        call.state = state
        if call.parent is not None:
            call.parent.open_kids += call.is_active - was_active

    def drop(self, call: Call) -> None:
        """Take a call that is over out of the tree, with all below it."""
        self.set_state(call, "idle")
        self.drop_kids(call)
        self._forget(call)

    def drop_kids(self, call: Call, index: int | None = None) -> None:
        """Take everything below a call, or below one of its items, out of the tree; what is open stays."""
        keys = list(call.kids) if index is None else [f"{call.path}[{index}]"]
        stack = [kid for key in keys for kid in call.kids.get(key, {}).values() if not kid.is_active]
        while stack:
            kid = stack.pop()
            stack.extend(below for group in kid.kids.values() for below in group.values())
            self._forget(kid)

    def new_leg(self) -> None:
        """Close what a leg that was cut left open, and forget what failed in it."""
        for call in list(self._by_path.values()):
            call.open_kids = 0
            if call is not self.root and call.is_active:
                call.state = "idle"
            elif call.state in {"failed", "canceled", "bailed"}:
                self._forget(call)
        self.root.has_bailed_child = False
        self.lost = Call("", None)

    def forget_all(self) -> None:
        """Forget every call: what became of them was not told."""
        self.root.kids.clear()
        self.root.open_kids = 0
        self._by_path = {"": self.root}

    def is_new_id(self, call_id: str) -> bool:
        """Tell whether no recent call had this id, and remember it."""
        if call_id in self._recent_ids:
            return False
        if len(self._recent) == _REMEMBERED_IDS:
            self._recent_ids.discard(self._recent[0])
        self._recent.append(call_id)
        self._recent_ids.add(call_id)
        return True

    def active(self) -> list[str]:
        """Name the calls that have yet to be closed."""
        return [call.path for call in self._by_path.values() if call is not self.root and call.is_active]

    def _forget(self, call: Call) -> None:
        if self._by_path.get(call.path) is call:
            del self._by_path[call.path]
        parent, group = call.parent, split_path(call.path)[1]
        if parent is None or group not in parent.kids:
            return
        parent.kids[group].pop(call.path, None)
        if not parent.kids[group]:
            del parent.kids[group]
