"""The graph of a workflow as data, and how notebooks show it.

`workflow.graph` is plain JSON-able data: nested mappings with a `type`. A key marked `?` may be missing or `None`.

| `type` | other keys |
|---|---|
| `workflow` | `id`, `description?`, `metadata?`, `graph` (a node) |
| `step` | `id`, `description?`, `metadata?`, `observable_input?` |
| `sequence` | `nodes` |
| `overlap` | `nodes`, each of which is fed with the items of the one before while that runs |
| `parallel` | `nodes`, `max_concurrency?` |
| `branch` | `arms` (each `condition`, `node`), `default?` (a node), `first_match?`, `merge?` |
| `loop` | `kind` (`do_while` or `do_until`), `condition`, `node`, `max_iterations?` |
| `for_each` | `node`, `concurrency` |
| `map` | `id`, `sources?` (a mapping) or `function?` |
| `sleep` | `id`, one of `seconds?`, `until?`, `function?` |
| `event` | `id`, `event`, `timeout?` |
| `pipe` | `id`, `operators?` (their names), `observable_input?` |

Whoever reads a graph should take a type it does not know for a box with an `id`. Nothing here recurses: a graph may be
nested as deeply as it likes.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from rxloom.mermaid import mermaid

Graph: TypeAlias = Mapping[str, Any]
"""A node of the table above, usually the `workflow` at the root."""

__all__ = ["Graph", "mermaid", "notebook", "outline"]

_MAX_LINES: Final = 1_000
_INDENT: Final = "  "


def outline(graph: Graph) -> Iterator[tuple[int, str]]:
    """List the nodes of a graph from its top to its bottom.

    Args:
        graph: the graph.

    Returns:
        Each node as its depth and a line of text.

    Example:
        >>> steps = {"type": "sequence", "nodes": [{"type": "step", "id": "price"}, {"type": "sleep", "id": "nap"}]}
        >>> for depth, text in outline({"type": "workflow", "id": "checkout", "graph": steps}):
        ...     print("  " * depth + text)
        workflow checkout
          step price
          sleep nap
    """
    stack: list[tuple[int, str, Graph]] = [(0, "", graph)]
    while stack:
        depth, label, node = stack.pop()
        if node["type"] == "sequence" and not label:
            stack.extend((depth, "", child) for child in reversed(node["nodes"]))
            continue
        yield depth, label + _line(node)
        stack.extend((depth + 1, text, child) for text, child in reversed(_children(node)))


def notebook(graph: Graph) -> dict[str, str]:
    """Show a graph in a notebook: a MIME bundle for `_repr_mimebundle_`.

    The HTML is an indented list with the Mermaid source folded under it; it loads nothing and runs nothing. The
    Markdown is the Mermaid source, which many viewers draw.

    Args:
        graph: the graph.
    """
    lines = list(outline(graph))
    shown = lines[:_MAX_LINES]
    if len(lines) > _MAX_LINES:
        shown.append((0, f"… and {len(lines) - _MAX_LINES} more"))
    source = mermaid(graph)
    return {
        "text/plain": "\n".join(_INDENT * depth + text for depth, text in shown),
        "text/html": _html(shown, source),
        "text/markdown": f"```mermaid\n{source}```\n",
    }


def _html(lines: list[tuple[int, str]], source: str) -> str:
    rows = "".join(
        f'<div style="margin-left:{depth * 1.5:g}em;border-left:2px solid #8884;padding-left:.5em">'
        f"{html.escape(text)}</div>"
        for depth, text in lines
    )
    folded = f"<details><summary>Mermaid</summary><pre>{html.escape(source)}</pre></details>"
    return f'<div class="rxloom-graph" style="font-family:monospace">{rows}{folded}</div>'


def _children(node: Graph) -> list[tuple[str, Graph]]:
    match node["type"]:
        case "workflow":
            return [("", node["graph"])]
        case "sequence" | "parallel" | "overlap":
            return [("", child) for child in node["nodes"]]
        case "branch":
            arms = [(f"if {arm['condition']}: ", arm["node"]) for arm in node["arms"]]
            default = node.get("default")
            return arms if default is None else [*arms, ("else: ", default)]
        case "loop" | "for_each":
            return [("", node["node"])]
        case _:
            return []


def _line(node: Graph) -> str:
    kind, name = node["type"], node.get("id")
    match kind:
        case "loop":
            text = f"{kind} ({'while' if node['kind'] == 'do_while' else 'until'} {node['condition']})"
        case "for_each":
            text = f"{kind} ({node.get('concurrency', 1)} at a time)"
        case "event":
            text = f"{kind} {node['event']}"
        case _:
            text = f"{kind} {name}" if name else kind
    description = node.get("description")
    return f"{text} — {description}" if description else text
