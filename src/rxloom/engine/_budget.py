"""Budgets: how many step bodies of a workflow execute at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence


class Budget:
    """A number of slots that bodies of one workflow, nested ones included, share."""

    __slots__ = ("free",)

    def __init__(self, slots: int) -> None:
        """Make a budget of `slots` free slots."""
        self.free = slots


class Gate:
    """The queue of bodies that wait for a slot in each of their budgets, first come first served."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        """Make an empty queue."""
        self._waiting: deque[tuple[Sequence[Budget], Callable[[], None]]] = deque()

    def enter(self, budgets: Sequence[Budget], run: Callable[[], None]) -> bool:
        """Take a slot of each budget and return True, or queue `run` for when they are free and return False."""
        if _free(budgets):
            _take(budgets)
            return True
        self._waiting.append((budgets, run))
        return False

    def leave(self, budgets: Sequence[Budget]) -> None:
        """Give the slots back, and run who can go on now."""
        for budget in budgets:
            budget.free += 1
        self._admit()

    def give_up(self, run: Callable[[], None]) -> None:
        """Take `run` out of the queue."""
        self._waiting = deque(one for one in self._waiting if one[1] != run)

    def _admit(self) -> None:
        waiting = self._waiting
        blocked: list[tuple[Sequence[Budget], Callable[[], None]]] = []
        while waiting:
            budgets, run = waiting.popleft()
            if _free(budgets):
                _take(budgets)
                waiting.extendleft(reversed(blocked))
                blocked.clear()
                run()
            else:
                blocked.append((budgets, run))
                if budgets[-1].free <= 0:  # the outermost budget is shared by all who wait
                    break
        waiting.extendleft(reversed(blocked))


def _free(budgets: Sequence[Budget]) -> bool:
    return all(budget.free > 0 for budget in budgets)


def _take(budgets: Sequence[Budget]) -> None:
    for budget in budgets:
        budget.free -= 1
