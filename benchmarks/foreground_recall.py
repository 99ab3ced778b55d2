"""How much of the abnormal regions of a data set foreground boxes find, source by source.

`python -m benchmarks.foreground_recall --data PATH` prints a table for UCSD Ped2, or any data set with masks: for every
connected region of a mask the box with the highest intersection over union.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Result
from oddlens.datasets.base import DataSet, Video
from oddlens.datasets.open import open_dataset
from oddlens.datasets.walkway.generate import generate_walkway
from oddlens.media.open import open_source
from oddlens.media.spread import spread_images
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.settings import FlowSettings
from oddlens.motion.stream import frame_flows
from oddlens.objects.background import Background, learn_background
from oddlens.objects.boxes import Boxes, overlaps
from oddlens.objects.finder import BoxFinder
from oddlens.objects.settings import BoxSource, ObjectSettings
from oddlens.types import Image

SMALLEST_REGION = 50
"""Pixels; smaller regions of a mask are left out."""
GOAL = 1.2
"""The background finds at least so many times the regions that motion finds."""
Sources = tuple[BoxSource, ...]
_PLAIN: tuple[Sources, ...] = (("motion",), ("background",), ("background", "motion"))


@dataclass
class Recall:
    """What the boxes of some sources find."""

    name: str
    best: list[float] = field(default_factory=list)
    """Of every region, the highest intersection over union with a box."""
    covered: list[float] = field(default_factory=list)
    """Of every region, the share of its pixels that lies in a box."""
    counts: list[int] = field(default_factory=list)
    """Boxes of every frame."""
    seconds: float = 0.0

    def add(self, boxes: Boxes, mask: NDArray[np.bool_]) -> None:
        """Count one frame in."""
        self.counts.append(len(boxes))
        _, labels, regions, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
        kept = np.flatnonzero(regions[1:, 4] >= SMALLEST_REGION) + 1
        if not len(kept):
            return
        corners = regions[kept, :2]
        truth = np.concatenate([corners, corners + regions[kept, 2:4]], axis=1)
        self.best += overlaps(truth, boxes).max(axis=1, initial=0.0).tolist()
        painted = np.zeros(mask.shape, np.bool_)
        for left, top, right, bottom in np.ceil(boxes).astype(int).tolist():
            painted[top:bottom, left:right] = True
        inside = np.bincount(labels[painted], minlength=len(regions))
        self.covered += (inside[kept] / regions[kept, 4]).tolist()

    def share(self, overlap: float) -> float:
        """Share of regions with a box of at least this intersection over union."""
        return float(np.mean(np.array(self.best) >= overlap))

    def row(self) -> str:
        """One row of the table."""
        counts = np.array(self.counts)
        cells = (
            self.name,
            f"{self.share(0.3):.3f}",
            f"{self.share(0.5):.3f}",
            f"{np.median(self.best):.3f}",
            f"{np.mean(self.covered):.3f}",
            f"{counts.mean():.1f}",
            str(counts.max()),
            f"{np.mean(counts == 0):.4f}",
            f"{self.seconds / len(counts) * 1000:.1f}",
        )
        return f"| {' | '.join(cells)} |"


HEAD = (
    "| boxes | regions at IoU 0.3 | at IoU 0.5 | median IoU | pixels in boxes | boxes a frame | most | empty frames "
    "| ms a frame, without flow |\n|---|---|---|---|---|---|---|---|---|"
)


def measure(
    data: DataSet, choices: Sequence[Sources] = _PLAIN, detector: str | None = None, learn: str = "test"
) -> list[Recall]:
    """Recall of each choice of sources on the test videos that have masks, one split's frames as background."""
    finders = [BoxFinder(ObjectSettings(sources=sources, detector=detector)) for sources in choices]
    if any(finder.needs_background for finder in finders):
        background = background_of(data.test if learn == "test" else data.train)
        finders = [finder.with_background(background) for finder in finders]
    found = [Recall(" + ".join(sources)) for sources in choices]
    estimator = FlowEstimator(FlowSettings(), "cpu")
    for video in data.test:
        for image, flow, mask in _frames(video, estimator):
            for finder, recall in zip(finders, found):
                start = time.process_time()
                boxes = finder.find(image, flow)
                recall.seconds += time.process_time() - start
                recall.add(boxes, mask)
    return found


def background_of(videos: Sequence[Video]) -> Background:
    """The background of all videos together."""
    return learn_background(spread_images([open_source(video.path) for video in videos]))


def _frames(video: Video, estimator: FlowEstimator) -> Iterator[tuple[Image, NDArray[np.float32], NDArray[np.bool_]]]:
    if video.masks is None:
        return
    images = [frame.image for frame in islice(open_source(video.path).frames(), len(video.masks))]
    for index, flow in enumerate(frame_flows(images, estimator)):
        yield images[index], flow, video.masks.read(index)


def run(quick: bool = False) -> list[Result]:
    """Regions of a generated walkway that the background finds, against those that motion finds."""
    with tempfile.TemporaryDirectory() as folder:
        frames = 40 if quick else 250
        scene = Path(folder) / "walkway"
        generate_walkway(scene, train_videos=1, test_videos=1 if quick else 4, train_frames=frames, test_frames=frames)
        motion, background = measure(open_dataset(scene), _PLAIN[:2])
    shares = [f"{recall.share(0.3):.3f} of regions" for recall in (background, motion)]
    gain = background.share(0.3) / max(motion.share(0.3), 1e-9)
    what = "foreground by background, generated walkway"
    return [Result(what, shares[0], f"{shares[1]}: motion", f"{gain:.2f}x found", f"at least {GOAL:g}x", gain >= GOAL)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.foreground_recall", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data set with masks")
    parser.add_argument("--detector", help="ONNX file or name of a torchvision detector, as a source of its own")
    parser.add_argument("--learn", choices=("test", "train"), default="test", help="footage the background is from")
    options = parser.parse_args(arguments)
    choices = list(_PLAIN)
    if options.detector:
        choices += [("detector",), ("detector", "motion"), ("detector", "background")]
    cv2.setNumThreads(1)
    print(HEAD)
    for recall in measure(open_dataset(options.data), choices, options.detector, options.learn):
        print(recall.row())


if __name__ == "__main__":
    main()
