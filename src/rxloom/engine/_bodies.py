"""How each kind of function is carried out: all of them become one coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterator, Mapping
from functools import partial
from types import CoroutineType
from typing import Any, cast

from reactivex import Observable
from reactivex.abc import DisposableBase

from rxloom.collect import only
from rxloom.step_type import Step


def body_of(step: Step[Any, Any, Any], value: Any, ctx: Any, sync_ctx: Callable[[], Any]) -> Coroutine[Any, Any, Any]:
    """Return the coroutine that carries out one attempt of `step`.

    Args:
        step: what to carry out.
        value: its input.
        ctx: the asynchronous context of the call.
        sync_ctx: makes the blocking one, for functions that run on a thread or inline.
    """
    if step.kind != "async":
        return _BODIES[step.kind](step, value, ctx, sync_ctx)
    body: Any = step.invoke(value, ctx)
    return cast("Coroutine[Any, Any, Any]", body) if type(body) is CoroutineType else awaited(body)


async def awaited(awaitable: Awaitable[Any]) -> Any:
    """Make a coroutine of anything that can be awaited."""
    return await awaitable


async def _inline(step: Step[Any, Any, Any], value: Any, ctx: Any, sync_ctx: Callable[[], Any]) -> Any:
    return await folded(step, step.invoke(value, sync_ctx()), ctx)


async def _thread(step: Step[Any, Any, Any], value: Any, ctx: Any, sync_ctx: Callable[[], Any]) -> Any:
    blocking = sync_ctx()
    return await folded(step, await ctx.on_worker(lambda: step.invoke(value, blocking)), ctx)


async def _async_observable(step: Step[Any, Any, Any], value: Any, ctx: Any, _: Callable[[], Any]) -> Any:
    return await folded(step, await step.invoke(value, ctx), ctx)


async def _async_generator(step: Step[Any, Any, Any], value: Any, ctx: Any, _: Callable[[], Any]) -> Any:
    items: list[Any] = []
    source = step.invoke(value, ctx)
    try:
        async for item in source:
            items.append(item)
            await ctx.write(item)
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()
    return step.collect(items)


async def _generator(step: Step[Any, Any, Any], value: Any, ctx: Any, sync_ctx: Callable[[], Any]) -> Any:
    blocking = sync_ctx()

    def drain() -> Any:
        items: list[Any] = []
        source = step.invoke(value, blocking)
        try:
            for item in source:
                items.append(item)
                blocking.write(item)
        finally:
            _close(source)
        return step.collect(items)

    return await ctx.on_worker(drain)


async def _inline_generator(step: Step[Any, Any, Any], value: Any, ctx: Any, sync_ctx: Callable[[], Any]) -> Any:
    items: list[Any] = []
    source = step.invoke(value, sync_ctx())
    try:
        for item in source:
            items.append(item)
            await ctx.write(item)
    finally:
        _close(source)
    return step.collect(items)


def _close(source: Iterator[Any]) -> None:
    """End a generator; an iterator that is none has nothing to end."""
    if isinstance(source, Generator):
        source.close()


_BODIES: Mapping[str, Callable[[Step[Any, Any, Any], Any, Any, Callable[[], Any]], Coroutine[Any, Any, Any]]] = {
    "async_generator": _async_generator,
    "async_observable": _async_observable,
    "generator": _generator,
    "inline": _inline,
    "inline_generator": _inline_generator,
    "observable": _inline,  # the function is called on the loop; what it returns may do its work elsewhere
    "operator": _inline,
    "thread": _thread,
}


async def folded(step: Step[Any, Any, Any], output: Any, ctx: Any) -> Any:
    """Return `output`, or, where a function returned an Observable, the fold of its items.

    A plain function such as `lambda n: fetch(n)` may return a coroutine, which is no value: it is awaited.
    """
    if type(output) is CoroutineType:
        output = await cast("Coroutine[Any, Any, Any]", output)
    if not isinstance(output, Observable):
        return output
    source = cast("Observable[Any]", output)
    quiet = step.kind == "operator" and step.collect is only  # its one item is the output, and not something written
    return step.collect(await _items(source, ctx, (lambda _: None) if quiet else ctx.write_nowait))


async def _items(source: Observable[Any], ctx: Any, write: Callable[[Any], None]) -> list[Any]:
    items: list[Any] = []
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(error: BaseException | None = None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def on_next(item: Any) -> None:
        try:
            write(item)
        except BaseException as error:  # noqa: BLE001 # the step fails with it, not the observable's producer
            ctx.on_loop(partial(settle, error))
        else:
            items.append(item)

    subscription: DisposableBase = source.subscribe(
        on_next,
        lambda error: ctx.on_loop(partial(settle, as_exception(error))),
        lambda: ctx.on_loop(settle),
        scheduler=ctx.scheduler,
    )
    try:
        await done
    finally:
        subscription.dispose()
    return items


def as_exception(error: object) -> BaseException:
    """Return `error` as something that can be raised: Rx streams may end with any object."""
    if isinstance(error, StopIteration):  # a future refuses to carry one
        wrapped = RuntimeError(f"the observable ended with {error!r}")
        wrapped.__cause__ = error
        return wrapped
    return error if isinstance(error, BaseException) else RuntimeError(f"the observable ended with {error!r}")
