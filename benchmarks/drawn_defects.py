"""Which of several trainings sees defects that are drawn into good photographs: settings compared without any labels.

```
python -m benchmarks.drawn_defects --data CATEGORY RUN [RUN ...]
```

The good photographs that a run held out are scored as they are, and three times more: with a patch of another place of
the same photograph, with a scratch, and with a smeared place, each where the photograph has structure. What is drawn is
the same for every run that holds out the same and sees photographs in the same size. Test photographs and their labels
are not opened.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from oddlens.datasets.open_photographs import open_photographs
from oddlens.errors import DataError, OddLensError
from oddlens.media.photographs import PhotographFiles
from oddlens.media.store import fingerprint_footage
from oddlens.metrics.pixel import pixel_auc
from oddlens.metrics.ranking import roc_auc
from oddlens.sampling.holdout import spread_holdout
from oddlens.scoring.detector import Detector
from oddlens.scoring.windows import FrameScore
from oddlens.training.photograph_feed import photograph_footage
from oddlens.types import Image

Mask = NDArray[np.bool_]
Draw = Callable[[Image, np.random.Generator], tuple[Image, Mask]]
_ATTEMPTS = 50
_STRUCTURED = 75
"""Percentile of the local contrast from which on a place has structure."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the runs one after another, and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drawn_defects", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("runs", nargs="+", type=Path, help="run folders of a method of photographs, trained on DATA")
    parser.add_argument("--data", required=True, type=Path, help="a category of photographs")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    options = parser.parse_args(arguments)
    try:
        rows = [(str(path), measure(path, options.data, options.seed)) for path in options.runs]
    except OddLensError as error:
        sys.exit(f"drawn_defects: {error}")
    print(table(rows))


def measure(run: Path, data: Path, seed: int) -> dict[str, float]:
    """Image and pixel AUROC of the detector of `run`: all kinds together, then each kind's image AUROC.

    Raises:
        DataError: what was held out cannot be had, or has no structure.
    """
    detector = Detector.load(run)
    images = held_out(run, data, detector)
    good = _scored(detector, images)
    found: dict[str, list[FrameScore]] = {}
    masks: list[Mask] = [np.zeros(image.shape[:2], np.bool_) for image in images]
    for kind, draw in KINDS.items():
        drawn = [_visible(draw, image, np.random.default_rng([seed, number])) for number, image in enumerate(images)]
        found[kind] = _scored(detector, [image for image, _ in drawn])
        masks += [mask for _, mask in drawn]
    every = [*good, *(item for items in found.values() for item in items)]
    maps = [item.map for item in every if item.map is not None]
    return {
        "image": _auroc(good, every[len(good) :]),
        "pixel": pixel_auc(maps, masks),
        **{kind: _auroc(good, items) for kind, items in found.items()},
    }


def held_out(run: Path, data: Path, detector: Detector) -> list[Image]:
    """The good photographs that a run did not train on, in the size that the detector sees.

    Raises:
        DataError: there are none, or which they were cannot be told.
    """
    file = run / "run.yaml"
    if not file.exists():
        raise DataError(file, "is missing", "name the run folder of a training, not the detector alone")
    settings: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    told, spec, dataset = detector.provenance, detector.method.sampling, open_photographs(data)
    if fingerprint_footage(photograph_footage(dataset, told["split"])) != told["data_fingerprint"]:
        raise DataError(data, f"is not what {run} was trained on", "name that as --data")
    if detector.tiles:
        raise DataError(run, "was trained in tiles", "compare trainings on whole photographs")
    if told["frames"] < told["frames_seen"]:
        raise DataError(run, "kept some photographs only", "train with a larger --cache-gb")
    chosen = dataset.held_out or dataset.train
    source = PhotographFiles([item.path for item in chosen], spec, "good photographs", str(data))
    images = [frame.image for frame in source.frames()]
    if not dataset.held_out:
        # as in a training, those that cannot be read are no longer among them
        images = [images[place] for place in sorted(spread_holdout(len(images), settings["training"]["holdout"]))]
    if not images:
        raise DataError(run, "held no photographs out", "train with training.holdout, such as 0.1")
    return images


