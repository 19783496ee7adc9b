"""Survey a real Python package: list its files, parse them eight at a time, look at them from three sides, report.

    python examples/quickstart.py                 # the `asyncio` package of your own Python
    python examples/quickstart.py path/to/package

The progress is told by the run itself: this script only subscribes to its stream of chunks.
"""

from __future__ import annotations

import ast
import asyncio
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from reactivex import operators as ops

from rxloom import Chunk, Failed, NonRetryable, StepContext, create_workflow, step
from rxloom.chunks import StepProgress

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Documentable = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Function(BaseModel):
    """A function and how long it is."""

    where: str
    name: str
    lines: int


class Module(BaseModel):
    """What one file says about itself; `problem` if it could not be read or parsed."""

    path: str
    lines: int = 0
    functions: list[Function] = []
    imports: list[str] = []
    documentable: int = 0
    documented: int = 0
    problem: str | None = None


class Findings(BaseModel):
    """The three views, under the ids of the steps that made them."""

    longest_functions: list[Function]
    imports: dict[str, int]
    docstring_coverage: float


class Survey(BaseModel):
    """The whole report."""

    files: int
    lines: int
    skipped: list[str]
    findings: Findings


@step
def list_files(root: Path) -> list[Path]:
    """Find the Python files; a plain function runs on a worker thread."""
    if not root.exists():
        raise NonRetryable(f"there is no file or folder {str(root)!r}")
    found = [root] if root.is_file() else sorted(path for path in root.rglob("*.py") if path.is_file())
    if not found or found[0].suffix != ".py":
        raise NonRetryable(f"there are no Python files in {str(root)!r}")
    return found


@step
def parse(path: Path) -> Module:
    """Parse one file; one that cannot be parsed is reported and does not stop the survey."""
    try:
        source = path.read_bytes()
        tree = ast.parse(source, path.name)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Module(path=str(path), problem=str(error) or type(error).__name__)
    nodes = list(ast.walk(tree))
    documentable = [node for node in nodes if isinstance(node, Documentable)]
    return Module(
        path=str(path),
        lines=source.count(b"\n"),
        functions=[measure(path, node) for node in nodes if isinstance(node, FunctionNode)],
        imports=[name for node in nodes for name in imported(node)],
        documentable=len(documentable),
        documented=sum(1 for node in documentable if ast.get_docstring(node, clean=False)),
    )


def measure(path: Path, node: FunctionNode) -> Function:
    """Count the lines of one function."""
    return Function(
        where=f"{path.name}:{node.lineno}",
        name=node.name,
        lines=(node.end_lineno or node.lineno) - node.lineno + 1,
    )


def imported(node: ast.AST) -> Iterator[str]:
    """Name the top-level packages that an import statement brings in."""
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0]


@step
async def longest_functions(modules: list[Module]) -> list[Function]:
    """Pick the five longest."""
    everything = [function for module in modules for function in module.functions]
    return sorted(everything, key=lambda function: -function.lines)[:5]


@step
async def imports(modules: list[Module]) -> dict[str, int]:
    """Count in how many files each package is imported."""
    return dict(Counter(name for module in modules for name in set(module.imports)).most_common(8))


@step
async def docstring_coverage(modules: list[Module]) -> float:
    """Tell which share of modules, classes and functions has a docstring."""
    total = sum(module.documentable for module in modules)
    return sum(module.documented for module in modules) / total if total else 0.0


@step
async def report(findings: Findings, ctx: StepContext) -> Survey:
    """Put everything together; the result of an earlier step is at hand by its name."""
    modules: list[Module] = ctx.get_step_result(parse)
    return Survey(
        files=len(modules),
        lines=sum(module.lines for module in modules),
        skipped=[f"{module.path}: {module.problem}" for module in modules if module.problem],
        findings=findings,
    )


survey = (
    create_workflow("survey", input=Path, output=Survey)
    .then(list_files)
    .for_each(parse, concurrency=8)
    .parallel([longest_functions, imports, docstring_coverage])
    .then(report)
    .commit()
)


def show_progress(chunk: Chunk) -> None:
    """Print one line per parsed file, while the run goes on."""
    if isinstance(chunk, StepProgress):
        progress = chunk.payload
        module: Module = progress.iteration_output
        mark = "skipped" if module.problem else "parsed"
        print(f"[{progress.completed_count:3}/{progress.total_count}] {mark} {module.path}", flush=True)


def show(found: Survey) -> None:
    """Print the report."""
    print(f"\nFiles: {found.files}   lines: {found.lines}   skipped: {len(found.skipped)}")
    for line in found.skipped:
        print(f"  skipped {line}")
    print("\nLongest functions")
    for function in found.findings.longest_functions:
        print(f"  {function.lines:5} lines  {function.name}  ({function.where})")
    print("\nMost imported")
    for name, count in found.findings.imports.items():
        print(f"  in {count:5}  {name}")
    print(f"\nDocstring coverage: {found.findings.docstring_coverage:.0%}")


async def main(root: Path) -> int:
    """Run the survey and show it live."""
    stream = survey.create_run().stream_vnext(root)
    stream.pipe(ops.filter(lambda chunk: chunk.type == "workflow-step-progress")).subscribe(show_progress)
    result = await stream.result
    if isinstance(result, Failed):
        print(f"The survey failed: {result.error.message}", file=sys.stderr)
        return 1
    show(result.unwrap())
    return 0


def run_as_script() -> int:
    """Take the path from the command line."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `quickstart.py | head` ends quietly
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if callable(reconfigure):
        reconfigure(errors="replace")  # a file may have any name
    for kind in (SyntaxWarning, DeprecationWarning):
        warnings.simplefilter("ignore", kind)  # about the surveyed code, which is not ours
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(asyncio.__file__).parent
    try:
        return asyncio.run(main(chosen))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(run_as_script())
