"""The frame store: every frame decoded and resized once, kept memory-mapped on disk for training."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock

from oddlens.errors import MediaError, OddLensError
from oddlens.files import fingerprint_files, read_json, sweep_stores
from oddlens.media.budget import plan_segments
from oddlens.media.fingerprint import fingerprint_source
from oddlens.media.open import open_source
from oddlens.media.photographs import PhotographFiles
from oddlens.media.resize import fit
from oddlens.media.source import Source
from oddlens.media.tiles import Tiles
from oddlens.sampling.clips import FrameRun
from oddlens.types import SamplingSpec

_VERSION = 2
_ENDLESS = 1 << 62
_ATTEMPTS = 2
_TOLERANCE = 0.05
"""A header's frame count may be off by so much before the plan made from it is thrown away."""
Progress = Callable[[str, int, int | None], None]
"""Called with (video name, frames done in all, frames expected in all)."""


@dataclass(frozen=True)
class Footage:
    """One video for the store: its name, where it is, and its frame rate if the file does not say."""

    name: str
    path: Path
    fps: float | None = None
    photographs: tuple[Path, ...] = ()
    """Pictures of any size that stand each for itself, where it is no video; `path` is then their folder."""
    tiles: Tiles | None = None
    """What those pictures are cut into; None = each whole."""


@dataclass(frozen=True)
class Segment:
    """Kept frames of one video: `start` is the first one's index there, `offset` its place in the store."""

    video: str
    start: int
    length: int
    offset: int
    fps: float | None


@dataclass(frozen=True)
class FrameStore:
    """All kept frames of some footage, `uint8 (H, W, C)` each."""

    folder: Path
    key: str
    height: int
    width: int
    channels: int
    segments: tuple[Segment, ...]
    total_frames: int
    """Frames seen while decoding, kept or not."""
    fingerprint: str
    faults: tuple[str, ...] = ()

    @property
    def kept_frames(self) -> int:
        """Frames in the store."""
        return sum(segment.length for segment in self.segments)

    def runs(self) -> list[FrameRun]:
        """The kept frames as runs, memory-mapped."""
        if not self.segments:
            return []  # an empty file cannot be mapped
        shape = (self.kept_frames, self.height, self.width, self.channels)
        frames = np.memmap(self.folder / "frames.u8", np.uint8, "r", shape=shape)
        ends = [s.offset + s.length for s in self.segments]
        return [
            FrameRun(s.video, s.start, frames[s.offset : end], s.fps, s.offset) for s, end in zip(self.segments, ends)
        ]

    def summary(self) -> str:
        """One line: what was kept of what."""
        if self.kept_frames == self.total_frames:
            return f"{self.total_frames} frames, all kept"
        share = 100 * self.kept_frames / max(1, self.total_frames)
        return (
            f"{self.kept_frames} of {self.total_frames} frames kept ({share:.1f} %) in "
            f"{len(self.segments)} segments spread evenly over time (raise --cache-gb to keep more)"
        )


def build_store(
    footage: Sequence[Footage],
    spec: SamplingSpec,
    cache_dir: Path,
    budget_bytes: int,
    progress: Progress | None = None,
) -> FrameStore:
    """Decode `footage` once into a store under `cache_dir`, or open the one that is there already.

    The store is keyed by the content of the files, their names and frame rates, the frame size and the budget. It is
    built under a temporary name and renamed when whole; a lock keeps two processes from building the same one.

    Raises:
        MediaError: a file cannot be read, or nothing in it can be decoded.
        OddLensError: the cache folder cannot be written.
    """
    fingerprint = fingerprint_footage(footage)
    names = [[item.name, item.fps, *(file.name for file in item.photographs), *(item.tiles or ())] for item in footage]
    identity = [_VERSION, fingerprint, names, spec.height, spec.width, spec.channels, budget_bytes, spec.span]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:24]
    target = cache_dir / key
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        sweep_stores(cache_dir)
        with FileLock(str(cache_dir / f"{key}.lock")):
            if (store := _open(target)) is None:
                _build(target, footage, spec, budget_bytes, fingerprint, progress)
                store = _open(target)
    except OSError as error:
        fault = f"the frame cache cannot be written ({error.strerror or error})"
        raise OddLensError(cache_dir, fault, "free space, or name another folder with --cache-dir") from error
    if store is None:
        raise OddLensError(target, "the frame cache was damaged while it was read", "repeat the command")
    return store


def fingerprint_footage(footage: Sequence[Footage]) -> str:
    """SHA-256 over the content of all files, in order; names do not count.

    Raises:
        MediaError: a file is missing or cannot be read.
    """
    prints = [_fingerprint(item) for item in footage]
    return hashlib.sha256("".join(prints).encode()).hexdigest()


