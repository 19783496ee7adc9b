"""Graphs as data: the outline and the notebook's bundle."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rxloom.graph import notebook, outline


def step(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "step", "id": name, **more}


def sequence(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "sequence", "nodes": list(nodes)}


def workflow(name: str, graph: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "workflow", "id": name, "graph": graph, **more}


EVERYTHING = workflow(
    "all",
    sequence(
        step("price", description="looks the price up"),
        {"type": "parallel", "nodes": [step("a"), sequence(step("b"), step("c"))], "max_concurrency": 2},
        {
            "type": "branch",
            "arms": [{"condition": "big", "node": step("approve")}, {"condition": "small", "node": step("pass")}],
            "default": step("refuse"),
        },
        {"type": "loop", "kind": "do_until", "condition": "done", "node": sequence(step("try"), step("look"))},
        {"type": "for_each", "concurrency": 4, "node": workflow("inner", step("each"))},
        {"type": "map", "id": "mapping_all_0", "sources": {"a": {"from": "init", "path": "."}}},
        {"type": "sleep", "id": "sleep_all_0", "seconds": 5},
        {"type": "event", "id": "wait_all_0", "event": "paid", "timeout": None},
        {"type": "pipe", "id": "pipe_all_0", "operators": ["map", "take"]},
        {"type": "of a later version", "id": "unknown"},
    ),
)


def text_of(graph: dict[str, Any]) -> list[str]:
    return ["  " * depth + text for depth, text in outline(graph)]


def test_outline_lists_every_node_in_order() -> None:
    assert text_of(EVERYTHING) == [
        "workflow all",
        "  step price — looks the price up",
        "  parallel",
        "    step a",
        "    step b",
        "    step c",
        "  branch",
        "    if big: step approve",
        "    if small: step pass",
        "    else: step refuse",
        "  loop (until done)",
        "    step try",
        "    step look",
        "  for_each (4 at a time)",
        "    workflow inner",
        "      step each",
        "  map mapping_all_0",
        "  sleep sleep_all_0",
        "  event paid",
        "  pipe pipe_all_0",
        "  of a later version unknown",
    ]


def test_arm_of_several_steps_stays_together() -> None:
    arm = {"condition": "big", "node": sequence(step("a"), step("b"))}

    assert text_of({"type": "branch", "arms": [arm]}) == [
        "branch",
        "  if big: sequence",
        "    step a",
        "    step b",
    ]


def test_outline_of_a_deep_graph_does_not_recurse() -> None:
    graph = step("innermost")
    for level in range(20_000):
        graph = workflow(f"w{level}", sequence(graph))

    assert sum(1 for _ in outline(graph)) == 20_001


def test_bundle_has_three_faces_and_is_json() -> None:
    bundle = notebook(EVERYTHING)

    assert json.loads(json.dumps(bundle)) == bundle
    assert bundle["text/plain"].startswith("workflow all\n  step price")
    assert bundle["text/markdown"].startswith("```mermaid\nflowchart TD\n")
    assert bundle["text/html"].count("<div") == bundle["text/html"].count("</div>") == 22


@pytest.mark.parametrize("face", ["text/html", "text/markdown"])
def test_names_cannot_smuggle_markup_into_a_notebook(face: str) -> None:
    shown = notebook(workflow("w", step("a", description="<script>alert(1)</script>")))[face]

    assert "<script" not in shown


def test_html_loads_nothing() -> None:
    shown = notebook(EVERYTHING)["text/html"]

    assert "src=" not in shown
    assert "http" not in shown
    assert "<script" not in shown


def test_long_graph_is_cut_in_the_notebook() -> None:
    plain = notebook(workflow("w", sequence(*[step(f"s{number}") for number in range(1_500)])))["text/plain"]

    assert plain.endswith("… and 501 more")
    assert plain.count("\n") == 1_000
