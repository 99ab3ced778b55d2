"""The bottleneck: what the student is told of the teacher's features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from oddlens.methods.dmad_ppdm.blocks import Blocks, normed, start
from oddlens.nn.quantiser import Quantised, VectorQuantiser

Mode = Literal["image", "pixel", "both"]


@dataclass(frozen=True)
class Squeeze:
    """How information is compressed."""

    mode: Mode
    """`image`: the deepest features through the memory, all three levels thinned beside it; `pixel`: all levels at
    full width, no memory; `both`: the deepest level through the memory, the others at full width."""
    thin: int
    """Features of each thinned level."""

    @property
    def remembers(self) -> bool:
        """Whether there is a memory."""
        return self.mode != "pixel"


class OneClassBottleneck(nn.Module):
    """phi: three levels of features brought to the smallest size, joined, and halved once more.

    RD4AD's one-class embedding (Deng and Li, CVPR 2022) in `pixel` mode, DMAD's in `image` mode.

    Args:
        channels: of the teacher's features, the largest map first.
        squeeze: how much of them passes.
        blocks: that halve the joined features.
        memory: of prototypes as wide as the deepest features, where the mode has one.
    """

    def __init__(
        self, channels: Sequence[int], squeeze: Squeeze, blocks: Blocks, memory: VectorQuantiser | None
    ) -> None:
        super().__init__()
        first, second, third = channels
        self.memory = memory
        self.third: nn.Module | None = None
        if squeeze.mode == "image":
            thin = squeeze.thin
            self.first = nn.Sequential(normed(first, thin, 1), normed(thin, thin, 2), normed(thin, thin, 2))
            self.second = nn.Sequential(normed(second, thin, 1), normed(thin, thin, 2))
            self.third = normed(third, thin, 1)
            joined = 3 * thin + third
        else:
            self.first = nn.Sequential(normed(first, second, 2), normed(second, third, 2))
            self.second = normed(second, third, 2)
            joined = 3 * third
        self.blocks = blocks.down(joined, 2 * third, blocks.counts[3])
        start(self)

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, Quantised | None]:
        """`(B, 2 * C3, H/32, W/32)` of the teacher's three maps, and what the memory said."""
        parts = [self.first(features[0]), self.second(features[1])]
        if self.third is not None:
            parts.append(self.third(features[2]))
        found = self.memory(features[2]) if self.memory is not None else None
        parts.append(features[2] if found is None else found.values.to(parts[0].dtype))
        return self.blocks(torch.cat(parts, dim=1)), found
