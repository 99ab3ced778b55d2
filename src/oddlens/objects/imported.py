"""Ready boxes: made before, by this program or another, and read from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from oddlens import safe_pickle
from oddlens.datasets.probe import footage_frames
from oddlens.errors import DataError
from oddlens.media.fingerprint import fingerprint_source
from oddlens.objects.boxes import Boxes, as_boxes, clipped
from oddlens.objects.table import read_about

_COLUMNS = ("video", "frame", "x1", "y1", "x2", "y2")
_FORMATS = "give .parquet (by 'oddlens boxes'), .csv with video,frame,x1,y1,x2,y2[,score], or .npy of one array a frame"
_LAST_FRAME = (1 << 31) - 1
_SHOWN = 5
"""Names that a message lists."""


@dataclass(frozen=True)
class _VideoBoxes:
    """Boxes of one video, ordered by frame."""

    frames: NDArray[np.int64]
    """`(n,)`: the frame each box is of."""
    boxes: Boxes
    scores: NDArray[np.float32]
    length: int | None = None
    """Frames the video has, where the file says so."""
    size: tuple[int, int] | None = None
    """Height and width of its frames, where the file says so."""
    fingerprint: str = ""
    """SHA-256 of the footage they were made for, where the file says so."""

    def rows(self, first: int, end: int) -> slice:
        """Where the boxes of frames `first` to `end` (excluded) stand."""
        low, high = np.searchsorted(self.frames, [first, end])
        return slice(int(low), int(high))


@dataclass(frozen=True)
class ReadyBoxes:
    """Boxes of a file by video and frame; read with `read_ready_boxes`."""

    file: Path
    videos: Mapping[str, _VideoBoxes] = field(default_factory=dict)
    numbered: _VideoBoxes | None = None
    """Boxes by running number over all videos of a split, as object arrays have them."""

    def for_videos(self, lengths: Mapping[str, int]) -> ReadyBoxes:
        """The same for the videos named, which boxes by running number are dealt out to in order.

        Args:
            lengths: frames of every video, in the order in which the file's maker had them.

        Raises:
            DataError: the file has other videos, or of other lengths.
        """
        if self.numbered is not None:
            return self._dealt_out(self.numbered, lengths)
        for name, length in lengths.items():
            video = self._video(name)
            known = video.length if video.length is not None else length
            beyond = int(video.frames[-1]) + 1 if len(video.frames) else 0
            if known != length or beyond > length:
                fault = f"is for {max(known, beyond)} frames of video '{name}', which has {length}"
                raise DataError(self.file, fault, "make the boxes again for this footage")
        return self

    def check_footage(self, name: str, path: str | Path) -> None:
        """Make sure that the boxes of video `name` were made for the footage at `path`.

        Raises:
            DataError: there are none, or they are of other footage: its content is not that which the file says the
                boxes are of or, where it says nothing, has fewer frames than have boxes.
            MediaError: the footage cannot be read.
        """
        video = self._video(name)
        if video.fingerprint:
            if video.fingerprint != fingerprint_source(path):
                fault = f"has boxes of another video '{name}' than {path}"
                raise DataError(self.file, fault, "make the boxes again for this footage")
        else:
            self.for_videos({name: footage_frames(path)})

    def of(self, video: str, index: int, height: int, width: int) -> tuple[Boxes, NDArray[np.float32]]:
        """Boxes of one frame, cut at its edges, and their scores (NaN where the file has none).

        Boxes that hold no pixel after that are left out.

        Raises:
            DataError: there are no boxes of this video or this frame, or they are of frames of another size: the
                file says so, or a box lies outside the frame.
        """
        known = self._video(video)
        if known.length is not None and not 0 <= index < known.length:
            fault = f"is for {known.length} frames of video '{video}', there is a frame {index}"
            raise DataError(self.file, fault, "make the boxes again for this footage")
        if known.size not in (None, (height, width)):
            assert known.size is not None
            fault = f"is for frames of {known.size[1]}x{known.size[0]} in video '{video}', these are {width}x{height}"
            raise DataError(self.file, fault, "make the boxes again for this footage")
        rows = known.rows(index, index + 1)
        boxes, kept = clipped(known.boxes[rows], height, width)
        if known.size is None:
            self._check_inside(known.boxes[rows], video, index, height, width)
        return boxes[kept], known.scores[rows][kept]

    def _video(self, name: str) -> _VideoBoxes:
        if self.numbered is not None:
            remedy = "run 'oddlens boxes FOOTAGE --ready FILE --out boxes.parquet' first and use that file"
            raise DataError(self.file, "has boxes by running number, and says nothing of videos", remedy)
        if name in self.videos:
            return self.videos[name]
        if not name and len(self.videos) == 1:  # footage without a name, and no doubt which is meant
            return next(iter(self.videos.values()))
        names = ", ".join(list(self.videos)[:_SHOWN]) + (", ..." if len(self.videos) > _SHOWN else "")
        raise DataError(self.file, f"has no boxes of video '{name}'", f"it has {names or 'none at all'}")

    def _check_inside(self, boxes: Boxes, video: str, index: int, height: int, width: int) -> None:
        outside = (boxes[:, :2] >= [width, height]).any(axis=1) | (boxes[:, 2:] <= 0).any(axis=1)
        if outside.any():
            place = boxes[outside][0].round(1).tolist()
            fault = f"box {place} of frame {index} of video '{video}' lies outside the {width}x{height} frame"
            raise DataError(self.file, fault, "the boxes were made for frames of another size: make them again")

    def _dealt_out(self, all_boxes: _VideoBoxes, lengths: Mapping[str, int]) -> ReadyBoxes:
        total = sum(lengths.values())
        if all_boxes.length != total:
            fault = f"has boxes for {all_boxes.length} frames, the videos named have {total}"
            raise DataError(self.file, fault, "name exactly the videos it was made for, in their order")
        videos, first = {}, 0
        for name, length in lengths.items():
            rows = all_boxes.rows(first, first + length)
            mine = all_boxes.frames[rows] - first, all_boxes.boxes[rows], all_boxes.scores[rows]
            videos[name] = _VideoBoxes(*mine, length)
            first += length
        return ReadyBoxes(self.file, videos)


def read_ready_boxes(path: str | Path) -> ReadyBoxes:
    """Read boxes from `.parquet`, `.csv` or `.npy`; nothing in the file is executed.

    * `.parquet` of `oddlens boxes`, or any with the columns of the csv.
    * `.csv`: `video,frame,x1,y1,x2,y2` and perhaps `score`, frames counted from 0, in any order.
    * `.npy`: an object array with one `(n, 4)` or, with scores, `(n, 5)` array a frame, for all videos of a split one
      after the other, as LBR-SPR and VEC_VAD keep them; give them their videos by `ReadyBoxes.for_videos`.

    Raises:
        DataError: the file cannot be read, lacks columns, or has a box that is inside out or no number.
    """
    file = Path(path).expanduser()
    readers = {".parquet": _read_parquet, ".csv": _read_csv, ".npy": _read_npy}
    if file.suffix.lower() not in readers:
        raise DataError(file, "is no file of boxes by its name", _FORMATS)
    if not file.is_file():
        raise DataError(file, "there is no such file of boxes", "check ready_boxes")
    try:
        return readers[file.suffix.lower()](file)
    except DataError:
        raise
    except Exception as error:  # there is no end to what a damaged file can raise
        raise DataError(file, f"cannot be read ({str(error)[:100]})", _FORMATS) from error


def _read_parquet(file: Path) -> ReadyBoxes:
    table = parquet.read_table(file)
    about = read_about(table.schema)
    videos = _by_video(file, _checked(file, _decoded(table).to_pandas()))
    for video in about.get("videos", []):
        found = videos.get(video["name"], _empty())
        size = (video["height"], video["width"])
        known = video["frames"], size, video.get("fingerprint", "")
        videos[video["name"]] = _VideoBoxes(found.frames, found.boxes, found.scores, *known)
    return ReadyBoxes(file, videos)


def _decoded(table: Any) -> Any:
    """Names as plain text, which they may not be in the file."""
    if "video" not in table.column_names:
        return table
    place = table.column_names.index("video")
    return table.set_column(place, "video", table.column(place).cast(pa.string()))


def _read_csv(file: Path) -> ReadyBoxes:
    return ReadyBoxes(file, _by_video(file, _checked(file, pd.read_csv(file, dtype={"video": str}))))


def _read_npy(file: Path) -> ReadyBoxes:
    with open(file, "rb") as stream:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        plain = not header(stream)[2].hasobject
        frames = None if plain else safe_pickle.load(stream, encoding="latin1")
    if plain:
        frames = np.load(file, allow_pickle=False)
    if not isinstance(frames, np.ndarray | list):
        raise DataError(file, "is no array of boxes", _FORMATS)
    tables = [_frame_table(file, k, frame) for k, frame in enumerate(frames)]
    counts = [len(table) for table in tables]
    rows = np.concatenate([np.zeros((0, 5), np.float32), *tables])
    _check(file, rows[:, :4])
    numbers = np.repeat(np.arange(len(tables)), counts)
    return ReadyBoxes(file, numbered=_VideoBoxes(numbers, as_boxes(rows[:, :4]), rows[:, 4].copy(), len(tables)))


def _frame_table(file: Path, number: int, frame: Any) -> NDArray[np.float32]:
    """Boxes and scores of one frame, `(n, 5)`."""
    try:
        rows = np.asarray(frame, dtype=np.float32)
    except (TypeError, ValueError):
        rows = np.zeros(0, np.float32).reshape(0, 0, 0)
    if rows.ndim < 3 and rows.size == 0:
        return np.zeros((0, 5), np.float32)
    if rows.ndim != 2 or rows.shape[1] not in (4, 5):
        shape = getattr(frame, "shape", type(frame).__name__)
        raise DataError(file, f"has no (n, 4) array for frame {number} but {shape}", _FORMATS)
    return rows if rows.shape[1] == 5 else np.column_stack([rows, np.full(len(rows), np.nan, np.float32)])


def _checked(file: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The columns that count, in the types they must have."""
    missing = [name for name in _COLUMNS if name not in table]
    if missing:
        raise DataError(file, f"lacks the column {missing[0]}", _FORMATS)
    numbers = table[[name for name in (*_COLUMNS[1:], "score") if name in table]].apply(pd.to_numeric)
    _check(file, numbers[list(_COLUMNS[2:])].to_numpy(np.float64))
    frames = numbers["frame"].to_numpy(np.float64)
    wrong = np.flatnonzero(~((frames >= 0) & (frames == np.floor(frames)) & np.isfinite(frames)))
    if len(wrong):
        fault = f"row {wrong[0]} is for frame {frames[wrong[0]]:g}"
        raise DataError(file, fault, "count frames from 0, in whole numbers")
    if len(frames) and frames.max() > _LAST_FRAME:
        fault = f"row {int(frames.argmax())} is for frame {frames.max():g}, which no video has"
        raise DataError(file, fault, "count frames from 0, in whole numbers")
    whole: pd.DataFrame = numbers.assign(video=table["video"].astype(str), frame=frames.astype(np.int64))
    return whole


