"""Evaluation results as tables for the terminal, for Markdown and for the HTML report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.table import Table

from oddlens.reports.series import clock

_COLUMNS = {"clean": "clean", "paper": "paper", "paper_test_only": "paper (test frames only)"}
"""Titles of the protocols; the last one is there where the paper counts training frames too."""


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _rounded(value: float) -> str:
    return f"{value:.2f}"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 60 else clock(value)


_MEASURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("micro_auc", "micro AUC", _percent),
    ("macro_auc", "macro AUC", _percent),
    ("ap", "average precision", _percent),
    ("eer", "equal error rate", _percent),
    ("pixel_auc", "pixel-level AUC", _percent),
    ("pixel_level_auc", "pixel criterion, legacy", _percent),
    ("rbdc", "RBDC", _percent),
    ("tbdc", "TBDC", _percent),
    ("event_recall", "event recall", _percent),
    ("false_alarms_per_hour", "false alarms per hour", _rounded),
    ("time_to_detect", "time to detect (median)", _seconds),
)
_RANKING = ("micro_auc", "macro_auc", "ap", "eer", "pixel_auc")

Rows = list[tuple[str, list[str]]]


def column_titles(protocols: Mapping[str, Any]) -> dict[str, str]:
    """Titles of the columns by protocol: `clean` and `paper` always, `paper_test_only` where it was evaluated.

    Example:
        >>> list(column_titles({"clean": {}}).values())
        ['clean', 'paper']
        >>> list(column_titles({"clean": {}, "paper": {"optimistic": True}}).values())
        ['clean', 'paper (optimistic)']
    """
    titles = {name: title for name, title in _COLUMNS.items() if name in ("clean", "paper") or name in protocols}
    if (protocols.get("paper") or {}).get("optimistic"):
        titles["paper"] += " (optimistic)"
    return titles


def measure_rows(protocols: Mapping[str, Mapping[str, Any]]) -> Rows:
    """Rows `(measure, [one cell a column])`; a measure that no protocol has is left out.

    Example:
        >>> measure_rows({"clean": {"micro_auc": 0.8612, "interval": [0.83, 0.88]}})
        [('micro AUC', ['86.12 %', '-']), ('95 % interval', ['83.00 - 88.00 %', '-'])]
    """
    columns = [protocols.get(protocol, {}) for protocol in column_titles(protocols)]
    rows: Rows = []
    for key, title, show in _MEASURES:
        cells = [_cell(column.get(key), show) for column in columns]
        if any(key in column for column in columns):
            rows.append((title, cells))
        if key == "micro_auc" and any("interval" in column for column in columns):
            rows.append(("95 % interval", [_interval(column) for column in columns]))
    return rows


def baseline_rows(baselines: Mapping[str, Mapping[str, Any]], columns: Iterable[str] = ("clean", "paper")) -> Rows:
    """Rows `(baseline, [one cell a column])` of micro AUC with its interval, highest clean first.

    Example:
        >>> baseline_rows({"clock": {"micro_auc": 0.749, "paper": {"micro_auc": 0.7}}})
        [('clock', ['74.90 %', '70.00 %'])]
    """
    ordered = sorted(baselines.items(), key=lambda item: -(item[1].get("micro_auc") or 0.0))
    others = [column for column in columns if column != "clean"]
    return [(n, [_with_interval(v), *(_with_interval(v.get(column) or {}) for column in others)]) for n, v in ordered]


def evaluation_table(result: Mapping[str, Any]) -> Table:
    """Result of an evaluation as one table: measures, then what works without learning."""
    table = Table(title=_title(result), title_justify="left")
    table.add_column("", no_wrap=True)
    titles = column_titles(result["protocols"])
    for title in titles.values():
        table.add_column(title, justify="right", no_wrap=title in ("clean", "paper"))
    for name, cells in measure_rows(result["protocols"]):
        table.add_row(name, *cells)
    baselines = baseline_rows(result.get("baselines") or {}, titles)
    if baselines:
        table.add_section()
        table.add_row("[dim]without learning:[/dim]")
    for name, cells in baselines:
        table.add_row(f"  {_plain(name)}", *cells)
    return table


def evaluation_markdown(result: Mapping[str, Any]) -> str:
    """Result of an evaluation as Markdown: measures, baselines with all ranking measures, provenance."""
    titles = column_titles(result["protocols"])
    lines = [f"## {escaped(_title(result))}", "", f"| measure | {' | '.join(titles.values())} |"]
    lines.append("|---|" + "---:|" * len(titles))
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in measure_rows(result["protocols"])]
    baselines = result.get("baselines") or {}
    if baselines:
        lines += ["", f"Without learning ({' / '.join(titles.values())}):", "", *_baseline_table(baselines, titles)]
    provenance = result.get("provenance") or {}
    if provenance:
        lines += ["", *(f"- {escaped(key)}: {escaped(value)}" for key, value in flattened(provenance))]
    return "\n".join(lines) + "\n"


def flattened(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested mappings as `(dotted.key, text)` pairs.

    Example:
        >>> flattened({"seed": 1, "versions": {"torch": "2.4"}, "files": ["a", "b"]})
        [('seed', '1'), ('versions.torch', '2.4'), ('files', 'a, b')]
    """
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs += flattened(value, f"{name}.")
        elif isinstance(value, (list, tuple)):
            pairs.append((name, ", ".join(map(str, value))))
        else:
            pairs.append((name, "-" if value is None else str(value)))
    return pairs


def _baseline_table(baselines: Mapping[str, Mapping[str, Any]], columns: Iterable[str]) -> list[str]:
    measures = [(key, title, show) for key, title, show in _MEASURES if key in _RANKING]
    lines = [
        "| baseline | " + " | ".join(title for _, title, _ in measures) + " |",
        "|---|" + "---:|" * len(measures),
    ]
    for name, values in baselines.items():
        parts = [values if column == "clean" else values.get(column) or {} for column in columns]
        cells = [" / ".join(_cell(part.get(key), show) for part in parts) for key, _, show in measures]
        lines.append(f"| {escaped(name)} | " + " | ".join(cells) + " |")
    return lines


def _title(result: Mapping[str, Any]) -> str:
    frames = result.get("frames")
    counted = f" ({frames:,} frames)" if isinstance(frames, int) else ""
    chosen = f", optimistic: {result['optimistic']}" if result.get("optimistic") else ""
    return f"{result.get('method', '?')} on {result.get('dataset', '?')}{counted}{chosen}"


def _cell(value: float | None, show: Callable[[float], str]) -> str:
    return "-" if value is None or value != value else show(value)


def _interval(values: Mapping[str, Any]) -> str:
    low, high = values.get("interval") or (None, None)
    return "-" if low is None or high is None else f"{100 * low:.2f} - {_percent(high)}"


def _with_interval(values: Mapping[str, Any]) -> str:
    low, high = values.get("interval") or (None, None)
    interval = "" if low is None or high is None else f" ({100 * low:.1f} - {100 * high:.1f})"
    return _cell(values.get("micro_auc"), _percent) + interval


def escaped(text: object) -> str:
    """Text as it may stand in a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
