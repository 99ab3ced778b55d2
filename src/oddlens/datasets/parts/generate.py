"""A whole generated set of photographs on disk, in the tree of MVTec AD."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from oddlens.datasets.parts.defects import KINDS, photograph
from oddlens.datasets.parts.plate import Plate
from oddlens.datasets.photographs import GOOD
from oddlens.errors import DataError, SettingsError
from oddlens.files import atomic_path, write_json
from oddlens.media.writer import write_image

MANIFEST = "parts.json"
VERSION = 1
_SMALLEST = 32
Progress = Callable[[int, int], None]
"""Called after every photograph with the number done and the total."""


def generate_parts(
    root: str | Path,
    *,
    seed: int = 0,
    train: int = 160,
    test_good: int = 30,
    test_each: int = 8,
    side: int = 256,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write photographs of plates: `train/good`, `test/good`, `test/KIND` with `ground_truth/KIND`, `parts.json`.

    No plate is drawn twice, and each follows from (seed, folder, number) alone. The folder appears whole or not at all.

    Args:
        root: folder, not there yet or of a generated set.
        seed: of everything in the set.
        train: good plates to learn from.
        test_good: good plates to judge.
        test_each: plates of each kind of defect: `scratch`, `dent`, `stain`, `missing`.
        side: pixels.
        overwrite: replace a generated set that is already there.

    Raises:
        DataError: `root` is taken.
        SettingsError: numbers that make no set.
    """
    root = Path(root)
    _validate(train, test_good, test_each, side)
    _refuse_taken(root, overwrite)
    counts = {("train", GOOD): train, ("test", GOOD): test_good, **{("test", kind): test_each for kind in KINDS}}
    done, total = 0, sum(counts.values())
    with atomic_path(root) as temporary:
        for place, ((split, kind), count) in enumerate(counts.items()):
            for number in range(count):
                _write(temporary, split, kind, number, np.random.default_rng([seed, place, number]), side)
                done += 1
                if progress is not None:
                    progress(done, total)
        manifest = {
            "name": "parts", "version": VERSION, "seed": seed, "side": side,
            "train": train, "test_good": test_good, "test_each": test_each, "kinds": list(KINDS),
        }  # fmt: skip
        write_json(temporary / MANIFEST, manifest)
        if root.exists():
            shutil.rmtree(root)
    return root


def _write(root: Path, split: str, kind: str, number: int, rng: np.random.Generator, side: int) -> None:
    image, mask = photograph(Plate.draw(rng, side), kind, rng)
    (root / split / kind).mkdir(parents=True, exist_ok=True)
    write_image(root / split / kind / f"{number:03d}.png", image)
    if kind != GOOD:
        (root / "ground_truth" / kind).mkdir(parents=True, exist_ok=True)
        marked = (mask * np.uint8(255))[..., None]
        write_image(root / "ground_truth" / kind / f"{number:03d}_mask.png", marked)


def _validate(train: int, test_good: int, test_each: int, side: int) -> None:
    if train < 1 or test_good < 0 or test_each < 0:
        raise SettingsError(f"{train} photographs to learn from", "make no set", "ask for 1 or more, and none below 0")
    if side < _SMALLEST:
        raise SettingsError(f"side {side}", "shows no defects", f"ask for {_SMALLEST} pixels or more")


def _refuse_taken(root: Path, overwrite: bool) -> None:
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return
    if not (root / MANIFEST).is_file():
        raise DataError(root, "exists and holds no generated parts", "name a folder that does not exist yet")
    if not overwrite:
        raise DataError(root, "already holds generated parts", "name another folder or allow overwriting")
