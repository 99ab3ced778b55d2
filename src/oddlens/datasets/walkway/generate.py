"""A whole generated data set on disk: training and test videos, labels, masks, events."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from oddlens.datasets.walkway.anomalies import Anomaly
from oddlens.datasets.walkway.planning import plan_contamination, plan_test
from oddlens.datasets.walkway.scene import Clip
from oddlens.errors import DataError, SettingsError
from oddlens.files import atomic_path, write_json
from oddlens.media.writer import VideoWriter

MANIFEST = "walkway.json"
VERSION = 1
Progress = Callable[[int, int], None]
"""Called after every frame with the number of frames done and the total."""


def generate_walkway(
    root: str | Path,
    *,
    seed: int = 0,
    train_videos: int = 4,
    train_frames: int = 500,
    test_videos: int = 6,
    test_frames: int = 360,
    width: int = 320,
    height: int = 240,
    fps: float = 12.5,
    contamination: float = 0.0,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write the generated scene as a data set: `normal`, `test`, `labels`, `masks`, `walkway.json`.

    Labels are `uint8 (L,)`; masks are `uint8 (L, H, ceil(W / 8))`, packed along the rows by `numpy.packbits`.
    The folder appears whole or not at all. Memory does not grow with the length.

    Args:
        contamination: share of the training frames that are abnormal, 0 to 0.5; their labels and masks are
            then written too.
        overwrite: replace a generated data set that is already there.

    Raises:
        DataError: `root` is taken.
        SettingsError: counts, sizes or shares that make no sense.
    """
    root = Path(root)
    _validate(train_videos, test_videos, width, height, contamination)
    _refuse_taken(root, overwrite)
    train, test = plan_clips(
        seed, train_videos, train_frames, test_videos, test_frames, width, height, fps, contamination
    )
    total = sum(clip.frames for clip in [*train.values(), *test.values()])
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    with atomic_path(root) as temporary:
        events = {}
        for folder, clips in (("normal", train), ("test", test)):
            for name, clip in clips.items():
                found = _write_clip(temporary, folder, name, clip, step)
                if folder == "test" or contamination > 0:
                    events[name] = found
        manifest = {
            "name": "walkway", "version": VERSION, "seed": seed, "width": width, "height": height, "fps": fps,
            "contamination": contamination,
            "videos": {"train": list(train), "test": list(test)}, "events": events,
        }  # fmt: skip
        write_json(temporary / MANIFEST, manifest)
        if root.exists():
            shutil.rmtree(root)
    return root


def plan_clips(
    seed: int,
    train_videos: int,
    train_frames: int,
    test_videos: int,
    test_frames: int,
    width: int,
    height: int,
    fps: float,
    contamination: float = 0.0,
) -> tuple[dict[str, Clip], dict[str, Clip]]:
    """Training and test clips by name, not yet rendered; arguments as of `generate_walkway`."""
    rng = np.random.default_rng([seed, 0x91A])

    def clip(number: int, frames: int, anomalies: Iterable[Anomaly]) -> Clip:
        clip_seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        return Clip(clip_seed, frames, width, height, fps, tuple(anomalies), scene=seed)

    train = {
        f"normal_{k + 1:02d}": clip(
            k,
            train_frames,
            plan_contamination(rng, train_frames, fps, contamination) if contamination else (),
        )
        for k in range(train_videos)
    }
    plan = plan_test(rng, test_videos, test_frames, fps)
    test = {f"test_{k + 1:02d}": clip(10_000 + k, test_frames, anomalies) for k, anomalies in enumerate(plan)}
    return train, test


def _write_clip(root: Path, folder: str, name: str, clip: Clip, step: Callable[[], None]) -> list[dict[str, Any]]:
    """Write one video and its truth; returns its events as `walkway.json` lists them."""
    for part in (folder, "labels", "masks"):
        (root / part).mkdir(parents=True, exist_ok=True)
    labelled = folder == "test" or bool(clip.anomalies)
    labels = np.zeros(clip.frames, np.uint8)
    packed = None
    if labelled:
        shape = (clip.frames, clip.height, -(-clip.width // 8))
        packed = np.lib.format.open_memmap(root / "masks" / f"{name}.npy", "w+", np.uint8, shape)
    with VideoWriter(root / folder / f"{name}.mp4", fps=clip.fps, reproducible=True) as writer:
        for index, (image, mask) in enumerate(clip.render()):
            writer.write(image)
            labels[index] = mask.any()
            if packed is not None:
                packed[index] = np.packbits(mask, axis=-1)
            step()
    if packed is not None:
        packed.flush()
        np.save(root / "labels" / f"{name}.npy", labels)
    return [
        {"kind": anomaly.kind, "start": extent[0], "end": extent[1]}
        for anomaly, extent in zip(clip.anomalies, clip.extents)
        if extent is not None
    ]


def _validate(train_videos: int, test_videos: int, width: int, height: int, contamination: float) -> None:
    if train_videos < 1 or test_videos < 1:
        raise SettingsError(
            f"{train_videos} training and {test_videos} test videos", "make no data set", "ask for 1 or more"
        )
    if width % 2 or height % 2:
        raise SettingsError(f"size {width}x{height}", "is odd, which H.264 cannot hold", "use even numbers")
    if not 0 <= contamination <= 0.5:
        raise SettingsError(f"contamination {contamination}", "is not a share", "give a number between 0 and 0.5")


def _refuse_taken(root: Path, overwrite: bool) -> None:
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return
    if not (root / MANIFEST).is_file():
        raise DataError(root, "exists and is not a generated walkway", "name a folder that does not exist yet")
    if not overwrite:
        raise DataError(root, "already holds a generated walkway", "name another folder or allow overwriting")
