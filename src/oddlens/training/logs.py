"""Logs of a run: one CSV line every few steps, and TensorBoard where it is installed."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from oddlens.errors import OddLensError
from oddlens.files import atomic_path

_FIXED = ["step", "epoch", "seconds", "clips_per_second", "learning_rate", "loss", "validation_loss"]


class MeanOfSteps:
    """Running means of named values; NaN (a term that a batch did not have) is left out."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._counts: dict[str, int] = defaultdict(int)

    def add(self, values: dict[str, float]) -> None:
        """Take one step's values."""
        for name, value in values.items():
            if not math.isnan(value):
                self._sums[name] += value
                self._counts[name] += 1

    def take(self) -> dict[str, float]:
        """The means so far; starts anew."""
        means = {name: self._sums[name] / self._counts[name] for name in self._sums}
        self.__init__()  # type: ignore[misc]
        return means


class RunLog:
    """`metrics.csv` and TensorBoard events in `folder`, continued after `step` when a run resumes."""

    def __init__(self, folder: Path, terms: list[str], step: int) -> None:
        self.path = folder / "metrics.csv"
        self.columns = [*_FIXED, *terms]
        _cut(self.path, self.columns, step)
        self._board = _tensorboard(folder / "tensorboard", step)

    def write(self, row: dict[str, Any]) -> None:
        """Append one row; values that are missing stay empty."""
        try:
            with open(self.path, "a", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, self.columns, restval="", extrasaction="ignore")
                writer.writerow({key: _short(value) for key, value in row.items()})
        except OSError as error:
            fault = f"cannot be written ({error.strerror or error})"
            raise OddLensError(self.path, fault, "check permissions and free space") from error
        if self._board is not None:
            for name, value in row.items():
                if name not in {"step", "epoch"} and isinstance(value, float):
                    self._board.add_scalar(name, value, row["step"])

    def flush(self) -> None:
        """Hand everything logged so far to the disk."""
        if self._board is not None:
            self._board.flush()

    def close(self) -> None:
        """Flush everything, and log no more."""
        if self._board is not None:
            self._board.close()


def _cut(path: Path, columns: list[str], step: int) -> None:
    """Keep the whole rows up to `step`: those after it will be written again."""
    rows: list[dict[str, str]] = []
    if step and path.exists():
        with open(path, newline="", encoding="utf-8") as stream:
            whole = (row for row in csv.DictReader(stream) if None not in row.values())
            rows = [row for row in whole if row.get("step", "").isdigit() and int(row["step"]) <= step]
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _tensorboard(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
