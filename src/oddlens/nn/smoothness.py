"""How rough an offset field is."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import avg_pool2d

from oddlens.nn.means import weighted_mean


def smoothness(offset: Tensor, side: int, separable: bool = False, weight: Tensor | None = None) -> Tensor:
    """S_k: mean roughness of an offset field, a scalar; 0 where nothing moves.

    Args:
        offset: `(B, H, W, 2)`.
        side: k, odd: pixels a side of the filter.
        separable: the sum of a row's and a column's filter in place of the square one.
        weight: `(B, C, H, W)` of the pixels.
    """
    return weighted_mean(roughness(offset, side, separable), weight)


def roughness(offset: Tensor, side: int, separable: bool = False) -> Tensor:
    """Size of the smoothness filter's answer at every pixel, `(B, 1, H, W)`.

    The filter has 1 in its centre and sums to 0, with all other taps alike; beyond the border it sees zeros, so that
    a field which moves the border is rough there. x and y are added before the size is taken, and may cancel
    (official code of DMAD).
    """
    total = offset.sum(dim=-1).unsqueeze(1)
    if separable:
        return _answer(total, (1, side)).abs() + _answer(total, (side, 1)).abs()
    return _answer(total, (side, side)).abs()


def _answer(field: Tensor, sides: tuple[int, int]) -> Tensor:
    taps = sides[0] * sides[1]
    mean = avg_pool2d(field, sides, stride=1, padding=(sides[0] // 2, sides[1] // 2))
    return (field - mean) * (taps / (taps - 1))
