"""Structural similarity (Wang et al., 2004) of all patches of pictures at once."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

_WINDOW, _SIGMA = 11, 1.5
_MEAN_SHARE = 0.01
"""C1 = (0.01 L)^2 keeps quotients of means from 0 / 0 ..."""
_RATIO = 9
"""... and C2 = (0.03 L)^2 = 9 C1 those of deviations."""


_PIECE = 1 << 19
"""Values that are looked at together on a CPU, whose cache they fit into."""


@torch.no_grad()
def ssim(first: Tensor, second: Tensor, value_range: Tensor | float = 1.0, rows: int = 1, columns: int = 1) -> Tensor:
    """Mean structural similarity of each pair of pictures, or of each of their patches; 1 for equal ones.

    The Gaussian window (11x11, deviation 1.5) stays inside its patch; a smaller patch makes it smaller. It has no
    gradient.

    Args:
        first: `(B, C, H, W)`, their sides multiples of the grid's.
        second: the same shape.
        value_range: L, the range of the values, one for all or one a patch, `(B, rows * columns)`.
        rows: of the grid of patches.
        columns: of the grid of patches.

    Returns:
        `(B, rows * columns)`, row after row.

    Example:
        >>> picture = torch.rand(2, 3, 16, 32)
        >>> ssim(picture, picture, columns=2).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    first, second = first.float(), second.float()
    limit = torch.as_tensor(value_range, device=first.device).float().expand(len(first), rows * columns)
    limit = limit.reshape(-1, 1, rows, 1, columns, 1)
    grid = (first.shape[1], rows, first.shape[2] // rows, columns, first.shape[3] // columns)
    size = max(1, _PIECE // first[0].numel()) if first.device.type == "cpu" else len(first)
    pieces = zip(*(torch.split(values, size) for values in (first, second, limit)))
    with torch.autocast(first.device.type, enabled=False):
        return torch.cat([_similarity(x.reshape(-1, *grid), y.reshape(-1, *grid), most) for x, y, most in pieces])


def _similarity(x: Tensor, y: Tensor, limit: Tensor) -> Tensor:
    """Of pictures `(B, C, rows, h, columns, w)`, with ranges that can be laid over them: `(B, rows * columns)`."""
    mean, other = _smooth(x), _smooth(y)
    values = x * y
    product = _smooth(values)
    square = _smooth(torch.mul(x, x, out=values).addcmul_(y, y))
    floor = (_MEAN_SHARE * limit).square().expand_as(mean).contiguous() / 2
    # (2 mu_x mu_y + C1) (2 sigma_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (sigma_x^2 + sigma_y^2 + C2)) in little memory
    products = mean * other
    squares = mean.square_().addcmul_(other, other)
    product.sub_(products).add_(floor, alpha=_RATIO).mul_(products.add_(floor))
    square.sub_(squares).add_(floor, alpha=2 * _RATIO).mul_(squares.add_(floor, alpha=2))
    return 4 * product.div_(square).mean(dim=(1, 3, 5)).flatten(1)


def gaussian_window(size: int = _WINDOW, sigma: float = _SIGMA) -> Tensor:
    """Gaussian weights of `size` places in a row, `float64`, which add up to 1.

    Example:
        >>> [round(weight, 4) for weight in gaussian_window(3).tolist()]
        [0.3078, 0.3844, 0.3078]
    """
    places = torch.arange(size, dtype=torch.float64) - size // 2
    weights = torch.exp(-places.square() / (2 * sigma**2))
    return weights / weights.sum()


@lru_cache(maxsize=32)
def _band(length: int, window: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The window laid over every place of a row that it fits: `(length, length - window + 1)`."""
    band = torch.zeros(length, length - window + 1, dtype=torch.float64)
    places = torch.arange(band.shape[1])
    band[places[:, None] + torch.arange(window), places[:, None]] = gaussian_window(window)
    return band.to(device, dtype)


def _smooth(grid: Tensor) -> Tensor:
    """Weighted means under the window, inside each patch of `(B, C, rows, h, columns, w)`.

    Products of matrices, which are faster than convolutions of small patches.
    """
    batch, channels, rows, height, columns, width = grid.shape
    window = min(_WINDOW, height, width)
    across, down = (_band(side, window, grid.dtype, grid.device) for side in (width, height))
    lines = (grid @ across).reshape(-1, height, columns * across.shape[1])
    return (down.T @ lines).reshape(batch, channels, rows, down.shape[1], columns, across.shape[1])
