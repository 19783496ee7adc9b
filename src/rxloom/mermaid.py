"""Drawing the graph of a workflow as a Mermaid flow chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

_Node: TypeAlias = Mapping[str, Any]
_Walk: TypeAlias = Iterator[_Node]
"""Draws one node; gives each child that is to be drawn before it goes on."""

_SHAPES: Final = {
    "step": ("[", "]"),
    "map": ("[/", "/]"),
    "sleep": ("([", "])"),
    "event": ("{{", "}}"),
    "pipe": ("[[", "]]"),
    "parallel": ("[[", "]]"),
    "branch": ("{", "}"),
    "loop": ("{", "}"),
    "start": ("((", "))"),
    "end": ("(((", ")))"),
}
_PLAIN_ASCII: Final = frozenset(" _-.,()+=!?'/*%@")
_MAX_LABEL: Final = 120
_MAX_INDENT: Final = 8


def mermaid(graph: _Node) -> str:
    """Draw a graph as a Mermaid flow chart.

    Nested workflows and the bodies of `for_each` are subgraphs, a branch is a diamond with its conditions on the
    arrows, a loop is its body with an arrow back from its condition.

    Args:
        graph: the data that `workflow.graph` gives; `rxloom.graph` says what is in it.

    Returns:
        The source of the chart, which ends with a newline.

    Example:
        >>> print(mermaid({"type": "workflow", "id": "w", "graph": {"type": "step", "id": "price"}}), end="")
        flowchart TD
            n0(("start"))
            n1["price"]
            n2((("end")))
            n0 --> n1
            n1 --> n2
    """
    chart = _Chart()
    chart.box("start", "start")
    # Depth first, on a stack of our own: graphs may be nested deeper than the interpreter recurses.
    stack = [_walk(chart, graph["graph"] if graph["type"] == "workflow" else graph)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        else:
            stack.append(_walk(chart, child))
    chart.box("end", "end")
    return chart.source()


class _Chart:
    """A chart that is being drawn.

    Boxes are declared where they stand, inside their subgraphs; the arrows follow at the end.

    Attributes:
        tails: the boxes whose arrows go to whatever is drawn next, each with what is written on the arrow.
        boxes: how many boxes there are.
    """

    __slots__ = ("_arrows", "_depth", "_groups", "_lines", "boxes", "tails")

    def __init__(self) -> None:
        self.tails: list[tuple[str, str]] = []
        self.boxes = 0
        self._lines: list[str] = ["flowchart TD"]
        self._arrows: list[str] = []
        self._groups = 0
        self._depth = 1

    def source(self) -> str:
        return "\n".join([*self._lines, *self._arrows, ""])

    def box(self, shape: str, label: str) -> str:
        """Declare a box, with arrows from all tails."""
        name = f"n{self.boxes}"
        self.boxes += 1
        left, right = _SHAPES.get(shape, _SHAPES["step"])
        self._line(f'{name}{left}"{_escape(label)}"{right}')
        for tail, text in self.tails:
            self.arrow(tail, name, text)
        self.tails = [(name, "")]
        return name

    def arrow(self, start: str, end: str, label: str) -> None:
        shown = f'|"{_escape(label)}"|' if label else ""
        self._arrows.append(f"    {start} -->{shown} {end}")

    def open(self, label: str) -> None:
        """Begin a subgraph."""
        self._line(f'subgraph g{self._groups}["{_escape(label)}"]')
        self._groups += 1
        self._depth += 1

    def close(self) -> None:
        """End the innermost subgraph."""
        self._depth -= 1
        self._line("end")

    def _line(self, text: str) -> None:
        self._lines.append("    " * min(self._depth, _MAX_INDENT) + text)


def _walk(chart: _Chart, node: _Node) -> _Walk:
    return _WALKS.get(node["type"], _leaf)(chart, node)


def _leaf(chart: _Chart, node: _Node) -> _Walk:
    chart.box(node["type"], _label(node))
    return iter(())


def _sequence(_chart: _Chart, node: _Node) -> _Walk:
    return iter(node["nodes"])


def _parallel(chart: _Chart, node: _Node) -> _Walk:
    limit = node.get("max_concurrency")
    fork = chart.box("parallel", f"parallel, {limit} at a time" if limit else "parallel")
    ends: list[tuple[str, str]] = []
    for child in node["nodes"]:
        chart.tails = [(fork, "")]
        yield child
        ends += chart.tails
    chart.tails = ends or [(fork, "")]


def _branch(chart: _Chart, node: _Node) -> _Walk:
    choice = chart.box("branch", "first that holds" if node.get("first_match") else "branch")
    arms = [(arm["condition"], arm["node"]) for arm in node["arms"]]
    default = node.get("default")
    if default is not None:
        arms.append(("else", default))
    ends: list[tuple[str, str]] = []
    for condition, child in arms:
        chart.tails = [(choice, condition)]
        yield child
        ends += chart.tails
    chart.tails = ends if default is not None else [*ends, (choice, "none")]


def _loop(chart: _Chart, node: _Node) -> _Walk:
    first = chart.boxes
    yield node["node"]
    repeats = node["kind"] == "do_while"
    limit = node.get("max_iterations")
    question = f"{'while' if repeats else 'until'} {node['condition']}"
    condition = chart.box("loop", f"{question}, at most {limit} rounds" if limit else question)
    chart.arrow(condition, f"n{first}", "yes" if repeats else "no")
    chart.tails = [(condition, "no" if repeats else "yes")]


def _overlap(chart: _Chart, node: _Node) -> _Walk:
    chart.open("overlapping")
    for child in node["nodes"]:
        yield child
        chart.tails = [(tail, "items") for tail, _ in chart.tails]
    chart.tails = [(tail, "") for tail, _ in chart.tails]
    chart.close()


def _for_each(chart: _Chart, node: _Node) -> _Walk:
    chart.open(f"for each, {node.get('concurrency') or 1} at a time")
    yield node["node"]
    chart.close()


def _workflow(chart: _Chart, node: _Node) -> _Walk:
    chart.open(node["id"])
    yield node["graph"]
    chart.close()


_WALKS: Final[Mapping[str, Callable[[_Chart, _Node], _Walk]]] = {
    "sequence": _sequence,
    "overlap": _overlap,
    "parallel": _parallel,
    "branch": _branch,
    "loop": _loop,
    "for_each": _for_each,
    "workflow": _workflow,
}


def _label(node: _Node) -> str:
    match node["type"]:
        case "event":
            return f"wait for {node['event']}"
        case "sleep" if node.get("seconds") is not None:
            return f"sleep {node['seconds']:g} s"
        case "sleep":
            return f"sleep until {node['until']}" if node.get("until") else f"sleep {node.get('function', '')}"
        case kind:
            return str(node.get("id") or kind)


def _escape(text: str) -> str:
    """Write a label so that it means itself: between quotes, everything but letters and digits may be syntax."""
    if len(text) > _MAX_LABEL:
        text = text[: _MAX_LABEL - 1] + "…"
    return "".join([_escape_one(character) for character in " ".join(text.split())]) or " "


def _escape_one(character: str) -> str:
    if character.isalnum() or character in _PLAIN_ASCII:
        return character
    return f"#{ord(character)};" if character.isprintable() else ""
