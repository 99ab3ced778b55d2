"""One type for everything frames come from: a video file, a folder of images, a glob."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from oddlens.types import Frame

Colour: TypeAlias = Literal["native", "grey", "rgb"]
"""`native` keeps what the file holds (C = 1 or 3); `grey` and `rgb` convert while decoding."""


@dataclass(frozen=True)
class SourceInfo:
    """What a source announces before it is read to the end; `frames` may be wrong (headers lie) or unknown."""

    name: str
    """File stem or folder name: what tables and reports show."""
    path: str
    width: int
    height: int
    channels: int
    """1 or 3, as the frames will be delivered."""
    fps: float | None
    """Frames a second, `None` for image folders that do not say."""
    frames: int | None


class Source(Protocol):
    """Frames in order, decoded one at a time in constant memory."""

    @property
    def info(self) -> SourceInfo:
        """What the source announces."""
        ...

    @property
    def faults(self) -> list[str]:
        """What went wrong and was skipped while reading so far, one line each."""
        ...

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Yield frames from index `start` on; every call reads anew.

        Raises:
            MediaError: nothing can be decoded, or frames change their size.
        """
        ...


def frames_at(source: Source, indices: Iterable[int]) -> Iterator[Frame]:
    """Yield the frames of these indices in order, in one pass that ends with the last of them.

    A video has to be decoded from its start to get at any frame, so asking for frames one by one takes a pass each.
    Indices past the end are passed over.
    """
    wanted = sorted(set(indices))
    if not wanted:
        return
    chosen, last = set(wanted), wanted[-1]
    for frame in source.frames(wanted[0]):
        if frame.index in chosen:
            yield frame
        if frame.index >= last:
            return
