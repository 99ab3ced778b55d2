"""Intruders: foreign picture content that patch pseudo anomalies blend into normal clips."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PilImage

from oddlens.errors import DataError, MediaError, SettingsError
from oddlens.media.images import read_image
from oddlens.media.resize import fit
from oddlens.media.source import Colour
from oddlens.sampling.clips import FrameRun, count_clips, to_network_values, window
from oddlens.sampling.pictures import load_pictures
from oddlens.sampling.textures import draw_texture
from oddlens.types import Image, SamplingSpec

if TYPE_CHECKING:
    from oddlens.labels.store import FeatureStore, FrameInput
    from oddlens.methods.base import Method

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
_AREA = (0.08, 1.0)
_RATIO = (3 / 4, 4 / 3)
_TRIES = 10


class Resources(Protocol):
    """What a method may ask for before training."""

    def open_intruder(self, name: str, spec: SamplingSpec) -> Intruder:
        """The intruder source called `name`."""
        ...

    def open_pictures(self, path: str, colour: Colour) -> dict[str, Image]:
        """The picture at `path`, or all pictures of a folder, by their names without suffix."""
        ...

    def open_method(self, path: str) -> Method:
        """The trained method in the run or detector folder `path`."""
        ...

    def open_features(self, source: FrameInput) -> FeatureStore | None:
        """Features of every frame of the run, made once; `None` where they would not fit into the cache."""
        ...


class Intruder(Protocol):
    """A source of intruder content."""

    def draw(self, rng: np.random.Generator, length: int) -> NDArray[np.float32]:
        """Content for one clip, network values, `(C, 1 or length, H, W)`."""
        ...


@dataclass(frozen=True)
class TextureIntruder:
    """Generated textures; needs no download."""

    spec: SamplingSpec

    def draw(self, rng: np.random.Generator, length: int) -> NDArray[np.float32]:
        """A still texture, `(C, 1, H, W)`."""
        return to_network_values(draw_texture(rng, self.spec)[None], self.spec)


@dataclass(frozen=True)
class PictureIntruder:
    """Whole small pictures (CIFAR), blown up to the frame."""

    pictures: NDArray[np.uint8]
    spec: SamplingSpec

    def draw(self, rng: np.random.Generator, length: int) -> NDArray[np.float32]:
        """A still picture, `(C, 1, H, W)`."""
        return enlarge_picture(self.pictures[int(rng.integers(len(self.pictures)))], self.spec)


@dataclass(frozen=True)
class ImageFolderIntruder:
    """Photographs in a folder (ImageNet layout or any other): random resized crop and flips."""

    files: Sequence[Path]
    spec: SamplingSpec

    def draw(self, rng: np.random.Generator, length: int) -> NDArray[np.float32]:
        """A still picture, `(C, 1, H, W)`; files that cannot be read are passed over."""
        for _ in range(_TRIES):
            file = self.files[int(rng.integers(len(self.files)))]
            with suppress(MediaError):
                crop = random_crop(read_image(file, "rgb"), rng)
                levels = as_channels(fit(crop, self.spec.height, self.spec.width, 3), self.spec.channels)
                return to_network_values(levels[None], self.spec)
        raise DataError(self.files[0].parent, "ten images in a row cannot be read", "check the intruder folder")


@dataclass(frozen=True)
class ClipIntruder:
    """Moving intruders: clips of other footage, frame t into frame t."""

    runs: Sequence[FrameRun]
    spec: SamplingSpec

    def draw(self, rng: np.random.Generator, length: int) -> NDArray[np.float32]:
        """A clip, `(C, T, H, W)`, every clip of the footage equally likely."""
        counts = np.array([count_clips(len(run), self.spec) for run in self.runs])
        run = self.runs[int(rng.choice(len(counts), p=counts / counts.sum()))]
        start = int(rng.integers(count_clips(len(run), self.spec)))
        return to_network_values(window(run.frames, start, self.spec), self.spec)


def open_still_intruder(name: str, spec: SamplingSpec) -> Intruder | None:
    """The still intruder called `name`, or `None` where the name asks for video.

    Raises:
        SettingsError: the name is none of the known forms.
        DataError: the folder holds no pictures.
    """
    kind, _, place = name.partition(":")
    if kind == "textures" and not place:
        return TextureIntruder(spec)
    if kind not in {"cifar10", "cifar100", "images", "video"} or not place:
        known = "textures, cifar10:DIR, cifar100:DIR, images:DIR or video:DIR"
        raise SettingsError(f"intruder '{name}'", "is not known", f"give {known}")
    folder = Path(place).expanduser()
    if not folder.exists():
        raise DataError(folder, "the intruder folder does not exist", "check the path, or use --set intruder: textures")
    if kind == "video":
        return None
    if not folder.is_dir():
        raise DataError(folder, "is a file", f"give the folder that holds the pictures as {kind}:DIR")
    if kind.startswith("cifar") and not _class_folders(folder):
        return PictureIntruder(load_pictures(folder), spec)
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES)
    if not files:
        raise DataError(folder, "holds no images", f"give a folder with {', '.join(sorted(_SUFFIXES))} files")
    if kind.startswith("cifar"):
        return PictureIntruder(_read_small(files), spec)
    return ImageFolderIntruder(files, spec)


def enlarge_picture(picture: NDArray[np.uint8], spec: SamplingSpec) -> NDArray[np.float32]:
    """A picture `uint8 (h, w, C)` as `float32 (C, 1, H, W)`: grey by Pillow's "L", bilinear with aligned corners.

    Source: LNRA, intruder preparation of CIFAR-100.
    """
    values = to_network_values(as_channels(picture, spec.channels)[None], spec)
    tensor = torch.from_numpy(values).transpose(0, 1)
    size = (spec.height, spec.width)
    large = torch.nn.functional.interpolate(tensor, size, mode="bilinear", align_corners=True)
    enlarged: NDArray[np.float32] = large.transpose(0, 1).contiguous().numpy()
    return enlarged


def as_channels(picture: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """`uint8 (h, w, C)` or `(h, w)` with the wanted number of channels."""
    plane = picture if picture.ndim == 3 else picture[:, :, None]
    if plane.shape[2] == channels:
        return plane
    if channels == 3:
        return np.repeat(plane, 3, axis=2)
    return np.asarray(PilImage.fromarray(plane).convert("L"))[:, :, None]


def random_crop(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Random resized crop (8-100 % of the area, ratio 3:4 to 4:3) with random flips, not yet resized."""
    height, width = picture.shape[:2]
    crop = picture
    for _ in range(_TRIES):
        area = height * width * rng.uniform(*_AREA)
        ratio = float(np.exp(rng.uniform(*np.log(_RATIO))))
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if 0 < w <= width and 0 < h <= height:
            top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
            crop = picture[top : top + h, left : left + w]
            break
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.5:
        crop = crop[::-1]
    return np.ascontiguousarray(crop)


def _class_folders(folder: Path) -> bool:
    """Whether pictures lie in class folders, one file each."""
    return any(
        file.suffix.lower() in _SUFFIXES for sub in folder.iterdir() if sub.is_dir() for file in list(sub.iterdir())[:1]
    )


def _read_small(files: Sequence[Path]) -> NDArray[np.uint8]:
    pictures = [read_image(file, "rgb") for file in files]
    sizes = {picture.shape for picture in pictures}
    if len(sizes) != 1:
        fault = f"pictures have {len(sizes)} sizes"
        raise DataError(files[0].parent, fault, "use images:DIR for photographs of any size")
    return np.stack(pictures)
