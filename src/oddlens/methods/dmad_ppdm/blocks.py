"""Residual blocks of bottleneck and student: torchvision's, and their mirror images that double the size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn
from torchvision.models import ResNet
from torchvision.models.resnet import BasicBlock, Bottleneck

_PLAIN_BLOCKS = (2, 2, 2, 2)


@dataclass(frozen=True)
class Blocks:
    """What the student is built of; where the teacher is a ResNet, the same as that."""

    slim: bool = False
    """1x1, 3x3 and 1x1 convolutions in place of two of 3x3."""
    base_width: int = 64
    """Features of the 3x3 convolution of a slim block, per 64 of a quarter of its outputs."""
    counts: tuple[int, int, int, int] = _PLAIN_BLOCKS
    """Blocks of the student's stages, from the deepest on, and of the bottleneck."""
    rectified: bool = False
    """Whether the teacher's features are those of a block, never below 0; others get a linear map of the student's."""

    @classmethod
    def like(cls, network: nn.Module) -> Blocks:
        """The blocks that go with a teacher."""
        if not isinstance(network, ResNet):
            return cls()
        stages = [getattr(network, f"layer{number}", None) for number in (1, 2, 3)]
        counts = [len(stage) for stage in stages if stage is not None]
        slim = isinstance(network.layer1[0], Bottleneck)
        # the last stage, which the teacher does without, has two blocks in the smallest ResNet and three in all others
        deep = 2 if not slim and counts[0] == _PLAIN_BLOCKS[0] else 3
        return cls(slim, network.base_width * network.groups, (counts[0], counts[1], counts[2], deep), True)

    def down(self, inputs: int, outputs: int, count: int) -> nn.Sequential:
        """`count` blocks, of which the first halves the size."""
        return self._stage(inputs, outputs, count, _down)

    def up(self, inputs: int, outputs: int, count: int) -> nn.Sequential:
        """`count` blocks, of which the first doubles the size, by a transposed 2x2 convolution."""
        return self._stage(inputs, outputs, count, _up)

    def _stage(self, inputs: int, outputs: int, count: int, change: Any) -> nn.Sequential:
        first = self._block(inputs, outputs, nn.Sequential(change(inputs, outputs, 1), nn.BatchNorm2d(outputs)))
        name = "conv2" if self.slim else "conv1"
        old = getattr(first, name)
        setattr(first, name, change(old.in_channels, old.out_channels, 3))
        return nn.Sequential(first, *(self._block(outputs, outputs) for _ in range(count - 1)))

    def _block(self, inputs: int, outputs: int, shortcut: nn.Module | None = None) -> Any:
        if self.slim:
            return Bottleneck(inputs, outputs // Bottleneck.expansion, 1, shortcut, base_width=self.base_width)
        return BasicBlock(inputs, outputs, 1, shortcut)


def normed(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def start(network: nn.Module) -> None:
    """Initial weights of RD4AD: He's normal ones by outputs, but for transposed convolutions, which keep torch's."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _down(inputs: int, outputs: int, side: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, side, 2, padding=side // 2, bias=False)


def _up(inputs: int, outputs: int, side: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 2, 2, bias=False)
