"""The feature store: flow or class maps of every frame of a frame store, made once, in one memory-mapped file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

from oddlens.errors import DataError, OddLensError
from oddlens.files import atomic_path, read_json, sweep_stores, write_json
from oddlens.media.store import FrameStore, Progress
from oddlens.types import Image

_VERSION = 1
_CHUNK = 16
"""Frames whose features are computed side by side."""


class FrameInput(Protocol):
    """Something that is computed once for each frame, from it and the one before it."""

    kind: ClassVar[str]
    """What it is, in one word: part of the store's name."""

    @property
    def shape(self) -> tuple[int, ...]:
        """What one frame gives."""

    def identity(self) -> Mapping[str, Any]:
        """All that the numbers depend on besides the frames, ready for JSON."""

    def of_frames(self, frames: NDArray[np.uint8], before: Image | None, device: torch.device) -> NDArray[np.float16]:
        """Features `(N, *shape)` of consecutive frames `uint8 (N, H, W, C)`; `before` is the frame before them."""


@dataclass(frozen=True)
class FeatureStore:
    """Features of all frames of a frame store, in its order."""

    folder: Path
    frame_store: str
    """Key of the frame store."""
    frames: int
    shape: tuple[int, ...]
    identity: dict[str, Any]

    @property
    def total_bytes(self) -> int:
        """Size of the file."""
        return feature_bytes(self.frames, self.shape)

    def rows(self, first: int, count: int) -> NDArray[np.float16]:
        """Features `(count, *shape)` of the frames from row `first` of the frame store on (see `FrameRun.row`)."""
        # mapped anew each time, some microseconds: worker processes then need no copy of it
        whole = np.memmap(self.folder / "rows.f16", np.float16, "r", shape=(self.frames, *self.shape))
        return np.array(whole[first : first + count])


def feature_bytes(frames: int, shape: tuple[int, ...]) -> int:
    """Size of a store."""
    return frames * int(np.prod(shape, dtype=np.int64)) * np.dtype(np.float16).itemsize


def build_feature_store(
    frames: FrameStore,
    source: FrameInput,
    cache_dir: Path,
    budget_bytes: int,
    progress: Progress | None = None,
    device: torch.device | None = None,
) -> FeatureStore | None:
    """Compute the features of all kept frames once, or open the store that is there already.

    Its name is a hash of the frame store and of all that the numbers depend on. It is built under a temporary name and
    renamed when whole; a lock keeps two processes from building the same one.

    Args:
        frames: what to compute them of.
        source: how.
        cache_dir: folder that holds stores.
        budget_bytes: largest size.
        progress: called with (video name, frames done in all, frames expected in all).
        device: where networks compute; default: the CPU.

    Returns:
        The store, or `None` where it would be larger than the budget: compute features where they are needed then.

    Raises:
        DataError: what lies under its name was made otherwise.
        DetectorError: weights that the features need are not there.
        OddLensError: the cache folder cannot be written.
    """
    if feature_bytes(frames.kept_frames, source.shape) > budget_bytes:
        return None
    identity = dict(source.identity())
    parts = json.dumps([_VERSION, frames.key, list(source.shape), identity], sort_keys=True)
    target = cache_dir / f"{source.kind}-{hashlib.sha256(parts.encode()).hexdigest()[:24]}"
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        sweep_stores(cache_dir)
        with FileLock(f"{target}.lock"):
            if _read(target) is None:
                shutil.rmtree(target, ignore_errors=True)  # a damaged one
                _build(target, frames, source, identity, progress, device or torch.device("cpu"))
    except OSError as error:
        fault = f"the cache of {source.kind} cannot be written ({error.strerror or error})"
        raise OddLensError(cache_dir, fault, "free space, or name another folder with --cache-dir") from error
    return open_feature_store(target, frames, source)


def open_feature_store(folder: Path, frames: FrameStore, source: FrameInput) -> FeatureStore:
    """Open the store in `folder`, which must be that of these frames and settings.

    Raises:
        DataError: it is no such store, is damaged, or was made of other frames or with other settings.
    """
    store, remedy = _read(folder), "remove it, and it is made anew"
    if store is None:
        raise DataError(folder, f"is no store of {source.kind}, or a damaged one", remedy)
    wanted = dict(source.identity())
    if store.identity != wanted or store.shape != source.shape:
        names = [name for name in {**wanted, **store.identity} if wanted.get(name) != store.identity.get(name)]
        changes = [f"{name}: {store.identity.get(name)}, not {wanted.get(name)}" for name in names]
        changes += [f"size: {store.shape}, not {source.shape}"] if store.shape != source.shape else []
        raise DataError(folder, f"holds {source.kind} of other settings ({changes[0]})", remedy)
    if store.frame_store != frames.key or store.frames != frames.kept_frames:
        raise DataError(folder, f"holds {source.kind} of other frames", remedy)
    return store


def _read(folder: Path) -> FeatureStore | None:
    """The store in `folder`, `None` unless it is whole."""
    try:
        index: dict[str, Any] = read_json(folder / "index.json")
        if index.pop("version") != _VERSION:
            return None
        store = FeatureStore(folder=folder, shape=tuple(index.pop("shape")), **index)
        whole = (folder / "rows.f16").stat().st_size == store.total_bytes
    except (OSError, OddLensError, KeyError, TypeError, AttributeError):
        return None
    return store if whole else None


def _build(
    target: Path,
    frames: FrameStore,
    source: FrameInput,
    identity: dict[str, Any],
    progress: Progress | None,
    device: torch.device,
) -> None:
    done = 0
    with atomic_path(target) as temporary:
        temporary.mkdir()
        with open(temporary / "rows.f16", "wb") as stream:
            for run in frames.runs():
                for start in range(0, len(run), _CHUNK):
                    part = run.frames[start : start + _CHUNK]
                    before = run.frames[start - 1] if start else None
                    stream.write(np.ascontiguousarray(source.of_frames(part, before, device)).data)
                    done += len(part)
                    if progress:
                        progress(run.video, done, frames.kept_frames)
            stream.flush()
            os.fsync(stream.fileno())
        index = {
            "version": _VERSION,
            "frame_store": frames.key,
            "frames": frames.kept_frames,
            "shape": list(source.shape),
            "identity": identity,
        }
        write_json(temporary / "index.json", index)
