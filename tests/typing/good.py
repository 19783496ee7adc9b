"""The public API as users write it; only type-checked, by `python -m tests.typing`, and without a diagnostic."""

# Written as users write it, imports aside: no docstrings, prints, parameters that an example does not need.
# ruff: noqa: ARG001, D101, I001, T201
from __future__ import annotations

import operator
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, assert_type

import reactivex as rx
from pydantic import BaseModel
from reactivex import Observable
from reactivex import operators as ops

import rxloom
from rxloom import Canceled, Failed, Paused, Reduce, Retry, Run, Snapshot, Step, StepContext, Success, Suspended
from rxloom import SyncStepContext, Usage, Workflow, WorkflowResult, WorkflowStream
from rxloom import create_step, create_workflow, first, last, only, step, step_from_operator
from rxloom.chunks import Chunk, Custom, StepChunk, StepOutput, StepResult, StepResultPayload, WorkflowFinish
from rxloom.chunks import WorkflowStart
from rxloom.errors import RxLoomError, WorkflowFailed
from rxloom.testing import VirtualRun, assert_marbles, in_turn, marbles, marbles_svg, own_runtime, run_virtual
from rxloom.testing import virtual_test, with_fakes
from rxloom.operators import Progress, data, fold, of_type, outputs, progress, results, smooth, step_chunks, text
from rxloom.operators import to_sse, to_wire, until_suspended


class Order(BaseModel):
    item: str
    quantity: int


class Quote(BaseModel):
    total: float


class Answer(BaseModel):
    yes: bool


@dataclass
class State:
    seen: Annotated[int, Reduce(operator.add)] = 0


# -- steps: every kind of function, bare and with options ------------------------------------------------------------


@step
async def price(order: Order, ctx: StepContext) -> Quote:
    await ctx.write({"looking_up": order.item})
    ctx.write_nowait("more")
    await ctx.custom("data-note", {"text": "hello"})
    return Quote(total=9.5 * order.quantity)


@step
async def approve(quote: Quote, ctx: StepContext[State, Answer]) -> Quote:
    answer = await ctx.suspend({"ask": "Approve?", "total": quote.total})
    assert_type(answer, Answer)
    assert_type(ctx.state, State)
    await ctx.update_state(seen=1)
    await ctx.update_state(lambda state: {"seen": state.seen + 1})
    return quote if answer.yes else Quote(total=0)


@step(resume=Answer, retries=Retry(3, delay=1, backoff=2), timeout=timedelta(seconds=5))
async def review(quote: Quote, ctx: StepContext) -> Quote:
    if not ctx.resumed:
        await ctx.suspend("?", label="review")
    return quote


@step(id="round-up", retries=2, total_timeout=10, inline=True, description="Rounds.", metadata={"team": "a"})
def round_up(quote: Quote) -> int:
    return int(quote.total) + 1


@step
def log(quote: Quote, ctx: SyncStepContext) -> Quote:
    ctx.write(quote.total)
    ctx.record_usage(Usage(input_tokens=1))
    return quote


@step
async def nothing() -> None: ...


@step
async def tokens(order: Order, ctx: StepContext) -> AsyncIterator[str]:
    yield order.item


@step
def letters(text: str) -> Iterator[str]:
    yield from text


@step
def ticks(count: int) -> Observable[int]:
    return rx.range(count)


@step(collect="".join)
async def spell(order: Order) -> AsyncIterator[str]:
    yield order.item


@step(collect=last)
def newest(order: Order) -> Observable[str]:
    return rx.of(order.item)


@step(observable_input=True)
async def total(numbers: Observable[int]) -> int:
    return len(await numbers.pipe(ops.to_list()))


@step(id="tens", observable_input=True, retries=1)
async def tens(numbers: Observable[int], ctx: StepContext) -> AsyncIterator[float]:
    yield 10.0 * await numbers


@step(observable_input=True)
def louder(parts: Observable[str]) -> Observable[str]:
    return parts.pipe(ops.map(str.upper))


def text_of_all(parts: Iterable[str]) -> str:
    return " ".join(parts)


