"""One way to open whatever frames come from, and what a list of inputs on the command line means."""

from __future__ import annotations

import glob
import math
from collections.abc import Sequence
from pathlib import Path

from oddlens.errors import MediaError
from oddlens.media.formats import files_in, is_image, is_pattern, is_video, matching, natural_order
from oddlens.media.images import ImageFolder
from oddlens.media.locate import underlying_files
from oddlens.media.source import Colour, Source
from oddlens.media.video import VideoFile

_FRAMES_FOLDER = "frames"
_TRUTH_FOLDERS = frozenset({"masks", "mask", "ground_truth", "test_frame_mask", "test_pixel_mask"})


def open_source(where: str | Path, *, colour: Colour = "native", fps: float | None = None) -> Source:
    """Open a video file, a folder of images, a glob of images, or a single image as a one-frame source.

    Args:
        where: path or glob. Images are ordered by name, numbers by value; hidden files are passed over.
        colour: `native` keeps grey as C = 1 and colour as C = 3; `grey` and `rgb` convert while decoding.
        fps: frame rate to assume for images, which carry none. Without it `info.fps` is None and times are
            counted at 25 frames a second. Videos keep their own time stamps.

    Raises:
        MediaError: it is missing, holds no frames, or cannot be decoded.
    """
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise MediaError(where, f"a frame rate of {fps} makes no sense", "give frames a second, above 0")
    files = underlying_files(where)
    if is_image(files[0]):
        return ImageFolder(files, path=str(where), name=_name(Path(where), files), colour=colour, fps=fps)
    return VideoFile(files[0], colour=colour)


def expand_inputs(inputs: Sequence[str | Path]) -> list[Path | str]:
    """Expand inputs into sources that `open_source` takes, in order and each once; nothing is decoded.

    * A file is itself, whatever its suffix.
    * A folder of images is one source; a folder of videos or of image folders is as many: one level down, and
      the sequences `frames/NN` of the customary data sets. Folders of masks are passed over.
    * A glob is every video and folder that matches; matching images are one source per folder they lie in.

    Raises:
        MediaError: an input is missing or holds nothing to read, or a folder mixes videos with images.
    """
    sources: list[Path | str] = []
    for given in inputs:
        sources += _from_pattern(str(given)) if is_pattern(given) else _from_path(Path(given))
    if not sources:
        raise MediaError("input", "nothing was named", "name a video, a folder of images or a glob")
    return list(dict.fromkeys(sources))


def _name(where: Path, files: list[Path]) -> str:
    if where.is_dir():
        return where.resolve().name
    return files[0].stem if len(files) == 1 else files[0].resolve().parent.name


def _from_path(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise MediaError(path, "there is no such file or folder", "check the path")
    found = _from_folder(path)
    if not found:
        raise MediaError(path, "holds no videos, images or folders of images", "name the folder that does")
    return found


def _from_folder(folder: Path) -> list[Path]:
    sources = _direct(folder)
    if sources == [folder]:
        return sources
    for child in _subfolders(folder):
        direct = _direct(child)
        if direct == [child]:
            sources.append(child)
        elif child.name == _FRAMES_FOLDER:
            sources += direct + [found for nested in _subfolders(child) for found in _direct(nested)]
    return sources


def _direct(folder: Path) -> list[Path]:
    """The folder itself if it holds images, or else the videos in it."""
    files = files_in(folder)
    videos = [path for path in files if is_video(path)]
    images = sum(map(is_image, files))
    if videos and images:
        raise MediaError(
            folder,
            f"holds {len(videos)} videos and {images} images side by side",
            "say which with a glob, such as '*.mp4'",
        )
    return [folder] if images else videos


def _subfolders(folder: Path) -> list[Path]:
    folders = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return natural_order(path for path in folders if not _is_truth(path))


def _is_truth(folder: Path) -> bool:
    return folder.name in _TRUTH_FOLDERS or folder.name.endswith("_gt")


def _from_pattern(pattern: str) -> list[Path | str]:
    tail = Path(pattern).name.replace("**", "*")
    sources: list[Path | str] = []
    for path in matching(pattern):
        if path.is_dir():
            sources += [] if _is_truth(path) else _from_folder(path)
        elif is_video(path):
            sources.append(path)
        elif is_image(path):
            sources.append(str(Path(glob.escape(str(path.parent))) / tail))
    if not sources:
        raise MediaError(pattern, "no video, image or folder of images matches", "check the pattern")
    return sources
