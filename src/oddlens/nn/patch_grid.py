"""A picture cut into a grid of patches, and put together again."""

from __future__ import annotations

from torch import Tensor


def cut_patches(pictures: Tensor, rows: int, columns: int) -> Tensor:
    """Patches of pictures, row after row: `(B, C, H, W)` to `(B, rows * columns, C, H / rows, W / columns)`.

    Args:
        pictures: their sides are multiples of the grid's.
        rows: of the grid.
        columns: of the grid.

    Example:
        >>> import torch
        >>> cut_patches(torch.arange(8.0).reshape(1, 1, 2, 4), 1, 2).flatten(2).tolist()
        [[[0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0]]]
    """
    batch, channels, height, width = pictures.shape
    cells = pictures.reshape(batch, channels, rows, height // rows, columns, width // columns)
    return cells.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)


def join_patches(patches: Tensor, rows: int, columns: int) -> Tensor:
    """The pictures that `cut_patches` cut.

    Example:
        >>> import torch
        >>> whole = torch.rand(2, 3, 8, 6)
        >>> torch.equal(join_patches(cut_patches(whole, 4, 2), 4, 2), whole)
        True
    """
    batch, _, channels, height, width = patches.shape
    cells = patches.reshape(batch, rows, columns, channels, height, width)
    return cells.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels, rows * height, columns * width)
