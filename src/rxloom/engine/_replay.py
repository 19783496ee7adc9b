"""What the records already say of a step call: replaying costs no body."""

from __future__ import annotations

from rxloom.engine._ctx import BAILED, Ctx, Err, Failure, Halt, Ok
from rxloom.error_info import exception_from
from rxloom.snapshot import Entry
from rxloom.values import copy_plain


def replayed(ctx: Ctx, path: str, ok: Ok, err: Err) -> tuple[bool, Entry | None]:
    """Settle a call from the records, if they can.

    Returns:
        Whether it is settled; and, when it is not, the suspended entry that it resumes from, if there is one.
    """
    snapshot = ctx.execution.snapshot
    recall = ctx.execution.remember()
    entry = snapshot.valid(path)
    if entry is None or entry.iteration != ctx.iteration:
        return False, None
    match entry.status:
        case "success":
            ctx.value = copy_plain(entry.output)
            ok(ctx)
        case "bailed":
            ctx.value = copy_plain(entry.output)
            ctx.halt = BAILED
            ok(ctx)
        case "failed" if entry.error is not None:
            err(Failure(exception_from(entry.error), entry.error))
        case "suspended":
            # What an attempt asked that was tried again since does not wait any more.
            waiting = tuple(at for at in recall.waiting(path) if at in snapshot.suspensions)
            if recall.goes_on(path) or not waiting:
                return False, entry
            ctx.halt = Halt("suspended", waiting, snapshot.suspensions[waiting[0]].payload)
            ok(ctx)
        case _:
            return False, None
    return True, None
