"""`oddlens score` with a method that moves a reference: the overlay shows its displacement field, nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from oddlens.cli import main
from oddlens.media.open import open_source
from oddlens.methods.base import Method, MethodSettings
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.scoring.session import ScoreOptions, score_to_folder
from oddlens.types import SamplingSpec, Scores


class Shift(Method):
    """Moves the right half of its reference, and nothing else."""

    name = "shift"

    def __init__(self, pictures: Sequence[str] = ("offset",)) -> None:
        super().__init__(MethodSettings())
        self.names = pictures

    @property
    def sampling(self) -> SamplingSpec:
        return SamplingSpec(height=16, width=16, length=2, target=1, fast_targets=(1,))

    def training_step(self, batch: Any, step: int, phase: str) -> Any:
        raise AssertionError("never trained")

    def configure_optimizers(self) -> dict[str, Any]:
        return {}

    def score(self, windows: torch.Tensor, targets: Sequence[int]) -> Scores:
        level = windows[:, 0, list(targets)].mean(dim=(2, 3))
        field = torch.zeros(len(level), 1, 2, 16, 16)
        field[..., 8:] = 2.0
        return Scores(level, pictures=dict.fromkeys(self.names, field))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    folder = tmp_path / "clip"
    folder.mkdir()
    for index in range(6):
        Image.fromarray(np.full((120, 160), 90 + index, np.uint8)).save(folder / f"{index}.png")
    return folder


def scored(clip: Path, out: Path, names: Sequence[str], **options: Any) -> tuple[list[np.ndarray], pd.DataFrame]:
    detector = Detector(Shift(names), Calibration(frames=0))
    result = score_to_folder(detector, [clip], out, ScoreOptions(**options))
    source = open_source(out / "clip" / "overlay.mp4", colour="rgb")
    return [frame.image.astype(int) for frame in source.frames()], result.table


def differences(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where two pictures above the curve differ by more than an encoder's noise, which is never the same."""
    return np.abs(one - other).max(axis=2)[:360] > 60


def test_the_field_is_seen_where_it_moves_and_changes_no_score(clip: Path, tmp_path: Path) -> None:
    shown, table = scored(clip, tmp_path / "with", ["offset"])
    plain, same = scored(clip, tmp_path / "without", ["offset"], arrows=False)
    pd.testing.assert_frame_equal(table, same)
    assert len(shown) == len(plain) == 6
    for with_arrows, without in zip(shown, plain):
        changed = differences(with_arrows, without)
        assert changed[:, 260:].mean() > 0.03 and not changed[:, :220].any()


def test_methods_without_a_field_have_no_arrows(clip: Path, tmp_path: Path) -> None:
    shown, _ = scored(clip, tmp_path / "with", ["other"])
    plain, _ = scored(clip, tmp_path / "without", ["other"], arrows=False)
    assert not any(differences(one, other).any() for one, other in zip(shown, plain))


@pytest.mark.parametrize(("option", "arrows"), [([], True), (["--arrows"], True), (["--no-arrows"], False)])
def test_the_command_line_can_leave_them_out(
    option: list[str], arrows: bool, clip: Path, tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[ScoreOptions] = []

    def watch(*arguments: Any, **options: Any) -> Any:
        seen.append(arguments[3])
        raise KeyboardInterrupt

    monkeypatch.setattr("oddlens.scoring.session.score_to_folder", watch)
    main(["score", str(tiny_run), str(clip), "--out", str(tmp_path / "out"), "--quiet", *option])
    assert [options.arrows for options in seen] == [arrows]
