"""From frames to stored patches, and the store against cutting one patch, one file at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import frame_folders
from benchmarks.measure import Result, Stopwatch, compare, duration, faster, report
from oddlens.media.open import open_source
from oddlens.media.store import Footage
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.settings import FlowSettings
from oddlens.motion.stream import frame_flows
from oddlens.objects.finder import BoxFinder
from oddlens.objects.settings import ObjectSettings
from oddlens.sampling.patch_store import PatchStore, build_patch_store
from oddlens.sampling.patch_stream import Finder, Flow, Flows, PatchStream
from oddlens.sampling.patches import Boxes, PatchSpec, context_indices
from oddlens.types import Image

RATE_GOAL = 60.0
"""Frames a second on two cores."""
STORE_GOAL = 20.0
"""So many times as fast as one patch, one file at a time."""
_BUDGET = 1 << 34


def run(quick: bool = False) -> list[Result]:
    """Ped2's test clips by DIS and motion boxes; then patches of some frames whose flow and boxes are known."""
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base)
        name, clips = frame_folders(folder, 12 if quick else 200, "testing")
        footage = [Footage(clip.name, clip, 10.0) for clip in clips[: 1 if quick else None]]
        rates = [_rate(name, footage, folder / f"whole-{flow}", flow) for flow in (False, True)]
        return [*rates, *_against_files(name, clips[0], folder, 6 if quick else 180, 1 if quick else 3)]


def _rate(name: str, footage: Sequence[Footage], cache: Path, flow: bool) -> Result:
    """Decoding, flow, boxes, cutting and writing, as training does it."""
    watch = Stopwatch()
    store = _stored(footage, cache, PatchSpec(flow=flow), _estimator(), _motion())
    spent = watch.read()
    rate = store.frames / spent.wall
    video = store.videos[0]
    return Result(
        f"frames to patches{' with flow' if flow else ''}, {store.frames} frames of {name}",
        duration(spent.wall / store.frames),
        f"{duration(1 / RATE_GOAL)}: a frame of {RATE_GOAL:g} a second",
        f"{rate:.0f} frames a second at {video.width}x{video.height}, {store.patches / store.frames:.1f} patches each",
        f"at least {RATE_GOAL:g} frames a second",
        rate >= RATE_GOAL,
        f"{duration(spent.cpu / store.frames)} a frame",
    )


def _estimator() -> FlowEstimator:
    return FlowEstimator(FlowSettings())


def _motion() -> BoxFinder:
    return BoxFinder(ObjectSettings(sources=("motion",)))


def _stored(footage: Sequence[Footage], cache: Path, spec: PatchSpec, flows: Flows, finder: Finder) -> PatchStore:
    return build_patch_store(footage, spec, lambda: PatchStream(spec, flows, finder), {}, cache, _BUDGET)


@dataclass
class _Known:
    """Flow in one .npy a frame and boxes in memory, as the official code finds them before it cuts."""

    folder: Path
    images: list[Path]
    flows: list[Path]
    boxes: list[Boxes]
    needs_flow: bool = False
    _next: int = 0

    def many(self, firsts: Sequence[Image], seconds: Sequence[Image]) -> list[Flow]:
        """The flows of the next frames: each file is read once."""
        self._next += len(firsts)
        return [np.load(self.flows[k]) for k in range(self._next - len(firsts), self._next)]

    def find_many(
        self, images: Sequence[Image], flows: Sequence[Flow] | None, video: str, indices: Sequence[int]
    ) -> list[Boxes]:
        """The boxes of some frames."""
        return [self.boxes[index] for index in indices]


def _known(clip: Path, folder: Path, frames: int) -> _Known:
    """Copies of some frames, with their flow and motion boxes."""
    places = [folder / "known" / kind for kind in ("frames", "flow")]
    for place in places:
        place.mkdir(parents=True)
    files = sorted(clip.iterdir())[:frames]
    images = [places[0] / file.name for file in files]
    for file, copy in zip(files, images):
        copy.write_bytes(file.read_bytes())
    pictures = [frame.image for frame in open_source(places[0]).frames()]
    flows = list(frame_flows(pictures, _estimator()))
    paths = [places[1] / f"{file.stem}.npy" for file in files]
    for path, flow in zip(paths, flows):
        np.save(path, flow)
    return _Known(places[0], images, paths, _motion().find_many(pictures, flows, "", range(len(pictures))))


