"""Clusters of many points."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDS = 10


def nearest(points: Tensor, centres: Tensor) -> Tensor:
    """Number of the centre `(K, D)` nearest to each of `points` `(N, D)`, by squared distance: `int64 (N,)`."""
    # without the points' own length, which is the same for all centres and would cost digits
    distance = centres.square().sum(dim=1) - 2 * points @ centres.t()
    return distance.argmin(dim=1)


def k_means(points: Tensor, count: int, rounds: int = _ROUNDS) -> Tensor:
    """`count` centres of `points` `(N, D)`: Lloyd's rounds from points drawn by torch's generator; `(count, D)`.

    A centre without points stays where it is. With fewer points than centres some centres are alike.
    """
    centres = draw(points, count)
    for _ in range(rounds):
        mine = nearest(points, centres)
        sums, counts = cluster_sums(points, mine, count)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp_min(1)[:, None], centres)
    return centres


def draw(points: Tensor, count: int) -> Tensor:
    """`count` of `points` `(N, D)`, drawn by torch's CPU generator, none twice as long as there are enough."""
    chosen = torch.randperm(len(points))[:count]
    if len(chosen) < count:
        chosen = torch.cat([chosen, torch.randint(len(points), (count - len(chosen),))])
    return points[chosen.to(points.device)]


def cluster_sums(points: Tensor, cluster: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Sum `(count, D)` and number `(count,)` of the points in each cluster."""
    sums = points.new_zeros(count, points.shape[1]).index_add_(0, cluster, points)
    return sums, torch.bincount(cluster, minlength=count).to(points.dtype)
