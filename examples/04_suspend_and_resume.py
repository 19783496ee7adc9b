"""A step asks a person and the run rests; days later a fresh `Run` object with the same id goes on."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from rxloom import StepContext, Suspended, create_workflow, step


class Answer(BaseModel):
    """What the person says."""

    approved: bool


@step
async def draft(topic: str) -> str:
    """Run once; a resumed run does not repeat what is done."""
    print("drafting")
    return f"A letter about {topic}."


@step(resume=Answer)
async def approve(letter: str, ctx: StepContext) -> str:
    """Leave at `suspend`, and be entered again from the top when there is an answer."""
    answer: Answer = await ctx.suspend({"ask": "Send it?", "letter": letter})
    return letter if answer.approved else ctx.bail("not sent")


@step
async def send(letter: str) -> str:
    """Reached only with approval."""
    return f"sent: {letter}"


mail = create_workflow("mail", input=str, output=str).then(draft).then(approve).then(send).commit()


async def main() -> None:
    """Suspend, then resume by the id of the run."""
    run = mail.create_run(run_id="letter-1")
    resting = await run.start("looms")
    assert isinstance(resting, Suspended)
    print(resting.status, resting.suspend_payload)

    again = mail.create_run(run_id="letter-1", on_existing="join")
    done = await again.resume({"approved": True}, step="approve")
    print(done.status, "->", done.unwrap())


asyncio.run(main())

# Prints:
# drafting
# suspended {'approve': {'ask': 'Send it?', 'letter': 'A letter about looms.'}}
# success -> sent: A letter about looms.
