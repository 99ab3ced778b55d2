"""FlowNet2-SD (Ilg et al., FlowNet 2.0, CVPR 2017): flow of small displacements by a network, in plain torch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from oddlens.errors import DetectorError
from oddlens.training.weights import load_weights, local_weights

_STEP = 64
"""The frame is halved six times."""
_COARSER = 4
"""The finest flow has a quarter of the frame's height and width."""
_FLOW_UNIT = 20.0
"""Pixels that a 1 of the finest layer stands for."""
_NAME = "FlowNet2-SD"
_SOURCE = (
    "name the converted file FlowNet2-SD_checkpoint.pth.tar of NVIDIA's flownet2-pytorch, "
    "or choose dis-medium, which needs no weights"
)


class FlowNetSd(nn.Module):
    """Flow between two frames, at a quarter of their size; 45,371,666 parameters under the official names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0, self.conv1, self.conv1_1 = _conv(6, 64), _conv(64, 64, 2), _conv(64, 128)
        self.conv2, self.conv2_1 = _conv(128, 128, 2), _conv(128, 128)
        self.conv3, self.conv3_1 = _conv(128, 256, 2), _conv(256, 256)
        self.conv4, self.conv4_1 = _conv(256, 512, 2), _conv(512, 512)
        self.conv5, self.conv5_1 = _conv(512, 512, 2), _conv(512, 512)
        self.conv6, self.conv6_1 = _conv(512, 1024, 2), _conv(1024, 1024)
        self.deconv5, self.deconv4 = _deconv(1024, 512), _deconv(1026, 256)
        self.deconv3, self.deconv2 = _deconv(770, 128), _deconv(386, 64)
        self.inter_conv5, self.inter_conv4 = _plain(1026, 512), _plain(770, 256)
        self.inter_conv3, self.inter_conv2 = _plain(386, 128), _plain(194, 64)
        self.predict_flow6, self.predict_flow5 = _predict(1024), _predict(512)
        self.predict_flow4, self.predict_flow3, self.predict_flow2 = _predict(256), _predict(128), _predict(64)
        self.upsampled_flow6_to_5, self.upsampled_flow5_to_4 = _double(), _double()
        self.upsampled_flow4_to_3, self.upsampled_flow3_to_2 = _double(), _double()

    def forward(self, pairs: Tensor) -> Tensor:
        """Flow `(B, 2, h / 4, w / 4)` (x, y) in pixels of the frame.

        Args:
            pairs: both frames, levels as trained (0..255), less their common mean and divided by 255, one behind the
                other: `(B, 6, h, w)`; h and w are multiples of 64.
        """
        level1 = self.conv1_1(self.conv1(self.conv0(pairs)))
        level2 = self.conv2_1(self.conv2(level1))
        level3 = self.conv3_1(self.conv3(level2))
        level4 = self.conv4_1(self.conv4(level3))
        level5 = self.conv5_1(self.conv5(level4))
        joint = self.conv6_1(self.conv6(level5))
        flow = self.predict_flow6(joint)
        joint = torch.cat([level5, self.deconv5(joint), self.upsampled_flow6_to_5(flow)], dim=1)
        flow = self.predict_flow5(self.inter_conv5(joint))
        joint = torch.cat([level4, self.deconv4(joint), self.upsampled_flow5_to_4(flow)], dim=1)
        flow = self.predict_flow4(self.inter_conv4(joint))
        joint = torch.cat([level3, self.deconv3(joint), self.upsampled_flow4_to_3(flow)], dim=1)
        flow = self.predict_flow3(self.inter_conv3(joint))
        joint = torch.cat([level2, self.deconv2(joint), self.upsampled_flow3_to_2(flow)], dim=1)
        finest: Tensor = self.predict_flow2(self.inter_conv2(joint))
        return finest * _FLOW_UNIT


def open_flownet_sd(weights: str) -> FlowNetSd:
    """The network with weights from a file, ready to compute.

    Args:
        weights: state dict, alone or as `state_dict` of a checkpoint, `.safetensors` or torch's format; `random` to
            try the program without weights.

    Raises:
        DetectorError: no file is named or there, it cannot be read, or it holds other weights.
    """
    if weights == "random":
        warnings.warn(f"{_NAME} runs with random weights: its flow means nothing", stacklevel=2)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return FlowNetSd().eval().requires_grad_(False)
    if weights == "default":
        raise DetectorError(f"weights of {_NAME}", "are not to be had from torchvision", _SOURCE)
    file = Path(weights).expanduser()
    state: Any = local_weights(_NAME, file)
    with torch.device("meta"):  # no weights are drawn that the file's would replace
        network = FlowNetSd()
    network = network.to_empty(device="cpu").eval().requires_grad_(False)
    load_weights(network, state.get("state_dict", state), _NAME, file)
    return network


def compact_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of the finest flow of frames `height` x `width`, which are padded to multiples of 64.

    Example:
        >>> compact_size(256, 256), compact_size(240, 360)
        ((64, 64), (64, 96))
    """
    return tuple(-(-side // _STEP) * _STEP // _COARSER for side in (height, width))  # type: ignore[return-value]


def network_input(frames: Tensor) -> Tensor:
    """What the network takes for each pair of consecutive frames.

    The mean of each pair and colour is taken off, as the original does inside its network; frames whose sides are no
    multiples of 64 are continued to the right and below with their last pixels.

    Args:
        frames: `float32 (N, 3, h, w)`, 0..255 as trained.

    Returns:
        `(N - 1, 6, H, W)`.
    """
    pairs = torch.stack([frames[:-1], frames[1:]], dim=1)
    pairs = (pairs - pairs.mean(dim=(1, 3, 4), keepdim=True)) / 255
    height, width = frames.shape[2:]
    below, right = -height % _STEP, -width % _STEP
    return nn.functional.pad(pairs.flatten(1, 2), (0, right, 0, below), mode="replicate")


def full_size(flow: Tensor, height: int, width: int) -> Tensor:
    """Finest flow `(..., 2, h, w)` at the frame's own size: four times as large, bilinear, and cut."""
    flat = flow.flatten(0, -4)
    large = nn.functional.interpolate(flat, scale_factor=_COARSER, mode="bilinear", align_corners=False)
    return large[..., :height, :width].reshape(*flow.shape[:-2], height, width)


def _conv(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, stride, 1), nn.LeakyReLU(0.1, inplace=True))


def _deconv(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inside, outside, 4, 2, 1), nn.LeakyReLU(0.1, inplace=True))


def _plain(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, 1, 1))


def _predict(inside: int) -> nn.Conv2d:
    return nn.Conv2d(inside, 2, 3, 1, 1)


def _double() -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(2, 2, 4, 2, 1)
