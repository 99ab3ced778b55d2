"""The frame store: every frame decoded and resized once, kept memory-mapped on disk for training."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock

from oddlens.errors import OddLensError
from oddlens.files import read_json
from oddlens.media.fingerprint import fingerprint_source
from oddlens.media.open import open_source
from oddlens.media.resize import fit
from oddlens.media.source import Source
from oddlens.sampling.clips import FrameRun
from oddlens.types import SamplingSpec

_VERSION = 1
_SEGMENT_FRAMES = 256
_STALE_SECONDS = 24 * 3600
Progress = Callable[[str, int, int | None], None]
"""Called with (video name, frames done in all, frames expected in all)."""


@dataclass(frozen=True)
class Footage:
    """One video for the store: its name, where it is, and its frame rate if the file does not say."""

    name: str
    path: Path
    fps: float | None = None


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
        shape = (self.kept_frames, self.height, self.width, self.channels)
        frames = np.memmap(self.folder / "frames.u8", np.uint8, "r", shape=shape)
        return [FrameRun(s.video, s.start, frames[s.offset : s.offset + s.length], s.fps) for s in self.segments]

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

    The store is keyed by the content of the files, the frame size and the budget. It is built under a temporary name
    and renamed when whole; a lock keeps two processes from building the same one.

    Raises:
        MediaError: nothing can be decoded.
        OddLensError: the cache folder cannot be written.
    """
    prints = [fingerprint_source(item.path) for item in footage]
    fingerprint = hashlib.sha256("".join(prints).encode()).hexdigest()
    names = [item.name for item in footage]
    identity = [_VERSION, fingerprint, names, spec.height, spec.width, spec.channels, budget_bytes, spec.span]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:24]
    target = cache_dir / key
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        _sweep(cache_dir)
        with FileLock(str(cache_dir / f"{key}.lock")):
            if not (target / "index.json").exists():
                _build(target, footage, spec, budget_bytes, fingerprint, progress)
    except OSError as error:
        fault = f"the frame cache cannot be written ({error.strerror or error})"
        raise OddLensError(cache_dir, fault, "free space, or name another folder with --cache-dir") from error
    return _open(target, key)


def _open(folder: Path, key: str) -> FrameStore:
    index: dict[str, Any] = read_json(folder / "index.json")
    segments = tuple(Segment(**segment) for segment in index.pop("segments"))
    faults = tuple(index.pop("faults"))
    return FrameStore(folder=folder, key=key, segments=segments, faults=faults, **index)


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
        sources = [open_source(item.path, colour=_colour(spec), fps=item.fps) for item in footage]
        expected = [source.info.frames for source in sources]
        total = sum(count for count in expected if count) if all(expected) else None
        frame_bytes = spec.height * spec.width * spec.channels
        quota = max(spec.span, budget_bytes // frame_bytes)
        writer = _Writer(spec, quota, progress, total)
        with open(temporary / "frames.u8", "wb") as stream:
            for item, source in zip(footage, sources):
                known = source.info.frames if source.info.frames else _count(source)
                share = min(1.0, quota / max(1, total or sum(e or known for e in expected)))
                writer.add(stream, item, source, _plan(known, share, spec.span))
            stream.flush()
            os.fsync(stream.fileno())
        index = {
            "height": spec.height,
            "width": spec.width,
            "channels": spec.channels,
            "segments": [asdict(segment) for segment in writer.segments],
            "total_frames": writer.seen,
            "fingerprint": fingerprint,
            "faults": writer.faults,
        }
        (temporary / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class _Writer:
    """Appends the planned frames of one video after the other."""

    def __init__(self, spec: SamplingSpec, quota: int, progress: Progress | None, total: int | None) -> None:
        self.spec, self.quota, self.progress, self.total = spec, quota, progress, total
        self.segments: list[Segment] = []
        self.faults: list[str] = []
        self.seen = self.kept = 0

    def add(self, stream: BinaryIO, item: Footage, source: Source, plan: list[tuple[int, int]] | None) -> None:
        open_start, length = 0, 0
        planned = iter(plan or [(0, 1 << 62)])
        start, end = next(planned)
        fps = source.info.fps or item.fps
        for frame in source.frames():
            self.seen += 1
            while frame.index >= end:
                self._close(item.name, open_start, length, fps)
                length = 0
                start, end = next(planned, (1 << 62, 1 << 63))
            if frame.index >= start and self.kept < self.quota + self.spec.span:
                if length == 0:
                    open_start = frame.index
                stream.write(fit(frame.image, self.spec.height, self.spec.width, self.spec.channels).tobytes())
                length += 1
                self.kept += 1
            if self.progress and self.seen % 16 == 0:
                self.progress(item.name, self.seen, self.total)
        self._close(item.name, open_start, length, fps)
        self.faults.extend(f"{item.name}: {fault}" for fault in source.faults)

    def _close(self, video: str, start: int, length: int, fps: float | None) -> None:
        if length:
            self.segments.append(Segment(video, start, length, self.kept - length, fps))


def _plan(frames: int, share: float, span: int) -> list[tuple[int, int]] | None:
    """Segments (start, end) to keep of a video: one at the middle of each of equally long stretches of time."""
    if share >= 1.0:
        return None
    length = max(_SEGMENT_FRAMES, 2 * span)
    count = max(1, round(frames * share / length))
    length = max(span, min(length, int(frames * share / count)))
    centres = (np.arange(count) + 0.5) * frames / count
    return [(start, start + length) for start in np.maximum(0, centres - length / 2).astype(int).tolist()]


def _count(source: Source) -> int:
    return sum(1 for _ in source.frames())


def _colour(spec: SamplingSpec) -> Any:
    return "grey" if spec.channels == 1 else "rgb"


def _sweep(cache_dir: Path) -> None:
    """Remove what a killed process left behind a day ago or longer."""
    for leftover in cache_dir.glob("*.part"):
        if time.time() - leftover.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)
