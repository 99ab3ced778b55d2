"""All benchmarks, one after the other: a line for each goal, and a table of them all."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from benchmarks.measure import Result, machine, report
from oddlens.files import write_text

BENCHMARKS = (
    "clip_feeding",
    "helper_features",
    "pseudo_masks",
    "optical_flow",
    "foreground_recall",
    "patches",
    "template",
    "deformation",
    "aupro",
    "training_step",
    "scoring",
    "scoring_memory",
    "live_scoring",
    "photographs",
    "ssim_gate",
    "start_up",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--out", type=Path, help="markdown file for the table")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only shows that the benchmarks work")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(BENCHMARKS)):
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    results: list[Result] = []
    for name in options.names or BENCHMARKS:
        with get_context("spawn").Pool(1) as fresh:
            found = fresh.apply(_run, (name, options.quick))
        report(found)
        results += found
    if options.out:
        write_text(options.out, table(results))


def _run(name: str, quick: bool) -> list[Result]:
    """One benchmark, in a process of its own: a training changes how its process handles memory and threads."""
    found: list[Result] = import_module(f"benchmarks.{name}").run(quick)
    return found


def table(results: Sequence[Result]) -> str:
    """Markdown: where and when, then one row for each goal."""
    today = datetime.now(timezone.utc).date().isoformat()
    lines = [
        f"Measured on {today} with `python -m benchmarks.run`: {machine()}.",
        "",
        "| what | OddLens | baseline | measured | in processor time | goal | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for item in results:
        cells = (item.what, item.ours, item.baseline, item.measured, item.cpu, item.goal, "yes" if item.met else "no")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
