"""Backgrounds: of the training footage, of pictures, one a view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from oddlens.errors import DataError, MediaError
from oddlens.media.writer import write_image
from oddlens.methods.dmad_pdm.backgrounds import BackgroundSettings, learn_backgrounds
from oddlens.methods.dmad_pdm.method import DmadPdm
from oddlens.methods.dmad_pdm.settings import DmadPdmSettings
from oddlens.sampling.clips import Clip, FrameRun
from oddlens.training.resources import TrainingResources


def run_of(video: str, *levels: int, channels: int = 1) -> FrameRun:
    """A run of 16x16 frames, each of one level."""
    frames = np.stack([np.full((16, 16, channels), level, np.uint8) for level in levels])
    return FrameRun(video, 0, frames)


def method_of(**settings: Any) -> DmadPdm:
    small = {"height": 16, "width": 16, "features": 4, "deformation_features": 4, "codes": 6}
    return DmadPdm(DmadPdmSettings(**{**small, **settings}))


@pytest.mark.parametrize(
    ("kind", "scenes", "expected"),
    [
        ("auto", False, 60.0),
        ("mean", False, 60.0),
        ("median", False, 10.0),
        ("mode", False, 10.0),
        ("auto", True, 10.0),
    ],
)
def test_one_background_of_all_footage(kind: Any, scenes: bool, expected: float) -> None:
    runs = [run_of("a", 10, 10), run_of("a", 10, 110, 160)]
    (found,) = learn_backgrounds(runs, BackgroundSettings(kind=kind), scenes).values()
    assert found.shape == (16, 16, 1) and (found == expected).all()


def test_one_background_of_each_video_or_scene() -> None:
    runs = [run_of("01_001", 10, 10), run_of("02_001", 50), run_of("01_002", 30, 30, 30), run_of("01_001", 12)]

    def levels(**settings: Any) -> dict[str, float]:
        found = learn_backgrounds(runs, BackgroundSettings(kind="median", **settings), True)
        return {name: picture.flat[0] for name, picture in found.items()}

    assert levels() == {"01_001": 10, "02_001": 50, "01_002": 30}
    assert levels(views="scene") == {"01": 21, "02": 50}


def test_a_method_learns_its_background_from_the_frames_trained_on() -> None:
    method = method_of()
    method.prepare_footage([run_of("a", 0, 51), run_of("b", 102)])
    assert method.background.shape == (1, 3, 16, 16)
    torch.testing.assert_close(method.background.detach(), torch.full((1, 3, 16, 16), 51 / 127.5 - 1))
    assert method.validation_sample(Clip(run_of("b", *range(5)), 0))["view"] == 0


def test_samples_know_their_view() -> None:
    method = method_of(variant="shanghai", background=BackgroundSettings(views="scene"))
    method.prepare_footage([run_of("01_001", 0), run_of("02_001", 255), run_of("01_002", 0)])
    assert method.background.mean(dim=(1, 2, 3)).tolist() == [-1, 1]
    views = [method.validation_sample(Clip(run_of(name, *range(5)), 0))["view"] for name in ("01_002", "02_007", "3")]
    assert views == [0, 1, -1]


def picture(level: int, side: int = 16, channels: int = 1) -> NDArray[np.uint8]:
    return np.full((side, side, channels), level, np.uint8)


def prepared(tmp_path: Path, file: Path, **settings: Any) -> DmadPdm:
    method = method_of(background=BackgroundSettings(file=str(file)), **settings)
    method.prepare_training(TrainingResources(tmp_path, 1 << 20))
    return method


def test_a_picture_of_ones_own(tmp_path: Path) -> None:
    write_image(tmp_path / "bkg.png", picture(255))
    method = prepared(tmp_path, tmp_path / "bkg.png")
    method.prepare_footage([run_of("any", 0)])
    assert (method.background == 1).all()


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    for name, level in (("01", 0), ("02", 255)):
        write_image(tmp_path / f"{name}.png", picture(level))
    method = prepared(tmp_path, tmp_path, variant="shanghai")
    assert method.background.mean(dim=(1, 2, 3)).tolist() == [-1, 1]
    method.prepare_footage([run_of("02", 0), run_of("01", 0)])
    told = "holds no picture called '07' for video '07', but 01, 02; add it, or choose other names with method.backgr"
    with pytest.raises(DataError, match=told):
        method.prepare_footage([run_of("01", 0), run_of("07", 0)])


def test_pictures_that_do_not_fit(tmp_path: Path) -> None:
    write_image(tmp_path / "large.png", picture(9, side=32))
    write_image(tmp_path / "grey.png", picture(9))
    with pytest.raises(DataError, match=r"background large: is 32x32, the method's frames are 16x16; make it with"):
        prepared(tmp_path, tmp_path / "large.png")
    with pytest.raises(DataError, match="background grey: is grey, the method's frames are colour"):
        prepared(tmp_path, tmp_path / "grey.png", channels=3)
    with pytest.raises(DataError, match="there are 2 backgrounds, 'ped2' takes one"):
        prepared(tmp_path, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: holds no pictures"):
        prepared(tmp_path, tmp_path / "empty", variant="shanghai")
    with pytest.raises(MediaError, match=r"gone.png: cannot be read"):
        prepared(tmp_path, tmp_path / "gone.png")


def test_a_colour_picture_for_a_grey_method_becomes_grey(tmp_path: Path) -> None:
    write_image(tmp_path / "colour.png", picture(255, channels=3))
    assert (prepared(tmp_path, tmp_path / "colour.png").background == 1).all()


@pytest.mark.parametrize("variant", ["ped2", "shanghai"])
def test_a_picture_of_another_scene_is_told(variant: str, tmp_path: Path) -> None:
    ramp = np.tile(np.arange(0, 240, 15, dtype=np.uint8)[:, None], (1, 16))[..., None]
    run = FrameRun("view", 0, np.stack([ramp] * 5))
    write_image(tmp_path / "view.png", ramp)
    method = prepared(tmp_path, tmp_path if variant == "shanghai" else tmp_path / "view.png", variant=variant)
    method.prepare_footage([run])
    assert method.training_faults() == []
    method.prepare_footage([FrameRun("view", 0, np.stack([ramp[::-1]] * 5))])
    (told,) = method.training_faults()
    assert told.startswith(
        "background view is 120 levels from the footage on average, plain grey 60: it seems to be of"
    )
