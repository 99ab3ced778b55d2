"""Local means of maps, and the highest of them."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import avg_pool2d, pad


def window_mean(values: Tensor, rows: int, columns: int) -> Tensor:
    """Mean size of `values` in the window around each pixel, channels added up: `(B, C, H, W)` gives `(B, H, W)`.

    Beyond the border lie zeros. Any map and any window will do, even one larger than the map.
    """
    sizes = values.abs().sum(dim=1, keepdim=True)
    # rows, then columns: fewer sums, the same means
    tall = avg_pool2d(pad(sizes, (0, 0, rows // 2, rows - 1 - rows // 2)), (rows, 1), stride=1)
    wide = avg_pool2d(pad(tall, (columns // 2, columns - 1 - columns // 2)), (1, columns), stride=1)
    return wide.squeeze(1)


def window_max(values: Tensor, rows: int, columns: int) -> Tensor:
    """wmax: the highest mean of a window of `rows` x `columns` pixels, one for each sample: `(B,)`.

    The official code of DMAD takes it over the whole batch, and so scores frames one by one: the same numbers.

    Example:
        >>> import torch
        >>> spot = torch.zeros(1, 1, 9, 9)
        >>> spot[0, 0, 0, 0] = -6
        >>> window_max(spot, 2, 3).item()
        1.0
    """
    return window_mean(values, rows, columns).amax(dim=(1, 2))
