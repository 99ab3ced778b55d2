"""Flow as an input: which pair a frame's flow belongs to, its scale, and that parts give what the whole gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from oddlens.config import build
from oddlens.errors import DetectorError, SettingsError
from oddlens.motion.flow import optical_flow
from oddlens.motion.flownet_sd import full_size
from oddlens.motion.input import MotionInput
from oddlens.motion.settings import FlowSettings, MotionSettings

CPU = torch.device("cpu")
MoveBy = Callable[..., NDArray[np.uint8]]
pytestmark = pytest.mark.filterwarnings("ignore:.*runs with random weights")


@pytest.fixture(params=[1, 3])
def frames(moved: MoveBy, request: pytest.FixtureRequest) -> NDArray[np.uint8]:
    """Everything moves by (2, 1), then by (-1, 0), ..."""
    places = [(0, 0), (2, 1), (1, 1), (3, 0), (3, 2)]
    return np.stack([moved(u, v, 48, 72, request.param) for u, v in places])


def expanded(motion: MotionInput, flow: NDArray[np.float16]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = motion.expand(torch.from_numpy(flow)).numpy()
    return found


def test_flow_to_each_frame_from_the_one_before(frames: NDArray[np.uint8]) -> None:
    motion = MotionInput(MotionSettings(), 48, 72)
    flow = motion.of_frames(frames, None, CPU)
    assert flow.shape == (5, 2, 48, 72) and flow.dtype == np.float16
    assert (flow[0] == 0).all()
    for index in range(1, 5):
        direct = optical_flow(frames[index - 1], frames[index]).transpose(2, 0, 1)
        np.testing.assert_array_equal(flow[index], direct.astype(np.float16))
    np.testing.assert_allclose(np.median(flow[1], axis=(1, 2)), [2, 1], atol=0.1)


def test_pixels_by_the_divisor(frames: NDArray[np.uint8]) -> None:
    flow = MotionInput(MotionSettings(), 48, 72).of_frames(frames, None, CPU)
    for settings, divisor in ((MotionSettings(), 255), (MotionSettings(divisor=2), 2)):
        large = expanded(MotionInput(settings, 48, 72), flow[None])
        assert large.shape == (1, 5, 2, 48, 72) and large.dtype == np.float32
        np.testing.assert_allclose(large[0], flow.astype(np.float32) / divisor, rtol=1e-6)


@pytest.mark.parametrize("method", ["dis-fast", "raft-small", "flownet2-sd"])
def test_parts_give_what_the_whole_gives(frames: NDArray[np.uint8], method: Any) -> None:
    weights = "default" if method == "dis-fast" else "random"
    motion = MotionInput(MotionSettings(method=method, weights=weights, updates=1), 48, 72)
    whole = motion.of_frames(frames[:4], None, CPU)
    assert whole.shape == (4, *motion.shape) and np.abs(whole[1:]).max() > 0
    cuts = [(0, 1), (1, 3), (3, 4)]
    parts = [motion.of_frames(frames[a:b], frames[a - 1] if a else None, CPU) for a, b in cuts]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert expanded(motion, whole).shape == (4, 2, 48, 72)


def test_raft_is_the_flow_of_raft(frames: NDArray[np.uint8]) -> None:
    motion = MotionInput(MotionSettings(method="raft-small", weights="random", updates=1), 48, 72)
    settings = FlowSettings(method="raft-small", weights="random", updates=1)
    direct = optical_flow(frames[0], frames[1], settings).transpose(2, 0, 1)
    np.testing.assert_allclose(motion.of_frames(frames[:2], None, CPU)[1], direct, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("levels", ["trained", "paper"])
def test_levels_shown_to_flownet(moved: MoveBy, levels: Any) -> None:
    frames = np.stack([moved(u, 0, 64, 64, 3) for u in (0, 2)])
    motion = MotionInput(MotionSettings(method="flownet2-sd", weights="random", levels=levels), 64, 64)
    assert motion.shape == (2, 16, 16)
    shown = frames.astype(np.float32)
    if levels == "paper":  # section 2.4: BGR in -1..1 times 255
        shown = 255 * (shown[..., ::-1] / np.float32(127.5) - 1)
    stack = torch.from_numpy(np.ascontiguousarray(shown)).permute(3, 0, 1, 2)  # (3, 2, H, W)
    centred = (stack - stack.mean(dim=(1, 2, 3), keepdim=True)) / 255
    with torch.inference_mode():
        direct = motion._network(torch.cat([centred[:, 0], centred[:, 1]])[None])
    found = motion.of_frames(frames, None, CPU)[1:]
    np.testing.assert_allclose(found, direct.numpy(), rtol=2e-3, atol=1e-3 * float(direct.abs().max()))
    np.testing.assert_allclose(
        expanded(motion, found), full_size(torch.from_numpy(found).float(), 64, 64).numpy() / 255, rtol=1e-6
    )


def test_what_makes_another_store(tmp_path: Path) -> None:
    def identity(**values: Any) -> dict[str, Any]:
        return MotionInput(MotionSettings(**values), 48, 72).identity()

    file = tmp_path / "weights.pth"
    file.write_bytes(b"one")
    named = identity(method="flownet2-sd", weights=str(file))
    others = [identity(), identity(method="dis-fast"), identity(method="flownet2-sd", weights="random"), named]
    others += [identity(method="flownet2-sd", weights=str(file), levels="paper")]
    file.write_bytes(b"another")
    others += [identity(method="flownet2-sd", weights=str(file))]
    assert len({str(each) for each in others}) == len(others)
    assert identity(divisor=1) == identity(), "it is no part of what is kept"


def test_weights_are_asked_for_when_they_are_needed(frames: NDArray[np.uint8]) -> None:
    motion = MotionInput(MotionSettings(method="flownet2-sd"), 48, 72)
    with pytest.raises(DetectorError, match="weights of FlowNet2-SD"):
        motion.of_frames(frames, None, CPU)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"method": "dis-medium", "weights": "a.pth"}, "flow weights: is 'a.pth'"),
        ({"method": "raft-small", "updates": 0}, "flow updates: is 0"),
        ({"method": "flownet2-sd", "weights": ""}, "motion weights: is empty"),
        ({"levels": "paper"}, "motion levels: is 'paper', but dis-medium"),
        ({"divisor": 0}, "motion divisor: is 0"),
        ({"divisor": float("nan")}, "motion divisor: is nan"),
        ({"method": "flownet2"}, "'method' is 'flownet2'"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        build(MotionSettings, values, "test")
