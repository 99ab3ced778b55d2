"""What the benchmarks look at: UCSD Ped2 where it is at hand, the generated walkway everywhere else."""

from __future__ import annotations

import os
from itertools import cycle, islice
from pathlib import Path

from oddlens.datasets.walkway.generate import plan_clips
from oddlens.media.writer import VideoWriter, write_image
from oddlens.types import Image

_SCENE_SEED = 7


def frame_folders(folder: Path, frames: int, part: str = "training") -> tuple[str, list[Path]]:
    """Name of the footage, and folders of jpg frames: Ped2's clips (`training` or `testing`), or `frames` rendered
    into `folder`."""
    named = os.environ.get("ODDLENS_DATA")
    root = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    clips = sorted((root / "ped2" / part / "frames").glob("[0-9]*"))
    if clips:
        return "Ped2", clips
    target = folder / "frames" / "01"
    target.mkdir(parents=True)
    for index, image in enumerate(render(frames)):
        write_image(target / f"{index:04d}.jpg", image)
    return "generated walkway", [target]


def render(frames: int, width: int = 360, height: int = 240) -> list[Image]:
    """Frames of a generated scene."""
    clips, _ = plan_clips(_SCENE_SEED, 1, frames, 1, frames, width, height, 25.0)
    return [image for clip in clips.values() for image, _ in clip.render()]


def write_video(path: Path, images: list[Image], frames: int) -> Path:
    """A video of `frames` frames: `images`, again and again."""
    with VideoWriter(path, 25.0) as writer:
        for image in islice(cycle(images), frames):
            writer.write(image)
    return path
