"""Two steps make a workflow; its run gives a typed result."""

from __future__ import annotations

import asyncio
import json

from pydantic import BaseModel

from rxloom import Failed, create_workflow, step


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

    bad = await offer.create_run().start(json.loads('{"item": "loom", "quantity": "many"}'))
    assert isinstance(bad, Failed)
    print(bad.status, "->", bad.error.name)


asyncio.run(main())

# Prints:
# success -> That will be 19.00.
# failed -> InputInvalid
