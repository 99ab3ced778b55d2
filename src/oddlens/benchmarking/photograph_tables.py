"""Tables of photographs: one for each metric, a column for each category, published numbers below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oddlens.benchmarking.published import MVTEC, PHOTOGRAPHS
from oddlens.benchmarking.spread import Spread, markdown_table, percent
from oddlens.reports.photograph_tables import MEASURES

_WITHOUT_LEARNING = "without learning: "


@dataclass(frozen=True)
class CategoryRow:
    """One row: a method under a protocol, a floor, or a published one."""

    metric: str
    name: str
    protocol: str
    """`clean`, `paper`, or `published`."""
    seeds: tuple[int, ...]
    values: dict[str, Spread]
    """By category, as shares."""
    mean: Spread | None
    """Over the categories that have a value."""
    note: str = ""
    """Of a published one: what a reader has to know."""


def category_rows(results: Sequence[Mapping[str, Any]]) -> list[CategoryRow]:
    """All rows of all metrics that any result has, metric by metric: methods, floors, and MVTec AD's published ones."""
    rows = []
    published = any(result["target"] in MVTEC for result in results)
    for metric in MEASURES:
        if any(_value(result["evaluation"]["protocols"], "clean", metric) is not None for result in results):
            rows += _method_rows(results, metric) + _floor_rows(results, metric)
            rows += _published_rows(metric) if published else []
    return rows


def category_names(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns: all fifteen of MVTec AD where any is one of them, then the others.

    Example:
        >>> category_names([{"target": "plate"}]), len(category_names([{"target": "screw"}, {"target": "plate"}]))
        (['plate'], 16)
    """
    found = dict.fromkeys(str(result["target"]) for result in results)
    others = [name for name in found if name not in MVTEC]
    return [*(MVTEC if len(others) < len(found) else ()), *others]


def photograph_markdown(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table for each metric with notes below, then what each training cost."""
    columns, rows = category_names(results), category_rows(results)
    lines: list[str] = []
    for metric in dict.fromkeys(row.metric for row in rows):
        heads = ["method", "protocol", "seeds", *columns, "mean"]
        mine = [row for row in rows if row.metric == metric]
        notes = list(dict.fromkeys(row.note for row in mine if row.note))
        lines += [f"## {MEASURES[metric]}", "", *markdown_table(heads, _cells(mine, columns, notes), 2), ""]
        lines += [line for number, note in enumerate(notes, 1) for line in (f"({number}) {note}", "")]
    return [*lines, "## Cost", "", *_cost(results)]


def _cells(rows: Sequence[CategoryRow], columns: Sequence[str], notes: Sequence[str]) -> list[list[str]]:
    return [
        [
            f"{row.name} ({notes.index(row.note) + 1})" if row.note else row.name,
            row.protocol,
            " ".join(map(str, row.seeds)) or "-",
            *(percent(row.values.get(name)) for name in columns),
            _mean_text(row),
        ]
        for row in rows
    ]


def _mean_text(row: CategoryRow) -> str:
    if row.mean is None:
        return "-"
    if row.protocol == "published":
        return f"{row.mean.percent()} of 15"
    return f"{row.mean.percent()} of {len(row.values)}"


def _method_rows(results: Sequence[Mapping[str, Any]], metric: str) -> list[CategoryRow]:
    rows = []
    for entry in dict.fromkeys(result["entry"] for result in results):
        mine = [result for result in results if result["entry"] == entry]
        for protocol in ("clean", "paper"):
            found = [(r["target"], r["seed"], _value(r["evaluation"]["protocols"], protocol, metric)) for r in mine]
            optimistic = any((r["evaluation"]["protocols"].get(protocol) or {}).get("optimistic") for r in mine)
            name = f"{protocol} (optimistic)" if optimistic else protocol
            rows.append(_row(metric, entry, name, found))
    return [row for row in rows if row.values]


def _floor_rows(results: Sequence[Mapping[str, Any]], metric: str) -> list[CategoryRow]:
    """Floors depend on the photographs alone, so the first result of each category speaks for it."""
    first = {result["target"]: result["evaluation"].get("baselines") or {} for result in reversed(results)}
    names = dict.fromkeys(name for baselines in first.values() for name in baselines)
    rows = []
    for name in names:
        found = [(target, -1, (baselines.get(name) or {}).get(metric)) for target, baselines in first.items()]
        rows.append(_row(metric, _WITHOUT_LEARNING + name, "clean", found))
    return [row for row in rows if row.values]


def _published_rows(metric: str) -> list[CategoryRow]:
    rows = []
    for known in PHOTOGRAPHS:
        if known.metric == metric:
            values = {
                name: Spread(value / 100, value / 100, value / 100, 1) for name, value in known.categories.items()
            }
            mean = Spread(known.mean / 100, known.mean / 100, known.mean / 100, 1)
            rows.append(CategoryRow(metric, known.name, "published", (), values, mean, known.note))
    return rows


def _row(metric: str, name: str, protocol: str, found: Sequence[tuple[str, int, float | None]]) -> CategoryRow:
    known = [(target, seed, value) for target, seed, value in found if value is not None]
    targets = list(dict.fromkeys(target for target, _, _ in known))
    seeds = sorted({seed for _, seed, _ in known if seed >= 0})
    spreads = {target: Spread.of(value for t, _, value in known if t == target) for target in targets}
    values = {target: spread for target, spread in spreads.items() if spread is not None}
    return CategoryRow(metric, name, protocol, tuple(seeds), values, _over_categories(known, targets))


def _over_categories(known: Sequence[tuple[str, int, float]], targets: Sequence[str]) -> Spread | None:
    """Mean over the categories for each seed that has them all, then over seeds; over all values where none has."""
    by_seed: dict[int, list[float]] = {}
    for _, seed, value in known:
        by_seed.setdefault(seed, []).append(value)
    whole = [sum(values) / len(values) for values in by_seed.values() if len(values) == len(targets)]
    return Spread.of(whole or _flat_mean(known))


def _flat_mean(known: Sequence[tuple[str, int, float]]) -> list[float]:
    targets = dict.fromkeys(target for target, _, _ in known)
    means = [Spread.of(value for t, _, value in known if t == target) for target in targets]
    values = [mean.mean for mean in means if mean is not None]
    return [sum(values) / len(values)] if values else []


def _value(protocols: Mapping[str, Any], protocol: str, metric: str) -> float | None:
    value = (protocols.get(protocol) or {}).get(metric)
    return None if value is None else float(value)


def _cost(results: Sequence[Mapping[str, Any]]) -> list[str]:
    heads = ["method", "training, minutes", "photographs a second", "parameters"]
    rows = []
    for entry in dict.fromkeys(result["entry"] for result in results):
        mine = [result for result in results if result["entry"] == entry]
        minutes = Spread.of(result["training_minutes"] for result in mine)
        speed = Spread.of(result["speed"]["frames_per_second"] for result in mine)
        counts = sorted({result["parameters"] for result in mine})
        assert minutes is not None and speed is not None
        rows.append([entry, f"{minutes.mean:.1f}", f"{speed.mean:.1f}", ", ".join(f"{count:,}" for count in counts)])
    return markdown_table(heads, rows)
