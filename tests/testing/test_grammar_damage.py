"""Damaged streams, each of which the checker finds by the rule that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rxloom.chunks import Usage
from rxloom.testing import check_chunks
from tests.testing.story import BOOM, Story, good_streams

GOOD = good_streams()
FAILED = {"workflowStatus": "failed", "finalWorkflowResult": None}
Wire = dict[str, Any]
Damage = Callable[[], list[Wire]]


def wire(name: str) -> list[Wire]:
    return [chunk.to_wire() for chunk in GOOD[name].chunks]


def story() -> Story:
    return Story().leg()


def unnumbered(chunk: Wire, but: int) -> Wire:
    return {key: value for key, value in chunk.items() if key != "seq" or value == but}


def told(story: Story) -> Damage:
    """Take a story that is wrong as it is told."""
    return lambda: [chunk.to_wire() for chunk in story.chunks]


def without(name: str, at: int) -> Damage:
    return lambda: renumbered([chunk for index, chunk in enumerate(wire(name)) if index != at])


def swapped(name: str, at: int) -> Damage:
    def damage() -> list[Wire]:
        chunks = wire(name)
        chunks[at], chunks[at + 1] = chunks[at + 1], chunks[at]
        return renumbered(chunks)

    return damage


def doubled(name: str, at: int) -> Damage:
    return lambda: renumbered([chunk for index, chunk in enumerate(wire(name)) for _ in range(1 + (index == at))])


def changed(name: str, at: int, **fields: Any) -> Damage:
    """Change fields of a payload; `None` takes one out."""

    def damage() -> list[Wire]:
        chunks = wire(name)
        payload: Wire = chunks[at]["payload"] | fields
        chunks[at]["payload"] = {key: value for key, value in payload.items() if value is not None}
        return chunks

    return damage


def enveloped(name: str, at: int, **fields: Any) -> Damage:
    """Change fields of the envelope; `None` takes one out."""

    def damage() -> list[Wire]:
        chunks = wire(name)
        envelope = chunks[at] | {key.rstrip("_"): value for key, value in fields.items()}
        chunks[at] = {key: value for key, value in envelope.items() if value is not None}
        return chunks

    return damage


def renumbered(chunks: list[Wire]) -> list[Wire]:
    return [chunk | {"seq": seq} for seq, chunk in enumerate(chunks)]


unasked = story().start("p").start("p.x").suspend("p.x").end("p").finish()

DAMAGES: dict[str, tuple[str, Damage]] = {
    "no start": ("leg-start", without("chain", 0)),
    "a step before the start": ("leg-start", swapped("chain", 0)),
    "another workflow in the second leg": ("leg-start", changed("resumed", 4, workflowId="other")),
    "no finish": ("leg-end", without("chain", 5)),
    "a step after the finish": ("leg-end", swapped("chain", 4)),
    "two finishes": ("leg-end", doubled("chain", 5)),
    "custom data after the finish": ("leg-end", told(story().finish().custom())),
    "another run's chunk": ("run-id", enveloped("chain", 2, runId="other")),
    "another run's output": ("shape", changed("outputs", 2, runId="other")),
    "a chunk is lost": ("seq", lambda: wire("outputs")[:2] + wire("outputs")[3:]),
    "a chunk comes twice": ("seq", lambda: wire("outputs")[:3] + wire("outputs")[2:]),
    "two chunks change places": ("seq", lambda: [wire("outputs")[at] for at in (0, 1, 3, 2, 4, 5, 6)]),
    "a chunk without a number": ("seq", enveloped("chain", 2, seq=None)),
    "a chunk with a number among others": ("seq", lambda: [unnumbered(c, but=3) for c in wire("chain")]),
    "a negative number": ("shape", enveloped("chain", 2, seq=-2)),
    "an unknown type": ("shape", enveloped("chain", 2, type_="workflow-step-jump")),
    "a lifecycle chunk from a user": ("shape", enveloped("chain", 1, from_="USER")),
    "an output from the workflow": ("shape", enveloped("outputs", 2, from_="WORKFLOW")),
    "a name that is not the id": ("shape", changed("chain", 1, stepName="b")),
    "no call id": ("shape", changed("chain", 1, stepCallId=None)),
    "a start that is not running": ("shape", changed("chain", 1, status="success")),
    "a result of no known status": ("shape", changed("chain", 2, status="great")),
    "a result of a failed run": ("shape", changed("failed", 5, finalWorkflowResult=1)),
    "NaN on the wire": ("json", changed("outputs", 2, output=float("nan"))),
    "a tuple on the wire": ("json", changed("outputs", 2, output=(1, 2))),
    "half a surrogate pair": ("json", changed("outputs", 2, output="\ud800")),
    "a path with an empty part": ("path", told(story().start("p").step("p..x").end("p").finish())),
    "an item as a step": ("path", told(story().start("e").step("e[0]").end("e").finish())),
    "a child without its parent": ("orphan", told(story().step("p.x").finish())),
    "a child after its parent": ("orphan", told(story().step("p").step("p.x").finish())),
    "an item's step without the items": ("orphan", told(story().step("e[0].x").finish())),
    "a wait without its parent": ("orphan", told(story().wait("p.nap").end("p.nap").finish())),
    "a step starts twice": ("reopen", told(story().start("a").start("a").end("a").finish())),
    "a wait begins twice": ("reopen", told(story().wait("a").wait("a").end("a").finish())),
    "a failed step starts again": ("reopen", without("retried ancestor", 6)),
    "a bailed step starts again": ("reopen", told(story().start("a").end("a", "bailed").step("a").finish())),
    "a canceled step starts again": ("reopen", told(story().start("a").end("a", "canceled").step("a").finish())),
    "a resume that nobody asked for": ("resume", told(story().start("a", resume=1).end("a").finish())),
    "a second start without an answer": ("resume", changed("joined", 4, resumedAt=None, resumePayload=None)),
    "an answer without its time": ("resume", changed("resumed", 5, resumedAt=None)),
    "two calls with one id": ("call-id", changed("chain", 3, stepCallId="call1")),
    "a result of another call": ("call-id", changed("chain", 2, stepCallId="call9")),
    "an output of another call": ("call-id", changed("outputs", 2, stepCallId="call9")),
    "an output after the result": ("not-open", swapped("usage", 3)),
    "an output before the start": ("not-open", swapped("outputs", 1)),
    "an output while waiting": ("not-open", told(story().wait("a").write("a", 1).end("a").finish())),
    "a retry after the result": ("not-open", swapped("retry", 5)),
    "progress of no step": ("not-open", without("items", 1)),
    "two results": ("close", doubled("chain", 2)),
    "a result without a start": ("close", without("chain", 1)),
    "a result of a suspended step": ("close", told(story().start("a").suspend("a").end("a").finish())),
    "a suspended wait": ("close", told(story().wait("a").suspend("a").finish("suspended"))),
    "a parent closes first": ("children", swapped("nested", 5)),
    "a parent is suspended first": ("children", swapped("nested resumed", 3)),
    "success with a suspended child": ("children", told(unasked)),
    "a failure without an error": ("result", changed("failed", 3, error=None)),
    "a success with an error": ("result", changed("chain", 2, error=BOOM.to_wire())),
    "a handled success": ("result", changed("chain", 2, handled=True)),
    "a failure with an output": ("result", changed("failed", 3, output=1)),
    "an end before the start": ("times", changed("chain", 2, endedAt=1)),
    "a start that moved": ("times", changed("chain", 2, startedAt=1)),
    "an answer that moved": ("times", changed("resumed", 6, resumedAt=1)),
    "a suspension before the start": ("times", changed("suspended", 2, suspendedAt=1)),
    "an answer before the question": ("times", changed("joined", 4, resumedAt=1)),
    "an item is counted twice": ("progress", changed("items", 6, completedCount=1)),
    "an item settles twice": ("progress", changed("items", 6, currentIndex=1)),
    "more items than there are": ("progress", changed("items", 6, currentIndex=2)),
    "the number of items changes": ("progress", changed("items", 6, totalCount=3)),
    "a suspended item is counted": ("progress", changed("items resumed", 2, completedCount=1)),
    "success without the last item": ("progress", without("items", 6)),
    "a retry is left out": ("retry", without("retry", 3)),
    "attempt zero": ("retry", changed("retry", 3, attempt=0)),
    "a negative delay": ("retry", changed("retry", 3, delayMs=-1)),
    "a step open at the finish": ("left-open", without("parallel", 3)),
    "a wait open at the finish": ("left-open", told(story().wait("a").finish())),
    "a step open when canceled": ("left-open", swapped("canceled", 2)),
    "a step after the cancellation": ("settled", told(story().canceled().step("a").finish("canceled"))),
    "two cancellations": ("settled", doubled("canceled", 3)),
    "custom data after the pause": ("settled", told(story().paused().custom().finish("paused"))),
    "success of a failed run": ("status", changed("failed", 5, workflowStatus="success")),
    "suspension of a failed run": ("status", changed("failed beats suspended", 5, workflowStatus="suspended")),
    "failure of a run whose steps succeed": ("status", changed("chain", 5, **FAILED)),
    "failure though it was handled": ("status", changed("handled", 5, **FAILED)),
    "success with an error of the run": ("status", changed("condition raises", 3, workflowStatus="success")),
    "success while a step is suspended": ("status", changed("suspended", 3, workflowStatus="success")),
    "success while another is suspended": ("status", changed("one of two resumed", 9, workflowStatus="success")),
    "a suspension of nothing": ("status", told(story().step("a").finish("suspended"))),
    "a cancellation that was not told": ("status", without("canceled", 3)),
    "a cancellation that is ignored": ("status", told(story().canceled().finish())),
    "a pause that was not told": ("status", without("paused", 3)),
    "too much usage": ("usage", changed("usage", 5, output={"usage": Usage(99, 2, 12).to_wire()})),
    "usage that is left out": ("usage", changed("usage", 5, output={"usage": {}})),
    "usage of an output that is lost": ("usage", without("usage", 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found(name: str) -> None:
    rule, damage = DAMAGES[name]

    found = check_chunks(damage())

    assert rule in {message.partition(":")[0] for message in found}


def test_a_message_names_rule_chunk_and_step() -> None:
    found = check_chunks(changed("nested", 3, endedAt=1)())

    assert found == ["times: chunk 3 (seq 3), step 'p.x': endedAt 1 is before it began"]
