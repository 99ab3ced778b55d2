"""Which files on disk a source is made of."""

from __future__ import annotations

from pathlib import Path

from oddlens.errors import MediaError
from oddlens.media.formats import files_in, is_image, is_pattern, is_video, matching


def underlying_files(where: str | Path) -> list[Path]:
    """The one video file, or the images in order, that `open_source(where)` reads; nothing is decoded.

    Raises:
        MediaError: there is no such file, or it is several sources.
    """
    path = Path(where)
    if is_pattern(where):
        return _matching_files(str(where))
    if path.is_dir():
        return _images_of(path)
    if not path.exists():
        raise MediaError(where, "there is no such file or folder", "check the path")
    return [path]


def _matching_files(pattern: str) -> list[Path]:
    matches = matching(pattern)
    images, videos = [p for p in matches if is_image(p)], [p for p in matches if is_video(p)]
    if images and not videos:
        return images
    if len(videos) == 1 and not images:
        return videos
    if not videos:
        raise MediaError(pattern, "no image or video matches", "check the pattern")
    raise MediaError(pattern, f"matches {len(videos)} videos and {len(images)} images", "name one source at a time")


def _images_of(folder: Path) -> list[Path]:
    files = files_in(folder)
    images = [path for path in files if is_image(path)]
    if images:
        return images
    videos = sum(map(is_video, files))
    if videos:
        raise MediaError(folder, f"holds {videos} videos, not images", "name one of the videos")
    raise MediaError(folder, "holds no images", "name a video file or a folder of images")
