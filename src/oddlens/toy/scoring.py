"""How odd digits are: error of the drawn picture, and how far it had to be deformed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oddlens.nn.magnitude import magnitude
from oddlens.toy.models import Redrawn, ToyModel
from oddlens.toy.training import network_values

_BATCH = 250

Values = NDArray[np.float64]


@dataclass(frozen=True)
class DigitScores:
    """Scores of N digits by one model, all summed over the picture; higher = odder."""

    error: Values
    """`(N,)`: A_rec, the squared error after the last field."""
    diversity: Values
    """`(N,)`: A_df, the lengths of all fields, in half frames; 0 without a deformation."""
    ink_diversity: Values
    """`(N,)`: the same, every pixel counted as far as it is ink."""
    codes: NDArray[np.int64]
    """`(N,)`: the prototype that each was redrawn from."""

    def with_diversity(self, alpha: float) -> Values:
        """A_rec + alpha A_df, `(N,)`."""
        return self.error + alpha * self.diversity


def error_map(target: Tensor, redrawn: Redrawn) -> Tensor:
    """Squared error after the last field, `(B, 28, 28)`."""
    return (redrawn.pictures[-1] - target).square().squeeze(1)


def diversity_map(redrawn: Redrawn) -> Tensor:
    """Sum over the fields of N(O_k), `(B, 28, 28)`; 0 without a deformation."""
    still = torch.zeros_like(redrawn.reference).squeeze(1)
    return sum((magnitude(offset) for offset in redrawn.offsets), start=still)


@torch.inference_mode()
def score_digits(model: ToyModel, pictures: Tensor, device: torch.device) -> DigitScores:
    """Scores of pictures `uint8 (N, 28, 28)` by a trained model."""
    rows: list[list[Tensor]] = []
    for first in range(0, len(pictures), _BATCH):
        batch = pictures[first : first + _BATCH]
        target = network_values(batch).to(device)
        redrawn = model(target)
        diversity = diversity_map(redrawn)
        maps = (error_map(target, redrawn), diversity, diversity * target.squeeze(1))
        sums = [values.double().sum(dim=(1, 2)).cpu() for values in maps]
        rows.append([*sums, redrawn.memory.indices.flatten().cpu()])
    columns = [torch.cat(column).numpy() for column in zip(*rows)]
    return DigitScores(*columns)
