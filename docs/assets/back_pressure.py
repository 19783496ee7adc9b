"""Measure what a slow reader costs, and draw it: `python docs/assets/back_pressure.py` writes `back-pressure.svg`.

A step writes 100 000 chunks, ten a turn of the loop; a reader takes one a turn. Each policy has a process of its own.
How far the reader is behind is counted; memory is the resident set of the process (`/proc`, so on Linux).
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rxloom import Runtime, StepContext, create_step, create_workflow

CHUNKS, A_TURN, BOUND = 100_000, 10, 64
READERS: dict[str, dict[str, Any]] = {
    "no bound": {},
    "wait": {"buffer": BOUND},
    "drop_oldest": {"buffer": BOUND, "on_overflow": "drop_oldest"},
}
STROKES = {
    "no bound": 'stroke="#c2410c"',
    "wait": 'stroke="#0f766e"',
    "drop_oldest": 'stroke="#a78bfa" stroke-dasharray="7 7"',  # it lies upon the one before
}
WIDTH, HEIGHT, LEFT, TOP = 300, 150, 56, 46
Samples = list[tuple[int, int, float]]


def resident() -> float:
    """Tell how many megabytes of memory this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


async def measure(policy: str) -> Samples:
    """Return `(written, behind, megabytes grown)`, a hundred times on the way."""
    samples: Samples = []
    seen = -1

    async def write(count: int, ctx: StepContext) -> None:
        for number in range(count):
            await ctx.write(number)
            if number % A_TURN == 0:
                await asyncio.sleep(0)
            if number % (CHUNKS // 100) == 0:
                samples.append((number, number - seen, resident() - before))

    async def run(count: int) -> None:
        nonlocal seen
        seen = -1
        async for chunk in runtime.create_run("flow").stream_vnext(count).aiter(**READERS[policy]):
            if chunk.type == "workflow-step-output":
                seen = int(chunk.payload.output)
            await asyncio.sleep(0)

    before = 0.0
    kept = None if policy == "no bound" else BOUND
    runtime = Runtime(create_workflow("flow", input=int).then(create_step("step", write)).commit(), buffer=kept)
    await run(1_000)
    samples.clear()
    before = resident()
    await run(CHUNKS)
    return samples


def panel(at: int, title: str, column: int, measured: dict[str, Samples]) -> list[str]:
    """Draw one column of the samples, a line for each policy."""
    top = max(sample[column] for samples in measured.values() for sample in samples) or 1
    parts = [
        f'<g transform="translate({at},{TOP})">',
        f'<text x="0" y="-14" font-weight="bold">{title}</text>',
        f'<path d="M0 0V{HEIGHT}H{WIDTH}" fill="none" stroke="currentColor"/>',
        f'<text x="-6" y="5" text-anchor="end">{top:,.0f}</text>',
        f'<text x="-6" y="{HEIGHT + 4}" text-anchor="end">0</text>',
        f'<text x="{WIDTH}" y="{HEIGHT + 18}" text-anchor="end">{CHUNKS:,} chunks written</text>',
    ]
    for policy, samples in measured.items():
        points = " ".join(
            f"{WIDTH * written / CHUNKS:.1f},{HEIGHT * (1 - max(0, value) / top):.1f}"
            for written, value in ((sample[0], sample[column]) for sample in samples)
        )
        parts.append(f'<polyline points="{points}" fill="none" {STROKES[policy]} stroke-width="2.5"/>')
    return [*parts, "</g>"]


def draw(measured: dict[str, Samples]) -> str:
    """Return the picture."""
    size = f"{2 * (LEFT + WIDTH) + 20} {TOP + HEIGHT + 56}"
    style = 'font-family="sans-serif" font-size="12" fill="currentColor" color="#808080"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" {style} role="img" aria-label="A slow reader">',
        *panel(LEFT, "Chunks the reader is behind", 1, measured),
        *panel(2 * LEFT + WIDTH, "Memory grown, MB", 2, measured),
    ]
    for place, policy in enumerate(measured):
        x, y = LEFT + place * 200, TOP + HEIGHT + 44
        lines += [
            f'<path d="M{x} {y - 4}h24" {STROKES[policy]} stroke-width="2.5"/>',
            f'<text x="{x + 30}" y="{y}">{policy}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Measure each policy in a child, then draw; with the name of a policy, be the child."""
    if sys.argv[1:]:
        sys.stdout.write(json.dumps(asyncio.run(measure(sys.argv[1]))))
        return
    measured: dict[str, Samples] = {}
    for policy in READERS:
        printed = subprocess.check_output([sys.executable, __file__, policy], encoding="ascii")  # noqa: S603 - this file
        measured[policy] = json.loads(printed)
        last = measured[policy][-1]
        sys.stdout.write(f"{policy}: {max(s[1] for s in measured[policy])} behind, {last[2]:.1f} MB grown\n")
    Path(__file__).with_name("back-pressure.svg").write_text(draw(measured), "utf-8")


if __name__ == "__main__":
    main()