def _fingerprint(item: Footage) -> str:
    try:
        return fingerprint_files(item.photographs) if item.photographs else fingerprint_source(item.path)
    except OSError as error:
        subject, reason = error.filename or item.path, error.strerror or error
        raise MediaError(subject, f"cannot be read ({reason})", "check the path and permissions") from error


def _open(folder: Path) -> FrameStore | None:
    """The store in `folder`, `None` unless it is whole."""
    try:
        index: dict[str, Any] = read_json(folder / "index.json")
        segments = tuple(Segment(**segment) for segment in index.pop("segments"))
        faults = tuple(index.pop("faults"))
        store = FrameStore(folder=folder, key=folder.name, segments=segments, faults=faults, **index)
        size = (folder / "frames.u8").stat().st_size
    except (OSError, OddLensError, KeyError, TypeError, AttributeError):
        return None
    return store if size == store.kept_frames * store.height * store.width * store.channels else None


def _build(
    target: Path,
    footage: Sequence[Footage],
    spec: SamplingSpec,
    budget_bytes: int,
    fingerprint: str,
    progress: Progress | None,
) -> None:
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.part")
    temporary.mkdir()
    try:
        quota = max(spec.span, budget_bytes // (spec.height * spec.width * spec.channels))
        writer = _write_frames(temporary / "frames.u8", footage, spec, quota, progress)
        index = {
            "height": spec.height,
            "width": spec.width,
            "channels": spec.channels,
            "segments": [asdict(segment) for segment in writer.segments],
            "total_frames": sum(writer.counts),
            "fingerprint": fingerprint,
            "faults": writer.faults,
        }
        (temporary / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")
        if target.exists():  # a damaged one: where it is mapped already, it stays until let go
            shutil.rmtree(target)
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_frames(
    file: Path, footage: Sequence[Footage], spec: SamplingSpec, quota: int, progress: Progress | None
) -> _Writer:
    """Write the frames to keep; once more where the headers' counts, which the plan rests on, were wrong."""
    sources = [_opened(item, spec) for item in footage]
    counts = [source.info.frames or _count(source) for source in sources]
    for _ in range(_ATTEMPTS):
        plans = plan_segments(counts, quota, spec.span)
        writer = _Writer(spec, quota, progress, sum(counts))
        with open(file, "wb") as stream:
            for number, (item, source) in enumerate(zip(footage, sources)):
                writer.add(stream, item, source, [(0, _ENDLESS)] if plans is None else plans[number])
            stream.flush()
            os.fsync(stream.fileno())
        if not _misjudged(counts, writer.counts, quota, plans is None, spec.span):
            break
        counts = writer.counts
    return writer


def _misjudged(expected: Sequence[int], counted: Sequence[int], quota: int, all_fit: bool, span: int) -> bool:
    if all_fit:
        return sum(counted) > quota
    return any(abs(e - c) > max(span, _TOLERANCE * e) for e, c in zip(expected, counted))


class _Writer:
    """Appends the planned frames of one video after the other, never more than the quota."""

    def __init__(self, spec: SamplingSpec, quota: int, progress: Progress | None, total: int) -> None:
        self.spec, self.quota, self.progress, self.total = spec, quota, progress, total
        self.segments: list[Segment] = []
        self.faults: list[str] = []
        self.counts: list[int] = []
        """Frames that each video really has."""
        self.seen = self.kept = 0

    def add(self, stream: BinaryIO, item: Footage, source: Source, plan: Sequence[tuple[int, int]]) -> None:
        begun, first, length = self.seen, 0, 0
        planned = iter([*plan, (_ENDLESS, _ENDLESS + 1)])
        start, end = next(planned)
        fps = source.info.fps or item.fps
        for frame in source.frames():
            self.seen += 1
            if frame.index >= end:
                self._close(item.name, first, length, fps)
                length = 0
                start, end = next(planned)
            if frame.index >= start and self.kept < self.quota:
                first = first if length else frame.index
                stream.write(fit(frame.image, self.spec.height, self.spec.width, self.spec.channels).tobytes())
                length += 1
                self.kept += 1
            if self.progress and self.seen % 16 == 0:
                self.progress(item.name, self.seen, self.total)
        self._close(item.name, first, length, fps)
        self.counts.append(self.seen - begun)
        self.faults.extend(f"{item.name}: {fault}" for fault in source.faults)

    def _close(self, video: str, start: int, length: int, fps: float | None) -> None:
        if length:
            self.segments.append(Segment(video, start, length, self.kept - length, fps))


def _opened(item: Footage, spec: SamplingSpec) -> Source:
    if item.photographs:
        return PhotographFiles(item.photographs, spec, item.name, str(item.path), item.tiles)
    return open_source(item.path, colour=_colour(spec), fps=item.fps)


def _count(source: Source) -> int:
    return sum(1 for _ in source.frames())


def _colour(spec: SamplingSpec) -> Any:
    return "grey" if spec.channels == 1 else "rgb"