def _against_files(name: str, clip: Path, folder: Path, frames: int, repetitions: int) -> list[Result]:
    """Cutting and storing alone, against two ways of doing it file by file; the bytes must be the same."""
    known, spec = _known(clip, folder, frames), PatchSpec(flow=True, units="native")
    ready = [Footage(clip.name, known.folder, 10.0)]
    stores: list[PatchStore] = []

    def ours() -> None:
        stores.append(_stored(ready, folder / "ours" / str(len(stores)), spec, replace(known, _next=0), known))

    results = []
    for how, of in (
        ("frames and flow read for each frame", _by_frame),
        ("frames and flow read for each patch", _by_patch),
    ):
        target = folder / how.replace(" ", "-")
        found = compare(ours, partial(_one_file_each, known, target, spec, of), repetitions)
        _check(stores[-1], target)
        patches = stores[-1].patches
        what = f"store of {patches} patches of {frames} frames, {name}"
        result = faster(what, found, STORE_GOAL, f"one patch, one file at a time, {how}", 1 / patches)
        results.append(replace(result, measured=f"{result.measured} a patch"))
    return results


Window = tuple[list[NDArray[np.uint8]], list[NDArray[np.float32]]]


def _window(known: _Known, index: int, context: int) -> Window:
    """Frames and flows round a frame, from their files."""
    places = context_indices(index, context, len(known.images))
    images = [cv2.imread(str(known.images[k]), cv2.IMREAD_COLOR) for k in places]
    assert all(image is not None for image in images)
    return [np.asarray(image, np.uint8) for image in images], [np.load(known.flows[k]) for k in places]


def _by_frame(known: _Known, index: int, context: int) -> Callable[[], Window]:
    window = _window(known, index, context)
    return lambda: window


def _by_patch(known: _Known, index: int, context: int) -> Callable[[], Window]:
    return lambda: _window(known, index, context)


def _one_file_each(
    known: _Known, folder: Path, spec: PatchSpec, reader: Callable[[_Known, int, int], Callable[[], Window]]
) -> None:
    """The official procedure: read the context, cut one patch of one frame after the other, a file for each patch."""
    for kind in ("raw", "of"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    number = 0
    for index, boxes in enumerate(known.boxes):
        read = reader(known, index, spec.context) if len(boxes) else None
        for left, top, right, bottom in np.ceil(boxes).astype(int).tolist():
            assert read is not None
            images, flows = read()
            raw = [cv2.resize(image[top:bottom, left:right], (spec.side, spec.side)) for image in images]
            flow = [cv2.resize(field[top:bottom, left:right], (spec.side, spec.side)) for field in flows]
            np.save(folder / "raw" / f"{number}.npy", np.stack(raw))
            np.save(folder / "of" / f"{number}.npy", np.stack(flow))
            number += 1


def _check(store: PatchStore, folder: Path) -> None:
    """Refuse to time work that is not the same."""
    raw, flow = store.array("raw"), store.array("flow")
    for number in range(store.patches):
        one = np.load(folder / "raw" / f"{number}.npy").transpose(1, 2, 0, 3)  # frame after frame, as planes
        mine = raw[number].reshape(*raw.shape[1:3], one.shape[2], -1)
        assert np.array_equal(one, np.broadcast_to(mine, one.shape)), f"patch {number} differs"
        moved = np.load(folder / "of" / f"{number}.npy").transpose(1, 2, 0, 3).reshape(flow.shape[1:])
        assert np.array_equal(moved.astype(np.float16), flow[number]), f"flow of patch {number} differs"


if __name__ == "__main__":
    report(run())
