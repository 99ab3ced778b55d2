"""FlowNet2-SD: F2LM specification, sections 2.4, 3.4, 3.6 and 11.1, with weights by the formula of 11.2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from oddlens.errors import DetectorError
from oddlens.motion.flownet_sd import FlowNetSd, compact_size, full_size, network_input, open_flownet_sd

_CONVOLUTIONS = ["conv0", *(f"conv{k}{end}" for k in range(1, 7) for end in ("", "_1"))]
_TAG = 7


@pytest.fixture(scope="module")
def network() -> FlowNetSd:
    """With weights by formula."""
    with torch.device("meta"):
        made = FlowNetSd()
    made = made.to_empty(device="cpu").eval().requires_grad_(False)
    for layer in made.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            weight = layer.weight
            fan = weight.shape[0] if isinstance(layer, torch.nn.ConvTranspose2d) else weight[0].numel()
            numbers = ((np.arange(weight.numel()) + 101 * _TAG) * 7919 + 13) % 1009
            values = (numbers / 1009 - 0.5) * 2 * np.sqrt(6 / fan)
            weight.copy_(torch.from_numpy(values.astype(np.float32)).view_as(weight))
            layer.bias.copy_(0.01 * torch.cos(torch.arange(len(layer.bias)) + _TAG))
    return made


def by_the_table(state: dict[str, torch.Tensor], pairs: torch.Tensor) -> torch.Tensor:
    """Section 3.4, read off its lists: the finest prediction times 20."""

    def layer(name: str, x: torch.Tensor, kind: str = "conv", stride: int = 1) -> torch.Tensor:
        inner = f"{name}.0" if f"{name}.0.weight" in state else name
        weight, bias = state[f"{inner}.weight"], state[f"{inner}.bias"]
        if kind == "conv":
            return F.conv2d(x, weight, bias, stride, 1)
        return F.conv_transpose2d(x, weight, bias, 2, 1)

    x, levels = pairs, {}
    for name in _CONVOLUTIONS:
        halves = name in {"conv1", "conv2", "conv3", "conv4", "conv5", "conv6"}
        x = F.leaky_relu(layer(name, x, stride=2 if halves else 1), 0.1)
        levels[int(name[4])] = x
    flow, deep = layer("predict_flow6", x), x
    for k in (5, 4, 3, 2):
        raised = layer(f"upsampled_flow{k + 1}_to_{k}", flow, "deconv")
        deep = torch.cat([levels[k], F.leaky_relu(layer(f"deconv{k}", deep, "deconv"), 0.1), raised], dim=1)
        flow = layer(f"predict_flow{k}", layer(f"inter_conv{k}", deep))
    return 20 * flow


def test_number_of_parameters(network: FlowNetSd) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == 45_371_666
    assert {"conv0.0.weight", "inter_conv5.0.bias", "deconv2.0.weight", "predict_flow6.bias"} <= {*network.state_dict()}
    assert {"upsampled_flow6_to_5.weight", "upsampled_flow3_to_2.bias"} <= {*network.state_dict()}
    assert len(network.state_dict()) == 60


def test_cost_of_a_pair() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        FlowNetSd()(torch.empty(1, 6, 256, 256))
    assert counter.get_total_flops() / 2e9 == pytest.approx(8.5, abs=0.05)


def test_forward_is_that_of_the_table(network: FlowNetSd) -> None:
    c, h, w = np.meshgrid(np.arange(6), np.arange(64), np.arange(128), indexing="ij")
    pairs = torch.from_numpy(np.sin(0.05 * h + 0.03 * w + c).astype(np.float32))[None]
    flow = network(pairs)
    assert flow.shape == (1, 2, 16, 32) and float(flow.std()) > 0.1
    torch.testing.assert_close(flow, by_the_table(network.state_dict(), pairs), rtol=1e-4, atol=1e-4)


def test_the_mean_of_each_pair_and_colour_is_taken_off() -> None:
    frames = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (3, 3, 64, 64)).astype(np.float32))
    pairs = network_input(frames)
    assert pairs.shape == (2, 6, 64, 64)
    for number in range(2):
        both = frames[number : number + 2]
        expected = (both - both.mean(dim=(0, 2, 3), keepdim=True)) / 255
        torch.testing.assert_close(pairs[number], expected.flatten(0, 1))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 63), (5, 300)])
def test_any_size_is_padded_and_cut(height: int, width: int) -> None:
    frames = torch.from_numpy(np.random.default_rng(1).uniform(0, 255, (2, 3, height, width)).astype(np.float32))
    pairs = network_input(frames)
    rows, columns = compact_size(height, width)
    assert pairs.shape == (1, 6, 4 * rows, 4 * columns) and not any(side % 64 for side in pairs.shape[2:])
    assert (pairs[..., height:, :] == pairs[..., height - 1 : height, :]).all()
    small = torch.rand(2, 3, 2, rows, columns)
    large = full_size(small, height, width)
    assert large.shape == (2, 3, 2, height, width)
    upsampled = torch.nn.Upsample(scale_factor=4, mode="bilinear", align_corners=False)(small.flatten(0, 1))
    torch.testing.assert_close(large.flatten(0, 1), upsampled[..., :height, :width])


def flat(value: float) -> dict[str, torch.Tensor]:
    """A state dict of the network in which everything is `value`, small as a file."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in FlowNetSd().state_dict().items()}
    return {name: torch.tensor(value).expand(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("wrap", [dict, lambda state: {"epoch": 0, "state_dict": state, "best_EPE": 1e10}])
def test_a_file_of_weights(tmp_path: Path, wrap: Callable[[Any], Any]) -> None:
    torch.save(wrap(flat(0.25)), tmp_path / "FlowNet2-SD.pth")
    network = open_flownet_sd(str(tmp_path / "FlowNet2-SD.pth"))
    assert all((parameter == 0.25).all() for parameter in network.parameters())
    assert not network.training and not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"conv1.0.weight": torch.zeros(3)}, "holds other weights than FlowNet2-SD's"),
        ({"state_dict": {"module.conv0.0.weight": torch.zeros(3)}}, "holds other weights than FlowNet2-SD's"),
        ({"state_dict": 3}, "holds other weights than FlowNet2-SD's"),
        ({}, "holds other weights than FlowNet2-SD's"),
        ([1], "holds a list, not a state dict"),
    ],
)
def test_a_file_with_other_keys(tmp_path: Path, content: Any, fault: str) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(DetectorError, match=rf"weights\.pth: {fault}") as caught:
        open_flownet_sd(str(tmp_path / "weights.pth"))
    assert "\n" not in str(caught.value)


def test_a_weight_of_another_shape(tmp_path: Path) -> None:
    torch.save(flat(0.0) | {"conv0.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "weights.pth")
    with pytest.raises(DetectorError, match=r"holds other weights than FlowNet2-SD's \(size mismatch for conv0"):
        open_flownet_sd(str(tmp_path / "weights.pth"))


def test_no_file_at_all() -> None:
    with pytest.raises(DetectorError, match=r"weights of FlowNet2-SD.*name the converted file FlowNet2-SD_checkpoint"):
        open_flownet_sd("default")
    with pytest.raises(DetectorError, match=r"gone\.pth: there is no such file"):
        open_flownet_sd("gone.pth")


def test_random_weights_are_said_and_leave_torch_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    with pytest.warns(UserWarning, match="its flow means nothing"):
        open_flownet_sd("random")
    assert torch.rand(1) == expected
