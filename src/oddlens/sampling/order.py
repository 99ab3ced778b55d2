"""Which samples make up which training step: a pure function of the step, so resuming needs no saved position."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from oddlens.errors import DataError, SettingsError
from oddlens.methods.base import Sample
from oddlens.sampling.clips import Clip, FrameRun, count_clips
from oddlens.types import SamplingSpec

Key = tuple[int, int]
"""(epoch, sample's number): the seed of everything random in a sample."""
ReadyBatch = dict[str, torch.Tensor]


class Samples(Protocol):
    """What a run trains on: numbered samples in parts that are trained one after another."""

    @property
    def parts(self) -> Sequence[int]:
        """Numbers of samples of the parts; the samples of a part have consecutive numbers."""

    def __len__(self) -> int:
        """Number of all samples."""

    def __getitems__(self, keys: list[Key]) -> ReadyBatch:
        """One batch, ready for the method, of samples of one part."""

    def validation_batches(self, count: int, batch_size: int) -> list[ReadyBatch]:
        """Fixed batches of at most `count` samples in all, nothing random in them; may be empty."""


@dataclass(frozen=True)
class Place:
    """Where a step of the training lies: in which part, and where in it."""

    part: int
    """Number of the part, from 0."""
    step: int
    """Step within the part, counted from 1."""
    steps: int
    """Steps of the part."""
    per_epoch: int
    """Steps of an epoch of the part."""

    @property
    def epoch(self) -> int:
        """Epoch of the part, from 0."""
        return (self.step - 1) // self.per_epoch

    @property
    def last(self) -> bool:
        """Whether the part ends with this step."""
        return self.step == self.steps


@dataclass(frozen=True)
class Timetable:
    """Which step belongs to which part: every part is trained as if alone, after the one before it.

    With `iterations` every part that has samples gets one step, and the rest is shared in proportion to their
    samples; with `epochs` each gets so many epochs. Empty parts get nothing.

    Raises:
        DataError: a part has fewer samples than a batch, and incomplete batches are dropped.
        SettingsError: there are fewer iterations than parts.
    """

    counts: tuple[int, ...]
    """Samples of each part."""
    batch_size: int
    iterations: int = 0
    """Steps in all; 0 = count by `epochs`."""
    epochs: int = 0
    keep: bool = False
    """Keep the incomplete last batch of an epoch."""

    def __post_init__(self) -> None:
        """Refuse what makes no training."""
        few = min((count for count in self.counts if count), default=0)
        if not few or (few < self.batch_size and not self.keep):
            which = " in one of its parts (blocks of the frame)" if sum(count > 0 for count in self.counts) > 1 else ""
            fault = f"only {few} samples{which}, a batch takes {self.batch_size}"
            remedy = "give more footage or a smaller training.batch_size, or set training.last_batch: keep"
            raise DataError("training footage", fault, remedy)
        filled = sum(count > 0 for count in self.counts)
        if 0 < self.iterations < filled:
            fault = f"is {self.iterations}, but {filled} parts of the footage are trained one after another"
            raise SettingsError("training.iterations", fault, f"give {filled} or more")

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self._ends[-1]

    def per_epoch(self, part: int) -> int:
        """Steps of an epoch of a part."""
        count = self.counts[part]
        return -(-count // self.batch_size) if self.keep else count // self.batch_size

    def place(self, step: int) -> Place:
        """The place of `step`, counted from 1.

        Example:
            >>> Timetable((40, 0, 25), 10, epochs=2, keep=True).place(10)
            Place(part=2, step=2, steps=6, per_epoch=3)
        """
        part = bisect_right(self._ends, step - 1)
        start = self._ends[part - 1] if part else 0
        return Place(part, step - start, self._ends[part] - start, self.per_epoch(part))

    @cached_property
    def _ends(self) -> list[int]:
        """Steps done after each part."""
        counts = np.array(self.counts)
        if not self.iterations:
            steps = [self.epochs * self.per_epoch(part) for part in range(len(counts))]
            return [int(end) for end in np.cumsum(steps)]
        one_each = np.cumsum(counts > 0)
        shared = np.cumsum(counts) * (self.iterations - int(one_each[-1])) // counts.sum()
        return [int(end) for end in one_each + shared]


class StepSampler(Sampler[list[Key]]):
    """Batches of keys from `first_step` on: each epoch is a fresh permutation of its part.

    With several processes every one takes its own slice of each batch; a kept incomplete batch is filled up by
    repeating its first samples, so that all slices are as large.
    """

    def __init__(
        self, timetable: Timetable, seed: int, first_step: int, last_step: int, rank: int = 0, world: int = 1
    ) -> None:
        self.timetable, self.seed = timetable, seed
        self.first_step, self.last_step = first_step, last_step
        self.rank, self.world = rank, world
        self._starts = np.cumsum([0, *timetable.counts])

    def __len__(self) -> int:
        return self.last_step - self.first_step

    def __iter__(self) -> Iterator[list[Key]]:
        known: tuple[int, int] | None = None
        size = self.timetable.batch_size
        order = np.zeros(0, np.int64)
        for step in range(self.first_step + 1, self.last_step + 1):
            place = self.timetable.place(step)
            if known != (place.part, place.epoch):
                known, order = (place.part, place.epoch), self._order(place)
            position = (place.step - 1) % place.per_epoch
            batch = order[position * size : (position + 1) * size]
            if len(batch) < size:
                batch = np.resize(batch, -(-len(batch) // self.world) * self.world)
            yield [(place.epoch, int(index)) for index in batch[self.rank :: self.world]]

    def _order(self, place: Place) -> NDArray[np.int64]:
        """Numbers of the part's samples in the order of its epoch."""
        entropy = [self.seed, place.epoch, place.part] if place.part else [self.seed, place.epoch]
        permutation = np.random.default_rng(entropy).permutation(self.timetable.counts[place.part])
        order: NDArray[np.int64] = permutation + self._starts[place.part]
        return order


class ClipMaker(Protocol):
    """Makes samples of clips; every method does."""

    @property
    def sampling(self) -> SamplingSpec:
        """What one sample is."""

    def training_sample(self, clip: Clip, rng: np.random.Generator) -> Sample:
        """One training sample."""

    def validation_sample(self, clip: Clip) -> Sample:
        """One sample with nothing random in it."""


class ClipSet(Dataset[ReadyBatch]):
    """All clips of some runs, one a start frame, numbered run after run; a single part."""

    def __init__(self, runs: Sequence[FrameRun], maker: ClipMaker, seed: int) -> None:
        self.maker, self.seed = maker, seed
        self.runs = [run for run in runs if count_clips(len(run), maker.sampling)]
        counts = [count_clips(len(run), maker.sampling) for run in self.runs]
        self.ends = np.cumsum(counts) if counts else np.zeros(0, np.int64)

    def __len__(self) -> int:
        return self.count

    @property
    def count(self) -> int:
        """Number of clips."""
        return int(self.ends[-1]) if len(self.ends) else 0

    @property
    def parts(self) -> Sequence[int]:
        """All samples in one part."""
        return (len(self),)

    def clip(self, index: int) -> Clip:
        """Clip number `index`."""
        run = int(np.searchsorted(self.ends, index, side="right"))
        start = index - (int(self.ends[run - 1]) if run else 0)
        return Clip(self.runs[run], start, self.runs)

    def __getitem__(self, key: Key) -> ReadyBatch:
        epoch, index = key
        return _tensors(self.maker.training_sample(self.clip(index), np.random.default_rng([self.seed, epoch, index])))

    def __getitems__(self, keys: list[Key]) -> ReadyBatch:
        """One batch of training samples."""
        return collate([self[key] for key in keys])

    def validation_batches(self, count: int, batch_size: int) -> list[ReadyBatch]:
        """Batches of `count` validation samples (or all), evenly spread."""
        return list(self.spread_batches(count, batch_size))

    def spread_batches(self, count: int, batch_size: int) -> Iterator[ReadyBatch]:
        """The same, one batch at a time."""
        if not self.count:
            return
        chosen = np.unique(np.linspace(0, self.count - 1, min(count, self.count)).astype(int))
        for start in range(0, len(chosen), batch_size):
            clips = [self.clip(int(index)) for index in chosen[start : start + batch_size]]
            yield collate([_tensors(self.maker.validation_sample(clip)) for clip in clips])


class RunSet(ClipSet):
    """Clips run by run: in an epoch every run, however long, gives one; none comes twice before all of its run did.

    F2LM's official sampling, there for whole videos.
    """

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, key: Key) -> ReadyBatch:
        epoch, number = key
        run = self.runs[number]
        count = count_clips(len(run), self.maker.sampling)
        order = np.random.default_rng([self.seed, epoch // count, number, 1]).permutation(count)
        clip = Clip(run, int(order[epoch % count]), self.runs)
        return _tensors(self.maker.training_sample(clip, np.random.default_rng([self.seed, epoch, number])))


def whole(batch: Any) -> Any:
    """The batch itself: what a `DataLoader` needs as `collate_fn` where batches come ready."""
    return batch


def collate(samples: Sequence[ReadyBatch]) -> ReadyBatch:
    """Stack samples name by name."""
    # NumPy copies without waking threads: torch.stack waits for all of them, which takes long on a busy machine
    return {name: torch.from_numpy(np.stack([sample[name].numpy() for sample in samples])) for name in samples[0]}


def _tensors(sample: Sample) -> ReadyBatch:
    return {name: torch.as_tensor(value) for name, value in sample.items()}
