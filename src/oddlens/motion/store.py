"""The flow store: the flow of whole footage, computed once, in one memory-mapped float16 file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from oddlens.config import build
from oddlens.errors import DataError, OddLensError
from oddlens.files import atomic_path, fingerprint_file, read_json, sweep_stores, write_json
from oddlens.media.open import open_source
from oddlens.media.source import Colour, Source
from oddlens.media.store import Footage, Progress, fingerprint_footage
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.settings import FlowSettings
from oddlens.motion.stream import frame_flows

_VERSION = 1
_COMPONENTS = 2
_BYTES = np.dtype(np.float16).itemsize


@dataclass(frozen=True)
class StoredFlow:
    """Where the flow of one video lies; `offset` counts numbers, not bytes."""

    name: str
    frames: int
    height: int
    width: int
    offset: int

    @property
    def size(self) -> int:
        """How many numbers."""
        return self.frames * self.height * self.width * _COMPONENTS


@dataclass(frozen=True)
class FlowStore:
    """The flow of some footage: one field for each frame, videos of different sizes side by side."""

    folder: Path
    fingerprint: str
    settings: FlowSettings
    colour: Colour
    paper_first: bool
    videos: tuple[StoredFlow, ...]
    faults: tuple[str, ...] = ()
    """What could not be decoded, one line each."""

    @property
    def total_frames(self) -> int:
        """Frames of all videos."""
        return sum(video.frames for video in self.videos)

    @property
    def total_bytes(self) -> int:
        """Size of the file."""
        return sum(video.size for video in self.videos) * _BYTES

    def video(self, name: str) -> NDArray[np.float16]:
        """Flow of one video as `float16 (L, H, W, 2)`, memory-mapped, in the unit of `settings`.

        Raises:
            DataError: no video of this name is in the store.
        """
        found = next((video for video in self.videos if video.name == name), None)
        if found is None:
            known = ", ".join(video.name for video in self.videos[:8])
            raise DataError(self.folder, f"holds no flow of a video '{name}'", f"it has {known}")
        return self._mapped(found)

    def number(self, video: int) -> NDArray[np.float16]:
        """The same for the video of this number, counted from 0."""
        return self._mapped(self.videos[video])

    def _mapped(self, found: StoredFlow) -> NDArray[np.float16]:
        shape = (found.frames, found.height, found.width, _COMPONENTS)
        return np.memmap(self.folder / "flow.f16", np.float16, "r", offset=found.offset * _BYTES, shape=shape)

    def summary(self) -> str:
        """One line: whose flow, and how much."""
        size = f"{self.total_bytes / 1e9:.2f} GB"
        return f"flow of {self.total_frames} frames in {len(self.videos)} videos by {self.settings.method}, {size}"


def build_flow_store(
    footage: Sequence[Footage],
    settings: FlowSettings,
    cache_dir: Path,
    budget_bytes: int,
    progress: Progress | None = None,
    *,
    colour: Colour = "native",
    paper_first: bool = False,
    device: str = "auto",
) -> FlowStore | None:
    """Compute the flow of every frame of `footage` once, or open the store that is there already.

    Which flow a frame gets: `frame_flows`. The store is built under a temporary name and renamed when whole; a lock
    keeps two processes from building the same one.

    Args:
        footage: videos, each under a name of its own.
        settings: method and unit.
        cache_dir: folder that holds stores.
        budget_bytes: largest size; four bytes a pixel and frame are needed.
        progress: called with (video name, frames done in all, frames expected in all).
        colour: how to decode; take what the frames are decoded with that the flow shall belong to.
        paper_first: the first frame of each video has no movement, as in LBR-SPR's official code.
        device: where RAFT computes.

    Returns:
        The store, or `None` where it would be larger than the budget: take `frame_flows` then.

    Raises:
        MediaError: a file cannot be read, or nothing in it can be decoded.
        DataError: no video at all, or two of the same name.
        OddLensError: the cache folder cannot be written.
    """
    _check_names(footage)
    fingerprint = fingerprint_footage(footage)
    names = [[item.name, item.fps] for item in footage]
    identity = [_VERSION, fingerprint, names, settings.to_dict(), weights_print(settings), colour, paper_first]
    target = cache_dir / f"flow-{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:24]}"
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        sweep_stores(cache_dir)
        with FileLock(f"{target}.lock"):
            store = _read(target)
            if store is None:
                shutil.rmtree(target, ignore_errors=True)  # a damaged one
                plan = FlowStore(target, fingerprint, settings, colour, paper_first, ())
                if not _build(plan, footage, budget_bytes, progress, device):
                    return None
                store = _read(target)
    except OSError as error:
        fault = f"the flow cache cannot be written ({error.strerror or error})"
        raise OddLensError(cache_dir, fault, "free space, or name another folder with --cache-dir") from error
    if store is None:
        raise OddLensError(target, "the flow cache was damaged while it was read", "repeat the command")
    return store if store.total_bytes <= budget_bytes else None


def open_flow_store(path: str | Path, footage: Sequence[Footage]) -> FlowStore:
    """Open the store in folder `path`, which must be that of `footage`.

    Raises:
        DataError: it is no flow store, is damaged, or belongs to other footage.
        MediaError: the footage cannot be read.
    """
    folder, remedy = Path(path), "build the flow of this footage anew"
    store = _read(folder)
    if store is None:
        raise DataError(folder, "is no flow store, or a damaged one", remedy)
    stored, given = [video.name for video in store.videos], [item.name for item in footage]
    if len(stored) != len(given):
        fault = f"is the flow of other footage: {len(stored)} videos instead of {len(given)}"
        raise DataError(folder, fault, remedy)
    if fingerprint_footage(footage) != store.fingerprint:
        raise DataError(folder, f"is the flow of other footage: {_difference(store, footage)}", remedy)
    if stored != given:
        old, new = next((old, new) for old, new in zip(stored, given) if old != new)
        raise DataError(folder, f"names a video '{old}' that is '{new}' now", remedy)
    return store


def _difference(store: FlowStore, footage: Sequence[Footage]) -> str:
    """What a user can see of the difference; headers suffice, as the content is known to differ."""
    for video, item in zip(store.videos, footage):
        info = open_source(item.path, fps=item.fps).info
        if (info.width, info.height) != (video.width, video.height):
            return f"'{item.name}' is {info.width}x{info.height}, not {video.width}x{video.height}"
        if info.frames is not None and info.frames != video.frames:
            return f"'{item.name}' has {info.frames} frames, not {video.frames}"
    return "the pictures have changed"


def _check_names(footage: Sequence[Footage]) -> None:
    names = [item.name for item in footage]
    if not names:
        raise DataError("flow store", "there is no footage", "name at least one video")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError("flow store", f"two videos are called '{twice}'", "give each a name of its own")


def weights_print(settings: FlowSettings) -> str:
    """Content of a file of weights, so that another file under its name makes another store."""
    file = Path(settings.weights).expanduser()
    return fingerprint_file(file) if settings.is_raft and file.is_file() else settings.weights


def _read(folder: Path) -> FlowStore | None:
    """The store in `folder`, `None` unless it is whole."""
    try:
        index: dict[str, Any] = read_json(folder / "index.json")
        if index.pop("version") != _VERSION:
            return None
        settings = build(FlowSettings, index.pop("settings"), str(folder))
        videos = tuple(StoredFlow(**video) for video in index.pop("videos"))
        store = FlowStore(folder, settings=settings, videos=videos, faults=tuple(index.pop("faults")), **index)
        whole = (folder / "flow.f16").stat().st_size == store.total_bytes
    except (OSError, OddLensError, KeyError, TypeError, AttributeError):
        return None
    return store if whole else None


class _OverBudgetError(Exception):
    """The flow turns out larger than it may be."""


def _build(plan: FlowStore, footage: Sequence[Footage], budget: int, progress: Progress | None, device: str) -> bool:
    """Write the store that `plan` describes; `False` where it would be larger than the budget."""
    sources = [open_source(item.path, colour=plan.colour, fps=item.fps) for item in footage]
    counts = [source.info.frames or sum(1 for _ in source.frames()) for source in sources]
    pixels = [source.info.height * source.info.width for source in sources]
    if sum(count * area * _COMPONENTS * _BYTES for count, area in zip(counts, pixels)) > budget:
        return False
    estimator = FlowEstimator(plan.settings, device)
    writer = _Writer(estimator, plan.paper_first, budget, progress, sum(counts))
    with suppress(_OverBudgetError):
        _write(plan, footage, sources, writer)
        return True
    return False


def _write(plan: FlowStore, footage: Sequence[Footage], sources: Sequence[Source], writer: _Writer) -> None:
    with atomic_path(plan.folder) as temporary:
        temporary.mkdir()
        with open(temporary / "flow.f16", "wb") as stream:
            for item, source in zip(footage, sources):
                writer.add(stream, item.name, source)
            stream.flush()
            os.fsync(stream.fileno())
        index = {
            "version": _VERSION,
            "fingerprint": plan.fingerprint,
            "settings": plan.settings.to_dict(),
            "colour": plan.colour,
            "paper_first": plan.paper_first,
            "videos": [asdict(video) for video in writer.videos],
            "faults": [f"{item.name}: {fault}" for item, source in zip(footage, sources) for fault in source.faults],
        }
        write_json(temporary / "index.json", index)


class _Writer:
    """Appends the flow of one video after the other, never more than the budget."""

    def __init__(
        self, estimator: FlowEstimator, paper_first: bool, budget: int, progress: Progress | None, total: int
    ) -> None:
        self.estimator, self.paper_first, self.total = estimator, paper_first, total
        self.progress, self.left = progress, budget
        self.videos: list[StoredFlow] = []
        self.done = self.offset = 0

    def add(self, stream: BinaryIO, name: str, source: Source) -> None:
        begun, height, width = self.done, 0, 0
        images = (frame.image for frame in source.frames())
        for flow in frame_flows(images, self.estimator, paper_first=self.paper_first):
            height, width = flow.shape[:2]
            self.left -= flow.size * _BYTES
            if self.left < 0:  # the header had announced fewer frames
                raise _OverBudgetError
            stream.write(flow.astype(np.float16).tobytes())
            self.done += 1
            if self.progress and self.done % 16 == 0:
                self.progress(name, self.done, self.total)
        self.videos.append(StoredFlow(name, self.done - begun, height, width, self.offset))
        self.offset += self.videos[-1].size
