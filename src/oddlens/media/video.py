"""Frames from anything PyAV decodes, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from oddlens.errors import MediaError
from oddlens.media.clock import Clock
from oddlens.media.formats import ASSUMED_FPS
from oddlens.media.source import Colour, SourceInfo
from oddlens.types import Frame, Image

_GREY_FORMATS = ("gray", "ya8", "ya16", "mono")
_MOST_READ_ERRORS = 32
_MOST_HELD_BACK = 64  # frames in FFmpeg's threads and its reordering
_NOT_VIDEO = "it is not a video that can be decoded"
_REMEDY = "check that the file is whole, or convert it with ffmpeg"


class VideoFile:
    """A video file as a source.

    Grey is the luma plane stretched to 0..255 (levels above 8 bits are scaled by their depth), rotation left
    in the metadata by a phone is applied in quarter turns, and variable frame rates keep their time stamps.

    Args:
        path: any container and codec PyAV knows.
        colour: how to deliver frames; `native` gives C = 1 for grey pixel formats and C = 3 for all others.

    Raises:
        MediaError: the file is missing, empty, no video, or not one frame of it decodes.
    """

    def __init__(self, path: str | Path, *, colour: Colour = "native") -> None:
        self._path = Path(path)
        self._tally = _Tally()
        with _opened(self._path, threads="NONE") as (container, stream):
            first = next(_decoded(container, stream, self._tally), None)
            if first is None:
                raise MediaError(path, "not one of its frames can be decoded", _REMEDY)
            self._size = (first.width, first.height)
            grey = colour == "grey" or (colour == "native" and first.format.name.startswith(_GREY_FORMATS))
            self._channels = 1 if grey else 3
            width, height = self._size[::-1] if _quarter_turns(first) % 2 else self._size
            rate = stream.average_rate or stream.guessed_rate
            fps = float(rate) if rate else None
            self._info = SourceInfo(
                self._path.stem,
                str(path),
                width,
                height,
                self._channels,
                fps,
                _announced(container, stream, fps),
            )

    @property
    def info(self) -> SourceInfo:
        """Size after rotation; `frames` is what the header says, or follows from the duration it says."""
        return self._info

    @property
    def faults(self) -> list[str]:
        """What the latest reading skipped or found, counted together, one line a kind."""
        return self._tally.lines()

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Yield frames from index `start` on; those before it are decoded and dropped.

        Raises:
            MediaError: the picture changes its size, or nothing decodes.
        """
        tally = self._tally = _Tally()
        clock = Clock(1 / (self._info.fps or ASSUMED_FPS))
        reformatter = VideoReformatter()
        for index, decoded in enumerate(_decoded_to_the_end(self._path, tally)):
            self._check_size(index, decoded)
            time = clock.tick(decoded.time)
            if index >= start:
                yield Frame(index, time, self._picture(reformatter, decoded))
        if not tally.decoded:
            raise MediaError(self._path, "not one of its frames can be decoded", _REMEDY)

    def _picture(self, reformatter: VideoReformatter, decoded: av.VideoFrame) -> Image:
        # One reformatter for all frames keeps libswscale's tables instead of building them anew each time.
        converted = reformatter.reformat(decoded, format="gray" if self._channels == 1 else "rgb24")
        image = np.atleast_3d(converted.to_ndarray()).astype(np.uint8, copy=False)
        turns = _quarter_turns(decoded)
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

    def _check_size(self, index: int, decoded: av.VideoFrame) -> None:
        size = (decoded.width, decoded.height)
        if size != self._size:
            raise MediaError(
                self._path,
                f"frame {index} is {size[0]}x{size[1]}, those before it are {self._size[0]}x{self._size[1]}",
                "cut the video where its size changes",
            )


