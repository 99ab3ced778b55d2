"""RAFT with random weights, as no others are at hand: sizes, batches, and files of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models.optical_flow import Raft_Small_Weights, raft_small

from oddlens.errors import DetectorError
from oddlens.motion import raft as module
from oddlens.motion.flow import FlowEstimator, optical_flow, to_units
from oddlens.motion.settings import FlowSettings

SMALL = FlowSettings(method="raft-small", weights="random", updates=2)
pytestmark = pytest.mark.filterwarnings("ignore:RAFT runs with random weights")
MoveBy = Callable[..., Any]


@pytest.fixture(scope="module")
def estimator() -> FlowEstimator:
    return FlowEstimator(SMALL, "cpu")


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Weights other than those of `random`."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = raft_small(weights=None)
    return {name: value.contiguous() for name, value in network.state_dict().items()}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Path]:
    """An empty cache folder of torch."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "hub"))
    yield tmp_path / "hub"
    torch.hub.set_dir(before)


@pytest.mark.parametrize(("height", "width"), [(5, 9), (96, 128), (131, 135)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size(estimator: FlowEstimator, moved: MoveBy, height: int, width: int, channels: int) -> None:
    flow = estimator(moved(0, 0, height, width, channels), moved(1, 0, height, width, channels))
    assert flow.shape == (height, width, 2) and flow.dtype == np.float32
    assert np.isfinite(flow).all()


def test_the_large_network(moved: MoveBy) -> None:
    flow = FlowEstimator(FlowSettings(method="raft-large", weights="random", updates=1), "cpu")(moved(), moved(1))
    assert flow.shape == (96, 128, 2)


class Echo(torch.nn.Module):
    """Gives the first two channels of its first picture as the flow."""

    def forward(self, first: Any, second: Any, num_flow_updates: int) -> list[Any]:
        assert first.shape == second.shape and not any(side % 8 for side in first.shape[2:])
        assert min(first.shape[2:]) >= 128
        return [second[:, :2], first[:, :2]]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (50, 201), (130, 127), (136, 128)])
def test_what_is_padded_is_cut_off_again(
    monkeypatch: pytest.MonkeyPatch, moved: MoveBy, height: int, width: int
) -> None:
    monkeypatch.setattr(module, "_network", lambda settings: Echo())
    image = moved(0, 0, height, width, 3) if height > 1 else np.full((1, 1, 3), 51, np.uint8)
    flow = FlowEstimator(SMALL, "cpu")(image, np.zeros_like(image))
    np.testing.assert_allclose(flow, image[..., :2] / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("cells", [1 << 27, 1])
def test_many_is_each(estimator: FlowEstimator, moved: MoveBy, monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    monkeypatch.setattr(module, "_BATCH_CELLS", cells)
    pictures = [moved(k) for k in range(3)] + [moved(k, 0, 40, 60) for k in range(2)]
    firsts, seconds = [*pictures[:2], pictures[3]], [*pictures[1:3], pictures[4]]
    for flow, first, second in zip(estimator.many(firsts, seconds), firsts, seconds):
        np.testing.assert_allclose(flow, estimator(first, second), atol=1e-4)
    assert estimator.many([], []) == []


def test_updates_and_units_count(estimator: FlowEstimator, moved: MoveBy) -> None:
    pair = moved(), moved(2, 1)
    flow = estimator(*pair)
    more = FlowEstimator(FlowSettings(method="raft-small", weights="random", updates=4), "cpu")(*pair)
    assert np.abs(more - flow).max() > 1e-3
    units = FlowEstimator(FlowSettings(method="raft-small", weights="random", updates=2, units="flownet512"), "cpu")
    np.testing.assert_allclose(units(*pair), to_units(flow, "flownet512"), rtol=1e-5)


def test_random_weights_are_said_and_leave_torch_alone(moved: MoveBy) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    with pytest.warns(UserWarning, match="its flow means nothing"):
        FlowEstimator(SMALL, "cpu")
    assert torch.rand(1) == expected


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_local_file(
    tmp_path: Path, state: dict[str, Any], estimator: FlowEstimator, moved: MoveBy, name: str
) -> None:
    file = tmp_path / name
    save_file(state, file) if name.endswith("safetensors") else torch.save(state, file)
    settings = FlowSettings(method="raft-small", weights=str(file), updates=2)
    flow = optical_flow(moved(), moved(1), settings)
    assert np.abs(flow - estimator(moved(), moved(1))).max() > 1e-3
    network = raft_small(weights=None)
    network.load_state_dict(state)
    first, second = (torch.from_numpy(moved(u).repeat(3, 2)).permute(2, 0, 1)[None] / 127.5 - 1 for u in (0, 1))
    padded = [torch.nn.functional.pad(each, (0, 0, 16, 16), mode="replicate") for each in (first, second)]
    with torch.no_grad():
        direct = network.eval()(*padded, num_flow_updates=2)[-1][0, :, 16:-16].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(flow, direct, atol=1e-4)


def test_torchvisions_weights_where_they_have_been_put(hub: Path, tmp_path: Path, state: dict[str, Any]) -> None:
    place = hub / "checkpoints" / Path(Raft_Small_Weights.DEFAULT.url).name
    place.parent.mkdir(parents=True)
    torch.save(state, place)
    noise = np.random.default_rng(0).integers(0, 256, (2, 30, 40, 1), dtype=np.uint8)
    flow = FlowEstimator(FlowSettings(method="raft-small", updates=1), "cpu")(*noise)
    named = FlowEstimator(FlowSettings(method="raft-small", weights=str(place), updates=1), "cpu")(*noise)
    np.testing.assert_array_equal(flow, named)


@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("invalid hash value"), TimeoutError("slow")])
def test_weights_out_of_reach(hub: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(DetectorError, match="weights of raft-large: cannot be downloaded") as caught:
        FlowEstimator(FlowSettings(method="raft-large"))
    assert "raft_large_C_T_SKHT_V2" in caught.value.remedy and str(hub / "checkpoints") in caught.value.remedy
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04", b"\x80\x04."])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_that_hold_no_weights(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"weights{suffix}"
    file.write_bytes(content)
    with pytest.raises(DetectorError, match=r"weights\.\w+: cannot be read .*raft_small") as caught:
        FlowEstimator(FlowSettings(method="raft-small", weights=str(file)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"encoder.weight": torch.zeros(3)}, "holds other weights than raft-small's"),
        ({}, "holds other weights than raft-small's"),
        ([1, 2], "holds a list, not a state dict"),
        (torch.zeros(2), "holds a Tensor, not a state dict"),
    ],
)
def test_weights_of_another_network(tmp_path: Path, content: Any, fault: str) -> None:
    file = tmp_path / "weights.pth"
    torch.save(content, file)
    with pytest.raises(DetectorError, match=fault) as caught:
        FlowEstimator(FlowSettings(method="raft-small", weights=str(file)))
    assert "\n" not in str(caught.value)


class Trap:
    """Runs code when it is unpickled without care."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def test_nothing_in_a_file_of_weights_is_run(tmp_path: Path) -> None:
    torch.save({"weights": Trap(tmp_path / "sprung")}, tmp_path / "weights.pth")
    with pytest.raises(DetectorError, match="cannot be read"):
        FlowEstimator(FlowSettings(method="raft-small", weights=str(tmp_path / "weights.pth")))
    assert not (tmp_path / "sprung").exists()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=r"gone\.pth: there is no such file"):
        FlowEstimator(FlowSettings(method="raft-small", weights=str(tmp_path / "gone.pth")))