@step(observable_input=True, collect=text_of_all)
def joined(parts: Observable[str]) -> Observable[str]:
    return parts


async def double(number: int, ctx: StepContext[Any, bool]) -> int:
    return 2 * number


def to_text(source: Observable[int]) -> Observable[str]:
    return source.pipe(ops.map(str))


doubled = create_step("double", double, retries=3)
text_of = step_from_operator("text", to_text)


async def count_all(numbers: Observable[int], ctx: StepContext) -> int:
    return 1


count_of_all = create_step("count-all", count_all, observable_input=True, timeout=3)
texts_of = step_from_operator("texts", to_text, collect=list)
steady = price.pipe(ops.retry(3))
total_of = approve.with_id("approve-2")

assert_type(price, Step[Order, Quote])
assert_type(approve, Step[Quote, Quote, Answer])
assert_type(review, Step[Quote, Quote, Answer])
assert_type(round_up, Step[Quote, int])
assert_type(nothing, Step[Any, None])
assert_type(tokens, Step[Order, list[str]])
assert_type(letters, Step[str, list[str]])
assert_type(ticks, Step[int, list[int]])
assert_type(doubled, Step[int, int, bool])
assert_type(text_of, Step[int, str])
assert_type(total, Step[int | list[int] | tuple[int, ...], int])
assert_type(tens, Step[int | list[int] | tuple[int, ...], list[float]])
assert_type(louder, Step[str | list[str] | tuple[str, ...], list[str]])
assert_type(joined, Step[str | list[str] | tuple[str, ...], str])
assert_type(count_of_all, Step[int | list[int] | tuple[int, ...], int])
assert_type(
    step_from_operator("pairs", to_text, observable_input=True, collect=list[str]),
    Step[int | list[int] | tuple[int, ...], list[str]],
)
assert_type(total_of, Step[Quote, Quote, Answer])


# -- workflows -------------------------------------------------------------------------------------------------------


async def started(info: rxloom.RunInfo) -> None:
    print(info.run_id, info.workflow_id, info.input, info.state)


overlapping = create_workflow("overlapping", input=int).then(ticks).then(total).commit()
assert_type(overlapping, Workflow[int, int])
spoken = create_workflow("spoken", input=Order).then(spell).then(louder).then(joined).commit()
assert_type(spoken, Workflow[Order, str])


def large(quote: Quote) -> bool:
    return quote.total > 100


def halve(quote: Quote) -> float:
    return quote.total / 2


async def small(quote: Quote, ctx: StepContext) -> bool:
    return quote.total <= 100


checkout = create_workflow("checkout", input=Order, output=Quote, state=State).then(price).then(approve).commit()
assert_type(checkout, Workflow[Order, Quote])

numbers = (
    create_workflow("numbers", input=list[int], output=list[str | None], retries=2, timeout=60, max_concurrency=4)
    .for_each(doubled, concurrency=8)
    .for_each(text_of, errors="collect")
    .commit()
)

nested = (
    create_workflow("nested", input=Order, output=float, on_start=started, on_finish=started, on_error=print)
    .then(checkout)
    .then(log)
    .sleep(1)
    .sleep(timedelta(minutes=1))
    .sleep_until(datetime(2030, 1, 1, tzinfo=UTC))
    .do_while(log.with_id("again"), large, max_iterations=3)
    .do_until(log.with_id("and-again"), lambda quote: quote.total > 3)
    .do_until(log.with_id("once-more"), small)
    .do_while(log.with_id("forever"), lambda quote, ctx: quote.total > ctx.iteration)
    .map(halve)
    .commit()
)
assert_type(nested, Workflow[Order, float])

fan = (
    create_workflow("fan", input=Quote)
    .parallel([log, round_up], max_concurrency=2, errors="collect")
    .map(
        {
            "log": rxloom.from_result(log, "total"),
            "init": rxloom.from_init("."),
            "context": rxloom.from_context("key"),
            "state": rxloom.from_state("seen"),
            "constant": rxloom.value(3),
            "text": rxloom.template("${init.total}"),
        }
    )
    .commit()
)

