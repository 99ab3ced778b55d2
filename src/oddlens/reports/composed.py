"""What all videos that are composed frame by frame share."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from oddlens.media.writer import VideoWriter

if TYPE_CHECKING:
    from typing_extensions import Self


class ComposedVideo:
    """Context manager round a video writer; nothing is kept on failure.

    Args:
        path: video to write.
        fps: frames a second.

    Raises:
        MediaError: the video cannot be written.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self._writer = VideoWriter(path, fps)

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, trace)
