"""What a checker must refuse: each line marked `# E` has exactly one diagnostic, under pyright and under mypy."""

# ruff: noqa: B018, D101, T201
# An unknown member would be told twice: as what it is, and as its unknown type.
# pyright: strict, reportUnknownMemberType=false
from __future__ import annotations

from datetime import timedelta
from typing import Any

import reactivex as rx
from pydantic import BaseModel
from reactivex import Observable

from rxloom import (
    Retry,
    Run,
    Runtime,
    Step,
    StepContext,
    Success,
    SyncStepContext,
    Usage,
    Workflow,
    WorkflowResult,
    create_step,
    create_workflow,
    only,
    step,
    step_from_operator,
    to_async_iterator,
)
from rxloom.chunks import Chunk, StepOutput
from rxloom.operators import data, of_type, outputs, progress, results, smooth, step_chunks, text, to_sse
from rxloom.testing import assert_marbles, marbles, run_virtual, virtual_test


class Order(BaseModel):
    item: str


class Quote(BaseModel):
    total: float


class Answer(BaseModel):
    yes: bool


@step
async def price(order: Order) -> Quote:
    return Quote(total=len(order.item))


@step
async def approve(quote: Quote, ctx: StepContext[Any, Answer]) -> Quote:
    answer = await ctx.suspend("?")
    answer.no  # E
    ctx.suspend("?").yes  # E
    await ctx.write()  # E
    await ctx.custom(1, 2)  # E
    ctx.attempt = 3  # E
    return quote


@step
def log(quote: Quote, ctx: SyncStepContext[Any, Answer]) -> Quote:
    ctx.suspend("?").no  # E
    ctx.record_usage("12 tokens")  # E
    return quote


@step(observable_input=True)
async def sum_up(numbers: Observable[int]) -> int:
    return await numbers


def as_text(number: int) -> str:
    return str(number)


def short(text: str) -> bool:
    return len(text) < 3


def large(quote: Quote) -> bool:
    return quote.total > 100


start = create_workflow("start", input=Order)
orders = create_workflow("orders", input=list[Order], output=list[Quote])
checkout = create_workflow("checkout", input=Order, output=Quote).then(price).then(approve).commit()

# -- building --------------------------------------------------------------------------------------------------------

start.then(approve)  # E
start.then(price).then(price)  # E
start.then(as_text)  # E
start.then(checkout).then(checkout)  # E
start.parallel([price, approve])  # E
start.parallel([price], errors="ignore")  # E
start.for_each(price)  # E
orders.for_each(approve)  # E
orders.for_each(price).then(price)  # E
orders.for_each(price, concurrency="many")  # E
orders.for_each(price, errors="collect").for_each(approve)  # E
start.do_until(approve, large)  # E
start.do_until(price.with_id("again"), short)  # E
start.branch([(large, price)])  # E
start.sleep(large)  # E
start.sleep("long")  # E
start.sleep_until(timedelta(1))  # E
start.wait_for_event(3)  # E
start.commit().then(price)  # E
start.then(start)  # E
create_workflow("texts", input=str).then(sum_up)  # E
orders.then(sum_up)  # E

# -- committing ------------------------------------------------------------------------------------------------------

orders.for_each(price).for_each(price.with_id("again")).commit()  # E
words: Workflow[Order, str] = start.then(price).commit()  # E
create_workflow(3)  # E
create_workflow("w", retries="many")  # E
create_workflow("w", on_start=large)  # E

# -- steps -----------------------------------------------------------------------------------------------------------

create_step(as_text)  # E
step_from_operator("a", as_text)  # E
step(retries=1.5)(as_text)  # E
price.with_id(3)  # E
Retry("many")  # E
Retry(3, retry_on=ValueError())  # E
wrong_step: Step[Order, str] = price  # E
only(3)  # E

# -- running ---------------------------------------------------------------------------------------------------------

run = checkout.create_run()
run.stream_vnext("a loom")  # E
run.stream_vnext(Quote(total=1))  # E
run.stream_vnext(Order(item="loom"), per_steps=True)  # E
run.resume_stream_vnext("yes", step=approve)  # E
run.resume_stream_vnext(Quote(total=1), step=approve)  # E
run.resume_stream_vnext(Answer(yes=True), step=3)  # E
run.resume_all([Answer(yes=True)])  # E
run.observe_stream_vnext(from_seq="3")  # E
checkout.create_run(on_existing="replace")  # E
other: Run[Order, str] = run  # E
Runtime("checkout")  # E
Runtime(start)  # E
Usage(tokens=3)  # E
to_async_iterator([1, 2])  # E
rx.of("a loom").pipe(checkout.as_operator())  # E
checkout.as_operator(max_concurrency="many")  # E
checkout.as_operator(on_overflow="wait")  # E
checkout.as_operator(on_chunk=short)  # E
checkout.map_async(["a loom"])  # E
checkout.map_async(Order(item="loom"))  # E
quotes: Observable[str] = checkout.map_async([Order(item="loom")])  # E

run_virtual(checkout, "a loom")  # E
run_virtual(checkout, replace=["price"])  # E
marbles(3)  # E
assert_marbles([], 3)  # E
virtual_test(3)  # E


async def watch(result: WorkflowResult[Quote]) -> None:
    await run.start("a loom")  # E
    await run.resume("yes", step=approve)  # E
    await run.cancel(3)  # E
    await run.send_event(3)  # E
    stream = run.stream_vnext(Order(item="loom"))
    stream.aiter(on_overflow="drop")  # E
    async for chunk in stream:
        if chunk.type == "workflow-strat":  # E
            pass
    result.unwrap().nothing  # E
    if isinstance(result, Success):
        result.result.nothing  # E
    total: str = await stream.output  # E
    print(total)


# -- operators over chunks -------------------------------------------------------------------------------------------

chunks = checkout.create_run().stream_vnext(Order(item="loom"))
one_type: Observable[StepOutput] = chunks.pipe(of_type("workflow-start"))  # E
step_chunks()  # E
outputs(3)  # E
data()  # E
progress("3")  # E
smooth()  # E
smooth("fast")  # E
to_sse(event=1)  # E
numbers: Observable[int] = chunks.pipe(text())  # E
chunks.pipe(smooth(1))  # E
chunks.pipe(results(), text())  # E
every: Observable[Chunk] = chunks.pipe(results())  # E