def _check(file: Path, boxes: NDArray[Any]) -> None:
    """Refuse boxes that are no boxes; those without area are one, they only hold no pixel."""
    sides = boxes[:, 2:] - boxes[:, :2]
    wrong = np.flatnonzero(~np.isfinite(boxes).all(axis=1) | (sides < 0).any(axis=1))
    if len(wrong):
        fault = f"box {wrong[0]} is {boxes[wrong[0]].round(1).tolist()}"
        raise DataError(file, fault, "boxes are left, top, right, bottom, in pixels")


def _by_video(file: Path, table: pd.DataFrame) -> dict[str, _VideoBoxes]:
    ordered = table.sort_values("frame", kind="stable")
    return {str(name): _rows(rows) for name, rows in ordered.groupby("video", sort=True)}


def _rows(rows: pd.DataFrame) -> _VideoBoxes:
    boxes = as_boxes(rows[list(_COLUMNS[2:])].to_numpy(np.float32))
    scores = rows["score"] if "score" in rows else pd.Series(np.nan, rows.index)
    return _VideoBoxes(rows["frame"].to_numpy(np.int64), boxes, scores.to_numpy(np.float32, na_value=np.nan))


def _empty() -> _VideoBoxes:
    return _VideoBoxes(np.zeros(0, np.int64), as_boxes([]), np.zeros(0, np.float32))
