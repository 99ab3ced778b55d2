"""Which clips make up which training step: a pure function of the step, so resuming needs no saved position."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from oddlens.errors import DataError
from oddlens.methods.base import Sample
from oddlens.sampling.clips import Clip, FrameRun, count_clips
from oddlens.types import SamplingSpec

MakeSample = Callable[[Clip, np.random.Generator], Sample]
Key = tuple[int, int]
"""(epoch, clip index): the seed of everything random in a sample."""


class ClipSet(Dataset[dict[str, torch.Tensor]]):
    """All clips of some runs, one a start frame, numbered run after run."""

    def __init__(self, runs: Sequence[FrameRun], spec: SamplingSpec, make: MakeSample, seed: int) -> None:
        self.runs = [run for run in runs if count_clips(len(run), spec)]
        self.make, self.seed = make, seed
        counts = [count_clips(len(run), spec) for run in self.runs]
        self.ends = np.cumsum(counts) if counts else np.zeros(0, np.int64)

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def clip(self, index: int) -> Clip:
        """Clip number `index`."""
        run = int(np.searchsorted(self.ends, index, side="right"))
        start = index - (int(self.ends[run - 1]) if run else 0)
        return Clip(self.runs[run], start, self.runs)

    def __getitem__(self, key: Key) -> dict[str, torch.Tensor]:
        epoch, index = key
        rng = np.random.default_rng([self.seed, epoch, index])
        sample = self.make(self.clip(index), rng)
        return {name: torch.as_tensor(value) for name, value in sample.items()}


class StepSampler(Sampler[list[Key]]):
    """Batches of keys from `first_step` on: each epoch is a fresh permutation, its incomplete last batch dropped.

    With several processes every one takes its own slice of each batch.

    Raises:
        DataError: there are fewer clips than a batch holds.
    """

    def __init__(
        self,
        clips: int,
        batch_size: int,
        seed: int,
        first_step: int,
        last_step: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if clips < batch_size:
            fault = f"only {clips} clips, a batch takes {batch_size}"
            raise DataError("training footage", fault, "give more footage or a smaller training.batch_size")
        self.clips, self.batch_size, self.seed = clips, batch_size, seed
        self.first_step, self.last_step = first_step, last_step
        self.rank, self.world = rank, world

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch."""
        return self.clips // self.batch_size

    def __len__(self) -> int:
        return self.last_step - self.first_step

    def __iter__(self) -> Iterator[list[Key]]:
        known: tuple[int, NDArray[np.int64]] | None = None
        for step in range(self.first_step, self.last_step):
            epoch, position = divmod(step, self.steps_per_epoch)
            if known is None or known[0] != epoch:
                known = (epoch, np.random.default_rng([self.seed, epoch]).permutation(self.clips))
            batch = known[1][position * self.batch_size : (position + 1) * self.batch_size]
            yield [(epoch, int(index)) for index in batch[self.rank :: self.world]]


def collate(samples: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Stack samples name by name."""
    # NumPy copies without waking threads: torch.stack waits for all of them, which takes long on a busy machine
    return {name: torch.from_numpy(np.stack([sample[name].numpy() for sample in samples])) for name in samples[0]}
