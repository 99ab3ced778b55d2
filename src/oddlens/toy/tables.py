"""The experiment's numbers: as plain values, as Markdown, and as a table for the terminal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table

from oddlens.metrics.ranking import roc_auc
from oddlens.toy.data import Digits, ToyData
from oddlens.toy.experiment import Outcome, Trial
from oddlens.toy.models import KINDS, Kind
from oddlens.toy.scoring import DigitScores
from oddlens.toy.settings import ToySettings

TITLES: dict[Kind, str] = {"memory": "memory only", "skip": "memory + skip", "pdm": "memory + PDM"}
_ERROR, _REFERENCE = "error", "-"


def score_names(alphas: Sequence[float]) -> list[str]:
    """Names of the scores whose AUROC is reported, the plain error first."""
    return [_ERROR, *(f"error + {alpha:g} diversity" for alpha in alphas), "diversity", "diversity on ink"]


def numbers(data: ToyData, outcome: Outcome, settings: ToySettings, alphas: Sequence[float]) -> dict[str, Any]:
    """Everything measured, as plain values ready for JSON; AUROC in 0..1."""
    test = data.test
    examples = [
        {"title": each.title, "rule": each.rule, "index": each.index, "digit": int(test.labels[each.index])}
        for each in outcome.examples
    ]
    return {
        "digits": data.name,
        "fingerprint": data.fingerprint(),
        "normal_training_digits": int(data.train.normal.sum()),
        "test_digits": {"normal": int(test.normal.sum()), "anomalous": int((~test.normal).sum())},
        "settings": settings.to_dict(),
        "alphas": list(alphas),
        "seeds": [trial.seed for trial in outcome.trials],
        "models": {kind: _model_numbers(kind, test, outcome.trials, alphas) for kind in KINDS},
        "by_digit": _by_digit(test, outcome.trials),
        "examples": examples,
    }


def _model_numbers(kind: Kind, test: Digits, trials: Sequence[Trial], alphas: Sequence[float]) -> dict[str, Any]:
    found = [_scores(kind, trial.scores[kind], alphas) for trial in trials]
    labels = ~test.normal
    auroc = {name: _spread([roc_auc(labels, scores[name]) for scores in found]) for name in found[0]}
    scores = [trial.scores[kind] for trial in trials]
    means = {
        side: {
            "error": _mean([each.error[which].mean() for each in scores]),
            "diversity": _mean([each.diversity[which].mean() for each in scores]),
            "diversity_on_ink": _mean([each.ink_diversity[which].mean() for each in scores]),
        }
        for side, which in (("normal", test.normal), ("anomalous", labels))
    }
    return {
        "auroc": auroc,
        "means": means,
        "codes_in_use": [len(np.unique(each.codes[test.normal])) for each in scores],
        "training_seconds": [round(trial.seconds[kind], 1) for trial in trials],
    }


def _scores(kind: Kind, scores: DigitScores, alphas: Sequence[float]) -> dict[str, Any]:
    """The scores of a model by name; without a deformation the error alone."""
    if kind != "pdm":
        return {_ERROR: scores.error}
    values = [scores.error, *map(scores.with_diversity, alphas), scores.diversity, scores.ink_diversity]
    return dict(zip(score_names(alphas), values))


def _spread(values: Sequence[float]) -> dict[str, Any]:
    """Each seed, their mean, and their standard deviation (n - 1), `None` of a single seed."""
    deviation = round(statistics.stdev(values), 6) if len(values) > 1 else None
    return {"seeds": [round(value, 6) for value in values], "mean": _mean(values), "deviation": deviation}


def _by_digit(test: Digits, trials: Sequence[Trial]) -> dict[str, dict[str, float]]:
    """Mean scores of each digit over all seeds."""
    rows = {}
    for digit in np.unique(test.labels):
        which = test.labels == digit
        row: dict[str, float] = {
            kind: _mean([trial.scores[kind].error[which].mean() for trial in trials]) for kind in KINDS
        }
        row["diversity"] = _mean([trial.scores["pdm"].diversity[which].mean() for trial in trials])
        rows[str(digit)] = row
    return rows


def _mean(values: Sequence[Any]) -> float:
    return round(float(np.mean(values)), 6)


def auroc_rows(result: dict[str, Any]) -> list[list[str]]:
    """Score, then mean and spread of its AUROC in percent for each model."""
    rows = []
    for name in score_names(result["alphas"]):
        found = [result["models"][kind]["auroc"].get(name) for kind in KINDS]
        rows.append([name, *(_REFERENCE if each is None else _percent(each) for each in found)])
    return rows


def _percent(found: dict[str, Any]) -> str:
    spread = "" if found["deviation"] is None else f" ± {100 * found['deviation']:.2f}"
    return f"{100 * found['mean']:.2f}{spread}"


def terminal_table(result: dict[str, Any]) -> Table:
    """The AUROC of the three models, for the terminal."""
    count = len(result["seeds"])
    table = Table(title=f"AUROC in percent, even digits odd; {count} seed{'' if count == 1 else 's, mean ± deviation'}")
    table.add_column("score")
    for kind in KINDS:
        table.add_column(TITLES[kind], justify="right")
    for row in auroc_rows(result):
        table.add_row(*row)
    return table


def markdown(result: dict[str, Any], command: str) -> str:
    """`results.md`: the tables, and what they were made of and by."""
    titles = [TITLES[kind] for kind in KINDS]
    seeds = [f"seed {seed}" for seed in result["seeds"]]
    test, settings = result["test_digits"], result["settings"]
    parts = [
        "# The toy experiment\n",
        f"Digits: {result['digits']} (fingerprint `{result['fingerprint'][:12]}`). Learnt from "
        f"{result['normal_training_digits']} odd digits; tested on {test['normal']} odd ones (normal) and "
        f"{test['anomalous']} even ones (anomalous). AUROC in percent, mean ± standard deviation over seeds.\n",
        _markdown_table(["score", *titles], auroc_rows(result)),
        "Plain error, each seed, and how much of the memory is in use:\n",
        _markdown_table(
            ["model", *seeds, f"prototypes in use (of {settings['codes']})", "training, seconds"],
            [_seed_row(kind, result["models"][kind]) for kind in KINDS],
        ),
        "Means over the test split and all seeds; diversity in half frames, summed over the picture:\n",
        _markdown_table(
            ["", "error, normal", "error, anomalous", "diversity, normal", "diversity, anomalous"],
            [_mean_row(kind, result["models"][kind]["means"]) for kind in KINDS],
        ),
        _markdown_table(
            ["digit", *(f"error, {title}" for title in titles), "diversity"],
            [[digit, *(f"{value:.1f}" for value in row.values())] for digit, row in result["by_digit"].items()],
        ),
        f"Settings: {', '.join(f'{key} {value}' for key, value in settings.items())}.\n",
        f"Made by `{command}`.",
    ]
    return "\n".join(parts) + "\n"


def _seed_row(kind: Kind, found: dict[str, Any]) -> list[str]:
    cells = [f"{100 * value:.2f}" for value in found["auroc"][_ERROR]["seeds"]]
    codes = ", ".join(str(count) for count in found["codes_in_use"])
    return [TITLES[kind], *cells, codes, ", ".join(f"{value:.0f}" for value in found["training_seconds"])]


def _mean_row(kind: Kind, means: dict[str, dict[str, float]]) -> list[str]:
    names = ("error", "diversity") if kind == "pdm" else ("error",)
    cells = [f"{means[side][name]:.1f}" for name in names for side in ("normal", "anomalous")]
    return [TITLES[kind], *cells, *["-"] * (4 - len(cells))]


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"
