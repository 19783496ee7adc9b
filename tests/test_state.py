"""The workflow state: read, written, joined, shared with nested runs."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import operator
from dataclasses import dataclass, field
from typing import Annotated, Any, NotRequired

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from rxloom import InputInvalid, Reduce, StepContext, SyncStepContext, create_step, create_workflow
from rxloom.chunks import StateWrite
from rxloom.errors import DefinitionError
from tests.ledger import Ledger, ledger
from tests.play import Played, doing, play, seeing

__all__ = ["ledger"]


class Model(BaseModel):
    """A state as a model."""

    count: Annotated[int, Reduce(operator.add)] = 0
    names: list[str] = Field(default_factory=list[str])


@dataclass
class Data:
    """A state as a dataclass."""

    count: Annotated[int, Reduce(operator.add)] = 0
    names: list[str] = field(default_factory=list[str])


class Typed(TypedDict):
    """A state as a TypedDict."""

    count: Annotated[int, Reduce(operator.add)]
    names: NotRequired[list[str]]


SCHEMAS = [Model, Data, Typed]


def run(schema: Any, *steps: Any, **options: Any) -> Played:
    """Play a workflow with a state."""
    builder: Any = create_workflow("wf", state=schema)
    for step in steps:
        builder = builder.then(step)
    return play(builder.commit(), 1, **options)


def count_of(state: Any) -> Any:
    """Read the count of any kind of state."""
    return state["count"] if isinstance(state, dict) else state.count


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_step_sees_the_state_in_its_type(schema: Any) -> None:
    seen: list[Any] = []
    run(schema, seeing("look", lambda ctx: ctx.state, seen), initial_state={"count": "3"})

    assert count_of(seen[0]) == 3
    assert isinstance(seen[0], dict if schema is Typed else schema)


@pytest.mark.parametrize("kind", ["async", "thread", "inline"])
def test_writes_are_seen_at_once_by_the_step_itself_and_by_later_ones(kind: str) -> None:
    seen: list[Any] = []

    async def later(_: Any, ctx: StepContext[Model]) -> None:
        await ctx.update_state(names=["a"])
        seen.append(ctx.state.names)
        await ctx.set_state(ctx.state.model_copy(update={"names": ["b"]}))
        seen.append(ctx.state.names)

    def now(_: Any, ctx: SyncStepContext[Model]) -> None:
        ctx.update_state(names=["a"])
        seen.append(ctx.state.names)
        ctx.set_state(ctx.state.model_copy(update={"names": ["b"]}))
        seen.append(ctx.state.names)

    step = create_step("act", later if kind == "async" else now, inline=kind == "inline")
    played = run(Model, step, seeing("look", lambda ctx: ctx.state.names, seen))

    assert seen == [["a"], ["b"], ["b"]]
    assert played.result.state == {"count": 0, "names": ["b"]}


def test_changing_what_was_read_writes_nothing() -> None:
    seen: list[Any] = []

    def spoil(ctx: Any) -> None:
        ctx.state.names.append("spoilt")
        ctx.state.count = 99

    run(Model, doing(spoil), seeing("look", lambda ctx: ctx.state, seen))

    assert seen == [Model()]


def test_set_state_writes_only_what_differs_from_what_the_step_last_saw() -> None:
    async def slow(_: Any, ctx: StepContext[Model]) -> None:
        state = ctx.state
        await asyncio.sleep(2)
        state.count = 5
        await ctx.set_state(state)

    async def quick(_: Any, ctx: StepContext[Model]) -> None:
        await asyncio.sleep(1)
        await ctx.set_state(Model(names=["quick"]))

    wf = create_workflow("wf", state=Model).parallel([create_step("slow", slow), create_step("quick", quick)]).commit()

    assert play(wf, 1).result.state == {"count": 5, "names": ["quick"]}


@pytest.mark.parametrize("kind", ["async", "thread"])
def test_no_update_is_lost(kind: str) -> None:
    async def later(_: Any, ctx: StepContext) -> None:
        for _ in range(50):
            await ctx.update_state(lambda state: {"total": state.get("total", 0) + 1})
            await asyncio.sleep(0)

    def now(_: Any, ctx: SyncStepContext) -> None:
        for _ in range(50):
            ctx.update_state(lambda state: {"total": state.get("total", 0) + 1})

    steps = [create_step(f"s{n}", later if kind == "async" else now) for n in range(6)]

    assert play(create_workflow("wf").parallel(steps).commit(), 1).result.state == {"total": 300}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_field_may_say_how_its_updates_are_joined(schema: Any) -> None:
    steps = [doing(lambda ctx: ctx.update_state(count=2), id=f"s{n}") for n in range(3)]
    wf = create_workflow("wf", state=schema).parallel(steps).commit()

    assert play(wf, 1, initial_state={"count": 10, "names": []}).result.state["count"] == 16


def test_setting_a_joined_field_replaces_it() -> None:
    assert run(Model, doing(lambda ctx: ctx.set_state(Model(count=7))), initial_state={"count": 5}).result.state[
        "count"
    ] == 7  # fmt: skip


def test_a_function_and_fields_may_be_given_together() -> None:
    act = doing(lambda ctx: ctx.update_state(lambda state: {"names": [*state.names, "x"]}, count=1))

    assert run(Model, act).result.state == {"count": 1, "names": ["x"]}


def test_without_a_schema_any_fields_will_do() -> None:
    act = doing(lambda ctx: ctx.update_state(new={"x": 1}, other=None))

    assert run(None, act, initial_state={"old": 1}).result.state == {"old": 1, "new": {"x": 1}, "other": None}


@pytest.mark.parametrize("kind", ["async", "thread"])
@pytest.mark.parametrize("how", ["update_state", "set_state"])
def test_a_bad_value_fails_the_step_names_the_field_and_changes_nothing(kind: str, how: str) -> None:
    def act(ctx: Any) -> Any:
        return (
            ctx.update_state(count="many", names=["x"]) if how == "update_state" else ctx.set_state({"count": "many"})
        )

    played = run(Model, doing(act, kind))

    assert isinstance(played.error, InputInvalid)
    assert all(word in str(played.error) for word in ("state.count", "many", "'wf'"))
    assert played.result.state == {"count": 0, "names": []}


def test_an_unknown_field_is_refused_and_the_known_ones_are_named() -> None:
    error = run(Model, doing(lambda ctx: ctx.update_state(cuont=1))).error

    assert isinstance(error, DefinitionError)
    assert all(word in str(error) for word in ("cuont", "count, names"))


def test_a_bad_initial_state_fails_the_run_before_any_step() -> None:
    played = run(Model, doing(lambda _: 1), initial_state={"count": "many"})

    assert isinstance(played.error, InputInvalid)
    assert played.told == ["start", "failed"]


@pytest.mark.parametrize("given", [Model(count=3), {"count": 3}, Data(count=3)], ids=lambda given: type(given).__name__)
def test_the_initial_state_may_be_a_mapping_or_an_object(given: Any) -> None:
    assert run(None, doing(lambda _: 1), initial_state=given).result.state["count"] == 3


def test_before_the_first_write_a_field_without_a_default_is_not_there() -> None:
    class Needy(BaseModel):
        """A state without defaults."""

        need: int

    seen: list[Any] = []
    act = doing(lambda ctx: ctx.update_state(need=1))
    run(Needy, seeing("a", lambda ctx: hasattr(ctx.state, "need"), seen), act, seeing("b", lambda ctx: ctx.state, seen))

    assert seen == [False, Needy(need=1)]


def test_a_nested_run_shares_the_fields_its_own_schema_names() -> None:
    class Inner(BaseModel):
        """What the nested workflow sees."""

        count: int = 0
        own: str = "default"

    seen: list[Any] = []
    look = seeing("look", lambda ctx: ctx.state, seen)
    inner = create_workflow("inner", state=Inner).then(look).then(doing(lambda ctx: ctx.update_state(count=9, own="x")))
    wf = create_workflow("wf", state=Model).then(inner.commit()).then(look.with_id("after")).commit()
    played = play(wf, 1, initial_state={"count": 4, "names": ["n"]})

    assert seen == [Inner(count=4), Model(count=9, names=["n"])]
    assert played.result.state == {"count": 9, "names": ["n"], "own": "x"}


def test_siblings_see_each_others_writes() -> None:
    seen: list[Any] = []

    async def writer(_: Any, ctx: StepContext) -> None:
        await asyncio.sleep(1)
        await ctx.update_state(flag=True)

    async def reader(_: Any, ctx: StepContext) -> None:
        seen.append(ctx.state.get("flag"))
        await asyncio.sleep(2)
        seen.append(ctx.state.get("flag"))

    play(create_workflow("wf").parallel([create_step("w", writer), create_step("r", reader)]).commit(), 1)

    assert seen == [None, True]


def test_what_is_written_is_a_copy_and_is_recorded(ledger: Ledger) -> None:
    names = ["a"]

    async def act(_: Any, ctx: StepContext[Model]) -> None:
        await ctx.update_state(names=names)
        names.append("later")

    assert run(Model, create_step("act", act)).result.state["names"] == ["a"]
    assert [one.changes for one in ledger.of(ledger.run_ids()[0], StateWrite)] == [{"names": ["a"]}]


def test_a_retried_step_writes_on_top_of_what_it_wrote() -> None:
    async def act(_: Any, ctx: StepContext[Model]) -> None:
        await ctx.update_state(count=1)
        if ctx.attempt < 2:
            raise ValueError("boom")

    assert run(Model, create_step("act", act, retries=2)).result.state["count"] == 3