@dataclass
class _Tally:
    """What happened in one reading."""

    packets: int = 0
    decoded: int = 0
    damaged: int = 0
    skipped: int = 0
    skipped_after: int = 0
    reason: str = ""
    announced: int = 0
    """Frames the header speaks of, once the end was reached."""

    def skip(self, error: Exception) -> None:
        if not self.skipped:
            self.skipped_after, self.reason = self.decoded, _reason(error)
        self.skipped += 1

    def lines(self) -> list[str]:
        lines = []
        if self.skipped:
            where = f"the first after {_counted(self.skipped_after, 'frame')}: {self.reason}"
            lines.append(f"{_counted(self.skipped, 'broken packet')} skipped ({where})")
        if self.damaged:
            lines.append(f"{_counted(self.damaged, 'frame')} damaged and patched up by the decoder")
        if self.announced and self.announced != self.decoded:
            lines.append(f"header announces {self.announced} frames, {self.decoded} decode")
        return lines


@contextmanager
def _opened(path: Path, threads: Literal["AUTO", "NONE"]) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Container and its first moving-picture stream."""
    if not path.is_file():
        raise MediaError(path, "there is no such file", "check the path")
    if not path.stat().st_size:
        raise MediaError(path, "is empty", "restore the file from where it came")
    try:
        # Tags in a foreign encoding are no reason to refuse a video.
        container = av.open(str(path), metadata_errors="ignore")
    except PermissionError as error:
        raise MediaError(path, "cannot be read (permission denied)", "check its permissions") from error
    except (av.FFmpegError, OSError) as error:
        raise MediaError(path, f"{_NOT_VIDEO} ({_reason(error)})", _REMEDY) from error
    with container:
        # FFmpeg "plays" text files as a terminal; cover art of a song is a picture stream too.
        streams = [s for s in container.streams.video if not _is_cover(s)]
        if container.format.name == "tty" or not container.streams:
            raise MediaError(path, _NOT_VIDEO, _REMEDY)
        if not streams:
            raise MediaError(path, "it has no video stream", "give a file with a picture track")
        if streams[0].codec_context is None:
            raise MediaError(path, "its codec is unknown here", "convert it with ffmpeg")
        streams[0].thread_type = threads
        yield container, streams[0]


def _decoded_to_the_end(path: Path, tally: _Tally) -> Iterator[av.VideoFrame]:
    with _opened(path, threads="AUTO") as (container, stream):
        yield from _decoded(container, stream, tally)
        announced = stream.frames
    if tally.skipped or 0 < tally.packets - tally.decoded <= _MOST_HELD_BACK:
        # Where a file breaks off, FFmpeg's threads drop the good frames they still hold, as many as there are
        # cores. One thread drops none, and makes what is read of a broken file the same on every machine.
        again = _Tally()
        with _opened(path, threads="NONE") as (container, stream):
            yield from islice(_decoded(container, stream, again), tally.decoded, None)
        vars(tally).update(vars(again))
    tally.announced = announced


def _decoded(container: InputContainer, stream: VideoStream, tally: _Tally) -> Iterator[av.VideoFrame]:
    """Decode on over whatever breaks in between, keeping the tally."""
    for packet in _packets(container, stream, tally):
        tally.packets += packet.size > 0
        try:
            frames = packet.decode()
        except (av.FFmpegError, OSError) as error:
            tally.skip(error)
            continue
        for frame in frames:
            tally.decoded += 1
            tally.damaged += bool(frame.is_corrupt)
            yield frame


def _packets(container: InputContainer, stream: VideoStream, tally: _Tally) -> Iterator[av.Packet[VideoStream]]:
    """Packets of a stream; a reading error is passed over unless they go on and on."""
    for _ in range(_MOST_READ_ERRORS):
        try:
            yield from container.demux(stream)
            return
        except (av.FFmpegError, OSError) as error:  # noqa: PERF203 - a broken file is the point
            tally.skip(error)


def _is_cover(stream: VideoStream) -> bool:
    disposition = getattr(stream, "disposition", 0)
    return bool(int(disposition) & 0x400)  # AV_DISPOSITION_ATTACHED_PIC


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns that bring the picture upright."""
    return round(getattr(frame, "rotation", 0) / 90) % 4


def _announced(container: InputContainer, stream: VideoStream, fps: float | None) -> int | None:
    if stream.frames:
        return int(stream.frames)
    if container.duration and fps:
        return max(1, round(container.duration / 1e6 * fps))
    return None


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
