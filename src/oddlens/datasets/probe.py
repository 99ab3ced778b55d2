"""How long a video really is: packets are counted, since headers lie; nothing is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.trees import count_images
from oddlens.errors import MediaError
from oddlens.media.formats import is_image
from oddlens.media.locate import underlying_files


@contextmanager
def _video_stream(path: Path) -> Iterator[tuple[Any, Any]]:
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise MediaError(path, "it has no video stream", "give a file with a picture track")
            yield container, container.streams.video[0]
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(path, f"cannot be read as a video ({error})", "replace or remove the file") from error


def frame_times(path: Path) -> NDArray[np.float64]:
    """Presentation times of a video file's frames, `(L,)` seconds from the first frame, ascending.

    Raises:
        MediaError: the file is no video.
    """
    with _video_stream(path) as (container, stream):
        packets = [p for p in container.demux(stream) if p.size and not p.is_discard]
        stamps = [p.pts if p.pts is not None else p.dts for p in packets]
        if any(stamp is None for stamp in stamps):
            return np.arange(len(stamps)) / float(stream.average_rate or 25)
        times = np.sort(np.array(stamps, np.float64)) * float(stream.time_base)
    return times - times[0] if len(times) else times


def count_frames(path: Path) -> int:
    """Frames of a folder of images, or of a video file by its packets.

    Raises:
        MediaError: a file that is no video.
    """
    return count_images(path) if path.is_dir() else len(frame_times(path))


def footage_frames(path: str | Path) -> int:
    """Frames of a video or of a folder or glob of images, without decoding.

    Raises:
        MediaError: there is none, or a file is no video.
    """
    files = underlying_files(path)
    return len(files) if is_image(files[0]) else count_frames(files[0])


def end_decodes(path: Path) -> bool:
    """Whether the frames after a video's last key frame can be decoded.

    Raises:
        MediaError: the file is no video.
    """
    with _video_stream(path) as (container, stream):
        stamps = [p.pts for p in container.demux(stream) if p.size and p.is_keyframe and p.pts is not None]
    with _video_stream(path) as (container, stream):
        if stamps:
            container.seek(stamps[-1], stream=stream, backward=True)
        try:
            return sum(1 for _ in container.decode(stream)) > 0
        except av.error.FFmpegError:
            return False