choice = (
    create_workflow("choice", input=Quote)
    .branch([(lambda quote: quote.total > 100, approve), (small, [log, round_up])], default=review, merge=True)
    .wait_for_event("paid", output=Answer, timeout=60)
    .commit()
)

piped = create_workflow("piped", input=int, output=str).pipe(ops.map(str)).commit()


def is_output(chunk: Chunk) -> bool:
    return chunk.type == "workflow-step-output"


# -- runs ------------------------------------------------------------------------------------------------------------


async def watch() -> None:
    run = checkout.create_run(run_id="r-1", resource_id="shop")
    assert_type(run, Run[Order, Quote])
    stream = run.stream_vnext(Order(item="loom", quantity=2), initial_state=State(), runtime_context={"a": 1})
    assert_type(stream, WorkflowStream[Quote])
    stream.filter(lambda c: c.type == "workflow-step-output").subscribe(print).dispose()
    stream.pipe(ops.filter(is_output), ops.take(3)).subscribe(print, print, print)
    async for chunk in stream:
        assert_type(chunk, Chunk)
        match chunk:
            case StepOutput(payload=payload):
                print(payload.output)
            case WorkflowFinish():
                print("done")
            case other:
                print(other.type)
    async with stream.aiter(buffer=10, on_overflow="drop_oldest") as reader:
        async for chunk in reader:
            print(chunk.type, chunk.run_id)
    assert_type(await stream, WorkflowResult[Quote])
    assert_type(await stream.usage, Usage)
    assert_type(await stream.output, Quote)
    print(await stream.status, stream.run_id, stream.workflow_id)
    stream.snapshots.subscribe(print)


def look(result: WorkflowResult[Quote]) -> None:
    match result:
        case Success():
            assert_type(result.result, Quote)
        case Failed():
            print(result.error.name, result.exception)
        case Suspended():
            print(result.suspended, result.suspend_payload)
        case Canceled():
            print(result.reason)
        case Paused():
            print(result.steps)
    assert_type(result.unwrap(), Quote)


async def answer(run: Run[Order, Quote]) -> None:
    assert_type(run.resume_stream_vnext(Answer(yes=True), step=approve), WorkflowStream[Quote])
    run.resume_stream_vnext({"yes": True}, step="approve")
    run.resume_stream_vnext()
    run.resume_all({"approve": {"yes": True}})
    assert_type(await run.resume(Answer(yes=True), step=approve), WorkflowResult[Quote])
    assert_type(await run.start(Order(item="loom", quantity=1)), WorkflowResult[Quote])
    run.observe_stream_vnext(from_seq=3).subscribe(print)
    await run.send_event("paid", {"amount": 3}, event_id="e-1")
    await run.cancel("enough", grace=1)
    assert_type(await run.snapshot(), Snapshot)


async def operate() -> None:
    async with rxloom.Runtime(checkout, nested, store=rxloom.MemoryStore(keep=10), max_threads=4) as runtime:
        run = runtime.create_run("checkout", run_id="r-2")
        await run.start({"item": "loom", "quantity": 1})
        runtime.run("r-2").observe_stream_vnext()
        print(await runtime.list_runs(status="success", limit=10))


async def bridges() -> None:
    async for number in rxloom.to_async_iterator(rx.of(1, 2), buffer=3, on_overflow="drop_oldest"):
        assert_type(number, int)

    async def source() -> AsyncIterator[int]:
        yield 1

    assert_type(rxloom.from_async_iterable(source()), Observable[int])


async def map_runs() -> None:
    orders = [Order(item="loom", quantity=1)]
    assert_type(rx.from_iterable(orders).pipe(checkout.as_operator()), Observable[Quote])
    quotes = rx.from_iterable(orders).pipe(
        checkout.as_operator(max_concurrency=4, ordered=False, buffer=8, on_overflow="drop_oldest", on_chunk=print),
        ops.map(halve),
    )
    assert_type(quotes, Observable[float])
    results = rx.from_iterable(orders).pipe(checkout.as_operator(materialize_failures=True))
    assert_type(results, Observable[WorkflowResult[Quote]])
    assert_type(checkout.map_async(orders, max_concurrency=4, ordered=False), Observable[Quote])
    async for quote in rxloom.to_async_iterator(checkout.map_async(order async for order in later(orders))):
        assert_type(quote, Quote)


