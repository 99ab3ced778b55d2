"""The order of clips is a function of seed and step alone; samples are of seed, epoch and index."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oddlens.errors import DataError
from oddlens.sampling.clips import Clip, FrameRun
from oddlens.sampling.order import ClipSet, StepSampler, collate
from oddlens.types import SamplingSpec

CLIPS, BATCH = st.integers(1, 40), st.integers(1, 8)


@given(CLIPS, BATCH, st.integers(0, 5), st.integers(0, 30), st.integers(0, 30))
def test_resuming_equals_going_on(clips: int, batch: int, seed: int, first: int, more: int) -> None:
    batch = min(batch, clips)
    whole = list(StepSampler(clips, batch, seed, 0, first + more))
    resumed = list(StepSampler(clips, batch, seed, first, first + more))
    assert len(whole) == first + more and len(resumed) == more
    assert whole[first:] == resumed
    assert len(StepSampler(clips, batch, seed, first, first + more)) == more


@given(CLIPS, BATCH, st.integers(0, 5))
def test_every_clip_at_most_once_an_epoch(clips: int, batch: int, seed: int) -> None:
    batch = min(batch, clips)
    sampler = StepSampler(clips, batch, seed, 0, 3 * (clips // batch))
    assert sampler.steps_per_epoch == clips // batch
    steps = list(sampler)
    for epoch in range(3):
        keys = [key for step in steps[epoch * (clips // batch) : (epoch + 1) * (clips // batch)] for key in step]
        indices = [index for _, index in keys]
        assert {number for number, _ in keys} == {epoch}
        assert len(indices) == len(set(indices)) == clips // batch * batch
        assert set(indices) <= set(range(clips))


@given(CLIPS, BATCH, st.integers(1, 4), st.integers(0, 5))
def test_processes_share_each_batch(clips: int, batch: int, world: int, seed: int) -> None:
    batch = min(batch, clips)
    alone = StepSampler(clips, batch, seed, 2, 9)
    shared = [StepSampler(clips, batch, seed, 2, 9, rank, world) for rank in range(world)]
    for whole, *parts in zip(alone, *shared):
        joined = [key for part in parts for key in part]
        assert sorted(joined) == sorted(whole) and len(set(joined)) == len(joined)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_epochs_and_seeds_differ() -> None:
    orders = {tuple(key[1] for step in StepSampler(50, 10, seed, 0, 5) for key in step) for seed in range(5)}
    epochs = {
        tuple(key[1] for step in StepSampler(50, 10, 0, 5 * epoch, 5 * epoch + 5) for key in step) for epoch in range(5)
    }
    assert len(orders) == len(epochs) == 5
    assert all(sorted(order) == list(range(50)) for order in orders | epochs)


def test_too_few_clips_for_a_batch() -> None:
    with pytest.raises(DataError, match="only 3 clips, a batch takes 4; give more footage or a smaller"):
        StepSampler(3, 4, 0, 0, 10)


SPEC = SamplingSpec(height=2, width=2, length=3)


def draw(clip: Clip, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"noise": rng.random(4), "start": np.array(clip.start)}


def runs(*lengths: int) -> list[FrameRun]:
    return [FrameRun(f"v{n}", 0, np.full((n, 2, 2, 1), n, np.uint8)) for n in lengths]


def test_a_sample_depends_on_seed_epoch_and_index() -> None:
    first, second = (ClipSet(runs(6, 2, 5), SPEC, draw, seed=1) for _ in range(2))
    seen = set()
    for epoch in range(3):
        for index in range(len(first)):
            sample, again = first[epoch, index], second[epoch, index]
            assert all(torch.equal(sample[name], again[name]) for name in sample)
            seen.add(tuple(sample["noise"].tolist()))
    assert len(first) == 7 and len(seen) == 21
    assert not torch.equal(ClipSet(runs(6, 2, 5), SPEC, draw, seed=2)[0, 0]["noise"], first[0, 0]["noise"])


def test_clips_know_their_run_and_all_others() -> None:
    clips = ClipSet(runs(6, 2, 5), SPEC, draw, seed=0)
    assert [(clip.run.video, clip.start) for clip in map(clips.clip, range(7))] == [
        *(("v6", start) for start in range(4)),
        *(("v5", start) for start in range(3)),
    ]
    assert [run.video for run in clips.clip(0).runs] == ["v6", "v5"]


@pytest.mark.parametrize("lengths", [(), (2,), (1, 2)])
def test_no_clips(lengths: tuple[int, ...]) -> None:
    assert len(ClipSet(runs(*lengths), SPEC, draw, seed=0)) == 0


def test_samples_are_stacked_by_name() -> None:
    clips = ClipSet(runs(6), SPEC, draw, seed=0)
    batch = collate([clips[0, index] for index in (3, 1)])
    assert batch["start"].tolist() == [3, 1]
    assert batch["noise"].shape == (2, 4)
