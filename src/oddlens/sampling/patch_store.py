"""The patch store: flow, boxes and patches of footage made once, kept memory-mapped in one file a kind."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from oddlens.errors import DataError, OddLensError
from oddlens.files import read_json, sweep_stores
from oddlens.media.open import open_source
from oddlens.media.source import Source
from oddlens.media.store import Footage, Progress, fingerprint_footage
from oddlens.sampling.patch_stream import PatchStream
from oddlens.sampling.patches import FramePatches, PatchSpec
from oddlens.types import Image

_VERSION = 1
_CHUNK = 32
"""Frames whose flow and boxes are computed side by side."""
_KINDS = {"boxes": ("f4", (4,)), "frames": ("i4", ()), "videos": ("i4", ()), "blocks": ("i4", ())}
MakeStream = Callable[[], PatchStream]


class ReadyFlow(Protocol):
    """Flow of all footage, computed before."""

    def number(self, video: int) -> NDArray[np.float16]:
        """Flow `(L, H, W, 2)` of all frames of a video, counted from 0, in native pixels."""
        ...


MakeFlow = Callable[[], ReadyFlow | None]


@dataclass(frozen=True)
class PatchVideo:
    """One video in the store."""

    name: str
    frames: int
    """Frames it has, with and without boxes."""
    fps: float | None
    height: int
    width: int


@dataclass(frozen=True)
class PatchStore:
    """All kept patches of some footage, in the order of videos and frames."""

    folder: Path
    key: str
    spec: PatchSpec
    channels: int
    """1 (grey) or 3 (blue, green, red) planes a frame."""
    videos: tuple[PatchVideo, ...]
    every: int
    """Only every so-many-th frame's patches are kept, where all of them would not fit."""
    patches: int
    empty_frames: int
    """Frames without any box."""
    fingerprint: str
    faults: tuple[str, ...] = ()

    def array(self, kind: str) -> NDArray[Any]:
        """`raw` `uint8 (N, side, side, T * C)`, `flow` `float16 (N, side, side, T * 2)`, memory-mapped; or for each
        patch its `boxes` `(N, 4)`, `frames`, `videos` and `blocks` `(N,)`."""
        dtype, shape = _layout(self.spec, self.channels)[kind]
        if not self.patches:
            return np.zeros((0, *shape), dtype)
        return np.memmap(self.folder / f"{kind}.bin", dtype, "r", shape=(self.patches, *shape))

    @property
    def frames(self) -> int:
        """Frames of all videos."""
        return sum(video.frames for video in self.videos)

    def summary(self) -> str:
        """One line: how many patches of how many frames."""
        count = max(1, -(-self.frames // self.every))
        kept = "" if self.every == 1 else f", of every {self.every}th frame (raise --cache-gb to keep more)"
        share = 100 * self.empty_frames / max(1, self.frames)
        return (
            f"{self.patches:,} patches of {self.frames:,} frames, {self.patches / count:.1f} a frame{kept}; "
            f"{self.empty_frames:,} frames ({share:.1f} %) without a box"
        )


def build_patch_store(
    footage: Sequence[Footage],
    spec: PatchSpec,
    make_stream: MakeStream,
    identity: Mapping[str, Any],
    cache_dir: Path,
    budget_bytes: int,
    progress: Progress | None = None,
    make_flow: MakeFlow | None = None,
) -> PatchStore:
    """Make the patches of `footage` under `cache_dir`, or open those that are there already.

    Args:
        footage: videos, of grey or of colour frames, not of both.
        spec: what a patch is.
        make_stream: a fresh stream for these settings.
        identity: everything else the patches depend on (settings of flow and boxes), ready for JSON.
        cache_dir: where stores live.
        budget_bytes: largest size; beyond it only every second, fourth ... frame's patches are kept.
        progress: called with (video, frames done, frames expected).
        make_flow: the flow of this footage, where it lies ready; called only if the patches must be made.

    Raises:
        MediaError: a file cannot be read.
        DataError: grey and colour footage side by side.
        OddLensError: the cache folder cannot be written.
    """
    fingerprint = fingerprint_footage(footage)
    names = [[item.name, item.fps] for item in footage]
    parts = [_VERSION, fingerprint, names, asdict(spec), dict(identity), budget_bytes]
    key = "patches-" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
    target = cache_dir / key
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        sweep_stores(cache_dir)
        with FileLock(str(cache_dir / f"{key}.lock")):
            if (store := _open(target, spec)) is None:
                flow = make_flow() if make_flow else None
                _build(target, footage, spec, make_stream(), flow, budget_bytes, fingerprint, progress)
                store = _open(target, spec)
    except OSError as error:
        fault = f"the patch cache cannot be written ({error.strerror or error})"
        raise OddLensError(cache_dir, fault, "free space, or name another folder with --cache-dir") from error
    if store is None:
        raise OddLensError(target, "the patch cache was damaged while it was read", "repeat the command")
    return store


def stream_patches(
    stream: PatchStream,
    source: Source,
    name: str,
    chunk: int = _CHUNK,
    flow: NDArray[np.float16] | None = None,
) -> Iterator[FramePatches]:
    """Patches of every frame of a source, in order, `chunk` frames at a time; `flow` is that of all its frames.

    The next frames are decoded meanwhile.
    """
    done = 0
    for images in _decoded_ahead(source, chunk):
        known = None if flow is None else flow[done : done + len(images)]
        yield from stream.push(images, name, known)
        done += len(images)
    yield from stream.finish(name)


def _decoded_ahead(source: Source, chunk: int) -> Iterator[list[Image]]:
    frames = source.frames()

    def take() -> list[Image]:
        return [frame.image for frame in islice(frames, chunk)]

    with ThreadPoolExecutor(1) as decoder:
        ahead = decoder.submit(take)
        while images := ahead.result():
            ahead = decoder.submit(take)
            yield images


def _layout(spec: PatchSpec, channels: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    side = spec.side
    kinds = {**_KINDS, "raw": ("u1", (side, side, spec.length * channels))}
    return kinds | ({"flow": ("f2", (side, side, spec.length * 2))} if spec.flow else {})


def _open(folder: Path, spec: PatchSpec) -> PatchStore | None:
    """The store in `folder`, `None` unless it is whole."""
    try:
        index: dict[str, Any] = read_json(folder / "index.json")
        videos = tuple(PatchVideo(**video) for video in index.pop("videos"))
        faults = tuple(index.pop("faults"))
        store = PatchStore(folder=folder, key=folder.name, spec=spec, videos=videos, faults=faults, **index)
        for kind, (dtype, shape) in _layout(spec, store.channels).items():
            size = store.patches * np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
            if (folder / f"{kind}.bin").stat().st_size != size:
                return None
    except (OSError, OddLensError, KeyError, TypeError, AttributeError):
        return None
    return store


def _build(
    target: Path,
    footage: Sequence[Footage],
    spec: PatchSpec,
    stream: PatchStream,
    flow: ReadyFlow | None,
    budget_bytes: int,
    fingerprint: str,
    progress: Progress | None,
) -> None:
    sources = [open_source(item.path, fps=item.fps) for item in footage]
    channels = _channels(footage, sources)
    expected = sum(source.info.frames or 0 for source in sources) or None
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.part")
    temporary.mkdir()
    writer = _Writer(temporary, _layout(spec, channels), budget_bytes)
    try:
        with writer:
            for number, (item, source) in enumerate(zip(footage, sources)):
                frames = 0
                ready = flow.number(number) if flow else None
                for frame in stream_patches(stream, source, item.name, flow=ready):
                    writer.add(frame)
                    frames += 1
                    if progress and writer.seen % 16 == 0:
                        progress(item.name, writer.seen, expected)
                fps = source.info.fps or item.fps
                writer.close_video(PatchVideo(item.name, frames, fps, source.info.height, source.info.width))
                writer.faults += [f"{item.name}: {fault}" for fault in source.faults]
        (temporary / "index.json").write_text(json.dumps(writer.index(channels, fingerprint), indent=1))
        if target.exists():
            shutil.rmtree(target)
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _channels(footage: Sequence[Footage], sources: Sequence[Source]) -> int:
    found = {source.info.channels for source in sources}
    if len(found) > 1:
        odd = next(i for i, s in zip(footage, sources) if s.info.channels != sources[0].info.channels)
        fault = "is colour where the other footage is grey, or the reverse"
        raise DataError(odd.path, fault, "give footage of one kind")
    return found.pop()


class _Writer:
    """Appends patches kind by kind; over the budget it keeps every second frame of what there is, and goes on so."""

    def __init__(self, folder: Path, layout: Mapping[str, tuple[str, tuple[int, ...]]], budget: int) -> None:
        self.folder, self.layout, self.budget = folder, layout, budget
        self.size = sum(np.dtype(d).itemsize * int(np.prod(s, dtype=np.int64)) for d, s in layout.values())
        self.videos: list[PatchVideo] = []
        self.faults: list[str] = []
        self.every, self.patches, self.seen, self.empty = 1, 0, 0, 0
        self._stack = ExitStack()
        self._streams: dict[str, BinaryIO] = {}

    def __enter__(self) -> _Writer:
        files = {kind: self.folder / f"{kind}.bin" for kind in self.layout}
        self._streams = {kind: self._stack.enter_context(file.open("w+b")) for kind, file in files.items()}
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, frame: FramePatches) -> None:
        """Append one frame's patches, where its turn is kept."""
        count = len(frame.boxes)
        self.seen += 1
        self.empty += not count
        while count and frame.index % self.every == 0 and (self.patches + count) * self.size > self.budget:
            if not self._thin_out() and frame.index % self.every == 0:
                break  # the first frame of every video is kept whatever the budget
        if not count or frame.index % self.every:
            return
        numbers = {"frames": frame.index, "videos": len(self.videos)}
        values = {kind: np.full(count, value, "i4") for kind, value in numbers.items()}
        values |= {"boxes": frame.boxes.astype("f4"), "blocks": frame.blocks.astype("i4"), "raw": frame.raw}
        if frame.flow is not None:
            values["flow"] = frame.flow
        for kind, value in values.items():
            self._streams[kind].write(np.ascontiguousarray(value).data)
        self.patches += count

    def close_video(self, video: PatchVideo) -> None:
        """The next frame belongs to another video."""
        self.videos.append(video)

    def index(self, channels: int, fingerprint: str) -> dict[str, Any]:
        """What the store says of itself."""
        return {
            "channels": channels,
            "videos": [asdict(video) for video in self.videos],
            "every": self.every,
            "patches": self.patches,
            "empty_frames": self.empty,
            "fingerprint": fingerprint,
            "faults": self.faults,
        }

    def _thin_out(self) -> bool:
        """Keep the frames whose number is a multiple of twice the old step; whether any had to go."""
        self.every *= 2
        if not self.patches:
            return False
        for stream in self._streams.values():
            stream.flush()
        frames = np.fromfile(self.folder / "frames.bin", "i4")
        kept = np.flatnonzero(frames % self.every == 0)
        for kind, (dtype, shape) in self.layout.items():
            old = np.memmap(self.folder / f"{kind}.bin", dtype, "r+", shape=(self.patches, *shape))
            for start in range(0, len(kept), 4096):  # places only move forwards: nothing is overwritten unread
                rows = kept[start : start + 4096]
                old[start : start + len(rows)] = old[rows]
            old.flush()
            del old
            stream = self._streams[kind]
            stream.seek(len(kept) * np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64)))
            stream.truncate()
        thinner = len(kept) < self.patches
        self.patches = len(kept)
        return thinner
