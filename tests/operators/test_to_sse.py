"""`to_sse`: chunks as server-sent events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxloom import StreamOverflow, chunk_from_wire, to_async_iterator
from rxloom.chunks import Chunk, Gap, GapData
from rxloom.operators import to_sse
from tests.hearing import WRITER, by_iterating
from tests.operators.marble import Sent, begin, both_ways, custom, finish, heard, meant, wrote
from tests.random_chunks import chunks

CHUNKS = {"s": begin(), "o": wrote("a", "two\nlines"), "f": finish()}


def frame(chunk: Chunk, **options: Any) -> str:
    (at, _) = heard(to_sse(**options), "o|", {"o": chunk})
    return at.what


def parsed(stream: str) -> list[dict[str, str]]:
    """Read a stream of events as the standard of the web says."""
    events: list[dict[str, str]] = []
    event: dict[str, str] = {}
    for line in stream.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line:
            name, _, value = line.partition(":")
            event[name] = value.removeprefix(" ") if name not in event else f"{event[name]}\n{value}"
        elif event:
            events.append(event)
            event = {}
    assert not event, "the last frame is not ended"
    return events


@both_ways
def test_each_chunk_becomes_one_frame(sent: Sent) -> None:
    frames = {
        "s": 'id: 0\nevent: workflow-start\ndata: {"type":"workflow-start","runId":"r","from":"WORKFLOW",'
        '"payload":{"workflowId":"flow"},"seq":0}\n\n',
        "o": 'id: 2\nevent: workflow-step-output\ndata: {"type":"workflow-step-output","runId":"r","from":"USER",'
        '"payload":{"stepName":"a","id":"a","stepCallId":"call-a","output":"two\\nlines","runId":"r"},"seq":2}\n\n',
        "f": "",
    }
    told = heard(to_sse(), "s-o-f|", sent(CHUNKS))

    assert told[:2] == meant("s-o-f|", frames)[:2]
    assert told[2].what.startswith("id: 9\nevent: workflow-finish\ndata: {")
    assert told[3].what == "|"


def test_events_without_names_go_to_onmessage() -> None:
    assert frame(begin(), event=False).startswith('id: 0\ndata: {"type":"workflow-start"')


def test_chunk_without_a_number_has_no_id() -> None:
    assert frame(Gap("r", GapData(1, 2, 2))).startswith("event: data-rxloom-gap\ndata: {")


@pytest.mark.parametrize("bad", ["\n", "\r", "\r\n\r\n", "\0", "\nid: 99\n\n"])
def test_type_that_came_over_a_wire_cannot_break_out_of_its_line(bad: str) -> None:
    chunk = custom(f"data-mood{bad}", f"x{bad}y")
    (event,) = parsed(frame(chunk))

    assert event["id"] == "5"
    assert chunk_from_wire(json.loads(event["data"])) == chunk


def test_frame_is_ascii_and_strict() -> None:
    told = frame(wrote("a", {"word": "Füße 🧵", "lone": "\ud800", "nan": float("nan")}))
    data = json.loads(parsed(told)[0]["data"])

    assert told.isascii()
    assert data["payload"]["output"] == {"word": "Füße 🧵", "lone": "�", "nan": None}


@given(st.lists(chunks(), max_size=5))
def test_whatever_is_told_is_read_back_from_the_stream(told: list[Chunk]) -> None:
    stream = "".join(frame(chunk) for chunk in told)

    assert [json.loads(event["data"]) for event in parsed(stream)] == [chunk.to_wire() for chunk in told]


async def test_client_that_reads_too_slowly_is_ended_and_comes_back_for_the_rest() -> None:
    run = WRITER.create_run()
    slow = to_async_iterator(run.stream_vnext(50).pipe(to_sse()), buffer=10)
    seen = [await anext(slow)]
    await run.observe_stream_vnext()
    with pytest.raises(StreamOverflow):
        seen += [text async for text in slow]
    last = int(parsed("".join(seen))[-1]["id"])
    rest = to_async_iterator(run.observe_stream_vnext(from_seq=last + 1).pipe(to_sse()))
    seen += [text async for text in rest]

    assert [int(event["id"]) for event in parsed("".join(seen))] == list(range(54))


async def test_client_that_comes_back_gets_exactly_the_rest() -> None:
    run = WRITER.create_run()
    first = [text async for text in to_async_iterator(run.stream_vnext(5).pipe(to_sse()))]
    seen = parsed("".join(first[:4]))
    again = run.observe_stream_vnext(from_seq=int(seen[-1]["id"]) + 1)
    rest = [text async for text in to_async_iterator(again.pipe(to_sse()))]

    assert first[:4] + rest == first
    assert len(first) == len(await by_iterating(run.observe_stream_vnext()))
