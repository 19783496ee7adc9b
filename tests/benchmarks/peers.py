"""The same work on installed peers: LangGraph and Burr, which `rxloom[bench]` brings. Each the way its manual shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, TypedDict

from tests.benchmarks.measure import Work


class State(TypedDict):
    """State of the graphs."""

    value: int


class LangGraph:
    """LangGraph: a state graph, streamed."""

    def __init__(self) -> None:
        self._graph: Any = import_module("langgraph.graph")
        self._config: Any = import_module("langgraph.config")

    def steps(self, count: int) -> Work:
        """Run steps one after another."""
        builder = self._graph.StateGraph(State)
        names = [self._graph.START, *[f"add{number}" for number in range(count)], self._graph.END]
        for name in names[1:-1]:
            builder.add_node(name, _langgraph_add)
        for before, after in pairwise(names):
            builder.add_edge(before, after)
        graph = builder.compile()
        return lambda: _drain(graph.astream({"value": 0}, {"recursion_limit": count + 5}, stream_mode="updates"))

    def writes(self, count: int, *, yielding: bool = False) -> Work:
        """Write chunks in one step."""
        get_stream_writer = self._config.get_stream_writer

        async def write(state: State) -> State:
            writer = get_stream_writer()
            for number in range(count):
                writer(number)
                if yielding:
                    await asyncio.sleep(0)
            return state

        builder = self._graph.StateGraph(State)
        builder.add_node("write", write)
        builder.add_edge(self._graph.START, "write")
        builder.add_edge("write", self._graph.END)
        graph = builder.compile()
        return lambda: _drain(graph.astream({"value": 0}, stream_mode="custom"))

    def fan_out(self, width: int) -> Work:
        """Run many steps at once and join them."""
        builder = self._graph.StateGraph(dict)
        builder.add_node("join", _langgraph_join)
        for number in range(width):
            builder.add_node(f"add{number}", _langgraph_arm)
            builder.add_edge(self._graph.START, f"add{number}")
        builder.add_edge([f"add{number}" for number in range(width)], "join")
        builder.add_edge("join", self._graph.END)
        graph = builder.compile()
        return lambda: _drain(graph.astream({}, stream_mode="updates"))


class Burr:
    """Burr: actions with transitions, iterated."""

    def __init__(self) -> None:
        self._core: Any = import_module("burr.core")

    def steps(self, count: int) -> Work:
        """Run steps one after another."""
        core = self._core
        add: Any = core.action(reads=["value"], writes=["value"])(_burr_add)
        names = [f"add{number}" for number in range(count)]

        async def run() -> None:
            app = await (
                core.ApplicationBuilder()
                .with_actions(**dict.fromkeys(names, add))
                .with_transitions(*pairwise(names))
                .with_state(value=0)
                .with_entrypoint(names[0])
                .abuild()
            )
            async for _action in app.aiterate(halt_after=[names[-1]]):
                pass

        return run


PEERS: Mapping[str, Callable[[], Any]] = {"langgraph": LangGraph, "burr": Burr}


def installed() -> dict[str, Any]:
    """Make an instance of each peer that can be imported."""
    return {name: make() for name, make in PEERS.items() if find_spec(name) is not None}


async def _drain(items: AsyncIterator[object]) -> None:
    async for _item in items:
        pass


async def _langgraph_add(state: State) -> State:
    return {"value": state["value"] + 1}


async def _langgraph_arm(_state: dict[str, Any]) -> None:
    return None


async def _langgraph_join(_state: dict[str, Any]) -> None:
    return None


async def _burr_add(state: Any) -> Any:
    return state.update(value=state["value"] + 1)