def _visible(draw: Draw, image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """What `draw` changes, drawn again until anything has."""
    for _ in range(_ATTEMPTS):
        changed, mask = draw(image, rng)
        if (changed != image).any():
            return changed, mask
    raise DataError("drawn defects", "a photograph has no structure to draw on", "such photographs cannot be compared")


def _paste(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """A patch of another place with structure, turned by 90 degrees at random."""
    side = int(rng.integers(max(3, image.shape[0] // 20), max(6, image.shape[0] // 8)))
    (row, column), (other_row, other_column) = _corner(image, rng, side), _corner(image, rng, side)
    patch = np.rot90(image[other_row : other_row + side, other_column : other_column + side], int(rng.integers(4)))
    changed, mask = image.copy(), np.zeros(image.shape[:2], np.bool_)
    changed[row : row + side, column : column + side] = patch
    mask[row : row + side, column : column + side] = True
    return changed, mask


def _scratch(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """A thin line, darker or brighter than what it crosses."""
    height, width = image.shape[:2]
    row, column = _corner(image, rng, 1)
    angle, length = rng.uniform(0, np.pi), rng.uniform(0.06, 0.16) * min(height, width)
    shift = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = [np.rint((np.array([column, row]) + sign * shift) * 16).astype(int).tolist() for sign in (-1, 1)]
    line = np.zeros((height, width), np.uint8)
    cv2.line(line, ends[0], ends[1], 255, int(rng.integers(1, 3)), cv2.LINE_AA, 4)
    strength = rng.uniform(30, 70) * rng.choice([-1, 1])
    changed = np.clip(image + strength * (line[..., None] / np.float32(255)), 0, 255)
    return np.rint(changed).astype(np.uint8), line > 64


def _smear(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """A round place without its details."""
    side = int(rng.integers(max(3, image.shape[0] // 16), max(6, image.shape[0] // 8)))
    row, column = _corner(image, rng, side)
    disc = np.zeros(image.shape[:2], np.uint8)
    cv2.circle(disc, (column + side // 2, row + side // 2), side // 2, 255, -1, cv2.LINE_AA)
    cover = disc[..., None] / np.float32(255)
    blurred = cv2.GaussianBlur(image, (0, 0), side / 4).reshape(image.shape)
    return np.rint(image * (1 - cover) + blurred * cover).astype(np.uint8), disc > 127


KINDS: dict[str, Draw] = {
    "paste": _paste,
    "scratch": _scratch,
    "smear": _smear,
}
"""What is drawn: a changed copy of a photograph `(H, W, C)`, and the pixels that it shows on."""


def _corner(image: Image, rng: np.random.Generator, side: int) -> tuple[int, int]:
    """Row and column of a square whose middle has structure and which lies inside the photograph."""
    grey = image.astype(np.float32).mean(axis=2)
    contrast = cv2.GaussianBlur(cv2.magnitude(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1)), (0, 0), 2)
    half = side // 2
    inner = contrast[half : grey.shape[0] - side + half + 1, half : grey.shape[1] - side + half + 1]
    rows, columns = np.nonzero(inner >= np.percentile(contrast, _STRUCTURED))
    if not len(rows):
        rows, columns = np.nonzero(inner >= inner.max())
    chosen = rng.integers(len(rows))
    return int(rows[chosen]), int(columns[chosen])


def _scored(detector: Detector, images: Sequence[Image]) -> list[FrameScore]:
    scorer = detector.scorer(details=True)
    return [item for image in images for item in scorer.push(image)] + scorer.finish()


def _auroc(good: Sequence[FrameScore], odd: Sequence[FrameScore]) -> float:
    return roc_auc([0] * len(good) + [1] * len(odd), [item.score for item in (*good, *odd)])


def table(rows: Sequence[tuple[str, dict[str, float]]]) -> str:
    """Markdown, in percent."""
    names = ["image", "pixel", *KINDS]
    lines = [f"| run | {' | '.join(names)} |", f"|---{'|---' * len(names)}|"]
    return "\n".join([*lines, *(f"| {run} | {' | '.join(f'{100 * v[n]:.2f}' for n in names)} |" for run, v in rows)])


if __name__ == "__main__":
    main()
