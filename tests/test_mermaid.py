"""Graphs as Mermaid flow charts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rxloom.mermaid import mermaid

ARROW = re.compile(r'\s*(n\d+) -->(\|"[^"]*"\|)? (n\d+)')


def step(name: str) -> dict[str, Any]:
    return {"type": "step", "id": name}


def sequence(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "sequence", "nodes": list(nodes)}


def workflow(graph: dict[str, Any], name: str = "w") -> dict[str, Any]:
    return {"type": "workflow", "id": name, "graph": graph}


def chart(graph: dict[str, Any]) -> list[str]:
    """Draw, and check what every chart must be."""
    lines = mermaid(workflow(graph)).splitlines()
    assert lines[0] == "flowchart TD"
    declared = re.findall(r"^\s*(n\d+)\W", "\n".join(line for line in lines if "-->" not in line), re.MULTILINE)
    assert len(declared) == len(set(declared))
    ends = [end for line in lines if (arrow := ARROW.fullmatch(line)) for end in (arrow[1], arrow[3])]
    assert set(ends) == set(declared)
    opened = sum(line.strip().startswith("subgraph ") for line in lines)
    assert opened == sum(line.strip() == "end" for line in lines)
    return [line.strip() for line in lines[1:]]


def test_steps_follow_each_other() -> None:
    assert chart(sequence(step("a"), step("b"))) == [
        'n0(("start"))',
        'n1["a"]',
        'n2["b"]',
        'n3((("end")))',
        "n0 --> n1",
        "n1 --> n2",
        "n2 --> n3",
    ]


def test_parallel_forks_and_joins() -> None:
    drawn = chart(sequence({"type": "parallel", "nodes": [step("a"), step("b")], "max_concurrency": 2}, step("c")))

    assert 'n1[["parallel, 2 at a time"]]' in drawn
    assert [line for line in drawn if "-->" in line] == [
        "n0 --> n1",
        "n1 --> n2",
        "n1 --> n3",
        "n2 --> n4",
        "n3 --> n4",
        "n4 --> n5",
    ]


def test_branch_is_a_diamond_with_its_conditions_on_the_arrows() -> None:
    arms = [{"condition": "is_big", "node": step("a")}, {"condition": "is_odd", "node": sequence()}]
    drawn = chart(sequence({"type": "branch", "arms": arms}, step("c")))

    assert 'n1{"branch"}' in drawn
    assert [line for line in drawn if "|" in line] == [
        'n1 -->|"is_big"| n2',
        'n1 -->|"is_odd"| n3',
        'n1 -->|"none"| n3',
    ]


def test_branch_with_a_default_has_no_way_around() -> None:
    arms = [{"condition": "is_big", "node": step("a")}]
    drawn = chart({"type": "branch", "arms": arms, "default": step("b"), "first_match": True})

    assert 'n1{"first that holds"}' in drawn
    assert [line for line in drawn if "|" in line] == ['n1 -->|"is_big"| n2', 'n1 -->|"else"| n3']


@pytest.mark.parametrize(
    ("kind", "question", "again", "on"), [("do_while", "while", "yes", "no"), ("do_until", "until", "no", "yes")]
)
def test_loop_goes_back_to_its_first_step(kind: str, question: str, again: str, on: str) -> None:
    body = sequence(step("a"), step("b"))
    loop = {"type": "loop", "kind": kind, "condition": "ready", "node": body, "max_iterations": 9}
    drawn = chart(sequence(step("first"), loop))

    assert f'n4{{"{question} ready, at most 9 rounds"}}' in drawn
    assert [line for line in drawn if "|" in line] == [f'n4 -->|"{again}"| n2', f'n4 -->|"{on}"| n5']


def test_loop_over_a_nested_workflow_goes_back_into_it() -> None:
    loop = {"type": "loop", "kind": "do_until", "condition": "ready", "node": workflow(step("a"), "inner")}

    assert 'n2 -->|"no"| n1' in chart(loop)


def test_nested_workflow_and_for_each_are_subgraphs() -> None:
    drawn = chart({"type": "for_each", "concurrency": 4, "node": workflow(step("a"), "inner")})

    assert drawn[1:6] == ['subgraph g0["for each, 4 at a time"]', 'subgraph g1["inner"]', 'n1["a"]', "end", "end"]


@pytest.mark.parametrize(
    ("node", "box"),
    [
        ({"type": "map", "id": "m"}, 'n1[/"m"/]'),
        ({"type": "sleep", "id": "s", "seconds": 1.5}, 'n1(["sleep 1.5 s"])'),
        ({"type": "sleep", "id": "s", "until": "2030-01-01"}, 'n1(["sleep until 2030-01-01"])'),
        ({"type": "sleep", "id": "s", "function": "pause"}, 'n1(["sleep pause"])'),
        ({"type": "event", "id": "e", "event": "paid"}, 'n1{{"wait for paid"}}'),
        ({"type": "pipe", "id": "p", "operators": ["map"]}, 'n1[["p"]]'),
        ({"type": "of a later version", "id": "x"}, 'n1["x"]'),
    ],
)
def test_leaf_has_its_shape(node: dict[str, Any], box: str) -> None:
    assert box in chart(node)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ('say "hi"', "say #34;hi#34;"),
        ("a[0]{x}|y|", "a#91;0#93;#123;x#125;#124;y#124;"),
        ("<b>&amp;</b>", "#60;b#62;#38;amp#59;#60;/b#62;"),
        ("one\n  two", "one two"),
        ("#35; `md` \\n", "#35;35#59; #96;md#96; #92;n"),
        ("Größe 数 é", "Größe 数 é"),
        ("\N{ROCKET}", "#128640;"),
        ("\ud800", " "),
        ("", " "),
        ("x" * 200, "x" * 119 + "#8230;"),
    ],
)
def test_labels_mean_themselves(label: str, shown: str) -> None:
    arms = [{"condition": label, "node": workflow(step("a"), label)}]
    drawn = chart({"type": "branch", "arms": arms, "default": step("b")})

    assert f'subgraph g0["{shown}"]' in drawn
    assert (f'n1 -->|"{shown}"| n2' if label else "n1 --> n2") in drawn


def test_two_hundred_levels_are_drawn() -> None:
    graph = step("innermost")
    for level in range(200):
        graph = workflow(sequence(graph, {"type": "parallel", "nodes": [step("p"), step("q")]}), f"level{level}")

    assert len([line for line in chart(graph) if line.startswith("subgraph")]) == 200


def test_ten_thousand_steps_are_drawn_in_linear_size() -> None:
    drawn = chart(sequence(*[step(f"s{number}") for number in range(10_000)]))

    assert len(drawn) == 10_002 + 10_001
