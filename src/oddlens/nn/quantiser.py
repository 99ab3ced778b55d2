"""A memory of prototypes: every position of a feature map becomes the nearest one."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, distributed, nn

from oddlens.nn.k_means import cluster_sums, draw, k_means, nearest

_EPSILON = 1e-5
Start = Literal["uniform", "k-means"]


class Quantised(NamedTuple):
    """What a quantiser makes of features `(B, D, H, W)`."""

    values: Tensor
    """`(B, D, H, W)`: the prototypes; the gradient passes straight through to the features."""
    sample_commit: Tensor
    """`(B,)`: mean squared distance in each sample, which moves the features (the paper's term without its beta)."""
    sample_embed: Tensor
    """The same numbers, which move the prototypes."""
    indices: Tensor
    """`int64 (B, H, W)`: numbers of the prototypes."""

    @property
    def commit(self) -> Tensor:
        """Mean of `sample_commit`, a scalar."""
        return self.sample_commit.mean()

    @property
    def embed(self) -> Tensor:
        """Mean of `sample_embed`, a scalar."""
        return self.sample_embed.mean()


class VectorQuantiser(nn.Module):
    """Nearest prototype at every position, by squared distance (VQ-VAE; the memory of DMAD).

    Args:
        size: K, number of prototypes.
        width: D, features of each.
        start: `uniform` draws prototypes from (-1/K, 1/K), as DMAD does; `k-means` puts them into the features of the
            first training batch.
        restart_after: a prototype that was not used in so many training batches in a row moves to a feature of the
            batch; 0 = never.
        decay: of the running means that the prototypes then are, in place of the gradient; 0 = gradient.

    The random draws come from torch's CPU generator, and what has to be remembered is kept in buffers, so that an
    interrupted training goes on alike. Several processes share their counts and keep one memory.
    """

    codebook: Tensor
    idle: Tensor
    seeded: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(
        self, size: int, width: int, start: Start = "uniform", restart_after: int = 0, decay: float = 0.0
    ) -> None:
        super().__init__()
        self.restart_after, self.decay = restart_after, decay
        codebook = torch.empty(size, width).uniform_(-1 / size, 1 / size)
        self.register_buffer("idle", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("seeded", torch.tensor(start == "uniform"))
        if decay:
            self.register_buffer("codebook", codebook)
            self.register_buffer("counts", torch.ones(size))
            self.register_buffer("sums", codebook.clone())
        else:
            self.codebook = nn.Parameter(codebook)

    def forward(self, features: Tensor) -> Quantised:
        """Prototypes of features `(B, D, H, W)`, computed in float32; training also takes care of the memory."""
        with torch.autocast(features.device.type, enabled=False):
            positions = features.float().permute(0, 2, 3, 1)  # (B, H, W, D)
            points = positions.flatten(0, 2)
            if self.training:
                self._revive(points.detach())
            indices = nearest(points.detach(), self.codebook.detach())
            chosen = self.codebook[indices].reshape(positions.shape)
            commit = (positions - chosen.detach()).square().mean(dim=(1, 2, 3))
            embed = (chosen - positions.detach()).square().mean(dim=(1, 2, 3))
            if self.training:
                self._remember(points.detach(), indices)
            values = positions + (chosen - positions).detach()
        return Quantised(values.permute(0, 3, 1, 2), commit, embed, indices.reshape(positions.shape[:3]))

    def codes_in_use(self, batches: int = 1) -> Tensor:
        """How many prototypes were used in the last `batches` training batches, a scalar."""
        return (self.idle < batches).sum()

    @torch.no_grad()
    def _revive(self, points: Tensor) -> None:
        """Move prototypes that never were, or no longer are, of use to where features lie."""
        if not self.seeded:
            self._put(slice(None), k_means(points, len(self.codebook)))
            self.seeded.fill_(True)
        if self.restart_after and (dead := self.idle >= self.restart_after).any():
            self._put(dead, draw(points, int(dead.sum())))

    def _put(self, rows: Tensor | slice, values: Tensor) -> None:
        if _together():
            values = values.contiguous()
            distributed.broadcast(values, 0)  # type: ignore[no-untyped-call, unused-ignore]
        self.codebook[rows] = values
        self.idle[rows] = 0
        if self.decay:
            self.counts[rows], self.sums[rows] = 1.0, values

    @torch.no_grad()
    def _remember(self, points: Tensor, indices: Tensor) -> None:
        """Count who was used, and let running means follow the features."""
        sums, counts = cluster_sums(points, indices, len(self.codebook))
        if _together():
            distributed.all_reduce(counts)  # type: ignore[no-untyped-call, unused-ignore]
            if self.decay:
                distributed.all_reduce(sums)  # type: ignore[no-untyped-call, unused-ignore]
        self.idle.copy_(torch.where(counts > 0, 0, self.idle + 1))
        if self.decay:
            self.counts.lerp_(counts, 1 - self.decay)
            self.sums.lerp_(sums, 1 - self.decay)
            alive = self.counts > _EPSILON  # a mean of nothing is left where it was
            means = self.sums / self.counts.clamp_min(_EPSILON)[:, None]
            self.codebook.copy_(torch.where(alive[:, None], means, self.codebook))


def _together() -> bool:
    """Whether several processes train one memory."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
