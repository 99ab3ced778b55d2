"""Tables of footage: one for each data set, a row for each method, trivial baselines and published numbers beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oddlens.benchmarking.published import VIDEO
from oddlens.benchmarking.spread import Spread, markdown_table, mean_interval, percent

_RATE = "1"
"""False alarms an hour at which recall is told in the table."""
_HEADS = (
    "method",
    "seeds",
    "clean micro",
    "95 %",
    "clean macro",
    "paper micro",
    "95 %",
    "paper macro",
    "published",
    "events found at 1 false alarm an hour",
    "training, minutes",
    "frames a second",
    "parameters",
)


def video_markdown(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Two tables for each data set: methods and baselines, and what each paper's protocol gives without learning."""
    lines: list[str] = []
    for target in dict.fromkeys(result["target"] for result in results):
        mine = [result for result in results if result["target"] == target]
        frames = mine[0]["evaluation"].get("frames")
        lines += [f"## {target} ({frames:,} frames)", ""]
        lines += [*markdown_table(_HEADS, [*_method_rows(mine), *_baseline_rows(mine)]), ""]
        lines += ["Without learning, under the paper's protocol of each method (micro AUC):", ""]
        lines += [*_paper_baselines(mine), ""]
    return lines[:-1]


def _method_rows(results: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = []
    for entry in dict.fromkeys(result["entry"] for result in results):
        mine = [result for result in results if result["entry"] == entry]
        minutes = Spread.of(result["training_minutes"] for result in mine)
        speed = Spread.of(result["speed"]["frames_per_second"] for result in mine)
        assert minutes is not None and speed is not None
        rows.append(
            [
                _label(entry, mine),
                " ".join(str(result["seed"]) for result in mine),
                *_protocol_cells([result["evaluation"]["protocols"] for result in mine]),
                _published(mine[0]),
                percent(Spread.of(_recall(result, result["evaluation"]["method"]) for result in mine)),
                f"{minutes.mean:.1f}",
                f"{speed.mean:.1f}",
                ", ".join(f"{count:,}" for count in sorted({result["parameters"] for result in mine})),
            ]
        )
    return rows


def _label(entry: str, results: Sequence[Mapping[str, Any]]) -> str:
    """The entry, with what was chosen on test labels, if anything was."""
    chosen = dict.fromkeys(result["evaluation"].get("optimistic") for result in results)
    return ", optimistic: ".join([entry, *(each for each in chosen if each)])


def _protocol_cells(protocols: Sequence[Mapping[str, Any]]) -> list[str]:
    cells = []
    for name in ("clean", "paper"):
        mine = [each.get(name) or {} for each in protocols]
        optimistic = " (optimistic)" if any(each.get("optimistic") for each in mine) else ""
        cells.append(percent(Spread.of(each.get("micro_auc") for each in mine)) + optimistic)
        cells.append(mean_interval(each.get("interval") for each in mine))
        cells.append(percent(Spread.of(each.get("macro_auc") for each in mine)))
    return cells


def _baseline_rows(results: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Baselines of the first result: on the clean scale they do not depend on the method."""
    first = results[0]
    rows = []
    for name, values in (first["evaluation"].get("baselines") or {}).items():
        recall = percent(Spread.of([_recall(first, name)]))
        clean = [
            percent(Spread.of([values.get("micro_auc")])),
            mean_interval([values.get("interval")]),
            percent(Spread.of([values.get("macro_auc")])),
        ]
        rows.append([f"without learning: {name}", "-", *clean, *["-"] * 4, recall, "-", "-", "-"])
    return rows


def _paper_baselines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for result in results for name in result["evaluation"].get("baselines") or {}))
    first = {result["entry"]: result["evaluation"].get("baselines") or {} for result in reversed(results)}
    rows = []
    for entry in dict.fromkeys(result["entry"] for result in results):
        values = [((first[entry].get(name) or {}).get("paper") or {}).get("micro_auc") for name in names]
        rows.append([entry, *(percent(Spread.of([value])) for value in values)])
    return markdown_table(["method", *names], rows)


def _published(result: Mapping[str, Any]) -> str:
    known = VIDEO.get(result["method"], {}).get(result["evaluation"]["dataset"], ())
    return "; ".join(f"{number.value:g} ({number.note})" for number in known) or "-"


def _recall(result: Mapping[str, Any], name: str) -> float | None:
    recalls: Mapping[str, float | None] = (result["evaluation"].get("event_recall_at") or {}).get(name) or {}
    return recalls.get(_RATE)
