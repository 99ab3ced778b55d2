"""ROC curves of an evaluation as a picture, each with the point of equal error rates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from oddlens.files import atomic_path
from oddlens.reports.style import ALARM, CURVE, INK, LABEL, MUTED, RULE, hex_colour

_COLOURS = (CURVE, ALARM, LABEL)


def roc_png(path: Path, title: str, curves: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the curves over one another, 700 x 700 pixels.

    Args:
        path: png to write.
        title: above them.
        curves: up to three by name: `fpr`, `tpr` (lists), `auc` and `eer`, all in 0..1; see `roc_record`.

    Raises:
        OddLensError: the file cannot be written.
    """
    figure = Figure(figsize=(7.0, 7.0), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=hex_colour(RULE), lw=1.2)
    axes.plot([0, 1], [1, 0], color=hex_colour(RULE), lw=1.0, ls=(0, (2, 3)))
    for (name, curve), colour in zip(curves.items(), _COLOURS):
        told = f"{name}: AUC {100 * curve['auc']:.2f} %, EER {100 * curve['eer']:.2f} %"
        axes.plot(curve["fpr"], curve["tpr"], color=hex_colour(colour), lw=1.8, label=told)
        point = curve["eer"], 1 - curve["eer"]
        axes.plot(*point, "o", ms=8, mfc=hex_colour(colour), mec="white", mew=1.5, zorder=3)
    axes.set(xlim=(0, 1), ylim=(0, 1.005), aspect="equal")
    axes.set_xlabel("false positive rate", color=hex_colour(MUTED))
    axes.set_ylabel("true positive rate", color=hex_colour(MUTED))
    axes.set_title(title, loc="left", fontsize=12, color=hex_colour(INK), fontweight="bold", parse_math=False)
    axes.grid(color=hex_colour(RULE), lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=hex_colour(MUTED), length=0, labelsize=9)
    for spine in axes.spines.values():
        spine.set_color(hex_colour(RULE))
    axes.legend(loc="lower right", frameon=False, fontsize=10, labelcolor=hex_colour(INK))
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_figure(temporary)
