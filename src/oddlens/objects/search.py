"""Boxes of whole videos: frames, flow, background and finder put together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import Video
from oddlens.datasets.probe import footage_frames
from oddlens.errors import MediaError, SettingsError
from oddlens.files import check_writable
from oddlens.media.fingerprint import fingerprint_source
from oddlens.media.formats import ASSUMED_FPS
from oddlens.media.open import open_source
from oddlens.media.source import Source
from oddlens.media.spread import spread_images
from oddlens.media.writer import VideoWriter
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.settings import FlowSettings
from oddlens.motion.stream import frame_flows
from oddlens.objects.finder import BoxFinder
from oddlens.objects.picture import box_picture
from oddlens.objects.recall import regions_found
from oddlens.objects.settings import ObjectSettings
from oddlens.objects.table import BoxTable, BoxVideo
from oddlens.types import Image

_CHUNK = 16
"""Frames whose flow and detections are computed side by side."""
Progress = Callable[[str, int, int | None], None]
"""Called with (video name, frames done of it, frames expected of it)."""


@dataclass(frozen=True)
class BoxSearch:
    """What was found in some videos."""

    table: BoxTable
    overlays: tuple[Path, ...]
    truth: dict[str, tuple[int, int]]
    """For videos with masks: regions marked in them, and how many have a box, see `regions_found`."""
    faults: tuple[str, ...]
    """What could not be read, one line each."""


def find_boxes(
    videos: Sequence[Video],
    settings: ObjectSettings | None = None,
    flow: FlowSettings | None = None,
    *,
    overlay: Path | None = None,
    fps: float | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> BoxSearch:
    """Find the boxes of every frame of `videos`.

    The background, where it is a source, is learned from about 120 frames spread evenly over the videos of one frame
    size. A video that cannot be read is left out and named in `faults`.

    Args:
        videos: with names of their own.
        settings: where boxes come from.
        flow: how optical flow is computed, where motion is a source.
        overlay: video to write with the boxes drawn in; with several videos one each, their names added.
        fps: frame rate of folders of images.
        device: where networks compute.
        progress: told of every few frames.

    Raises:
        MediaError: no video could be read, or the overlay's suffix is no video's.
        SettingsError: the overlay is one of the videos.
        OddLensError: a detector, its weights or ready boxes cannot be had or do not fit.
    """
    chosen = settings or ObjectSettings()
    lengths = {video.name: footage_frames(video.path) for video in videos} if "file" in chosen.sources else None
    if overlay:
        _check_overlay(overlay, videos)
    plain, native = BoxFinder(chosen, device=device, lengths=lengths), replace(flow or FlowSettings(), units="native")
    estimator = FlowEstimator(native, device) if plain.needs_flow else None  # RAFT's weights may not be at hand
    finders = _Finders(videos, plain, fps)
    table = BoxTable({"objects": chosen.to_dict(), "flow": native.to_dict()})
    overlays: list[Path] = []
    truth: dict[str, tuple[int, int]] = {}
    faults: list[str] = []
    for video in videos:
        target = _overlay_path(overlay, video.name, len(videos)) if overlay else None
        try:
            source = open_source(video.path, fps=fps)
            finder = finders.of(source)
            finder.check_footage(video.name, video.path)
            made, regions = _search(source, video, finder, estimator, table, target, progress)
        except MediaError as error:
            table.discard()
            faults.append(str(error))
            continue
        table.close(made)
        truth |= {video.name: regions} if video.masks is not None else {}
        table.provenance.update(finder.provenance())
        overlays += [target] if target else []
        faults += [f"{video.name}: {fault}" for fault in source.faults]
        if lengths and lengths[video.name] != made.frames:
            told = f"{made.frames} of {lengths[video.name]} frames decode, so its ready boxes may be some frames off"
            faults.append(f"{video.name}: {told}")
    if not table.videos:
        where = videos[0].path if videos else "input"
        raise MediaError(where, f"none of {len(videos)} inputs could be read", "; ".join(faults) or "name a video")
    return BoxSearch(table, tuple(overlays), truth, tuple(faults))


class _Finders:
    """One finder for every frame size, with a background of its own where one is needed."""

    def __init__(self, videos: Sequence[Video], plain: BoxFinder, fps: float | None) -> None:
        self._videos, self._plain, self._fps = videos, plain, fps
        self._known: dict[tuple[int, int], BoxFinder] = {}

    def of(self, source: Source) -> BoxFinder:
        """The finder for frames like those of `source`."""
        if not self._plain.needs_background:
            return self._plain
        size = (source.info.height, source.info.width)
        if size not in self._known:
            self._known[size] = self._plain.with_background(self._learn(size))
        return self._known[size]

    def _learn(self, size: tuple[int, int]) -> Any:
        from oddlens.objects.background import learn_background

        same = []
        for video in self._videos:
            try:
                source = open_source(video.path, fps=self._fps)
            except MediaError:
                continue  # it is named when its turn comes
            if (source.info.height, source.info.width) == size:
                same.append(source)
        return learn_background(spread_images(same))


def _search(
    source: Source,
    video: Video,
    finder: BoxFinder,
    estimator: FlowEstimator | None,
    table: BoxTable,
    overlay: Path | None,
    progress: Progress | None,
) -> tuple[BoxVideo, tuple[int, int]]:
    """Add the boxes of one video to `table`; returns what it is, with the marked regions and those found."""
    done, regions, hits = 0, 0, 0
    masks = video.masks
    with VideoWriter(overlay, source.info.fps or ASSUMED_FPS) if overlay else nullcontext() as writer:
        for images, flows in _stretches(source, estimator):
            for image, found in zip(images, finder.look(images, flows, video.name, range(done, done + len(images)))):
                table.add(done, found)
                if masks is not None and done < len(masks):
                    marked, hit = regions_found(masks.read(done), found.boxes)
                    regions, hits = regions + marked, hits + hit
                done += 1
                if writer:
                    writer.write(box_picture(image, found))
            if progress:
                progress(video.name, done, source.info.frames)
    if not done:
        raise MediaError(video.path, "has no frames", "give footage with a picture in it")
    height, width = images[0].shape[:2]
    return BoxVideo(video.name, done, width, height, fingerprint_source(source)), (regions, hits)


def _stretches(
    source: Source, estimator: FlowEstimator | None
) -> Iterator[tuple[list[Image], list[NDArray[np.float32]] | None]]:
    """Some frames at a time, with their flow where an estimator is given."""
    if estimator is None:
        frames = source.frames()
        while alone := [frame.image for frame in islice(frames, _CHUNK)]:
            yield alone, None
        return
    waiting: deque[Image] = deque()

    def images() -> Iterator[Image]:
        for frame in source.frames():
            waiting.append(frame.image)
            yield frame.image

    flows = frame_flows(images(), estimator, batch=_CHUNK)
    while some := list(islice(flows, _CHUNK)):
        yield [waiting.popleft() for _ in some], some


def _check_overlay(overlay: Path, videos: Sequence[Video]) -> None:
    """Refuse, before the work and not after it, what cannot be written, or would be written over the footage."""
    inputs = {video.path.resolve() for video in videos}
    for video in videos:
        target = _overlay_path(overlay, video.name, len(videos))
        VideoWriter(target, ASSUMED_FPS)  # its suffix
        if target.resolve() in inputs:
            raise SettingsError(target, "is the footage itself", "name another file with --overlay")
        check_writable(target)


def _overlay_path(overlay: Path, name: str, videos: int) -> Path:
    return overlay if videos == 1 else overlay.with_name(f"{overlay.stem}-{name}{overlay.suffix}")
