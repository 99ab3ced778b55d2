"""`oddlens score` with a method of parts and pictures: curves, strips and the video of pictures side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from oddlens.cli import main
from oddlens.errors import DataError, SettingsError
from oddlens.media.open import open_source
from oddlens.methods.base import Method, MethodSettings
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.scoring.pictures import FramePictures, parts_of, picture_names
from oddlens.scoring.session import ScoreOptions, score_to_folder
from oddlens.types import ComponentScale, SamplingSpec, Scores


class Levels(Method):
    """Scores a frame by its level and its step from the one before, each in deviations."""

    name = "levels"
    shown_pictures = {"reconstruction": "predicted", "inverse": "destroyed", "error": "error"}  # noqa: RUF012

    def __init__(self, drawn: Sequence[str] = ("reconstruction", "inverse", "error"), known: bool = True) -> None:
        super().__init__(MethodSettings())
        self.drawn, self.known = drawn, known

    @property
    def sampling(self) -> SamplingSpec:
        return SamplingSpec(height=16, width=16, length=2, target=1, fast_targets=(1,))

    def training_step(self, batch: Any, step: int, phase: str) -> Any:
        raise AssertionError("never trained")

    def configure_optimizers(self) -> dict[str, Any]:
        return {}

    def component_scales(self) -> Mapping[str, ComponentScale]:
        scales = {"level": ComponentScale(-0.3, 0.1, 1.0), "step": ComponentScale(0.0, 0.02, 2.0)}
        return scales if self.known else {}

    def score(self, windows: torch.Tensor, targets: Sequence[int]) -> Scores:
        means = windows[:, 0].mean(dim=(2, 3))
        level, step = means[:, 1:], means[:, 1:] - means[:, :1]
        frames = windows[:, None, :, 1]
        pictures = {
            "reconstruction": frames,
            "inverse": -frames,
            "error": (frames + 1) / 2,
            "offset": frames.repeat(1, 1, 2, 1, 1),
        }
        return Scores(
            (level + 0.3) / 0.1 + 2 * step / 0.02,
            {"level": level, "step": step},
            frames[:, :, 0],
            {name: picture for name, picture in pictures.items() if name in (*self.drawn, "offset")},
        )


CALIBRATION = Calibration(
    frames=100, levels=(0.0, 0.5), quantiles=(0.0, 1.0), threshold=2.0, raw_threshold=8.0, map_low=0.0, map_high=1.0
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Eight frames, the sixth of which is much lighter."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for index, level in enumerate([90, 90, 90, 90, 90, 200, 90, 90]):
        Image.fromarray(np.full((48, 64), level, np.uint8)).save(folder / f"{index}.png")
    return folder


def detector_of(**options: Any) -> Detector:
    return Detector(Levels(**options), CALIBRATION)


def test_parts_are_in_deviations_of_training_frames(clip: Path) -> None:
    detector = detector_of()
    table = detector.score(clip)
    level, step = parts_of(detector, table)
    np.testing.assert_allclose(level.values, (table["level"] + 0.3) / 0.1)
    np.testing.assert_allclose(level.values + 2 * step.values, table["score"], atol=1e-4)
    assert (level.level, step.level) == (8.0, 4.0)  # where each alone makes a score of 8
    assert level.in_deviations and step.in_deviations


def test_parts_of_unknown_scale_stay_as_they_are(clip: Path) -> None:
    detector = detector_of(known=False)
    table = detector.score(clip)
    table["same"] = table["score"]
    parts = parts_of(detector, table)
    assert [(part.name, part.in_deviations, part.level) for part in parts] == [
        ("level", False, None),
        ("step", False, None),
    ]
    np.testing.assert_array_equal(parts[0].values, table["level"])


def test_report_and_pictures_say_what_was_odd(clip: Path, tmp_path: Path) -> None:
    result = score_to_folder(detector_of(), [clip], tmp_path / "out", ScoreOptions(overlay=False, fps=5))
    (event,) = result.events
    assert event.peak_frame == 5
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    row = result.table.iloc[5]
    step, level = row["step"] / 0.02, (row["level"] + 0.3) / 0.1
    assert f"At the peak, step stood out most: step {step:.1f}, level {level:.1f} deviations" in text
    assert text.count('class="lane"') == 2
    (strip,) = (tmp_path / "out" / "clip" / "peaks").iterdir()
    assert strip.name == "0005.jpg"
    shown = np.asarray(Image.open(strip).convert("L")).astype(int)[100]
    true, predicted, destroyed, _ = (shown[8 + 248 * k + 20 : 8 + 248 * k + 220] for k in range(4))
    assert np.abs(true - 200).max() < 10 and np.abs(predicted - 200).max() < 10 and np.abs(destroyed - 55).max() < 10


def test_where_nothing_is_odd_the_highest_frame_that_was_scored_is_shown(clip: Path, tmp_path: Path) -> None:
    quiet = replace(detector_of(), calibration=replace(CALIBRATION, threshold=1e6))
    for index in range(8):
        Image.fromarray(np.full((48, 64), 90 - index, np.uint8)).save(clip / f"{index}.png")
    score_to_folder(quiet, [clip], tmp_path / "out", ScoreOptions(overlay=False, fps=5))
    assert [path.name for path in (tmp_path / "out" / "clip" / "peaks").iterdir()] == ["0001.jpg"]
    assert "Highest frame, 1: " in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_earlier_results_never_pass_for_new_ones(clip: Path, tmp_path: Path) -> None:
    options = ScoreOptions(fps=5, pictures=("all",))
    score_to_folder(detector_of(), [clip], tmp_path / "out", options)
    assert (tmp_path / "out" / "clip" / "pictures.mp4").exists()
    quiet = replace(detector_of(), calibration=replace(CALIBRATION, threshold=1e6))
    score_to_folder(quiet, [clip], tmp_path / "out", ScoreOptions(fps=5, overlay=False))
    left = {path.relative_to(tmp_path / "out" / "clip").as_posix() for path in (tmp_path / "out" / "clip").rglob("*")}
    assert left == {"timeline.png", "peaks", "peaks/0005.jpg"}
    assert "pictures.mp4" not in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(("names", "count"), [(("all",), 4), (("destroyed", "true"), 2)])
def test_the_video_shows_the_pictures_that_were_asked_for(
    names: tuple[str, ...], count: int, clip: Path, tmp_path: Path
) -> None:
    score_to_folder(detector_of(), [clip], tmp_path / "out", ScoreOptions(fps=5, overlay=False, pictures=names))
    frames = [f.image for f in open_source(tmp_path / "out" / "clip" / "pictures.mp4", colour="rgb").frames()]
    assert len(frames) == 8
    assert frames[0].shape[1] == 8 + 248 * count
    if count == 2:  # in the order of the names
        assert abs(int(frames[5][100, 100, 0]) - 55) < 12 and abs(int(frames[5][100, 350, 0]) - 200) < 12
    assert "./clip/pictures.mp4" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_unknown_pictures_are_refused_before_anything_is_written(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no picture 'destroy'.*true, predicted, destroyed, error, map"):
        score_to_folder(detector_of(), [clip], tmp_path / "out", ScoreOptions(pictures=("true", "destroy")))
    assert not (tmp_path / "out").exists()


def test_pictures_that_a_detector_does_not_draw_are_told(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="draws no 'destroyed'; it draws true, predicted, error"):
        options = ScoreOptions(fps=5, pictures=("destroyed",))
        score_to_folder(detector_of(drawn=("reconstruction", "error")), [clip], tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


def test_a_map_stands_where_no_error_is_drawn(clip: Path) -> None:
    detector = detector_of(drawn=())
    (first, *_) = detector.scorer(details=True, batch_size=1).push(np.full((48, 64, 1), 90, np.uint8)) or [None]
    assert first is None
    scorer = detector.scorer(details=True)
    scorer.push(np.full((48, 64, 1), 90, np.uint8))
    scorer.push(np.full((48, 64, 1), 90, np.uint8))
    raw = scorer.finish()[-1]
    assert list(FramePictures(detector).tiles(raw, np.zeros((48, 64, 1), np.uint8))) == ["true", "map"]


def test_a_map_is_drawn_beside_an_error_where_it_is_asked_for(clip: Path, tmp_path: Path) -> None:
    score_to_folder(detector_of(), [clip], tmp_path / "out", ScoreOptions(fps=5, pictures=("error", "map")))
    assert (tmp_path / "out" / "clip" / "pictures.mp4").exists()


def test_methods_of_objects_have_no_pictures(patch_run: Path, scene: Path, tmp_path: Path) -> None:
    detector = Detector.load(patch_run, "cpu")
    assert picture_names(detector) == ["true"]
    with pytest.raises(SettingsError, match="draws none"):
        score_to_folder(detector, [scene], tmp_path / "out", ScoreOptions(pictures=("error",)))


def test_the_command_line_names_them(tiny_run: Path, scene: Path, tmp_path: Path, capsys: Any) -> None:
    clip = str(scene / "test" / "test_01.mp4")
    command = [
        "score",
        str(tiny_run),
        clip,
        "--out",
        str(tmp_path / "out"),
        "--no-overlay",
        "--mode",
        "fast",
        "--quiet",
    ]
    assert main([*command, "--pictures", "true, error"]) == 0
    assert (tmp_path / "out" / "test_01" / "pictures.mp4").exists()
    assert main([*command, "--pictures", "dreamt"]) == 2
    assert "no picture 'dreamt'" in capsys.readouterr().err
