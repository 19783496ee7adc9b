"""`parallel` runs steps side by side on one input; `branch` runs the arms whose condition holds."""

from __future__ import annotations

import asyncio

from rxloom import create_workflow, step


@step
async def words(text: str) -> int:
    """Count words."""
    return len(text.split())


@step
async def letters(text: str) -> int:
    """Count letters."""
    return sum(char.isalpha() for char in text)


@step
async def long(counts: dict[str, int]) -> str:
    """Say so."""
    return f"long: {counts['words']} words"


@step
async def short(counts: dict[str, int]) -> str:
    """Say so."""
    return f"short: {counts['words']} words"


def is_long(counts: dict[str, int]) -> bool:
    """Decide on the output of the parallel part, which is `{step id: output}`."""
    return counts["words"] > 5


measure = (
    create_workflow("measure", input=str, output=str)
    .parallel([words, letters])
    .branch([(is_long, long)], default=short, merge=True)
    .commit()
)


async def main() -> None:
    """Take both ways."""
    for text in ("warp and weft", "a loom holds the warp so that weft can pass"):
        result = await measure.create_run().start(text)
        print(result.steps["words"].output, result.steps["letters"].output, "->", result.unwrap())


asyncio.run(main())

# Prints:
# 3 11 -> short: 3 words
# 10 34 -> long: 10 words
