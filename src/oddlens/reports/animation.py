"""Panels as an animated picture that every browser and mail program shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from oddlens.errors import MediaError
from oddlens.files import atomic_path
from oddlens.types import Image

MOST = 32
"""Panels that an animation of one category holds by default: some seconds of each kind, a few megabytes."""


def write_animation(path: Path, pictures: Iterable[Image], seconds: float = 1.2) -> None:
    """Write an endless GIF of `pictures`, taken one by one; each stands for `seconds`.

    The first decides the size; others are shrunk into it and stand on black.

    Args:
        path: `.gif` to write.
        pictures: `uint8 (H, W, 3)` each.
        seconds: in hundredths, as the format has it.

    Raises:
        MediaError: there is not one picture.
        OddLensError: the file cannot be written.
    """
    frames = iter(pictures)
    first = next(frames, None)
    if first is None:
        raise MediaError(path, "not one picture was given", "give at least one")
    size = first.shape[1], first.shape[0]
    rest = (_indexed(_placed(picture, size)) for picture in frames)
    with atomic_path(path) as temporary:
        _indexed(first).save(
            temporary, format="GIF", save_all=True, append_images=rest, duration=round(seconds * 1000), loop=0
        )


def chosen(kinds: Sequence[str], scores: Sequence[float], most: int = MOST) -> list[int]:
    """Which photographs an animation shows: of each kind in turn the oddest not yet taken, in the order of kinds.

    Args:
        kinds: of N photographs, `good` or a defect.
        scores: their scores.
        most: how many at most.

    Returns:
        Their indices, kind after kind, oddest first.

    Example:
        >>> chosen(["good", "scratch", "scratch", "good"], [0.1, 0.5, 0.9, 0.3], 3)
        [3, 0, 2]
    """
    ranked = {kind: [k for k in np.argsort(scores)[::-1].tolist() if kinds[k] == kind] for kind in dict.fromkeys(kinds)}
    longest = max(map(len, ranked.values()), default=0)
    turns = [(turn, kind) for turn in range(longest) for kind in ranked if turn < len(ranked[kind])][:most]
    return list(chain.from_iterable(ranked[kind][: sum(taken == kind for _, taken in turns)] for kind in ranked))


def _indexed(picture: Image) -> Pillow.Image:
    return Pillow.fromarray(picture).quantize(256, dither=Pillow.Dither.NONE)


def _placed(picture: Image, size: tuple[int, int]) -> Image:
    """`picture` in the middle of a black one of `size` (width, height), shrunk where it does not fit."""
    if picture.shape[1::-1] == size:
        return picture
    inside = Pillow.fromarray(picture)
    inside.thumbnail(size)
    canvas = Pillow.new("RGB", size)
    canvas.paste(inside, ((size[0] - inside.width) // 2, (size[1] - inside.height) // 2))
    return np.asarray(canvas, dtype=np.uint8)
