"""What goes wrong in training PDM: memories that die out, deformations that run into their limit.

The authors themselves say that training may be unstable.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from oddlens.methods.dmad_pdm.network import Prediction
from oddlens.nn.quantiser import VectorQuantiser

RECENT = 100
"""A prototype is in use while one of so many latest batches used it."""
_FEW = 0.1
"""A memory of which a smaller share is in use is as good as dead."""
_SATURATED = 0.9
"""A deformation that moves the average pixel by a greater share of its limit says nothing."""


class Health:
    """Watches memory and deformation of one network.

    Args:
        memory: the network's.
        limit: pixels that the coarse field moves at most.
    """

    def __init__(self, memory: VectorQuantiser, limit: float) -> None:
        self.memory, self.limit = memory, limit
        self.total = len(memory.codebook)
        self.faults: list[str] = []
        self._warned = False

    def watch(self, prediction: Prediction) -> dict[str, Tensor]:
        """What the logs tell of a training step: prototypes in use, and pixels that the fields move on average.

        Warns once when most of the memory has died out.
        """
        coarse, fine = (in_pixels(o.detach()).square().sum(dim=1).sqrt().mean() for o in prediction.offsets)
        codes = self.memory.codes_in_use(RECENT).float()
        if not self._warned and self.memory.training and self._few(float(codes)):
            self._warned = True
            warnings.warn(f"the memory dies out: {self._say_few(int(codes))}", stacklevel=2)
        return {"codes_in_use": codes, "coarse_pixels": coarse, "fine_pixels": fine}

    def judge(self, used: Tensor, moved: float) -> None:
        """Find faults from the numbers of all prototypes used, and the pixels the coarse field moves on average."""
        count, self.faults = len(torch.unique(used)), []
        if self._few(count):
            self.faults.append(f"most of the memory has died out: {self._say_few(count)}")
        if moved > _SATURATED * self.limit:
            told = f"the deformation moves the average pixel by {moved:.1f} of at most {self.limit:g} pixels"
            self.faults.append(f"{told}, so it tells little; train again with another training.seed")

    def _few(self, used: float) -> bool:
        return used < max(1.5, _FEW * self.total)

    def _say_few(self, used: int) -> str:
        verb = "is" if used == 1 else "are"
        remedy = "; method.memory_start: k-means and method.memory_restart: 100 keep it alive"
        return f"{used} of {self.total} prototypes {verb} in use{'' if self.memory.restart_after else remedy}"


def in_pixels(offset: Tensor) -> Tensor:
    """An offset field `(B, H, W, 2)` as `(B, 2, H, W)` in pixels: right, then down."""
    height, width = offset.shape[1:3]
    sides = torch.tensor([width - 1, height - 1], device=offset.device) / 2
    return (offset * sides).permute(0, 3, 1, 2)
