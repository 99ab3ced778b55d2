"""Results on photographs as tables: what was rejected, and the numbers of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.table import Table

from oddlens.reports.tables import column_titles, escaped, flattened

MEASURES: dict[str, str] = {
    "image_auroc": "image AUROC",
    "image_ap": "image average precision",
    "image_f1_max": "image F1-max (oracle)",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel average precision",
    "pixel_f1_max": "pixel F1-max (oracle)",
    "aupro": "AUPRO 0.3",
    "paper_pro": "PRO by image, as RD4AD",
    "aupimo": "AUPIMO",
    "found": "defects found",
    "false_reject_rate": "good ones rejected",
}
"""Measures by their key, in the order of the tables; oracles choose their threshold on the test labels."""
_RANKING = ("image_auroc", "image_ap", "pixel_auroc", "aupro")
_OF_KINDS = ("image_auroc", "pixel_auroc", "aupro", "aupimo", "found")

Cells = list[tuple[str, list[str]]]


def kinds_table(scores: pd.DataFrame) -> Table:
    """Photographs and rejects of each kind, from the table of `score_photographs_to_folder`."""
    table = _table("kind", ["photographs", "rejected", "highest surprise"])
    groups = list(scores.groupby("kind", sort=False))
    for kind, rows in [*groups, ("all", scores)] if len(groups) > 1 else groups:
        rejected = int(rows["reject"].sum())
        share = f"{rejected} ({100 * rejected / len(rows):.0f} %)"
        table.add_row(str(kind) or "not known", str(len(rows)), share, f"{rows['calibrated'].max():.2f}")
    return table


def measure_cells(protocols: Mapping[str, Mapping[str, Any]]) -> Cells:
    """Rows `(measure, [one cell a protocol])` with 95 % intervals; a measure that none has is left out.

    Example:
        >>> measure_cells({"clean": {"image_auroc": 0.912, "intervals": {"image_auroc": [0.871, 0.95]}}})
        [('image AUROC', ['91.20 % (87.1 - 95.0)'])]
    """
    columns = list(protocols.values())
    return [
        (title, [_cell(column, key) for column in columns])
        for key, title in MEASURES.items()
        if any(column.get(key) is not None for column in columns)
    ]


def baseline_cells(baselines: Mapping[str, Mapping[str, Any]], measures: Sequence[str] = _RANKING) -> Cells:
    """Rows `(baseline, [one cell a measure])` of the clean numbers, the highest image AUROC first."""
    ordered = sorted(baselines.items(), key=lambda item: -(item[1].get("image_auroc") or 0.0))
    return [(name, [_percent(values.get(key)) for key in measures]) for name, values in ordered]


def photograph_evaluation_tables(result: Mapping[str, Any]) -> list[Table]:
    """Result of an evaluation: measures by protocol, kinds of defects, what works without learning."""
    protocols = _shown(result)
    measures = _table("", list(protocols), title=_title(result))
    for name, cells in measure_cells(protocols):
        measures.add_row(name, *cells)
    tables = [measures]
    for heading, names, rows in _further(result):
        table = _table(heading, names)
        for name, cells in rows:
            table.add_row(name.replace("[", "\\["), *cells)
        tables.append(table)
    return tables


def photograph_evaluation_markdown(result: Mapping[str, Any]) -> str:
    """Result of an evaluation as Markdown, with its provenance."""
    protocols = _shown(result)
    lines = [f"## {escaped(_title(result))}", "", *_markdown("measure", list(protocols), measure_cells(protocols))]
    for heading, names, rows in _further(result):
        lines += ["", *_markdown(heading, names, rows)]
    lines += ["", *(f"- {escaped(key)}: {escaped(value)}" for key, value in flattened(result.get("provenance") or {}))]
    return "\n".join(lines) + "\n"


def _further(result: Mapping[str, Any]) -> list[tuple[str, list[str], Cells]]:
    """The tables below the first: heading, names of columns, rows."""
    kinds: Mapping[str, Mapping[str, Any]] = result.get("kinds") or {}
    rows = {f"{kind} ({values['photographs']})": values for kind, values in kinds.items()}
    of_kinds = [(name, [_percent(values.get(key)) for key in _OF_KINDS]) for name, values in rows.items()]
    baselines = baseline_cells(result.get("baselines") or {})
    found = [("defect", [MEASURES[key] for key in _OF_KINDS], of_kinds)] if len(kinds) > 1 else []
    return found + ([("without learning", [MEASURES[key] for key in _RANKING], baselines)] if baselines else [])


def _shown(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Protocols by the title of their column."""
    protocols: Mapping[str, Any] = result["protocols"]
    return {title: protocols[name] for name, title in column_titles(protocols).items() if name in protocols}


def _table(first: str, others: Sequence[str], title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _markdown(first: str, others: Sequence[str], rows: Cells) -> list[str]:
    lines = [f"| {first} | {' | '.join(others)} |", "|---|" + "---:|" * len(others)]
    return lines + [f"| {escaped(name)} | {' | '.join(cells)} |" for name, cells in rows]


def _title(result: Mapping[str, Any]) -> str:
    return f"{result.get('method', '?')} on {result.get('dataset', '?')} ({result.get('photographs', '?')} photographs)"


def _cell(values: Mapping[str, Any], key: str) -> str:
    low, high = (values.get("intervals") or {}).get(key) or (None, None)
    interval = "" if low is None or high is None else f" ({100 * low:.1f} - {100 * high:.1f})"
    return _percent(values.get(key)) + interval


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"