async def later(orders: list[Order]) -> AsyncIterator[Order]:
    for order in orders:
        yield order


def live(query: Order) -> Observable[Chunk]:
    return checkout.create_run().stream_vnext(query).cancel_on_dispose()


assert_type(rx.of(Order(item="loom", quantity=1)).pipe(ops.switch_map(live)), Observable[Chunk])


def catch() -> None:
    try:
        checkout.create_run().stream_vnext(Order(item="loom", quantity=1)).result.run().unwrap()
    except WorkflowFailed as failed:
        print(failed.result, failed.run_id)
    except RxLoomError as error:
        print(error.step_path)


assert_type(only([1]), int)
assert_type(first([1]), int)


def operators(stream: WorkflowStream[Quote], merged: Observable[Chunk]) -> None:
    assert_type(stream.pipe(of_type("workflow-step-output")), Observable[StepOutput])
    assert_type(stream.pipe(of_type("data-*")), Observable[Custom])
    assert_type(stream.pipe(of_type(WorkflowFinish)), Observable[WorkflowFinish])
    assert_type(stream.pipe(of_type(WorkflowStart, WorkflowFinish)), Observable[WorkflowStart | WorkflowFinish])
    assert_type(stream.pipe(of_type("workflow-step-start", "workflow-step-result")), Observable[StepChunk])
    assert_type(stream.pipe(of_type("workflow-start", "data-mood")), Observable[Chunk])
    assert_type(stream.pipe(of_type("workflow-start", StepResult)), Observable[Chunk])
    assert_type(stream.pipe(step_chunks("outer.**")), Observable[StepChunk])
    assert_type(stream.pipe(step_chunks([nested, price]), results()), Observable[StepResultPayload])
    assert_type(stream.pipe(outputs()), Observable[Any])
    assert_type(stream.pipe(outputs(price), ops.count()), Observable[int])
    assert_type(stream.pipe(text("price"), smooth(0.05, max_pieces=10)), Observable[str])
    assert_type(merged.pipe(text(), smooth(timedelta(milliseconds=50), scheduler=stream.scheduler)), Observable[str])
    assert_type(stream.pipe(data("mood")), Observable[Any])
    assert_type(stream.pipe(until_suspended(), to_wire()), Observable[dict[str, Any]])
    assert_type(merged.pipe(to_sse(event=False)), Observable[str])
    assert_type(merged.pipe(progress(total=3)), Observable[Progress])
    assert_type(merged.pipe(fold()), Observable[Snapshot])
    merged.pipe(progress()).subscribe(lambda now: print(now.done, now.fraction, now.running))


# -- the test kit ----------------------------------------------------------------------------------------------------


def kit(seen: WorkflowStream[Quote]) -> None:
    fakes = {"price": Quote(total=1), "approve": in_turn(OSError("reset"), Quote(total=2))}
    played = run_virtual(checkout, Order(item="loom", quantity=1), replace=fakes, resume=[{"yes": True}])
    assert_type(played, VirtualRun[Quote])
    assert_type(with_fakes(checkout, fakes), Workflow[Order, Quote])
    assert_type(marbles(played, width=40, legend=True), str)
    assert_type(marbles(seen, unit=timedelta(seconds=1)), str)
    assert_type(marbles_svg(seen.told()), str)
    assert_marbles([chunk.to_wire() for chunk in played.chunks], "^--|", unit=0.5)
    with own_runtime(checkout, max_threads=2) as runtime:
        assert_type(runtime, rxloom.Runtime)


@virtual_test
async def test_in_virtual_time(folder: str, *, number: int) -> int:
    return number


@virtual_test(debug=True)
async def test_in_debug_mode() -> str:
    return "done"


assert_type(test_in_virtual_time("here", number=4), int)
assert_type(test_in_debug_mode(), str)
