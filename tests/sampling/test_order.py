"""The order of clips is a function of seed and step alone; samples are of seed, epoch and index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from oddlens.errors import DataError, SettingsError
from oddlens.sampling.clips import Clip, FrameRun
from oddlens.sampling.order import ClipSet, Key, Place, RunSet, StepSampler, Timetable, whole
from oddlens.types import SamplingSpec

CLIPS, BATCH = st.integers(1, 40), st.integers(1, 8)


PARTS = st.lists(st.integers(0, 20), min_size=1, max_size=5).filter(any)


def sampler(clips: int, batch: int, seed: int, first: int, last: int, rank: int = 0, world: int = 1) -> StepSampler:
    """Of a single part."""
    return StepSampler(Timetable((clips,), batch, iterations=max(1, last)), seed, first, last, rank, world)


@given(CLIPS, BATCH, st.integers(0, 5), st.integers(0, 30), st.integers(0, 30))
def test_resuming_equals_going_on(clips: int, batch: int, seed: int, first: int, more: int) -> None:
    batch = min(batch, clips)
    whole = list(sampler(clips, batch, seed, 0, first + more))
    resumed = list(sampler(clips, batch, seed, first, first + more))
    assert len(whole) == first + more and len(resumed) == more
    assert whole[first:] == resumed
    assert len(sampler(clips, batch, seed, first, first + more)) == more


@given(CLIPS, BATCH, st.integers(0, 5))
def test_every_clip_at_most_once_an_epoch(clips: int, batch: int, seed: int) -> None:
    batch = min(batch, clips)
    timetable = Timetable((clips,), batch, epochs=3)
    assert timetable.per_epoch(0) == clips // batch and timetable.steps == 3 * (clips // batch)
    steps = list(StepSampler(timetable, seed, 0, timetable.steps))
    for epoch in range(3):
        keys = [key for step in steps[epoch * (clips // batch) : (epoch + 1) * (clips // batch)] for key in step]
        indices = [index for _, index in keys]
        assert {number for number, _ in keys} == {epoch}
        assert len(indices) == len(set(indices)) == clips // batch * batch
        assert set(indices) <= set(range(clips))


@given(CLIPS, BATCH, st.integers(1, 4), st.integers(0, 5))
def test_processes_share_each_batch(clips: int, batch: int, world: int, seed: int) -> None:
    batch = min(batch, clips)
    alone = sampler(clips, batch, seed, 2, 9)
    shared = [sampler(clips, batch, seed, 2, 9, rank, world) for rank in range(world)]
    for every, *parts in zip(alone, *shared):
        joined = [key for part in parts for key in part]
        assert sorted(joined) == sorted(every) and len(set(joined)) == len(joined)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_epochs_and_seeds_differ() -> None:
    orders = {tuple(key[1] for step in sampler(50, 10, seed, 0, 5) for key in step) for seed in range(5)}
    epochs = {
        tuple(key[1] for step in sampler(50, 10, 0, 5 * epoch, 5 * epoch + 5) for key in step) for epoch in range(5)
    }
    assert len(orders) == len(epochs) == 5
    assert all(sorted(order) == list(range(50)) for order in orders | epochs)


def test_too_few_clips_for_a_batch() -> None:
    with pytest.raises(DataError, match="only 3 samples, a batch takes 4; give more footage or a smaller"):
        Timetable((3,), 4, 10)


SPEC = SamplingSpec(height=2, width=2, length=3)


class Draw:
    """A sample: random numbers, and where its clip starts."""

    sampling = SPEC

    def training_sample(self, clip: Clip, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {"noise": rng.random(4), "start": np.array(clip.start)}

    def validation_sample(self, clip: Clip) -> dict[str, np.ndarray]:
        return {"start": np.array(clip.start)}


def runs(*lengths: int) -> list[FrameRun]:
    return [FrameRun(f"v{n}", 0, np.full((n, 2, 2, 1), n, np.uint8)) for n in lengths]


def test_a_sample_depends_on_seed_epoch_and_index() -> None:
    first, second = (ClipSet(runs(6, 2, 5), Draw(), seed=1) for _ in range(2))
    seen = set()
    for epoch in range(3):
        for index in range(len(first)):
            sample, again = first[epoch, index], second[epoch, index]
            assert all(torch.equal(sample[name], again[name]) for name in sample)
            seen.add(tuple(sample["noise"].tolist()))
    assert len(first) == 7 and len(seen) == 21
    assert not torch.equal(ClipSet(runs(6, 2, 5), Draw(), seed=2)[0, 0]["noise"], first[0, 0]["noise"])


def test_clips_know_their_run_and_all_others() -> None:
    clips = ClipSet(runs(6, 2, 5), Draw(), seed=0)
    assert [(clip.run.video, clip.start) for clip in map(clips.clip, range(7))] == [
        *(("v6", start) for start in range(4)),
        *(("v5", start) for start in range(3)),
    ]
    assert [run.video for run in clips.clip(0).runs] == ["v6", "v5"]


@pytest.mark.parametrize("lengths", [(), (2,), (1, 2)])
def test_no_clips(lengths: tuple[int, ...]) -> None:
    assert len(ClipSet(runs(*lengths), Draw(), seed=0)) == 0


def test_samples_are_stacked_by_name() -> None:
    clips = ClipSet(runs(6), Draw(), seed=0)
    batch = clips.__getitems__([(0, 3), (0, 1)])
    assert batch["start"].tolist() == [3, 1]
    assert batch["noise"].shape == (2, 4)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_passes_ready_batches_through(workers: int) -> None:
    clips = ClipSet(runs(6, 9), Draw(), seed=0)
    order = StepSampler(Timetable((len(clips),), 4, epochs=1), 0, 0, 2)
    loader: DataLoader[Any] = DataLoader(clips, batch_sampler=order, collate_fn=whole, num_workers=workers)
    for keys, batch in zip(order, loader):
        expected = clips.__getitems__(keys)
        assert all(torch.equal(batch[name], expected[name]) for name in expected)


def test_validation_samples_are_spread_evenly_and_fixed() -> None:
    clips = ClipSet(runs(13), Draw(), seed=0)
    batches = clips.validation_batches(5, 2)
    assert [batch["start"].tolist() for batch in batches] == [[0, 2], [5, 7], [10]]
    assert all("noise" not in batch for batch in batches)
    assert [len(batch["start"]) for batch in clips.validation_batches(99, 8)] == [8, 3]
    assert ClipSet(runs(2), Draw(), seed=0).validation_batches(5, 2) == []


def test_the_first_part_is_ordered_as_a_single_one_and_later_ones_by_their_number() -> None:
    timetable = Timetable((6, 0, 5), 3, epochs=2)
    steps = list(StepSampler(timetable, 7, 0, timetable.steps))
    assert steps[:4] == list(sampler(6, 3, 7, 0, 4))
    for epoch in range(2):
        order = np.random.default_rng([7, epoch, 2]).permutation(5)
        assert steps[4 + epoch] == [(epoch, 6 + int(number)) for number in order[:3]]


@given(PARTS, BATCH, st.integers(1, 3), st.integers(0, 3), st.integers(1, 3))
def test_kept_batches_hold_every_sample_once_an_epoch(
    parts: list[int], batch: int, epochs: int, seed: int, world: int
) -> None:
    timetable = Timetable(tuple(parts), batch, epochs=epochs, keep=True)
    assert timetable.steps == sum(epochs * -(-count // batch) for count in parts)
    seen: list[Key] = [key for keys in StepSampler(timetable, seed, 0, timetable.steps) for key in keys]
    assert sorted(seen) == sorted((epoch, index) for epoch in range(epochs) for index in range(sum(parts)))
    if batch % world == 0:
        shared = [list(StepSampler(timetable, seed, 0, timetable.steps, rank, world)) for rank in range(world)]
        assert all(len({len(slice_) for slice_ in slices}) == 1 for slices in zip(*shared))
        assert {key for slices in shared for keys in slices for key in keys} == set(seen)


@given(PARTS, BATCH, st.integers(0, 60), st.integers(0, 60))
def test_parts_share_the_iterations(parts: list[int], batch: int, more: int, first: int) -> None:
    filled = [part for part, count in enumerate(parts) if count]
    timetable = Timetable(tuple(parts), batch, iterations=len(filled) + more, keep=True)
    places = [timetable.place(step) for step in range(1, timetable.steps + 1)]
    assert len(places) == len(filled) + more
    for part in filled:
        mine = [place for place in places if place.part == part]
        assert [place.step for place in mine] == list(range(1, mine[0].steps + 1))
        assert abs(mine[0].steps - 1 - more * parts[part] / sum(parts)) <= 1
        assert mine[-1].last and not any(place.last for place in mine[:-1])
        assert [place.epoch for place in mine] == [(place.step - 1) // -(-parts[part] // batch) for place in mine]
    assert [place.part for place in places] == sorted(place.part for place in places)
    first = min(first, timetable.steps)
    whole_run = list(StepSampler(timetable, 0, 0, timetable.steps))
    assert whole_run[first:] == list(StepSampler(timetable, 0, first, timetable.steps))


def test_places() -> None:
    timetable = Timetable((40, 0, 25), 10, epochs=2, keep=True)
    assert timetable.place(1) == Place(part=0, step=1, steps=8, per_epoch=4)
    assert timetable.place(9) == Place(part=2, step=1, steps=6, per_epoch=3)
    assert timetable.place(14).last and timetable.place(14).epoch == 1


def test_parts_that_cannot_be_trained() -> None:
    with pytest.raises(
        DataError, match=r"only 3 samples in one of its parts .*, a batch takes 4.* set training.last_batch: keep"
    ):
        Timetable((8, 3), 4, 10)
    with pytest.raises(DataError, match="only 0 samples"):
        Timetable((0, 0), 4, 10, keep=True)
    with pytest.raises(SettingsError, match=r"training.iterations: is 1, but 2 parts"):
        Timetable((8, 0, 3), 4, 1, keep=True)


@given(st.lists(st.integers(3, 9), min_size=1, max_size=4), st.integers(0, 5))
def test_run_by_run_every_clip_once_before_any_twice(lengths: list[int], seed: int) -> None:
    samples = RunSet(runs(*lengths), Draw(), seed)
    assert len(samples) == len(lengths) and samples.parts == (len(lengths),)
    assert samples.count == sum(length - 2 for length in lengths)
    for number, length in enumerate(lengths):
        clips = length - 2
        starts = [int(samples[epoch, number]["start"]) for epoch in range(2 * clips)]
        assert sorted(starts[:clips]) == sorted(starts[clips:]) == list(range(clips))


def test_run_by_run_orders_differ_by_run_and_cycle() -> None:
    samples = RunSet(runs(40, 40), Draw(), 0)
    orders = {
        tuple(int(samples[epoch, number]["start"]) for epoch in range(cycle * 38, cycle * 38 + 38))
        for number in (0, 1)
        for cycle in (0, 1)
    }
    assert len(orders) == 4
    assert torch.equal(samples[3, 1]["noise"], RunSet(runs(40, 40), Draw(), 0)[3, 1]["noise"])


def test_run_by_run_validation_sees_all_clips() -> None:
    by_run, by_clip = RunSet(runs(6, 5), Draw(), 0), ClipSet(runs(6, 5), Draw(), 0)
    for ours, theirs in zip(by_run.validation_batches(5, 2), by_clip.validation_batches(5, 2)):
        assert torch.equal(ours["start"], theirs["start"])
    assert sum(len(batch["start"]) for batch in by_run.spread_batches(100, 4)) == 7
