"""Helper features of clips: the same numbers from the store, from a stream, and computed anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.labels.helpers import HelperFeatures
from oddlens.labels.settings import LabelSettings
from oddlens.labels.store import build_feature_store
from oddlens.media.store import FrameStore
from oddlens.motion.flow import optical_flow
from oddlens.motion.settings import MotionSettings
from oddlens.sampling.clips import FrameRun, to_network_values
from oddlens.types import SamplingSpec

CPU = torch.device("cpu")
SIZE = (42, 50)
Features = dict[str, NDArray[np.float16]]
pytestmark = pytest.mark.filterwarnings("ignore:.*runs with random weights")
NETWORKS = (
    MotionSettings(method="farneback", divisor=1),
    LabelSettings(source="deeplabv3-mobilenet", weights="random"),
)


@pytest.fixture
def opener(frames: FrameStore, tmp_path: Path) -> Any:
    """Makes stores in the cache of `frames`."""

    def open_features(source: Any) -> Any:
        return build_feature_store(frames, source, tmp_path / "cache", 10**9)

    return SimpleNamespace(open_features=open_features)


@pytest.fixture(params=["without weights", "networks"])
def make(request: pytest.FixtureRequest) -> Callable[[], HelperFeatures]:
    settings = NETWORKS if request.param == "networks" else (MotionSettings(), LabelSettings())
    return partial(HelperFeatures, *settings, *SIZE)


def equal(one: Any, other: Any) -> None:
    assert set(one) == set(other) == {"motion", "labels"}
    for kind in one:
        assert one[kind].dtype == np.float16
        np.testing.assert_array_equal(one[kind], other[kind])


def test_store_stream_and_clip_alone_agree(make: Callable[[], HelperFeatures], frames: FrameStore, opener: Any) -> None:
    helpers = make()
    runs = frames.runs()
    helpers.prepare(runs, opener)
    assert helpers.uncached == ()
    run, start = runs[0], 13  # behind the first chunk's end
    stored = helpers.clip(run, start)
    alone = helpers.clip(FrameRun(run.video, 0, run.frames), start)
    assert stored["motion"].shape[:2] == (3, 2) and stored["labels"].shape[:2] == (4, 21)
    equal(stored, alone)
    stream = helpers.stream(CPU)
    pushed = [stream.push(run.frames[a:b]) for a, b in [(0, 1), (1, 6), (6, 15), *((k, k + 1) for k in range(15, 20))]]
    rows = {kind: torch.from_numpy(np.concatenate([each[kind] for each in pushed])) for kind in pushed[0]}
    window = helpers.of_window({kind: value[None, start : start + 5] for kind, value in rows.items()})
    equal(stored, {kind: value[0].numpy() for kind, value in window.items()})
    spec = SamplingSpec(*SIZE, channels=3, length=5)
    values = torch.from_numpy(to_network_values(run.frames[start : start + 5], spec))
    anew = helpers.of_values(values[None].repeat(2, 1, 1, 1, 1), -1, 1)
    equal(stored, {kind: value[1].numpy() for kind, value in anew.items()})


def test_a_video_is_told_from_another_of_its_name(frames: FrameStore, opener: Any) -> None:
    helpers = HelperFeatures(MotionSettings(), LabelSettings(), *SIZE)
    runs = frames.runs()
    assert [run.video for run in runs] == ["01", "02", "01"]
    helpers.prepare(runs, opener)
    for run in runs:
        for part in (run, run.part(2, len(run))):
            equal(helpers.clip(part, 0), helpers.clip(FrameRun("alone", 0, part.frames), 0))


def test_full_size(clips: Callable[..., NDArray[np.uint8]]) -> None:
    helpers = HelperFeatures(MotionSettings(), LabelSettings(), *SIZE)
    images = clips(8)
    run = FrameRun("clip", 0, images)
    helpers.prepare([run], SimpleNamespace(open_features=lambda source: None))
    assert helpers.uncached == ("motion", "labels")
    kept = helpers.clip(run, 2)
    motion, labels = helpers.expand({kind: torch.from_numpy(np.stack([value] * 3)) for kind, value in kept.items()})
    assert motion.shape == (3, 6, *SIZE) and labels.shape == (3, 84, *SIZE)
    assert motion.dtype == labels.dtype == torch.float32
    for pair in range(3):  # right and down of each pair in turn, section 2.4
        flow = optical_flow(images[2 + pair], images[3 + pair]).transpose(2, 0, 1).astype(np.float16)
        np.testing.assert_allclose(motion[1, 2 * pair : 2 * pair + 2], flow.astype(np.float32) / 255, rtol=1e-6)
    for frame in range(4):  # the first frame's classes first, section 2.5
        maps = torch.from_numpy(helpers.labels.of_frames(images[2 + frame : 3 + frame], None, CPU))
        assert torch.equal(labels[2, 21 * frame : 21 * frame + 21], helpers.labels.expand(maps)[0])


def test_classes_are_learned_once_and_taken_over(frames: FrameStore, opener: Any) -> None:
    generator = HelperFeatures(MotionSettings(), LabelSettings(), *SIZE)
    runs = frames.runs()
    generator.prepare(runs[:1], opener)
    second = HelperFeatures(MotionSettings(), LabelSettings(), *SIZE)
    assert generator.classes is not None and second.classes is not None
    second.classes.load_state_dict(generator.classes.state_dict())
    second.prepare(runs, opener, learn=False)
    assert second.classes.fingerprint() == generator.classes.fingerprint()
    assert second._stores == generator._stores, "both stages share one cache"
    assert HelperFeatures(*NETWORKS, *SIZE).classes is None


def test_a_clip_beyond_the_end(frames: FrameStore, opener: Any) -> None:
    helpers = HelperFeatures(MotionSettings(), LabelSettings(), *SIZE)
    run = frames.runs()[2]
    helpers.prepare([run], opener)
    helpers.clip(run, 2)
    with pytest.raises(DataError, match="01: has 7 frames, the clip from frame 3 on takes 5; give longer footage"):
        helpers.clip(run, 3)
    with pytest.raises(DataError, match="01: has 4 frames"):
        helpers.clip(run.part(0, 4), 0)


def test_a_stream_keeps_one_frame(clips: Callable[..., NDArray[np.uint8]]) -> None:
    helpers = HelperFeatures(MotionSettings(), LabelSettings(), *SIZE)
    images = clips(8)
    assert helpers.classes is not None
    helpers.classes.learn([FrameRun("clip", 0, images)])
    stream, buffer = helpers.stream(CPU), np.empty_like(images[:1])
    found = []
    for image in images:  # a camera may write every frame into the same memory
        buffer[0] = image
        found.append(stream.push(buffer)["motion"])
    np.testing.assert_array_equal(np.concatenate(found), helpers.stream(CPU).push(images)["motion"])
