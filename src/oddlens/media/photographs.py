"""Photographs of any size, each brought to the size a method wants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from oddlens.errors import MediaError
from oddlens.media.images import read_image
from oddlens.media.resize import fit_photograph
from oddlens.media.source import SourceInfo
from oddlens.media.tiles import Tiles
from oddlens.types import Frame, Image, SamplingSpec


def read_photograph(path: Path, channels: int) -> Image:
    """Decode a photograph as `uint8 (H, W, channels)`, in its own size; see `read_image`.

    Raises:
        MediaError: the file cannot be read or decoded.
    """
    return read_image(path, "grey" if channels == 1 else "rgb")


class PhotographFiles:
    """Photographs as a source: frames of the method's size that have nothing to do with each other.

    One that cannot be decoded is left out and recorded in `faults`.

    Args:
        files: the photographs.
        spec: size and channels of the frames.
        name: what messages call them.
        path: where they lie.
        tiles: cut each into these, every tile a frame of its own.
    """

    def __init__(
        self, files: Sequence[Path], spec: SamplingSpec, name: str, path: str, tiles: Tiles | None = None
    ) -> None:
        self._files, self._spec, self._tiles = list(files), spec, tiles
        self._faults: dict[Path, str] = {}
        frames = None if tiles else len(self._files)
        self._info = SourceInfo(name, path, spec.width, spec.height, spec.channels, None, frames)

    @property
    def info(self) -> SourceInfo:
        """Size and channels of the frames; `frames` counts files, and is None where they are cut into tiles."""
        return self._info

    @property
    def faults(self) -> list[str]:
        """Photographs left out so far, one line each."""
        return list(self._faults.values())

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Yield frames from index `start` on.

        Raises:
            MediaError: not one of them can be decoded.
        """
        index = 0
        for file in self._files:
            try:
                image = read_photograph(file, self._spec.channels)
            except MediaError as error:
                self._faults[file] = f"{file.name}: {error.fault}, left out"
                continue
            for part in self._tiles.cut(image) if self._tiles else (image,):
                if index >= start:
                    fitted = fit_photograph(part, self._spec.height, self._spec.width, self._spec.channels)
                    yield Frame(index, 0.0, fitted)
                index += 1
        if not index:
            remedy = "check that the files are whole images"
            raise MediaError(self._info.path, "none of its photographs can be decoded", remedy)
