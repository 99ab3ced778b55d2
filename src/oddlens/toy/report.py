"""What the experiment leaves behind: `results.json`, `results.md` and `figure.png`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from oddlens.files import write_json, write_text
from oddlens.media.writer import write_image
from oddlens.scoring.detector import runtime
from oddlens.toy.data import ToyData
from oddlens.toy.experiment import Outcome
from oddlens.toy.figure import draw_figure, figure_rows
from oddlens.toy.settings import ToySettings
from oddlens.toy.tables import markdown, numbers


def write_results(
    folder: Path,
    data: ToyData,
    outcome: Outcome,
    settings: ToySettings,
    alphas: Sequence[float],
    device: torch.device,
    command: str,
) -> dict[str, Any]:
    """Write the three files into `folder`, each whole or not at all, and return what `results.json` holds.

    Args:
        alphas: weights of the diversity; the figure shows the first.
        command: that made the experiment, for the record.
    """
    rows = figure_rows(data, outcome, alphas[0], device)
    result = numbers(data, outcome, settings, alphas)
    for example, row in zip(result["examples"], rows):
        example["scores"] = {name: {"score": score, "normal_below": below} for name, score, below in row.scores}
    result["provenance"] = {
        "command": command,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "device": str(device),
        **runtime(),
    }
    write_image(folder / "figure.png", draw_figure(rows))
    write_json(folder / "results.json", result)
    write_text(folder / "results.md", markdown(result, command))
    return result
