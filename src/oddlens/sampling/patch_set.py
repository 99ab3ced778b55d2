"""Patches as the training loop draws them: one part for each block of the frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from oddlens.sampling.order import Key
from oddlens.sampling.patch_store import PatchStore


class PatchSet(Dataset[dict[str, Tensor]]):
    """Some patches of a store, block after block and in the store's order within a block.

    A batch holds `raw` `uint8 (B, side, side, T * C)`, `block` `int64 (B,)` and, where the store has it, `flow`
    `float16 (B, side, side, T * 2)`.

    Args:
        store: where they lie.
        chosen: `bool (N,)`, which of its patches belong to the set; by default all.
        every: only the patches of every so-many-th frame of the footage, as nearly as the store's own spacing allows.
    """

    def __init__(self, store: PatchStore, chosen: NDArray[np.bool_] | None = None, every: int = 1) -> None:
        self.store = store
        blocks, frames = np.asarray(store.array("blocks")), np.asarray(store.array("frames"))
        kept = np.ones(len(blocks), np.bool_) if chosen is None else chosen
        every = store.every * max(1, round(every / store.every))  # what the store left out counts too
        kept = kept & (frames % every == 0)
        rows = np.flatnonzero(kept)
        self.rows = rows[np.argsort(blocks[rows], kind="stable")]
        counts = np.bincount(blocks[rows], minlength=store.spec.blocks)
        self.parts: Sequence[int] = counts.tolist()
        self._arrays = {name: store.array(name) for name in ("raw", "flow") if name == "raw" or store.spec.flow}
        self._blocks = blocks

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Key) -> dict[str, Tensor]:
        return {name: value[0] for name, value in self.__getitems__([key]).items()}

    def __getitems__(self, keys: Sequence[Key]) -> dict[str, Tensor]:
        """One batch of the patches numbered by the second entries of `keys`."""
        rows = self.rows[[index for _, index in keys]]
        batch = {name: torch.from_numpy(array[rows]) for name, array in self._arrays.items()}
        return {**batch, "block": torch.from_numpy(self._blocks[rows].astype(np.int64))}

    def validation_batches(self, count: int, batch_size: int) -> list[dict[str, Tensor]]:
        """`count` patches, evenly spread, in batches of one block each."""
        if not len(self):
            return []
        chosen = np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).astype(int))
        block = self._blocks[self.rows[chosen]]
        runs = [chosen[block == part] for part in np.unique(block)]
        pieces = [run[start : start + batch_size] for run in runs for start in range(0, len(run), batch_size)]
        return [self.__getitems__([(0, int(k)) for k in piece]) for piece in pieces]
