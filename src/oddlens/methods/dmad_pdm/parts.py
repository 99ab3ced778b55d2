"""Batches of large frames are scored part by part on a CPU, where that is faster."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from oddlens.types import Scores

_CPU_VALUES = 1 << 20
"""Values of the first block's output at once on a CPU: eight frames of `dmad-pdm/cpu`, one of the paper's."""


def windows_at_once(windows: Tensor, values: int) -> int:
    """Windows that go through the network together: on a CPU few large ones, whose features then stay in its caches.

    Args:
        windows: `(B, ...)`.
        values: of one window's first features.

    Example:
        >>> windows_at_once(torch.zeros(16, 1), 8 * 128 * 128), windows_at_once(torch.zeros(16, 1), 32 * 256 * 256)
        (8, 1)
    """
    if windows.device.type != "cpu":
        return len(windows)
    return max(1, _CPU_VALUES // values)


def join_scores(parts: Sequence[Scores]) -> Scores:
    """Scores of several batches, one after the other, as if of one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Scores(
        torch.cat([part.score for part in parts]),
        {name: torch.cat([part.components[name] for part in parts]) for name in first.components},
        None if first.map is None else torch.cat([part.map for part in parts if part.map is not None]),
        {name: torch.cat([part.pictures[name] for part in parts]) for name in first.pictures},
    )
