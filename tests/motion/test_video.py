"""Videos of flow: size, colours, scale, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oddlens.errors import MediaError, SettingsError
from oddlens.media.open import open_source
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.settings import FlowSettings
from oddlens.motion.video import flow_limit, write_flow_video

ESTIMATOR = FlowEstimator(FlowSettings(method="dis-fast"))
FolderOf = Callable[..., Path]


def test_a_picture_for_every_frame(folder_of: FolderOf, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    made = write_flow_video(
        folder_of("right", 6, 2), tmp_path / "flow.mp4", ESTIMATOR, 2.0, 5.0, lambda *values: told.append(values)
    )
    assert (made.frames, made.width, made.height, made.limit) == (6, 64, 48, 2.0)
    assert made.moving > 0.9
    assert told == [(k, 6) for k in range(1, 7)]
    source = open_source(made.path)
    assert source.info.fps == 5.0
    pictures = np.stack([frame.image for frame in source.frames()])
    assert pictures.shape == (6, 48, 64, 3)
    red, green, blue = np.median(pictures[:, 12:-12, 16:-16], axis=(0, 1, 2))
    assert red > 200 and max(green, blue) < 80


def test_the_scale_follows_the_footage(folder_of: FolderOf) -> None:
    slow, fast, still = (open_source(folder_of(str(step), 5, step)) for step in (1, 3, 0))
    assert flow_limit(slow, ESTIMATOR) == pytest.approx(1, abs=0.6)
    assert flow_limit(fast, ESTIMATOR) > 2.5
    assert flow_limit(still, ESTIMATOR) == 0.5


def test_a_single_frame_is_refused(folder_of: FolderOf, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="one: has a single frame"):
        write_flow_video(folder_of("one", 1), tmp_path / "flow.mp4", ESTIMATOR)
    assert not list(tmp_path.glob("*.mp4"))


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_limits_that_make_no_scale(folder_of: FolderOf, tmp_path: Path, limit: float) -> None:
    with pytest.raises(SettingsError, match=r"--limit: is .*above 0"):
        write_flow_video(folder_of("a", 2), tmp_path / "flow.mp4", ESTIMATOR, limit)


def test_the_input_is_not_overwritten(folder_of: FolderOf, tmp_path: Path) -> None:
    video = tmp_path / "flow.mp4"
    write_flow_video(folder_of("a", 3), video, ESTIMATOR)
    content = video.read_bytes()
    with pytest.raises(SettingsError, match="is the input itself"):
        write_flow_video(video, video, ESTIMATOR)
    assert video.read_bytes() == content
