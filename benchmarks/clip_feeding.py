"""Training clips out of the frame store, against decoding every frame of every clip again."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from benchmarks.footage import frame_folders
from benchmarks.measure import Result, compare, faster, report
from oddlens.media.images import read_image
from oddlens.media.resize import fit
from oddlens.media.store import Footage, build_store
from oddlens.methods.base import Sample
from oddlens.sampling.clips import Clip, to_network_values, window
from oddlens.sampling.order import ClipSet, StepSampler, Timetable, whole
from oddlens.types import SamplingSpec

GOAL = 10.0
_BATCH = 4
_VIDEOS = 4


def run(quick: bool = False) -> list[Result]:
    """Batches of four clips of 16 grey frames, at the frame sizes of the paper and of the small recipe."""
    sides, batches, repetitions, frames = ((32,), 1, 1, 24) if quick else ((256, 128), 20, 7, 64)
    with tempfile.TemporaryDirectory() as folder:
        return [_at(side, batches, repetitions, frames, Path(folder) / str(side)) for side in sides]


def _at(side: int, batches: int, repetitions: int, frames: int, folder: Path) -> Result:
    spec = SamplingSpec(height=side, width=side, length=16)
    name, videos = frame_folders(folder, frames)
    files = {video.name: sorted(video.glob("*.jpg")) for video in videos[:_VIDEOS]}
    store = build_store([Footage(video.name, video) for video in videos[:_VIDEOS]], spec, folder, 10**9)
    clips = ClipSet(store.runs(), _Plain(spec), 0)
    order = StepSampler(Timetable((len(clips),), _BATCH, batches), 0, 0, batches)

    def from_store() -> None:
        for batch in DataLoader(clips, batch_sampler=order, collate_fn=whole):
            assert batch["clip"].shape[0] == _BATCH

    def decoded_again() -> None:
        for keys in order:
            chosen = [_decode(clips.clip(index), files, spec) for _, index in keys]
            torch.stack([torch.as_tensor(_sample(frames, spec)["clip"]) for frames in chosen])

    found = compare(from_store, decoded_again, repetitions)
    what = f"clip feeding, 16 frames of {side}x{side} ({name})"
    return faster(what, found, GOAL, "every frame of every clip decoded and resized again", 1 / (batches * _BATCH))


@dataclass(frozen=True)
class _Plain:
    """Samples that are the clips themselves."""

    sampling: SamplingSpec

    def training_sample(self, clip: Clip, rng: np.random.Generator) -> Sample:
        return self.validation_sample(clip)

    def validation_sample(self, clip: Clip) -> Sample:
        return _sample(window(clip.run.frames, clip.start, self.sampling), self.sampling)


def _sample(frames: NDArray[np.uint8], spec: SamplingSpec) -> Sample:
    return {"clip": to_network_values(frames, spec)}


def _decode(clip: Clip, files: dict[str, list[Path]], spec: SamplingSpec) -> NDArray[np.uint8]:
    chosen = files[clip.run.video][clip.run.start + clip.start :][: spec.length]
    return np.stack([fit(read_image(file, "grey"), spec.height, spec.width, spec.channels) for file in chosen])


if __name__ == "__main__":
    report(run())
