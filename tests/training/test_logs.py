"""Logs by themselves: what is cut when a run goes on, and what a full disk says."""

from __future__ import annotations

from pathlib import Path

import pytest

from oddlens.errors import OddLensError
from oddlens.training.logs import MeanOfSteps, RunLog


def write(folder: Path, start: int, steps: list[int]) -> None:
    log = RunLog(folder, ["error"], start)
    for step in steps:
        log.write({"step": step, "epoch": 0, "loss": step / 3, "error": float(step)})
    log.close()


def steps(folder: Path) -> list[str]:
    return [line.split(",")[0] for line in (folder / "metrics.csv").read_text().splitlines()[1:]]


def test_rows_after_the_checkpoint_are_written_once(tmp_path: Path) -> None:
    write(tmp_path, 0, [10, 20, 30])
    write(tmp_path, 20, [30, 40])
    assert steps(tmp_path) == ["10", "20", "30", "40"]
    write(tmp_path, 0, [10])
    assert steps(tmp_path) == ["10"]


def test_row_cut_by_a_kill_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, 0, [100, 110])
    with open(tmp_path / "metrics.csv", "a", encoding="utf-8") as stream:
        stream.write("12")
    write(tmp_path, 110, [120])
    assert steps(tmp_path) == ["100", "110", "120"]


def test_log_that_is_none_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("a,b\n1,2\n")
    write(tmp_path, 20, [30])
    assert steps(tmp_path) == ["30"]


def test_log_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    log = RunLog(tmp_path, [], 0)
    (tmp_path / "metrics.csv").unlink()
    (tmp_path / "metrics.csv").mkdir()
    with pytest.raises(OddLensError, match=r"metrics\.csv: cannot be written"):
        log.write({"step": 1})
    log.close()


def test_means_leave_out_what_a_batch_did_not_have() -> None:
    means = MeanOfSteps()
    means.add({"loss": 1.0, "pseudo": float("nan")})
    means.add({"loss": 3.0, "pseudo": 5.0})
    assert means.take() == {"loss": 2.0, "pseudo": 5.0}
    assert means.take() == {}
