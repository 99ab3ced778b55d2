"""The student: draws the teacher's features from what the bottleneck tells it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from oddlens.methods.dmad_ppdm.blocks import Blocks, start


class Student(nn.Module):
    """g: the teacher mirrored, deepest features first; each stage doubles the size.

    Args:
        channels: of the teacher's features, the largest map first.
        blocks: of the stages.
        narrowest: a stage has at least so many features, where it need not have the teacher's own number.
    """

    def __init__(self, channels: Sequence[int], blocks: Blocks, narrowest: int) -> None:
        super().__init__()
        widths = [width if blocks.rectified else max(width, narrowest) for width in channels]
        inputs = [2 * channels[2], widths[2], widths[1]]
        self.stages = nn.ModuleList(
            [blocks.up(i, o, count) for i, o, count in zip(inputs, reversed(widths), blocks.counts)]
        )
        self.outputs = nn.ModuleList(
            [nn.Identity() if blocks.rectified else nn.Conv2d(w, c, 1) for w, c in zip(widths, channels)]
        )
        start(self)

    def forward(self, told: Tensor) -> list[Tensor]:
        """Feature maps like the teacher's, the largest first."""
        found, features = [], told
        for stage in self.stages:
            features = stage(features)
            found.append(features)
        return [output(features) for output, features in zip(self.outputs, reversed(found))]
