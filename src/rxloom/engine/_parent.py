"""Who has open calls below: the run itself, and each open container.

Closing goes from the inside out. Whoever wants to close hands over a continuation, which runs as soon as no body of
its own runs any more and every call below has closed.
"""

from __future__ import annotations

from collections.abc import Callable


class Parent:
    """Something that closes only after what is open below it."""

    __slots__ = ("busy", "children", "parent", "then")

    def __init__(self, parent: Parent | None) -> None:
        """Make a parent inside `parent`; only the run itself has none."""
        self.parent: Parent | None = parent
        self.children: int = 0
        self.busy: bool = False
        self.then: Callable[[], None] | None = None

    def child_opened(self) -> None:
        """Count one more open call below."""
        self.children += 1

    def child_closed(self) -> None:
        """Count one open call less, and go on if this was waited for."""
        self.children -= 1
        if self.then is not None:
            self.go_on_if_empty()

    def when_empty(self, then: Callable[[], None]) -> None:
        """Call `then`, once, when nothing runs or is open below; a later continuation replaces an earlier one."""
        self.then = then
        self.go_on_if_empty()

    def go_on_if_empty(self) -> None:
        """Run the continuation if nothing stands in its way."""
        then = self.then
        if then is not None and not self.busy and not self.children:
            self.then = None
            then()

    def retries_after(self, error: Exception) -> bool:
        """Tell whether this very call will try again after `error`."""
        del error
        return False

    def will_retry(self, error: Exception) -> bool:
        """Tell whether this call, or one around it, will try again after `error`."""
        one: Parent | None = self
        while one is not None and not one.retries_after(error):
            one = one.parent
        return one is not None
