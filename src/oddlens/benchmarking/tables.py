"""What a benchmark writes: tables in Markdown and csv, everything in json."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from oddlens.benchmarking.folder import BenchmarkFolder
from oddlens.benchmarking.photograph_tables import CategoryRow, category_names, category_rows, photograph_markdown
from oddlens.benchmarking.video_tables import video_markdown
from oddlens.files import write_json, write_text

MARKDOWN, WIDE, LONG, EVERYTHING = "tables.md", "categories.csv", "results.csv", "results.json"


def write_tables(folder: BenchmarkFolder, missing: Sequence[str], command: str = "") -> list[dict[str, Any]]:
    """Write the tables of all results in `folder` and return these.

    `tables.md` for people; `results.csv`, a line for each result, protocol and number; `results.json`, everything that
    was measured; of photographs `categories.csv`, the tables over the categories as shares.

    Args:
        folder: of the benchmark.
        missing: what is not there, one line each.
        command: that made it.

    Raises:
        OddLensError: they cannot be written.
    """
    results = folder.results()
    lines = [f"# Benchmark of {folder.subject}", ""]
    if results:
        lines += photograph_markdown(results) if folder.subject == "photographs" else video_markdown(results)
    lines += ["", *_missing(missing), *_origin(results, command)]
    write_text(folder.path / MARKDOWN, "\n".join(lines) + "\n")
    write_text(folder.path / LONG, _csv(*_long(results)))
    write_json(folder.path / EVERYTHING, {"command": command, "missing": list(missing), "results": results})
    if folder.subject == "photographs" and results:
        write_text(folder.path / WIDE, _csv(*_wide(category_rows(results), category_names(results))))
    return results


def _missing(lines: Sequence[str]) -> list[str]:
    return ["## Missing", "", *(f"- {line}" for line in lines), ""] if lines else []


def _origin(results: Sequence[Mapping[str, Any]], command: str) -> list[str]:
    lines = [f"- command: `{command}`"] if command else []
    lines.append(f"- written: {datetime.now(timezone.utc).isoformat(timespec='minutes')}")
    lines.append("- cells: per cent; of several seeds the mean (lowest - highest); intervals: mean of the seeds' ends")
    machines = dict.fromkeys(_machine(result["machine"]) for result in results)
    lines += [f"- machine: {machine}" for machine in machines]
    prints = {
        (result["target"], result["evaluation"]["provenance"]["test_fingerprint"][:12]): None for result in results
    }
    lines += [f"- test fingerprint of {target}: {fingerprint}" for target, fingerprint in prints]
    return lines


def _machine(runtime: Mapping[str, Any]) -> str:
    return f"{runtime['processor']}, {runtime['threads']} threads, Python {runtime['python']}, torch {runtime['torch']}"


Table = tuple[list[str], list[list[Any]]]


def _long(results: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for result in results:
        about = [result["target"], result["entry"], result["seed"]]
        for protocol, values in result["evaluation"]["protocols"].items():
            for name, value in values.items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    low, high = _interval(values, name)
                    rows.append([*about, protocol, name, value, low, high])
        recalls = (result["evaluation"].get("event_recall_at") or {}).get(result["evaluation"]["method"]) or {}
        costs = {"training_minutes": result["training_minutes"], "parameters": result["parameters"]}
        costs |= {"frames_per_second": result["speed"]["frames_per_second"]}
        costs |= {f"event_recall_at_{rate}_per_hour": value for rate, value in recalls.items() if value is not None}
        rows += [[*about, "", name, value, "", ""] for name, value in costs.items()]
    return ["target", "entry", "seed", "protocol", "metric", "value", "low", "high"], rows


def _interval(values: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    """Ends of a 95 % interval, '' where there is none: `interval` is micro AUC's, `intervals` are those by name."""
    pair = values.get("interval") if name == "micro_auc" else (values.get("intervals") or {}).get(name)
    low, high = pair or ("", "")
    return low, high


def _wide(rows: Sequence[CategoryRow], columns: Sequence[str]) -> Table:
    cells = [
        [
            row.metric,
            row.name,
            row.protocol,
            " ".join(map(str, row.seeds)),
            *(row.values[name].mean if name in row.values else "" for name in columns),
            "" if row.mean is None else row.mean.mean,
            row.note,
        ]
        for row in rows
    ]
    return ["metric", "method", "protocol", "seeds", *columns, "mean", "note"], cells


def _csv(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([[f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows])
    return text.getvalue()
