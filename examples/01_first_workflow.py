"""Two steps make a workflow; its run gives a typed result."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from rxloom import create_workflow, step


class Order(BaseModel):
    """What somebody wants."""

    item: str
    quantity: int


class Quote(BaseModel):
    """What it costs."""

    total: float


@step
async def price(order: Order) -> Quote:
    """Schemas come from the annotations; so an order is validated before this line runs."""
    return Quote(total=9.5 * order.quantity)


@step
def letter(quote: Quote) -> str:
    """A plain function is a step too; it runs on a worker thread."""
    return f"That will be {quote.total:.2f}."


offer = create_workflow("offer", input=Order, output=str).then(price).then(letter).commit()


async def main() -> None:
    """Run it twice: with a good and with a bad input."""
    good = await offer.create_run().start(Order(item="loom", quantity=2))
    print(good.status, "->", good.unwrap())

    bad = await offer.create_run().start({"item": "loom", "quantity": "many"})
    print(bad.status, "-> quantity" if "quantity" in str(bad) else "?")


asyncio.run(main())
