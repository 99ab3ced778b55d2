"""`labels.csv` for own footage: which stretches of which test video are abnormal."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import Labels, Video
from oddlens.datasets.probe import count_frames, frame_times
from oddlens.errors import DataError

_COLUMNS = "video,start,end[,unit]"
_UNLABELLED = "unlabelled"
_UNITS = ("frame", "seconds", _UNLABELLED)
_SHOWN_FAULTS = 5


def read_intervals(path: Path, videos: Sequence[Video]) -> list[Labels | None]:
    """Labels of all test `videos`; a video that the file does not name is normal throughout.

    Columns `video,start,end` and optionally `unit`: `frame` (default) counts from 0, `start` is the first
    abnormal frame and `end` the first one after it; `seconds` count from the first frame, and a frame at t is
    abnormal where start <= t < end. `video` is the video's name with or without its suffix. Semicolons
    work as well. The unit `unlabelled` (start and end empty) says that nobody looked at the video.

    Raises:
        DataError: every line at fault, up to five: unknown video, start not before end, beyond the end.
    """
    labels: dict[str, Labels | None] = {v.name: np.zeros(count_frames(v.path), np.uint8) for v in videos}
    known = {name: video for video in videos for name in (video.path.name, video.name)}
    faults = [fault for line, row in _rows(path) if (fault := _apply(line, row, known, labels))]
    if faults:
        more = f" and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        raise DataError(path, ", ".join(faults[:_SHOWN_FAULTS]) + more, f"correct the lines ({_COLUMNS})")
    return [labels[video.name] for video in videos]


def write_intervals(path: Path, labels: dict[str, Labels | None]) -> None:
    """Write labels as `read_intervals` reads them, in frames."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["video", "start", "end", "unit"])
        for name, row in labels.items():
            if row is None:
                writer.writerow([name, "", "", _UNLABELLED])
                continue
            edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
            writer.writerows([name, first, last, "frame"] for first, last in edges.reshape(-1, 2).tolist())


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte-order mark
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path, f"cannot be read ({error})", "save it as CSV in UTF-8") from error
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in header and "," not in header else ",")
    columns = [(name or "").strip().lower() for name in reader.fieldnames or []]
    if missing := {"video", "start", "end"} - set(columns):
        raise DataError(path, f"lacks the columns {', '.join(sorted(missing))}", f"begin it with {_COLUMNS}")
    reader.fieldnames = columns
    rows = [(reader.line_num, {k: (row[k] or "").strip() for k in columns if k}) for row in reader]
    return [(line, row) for line, row in rows if any(row.values())]


def _apply(line: int, row: dict[str, str], known: dict[str, Video], labels: dict[str, Labels | None]) -> str:
    """Mark one row's frames in `labels`; the fault if there is one."""
    try:
        video = _find(row["video"], known)
        unit = row.get("unit", "") or "frame"
        if unit not in _UNITS:
            raise ValueError(f"unit {unit!r} is none of {', '.join(_UNITS)}")
        marked = labels[video.name]
        if unit == _UNLABELLED:
            labels[video.name] = None
        elif marked is None:
            raise ValueError(f"{video.name!r} is said to be unlabelled")
        else:
            first, last = _frames(row, unit, video, len(marked))
            marked[first:last] = 1
    except ValueError as error:
        return f"line {line}: {error}"
    return ""


def _find(name: str, known: dict[str, Video]) -> Video:
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    raise ValueError(f"there is no test video {name!r}" + (f", the closest is {close[0]!r}" if close else ""))


def _frames(row: dict[str, str], unit: str, video: Video, length: int) -> tuple[int, int]:
    """First abnormal frame and the first after it."""
    start, end = _number(row["start"]), _number(row["end"])
    if not 0 <= start < end:
        raise ValueError(f"start {row['start']} is not before end {row['end']}, or below 0")
    if unit == "seconds":
        return _seconds(start, end, video)
    if start % 1 or end % 1:
        raise ValueError("frames are whole numbers, or the unit is seconds")
    if end > length:
        raise ValueError(f"end {int(end)} is beyond the {length} frames of {video.name!r}")
    return int(start), int(end)


def _seconds(start: float, end: float, video: Video) -> tuple[int, int]:
    if video.path.is_dir():
        raise ValueError(f"{video.name!r} is a folder of images without a frame rate, so the unit must be frame")
    times: NDArray[np.float64] = frame_times(video.path)
    # The last frame is shown for a while too, and durations on a player's clock are rounded to whole seconds.
    if end > times[-1] + 1:
        raise ValueError(f"end {end:g} s is beyond the {times[-1]:.2f} s of {video.name!r}")
    first, last = np.searchsorted(times, [start, end])
    return int(first), int(last)


def _number(text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value
