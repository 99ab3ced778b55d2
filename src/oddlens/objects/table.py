"""Boxes of whole videos as one parquet file."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import ArrayLike, NDArray

from oddlens.errors import DataError
from oddlens.files import atomic_path
from oddlens.objects.boxes import Boxes, as_boxes
from oddlens.objects.settings import SOURCES, BoxSource

_KEY = b"oddlens.boxes"
_VERSION = 1
_SIDES = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True)
class BoxVideo:
    """A video that boxes belong to."""

    name: str
    frames: int
    """Frames it has, with and without boxes."""
    width: int
    height: int
    fingerprint: str = ""
    """SHA-256 of its files."""


@dataclass(frozen=True)
class FrameBoxes:
    """Boxes of one frame with where they come from."""

    boxes: Boxes
    sources: NDArray[np.int8]
    """`(n,)`, places in `oddlens.objects.settings.SOURCES`."""
    scores: NDArray[np.float32]
    """`(n,)`: of detections and of ready boxes that have any; NaN for all others."""

    def __len__(self) -> int:
        return len(self.boxes)

    def of(self, source: BoxSource) -> Boxes:
        """The boxes of one source."""
        return as_boxes(self.boxes[self.sources == SOURCES.index(source)])

    @classmethod
    def made_by(cls, source: BoxSource, boxes: ArrayLike, scores: ArrayLike | None = None) -> FrameBoxes:
        """Boxes that all come from `source`."""
        whole = as_boxes(boxes)
        known = np.full(len(whole), np.nan, np.float32) if scores is None else np.asarray(scores, np.float32)
        return cls(whole, np.full(len(whole), SOURCES.index(source), np.int8), known)

    @classmethod
    def pooled(cls, parts: list[FrameBoxes]) -> FrameBoxes:
        """Boxes of several sources, one after the other."""
        return cls(
            np.concatenate([as_boxes([]), *(part.boxes for part in parts)]),
            np.concatenate([np.zeros(0, np.int8), *(part.sources for part in parts)]),
            np.concatenate([np.zeros(0, np.float32), *(part.scores for part in parts)]),
        )


class BoxTable:
    """Boxes of videos, collected frame by frame in little memory.

    Args:
        settings: what the boxes were found with, plain values; they go into the file.
        provenance: whatever else tells where the boxes come from, plain values.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None, provenance: Mapping[str, Any] | None = None) -> None:
        self.settings, self.provenance = dict(settings or {}), dict(provenance or {})
        self.videos: list[BoxVideo] = []
        self._places = array("i")
        self._frames = array("i")
        self._sources = array("b")
        self._corners, self._scores = array("f"), array("f")

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: int, found: FrameBoxes) -> None:
        """Append the boxes of frame `frame` of the video that `close` will name next."""
        count = len(found)
        self._places.extend([len(self.videos)] * count)
        self._frames.extend([frame] * count)
        self._sources.frombytes(found.sources.tobytes())
        self._corners.frombytes(found.boxes.astype(np.float32).tobytes())
        self._scores.frombytes(found.scores.tobytes())

    def discard(self) -> None:
        """Forget the boxes added since the last `close`."""
        places = np.asarray(self._places)
        start = int(np.searchsorted(places, len(self.videos)))
        del places  # an array that is looked at cannot shrink
        for column in (self._places, self._frames, self._sources, self._scores):
            del column[start:]
        del self._corners[4 * start :]

    def close(self, video: BoxVideo) -> None:
        """The boxes added since the last call are those of `video`.

        Raises:
            DataError: there is a video of that name already.
        """
        if any(video.name == known.name for known in self.videos):
            raise DataError(video.name, "there are two videos of this name", "rename one")
        self.videos.append(video)

    def counts(self) -> dict[str, NDArray[np.int64]]:
        """For every video, the number of boxes of each of its frames, `(L,)`."""
        places, frames = np.asarray(self._places), np.asarray(self._frames)
        return {
            video.name: np.bincount(frames[places == k], minlength=video.frames).astype(np.int64)
            for k, video in enumerate(self.videos)
        }

    def by_source(self) -> dict[str, dict[str, int]]:
        """For every video, the number of boxes of each source that gave any."""
        places, sources = np.asarray(self._places), np.asarray(self._sources)
        totals = {v.name: np.bincount(sources[places == k], minlength=len(SOURCES)) for k, v in enumerate(self.videos)}
        return {name: {s: int(n) for s, n in zip(SOURCES, total) if n} for name, total in totals.items()}

    def write(self, path: str | Path) -> None:
        """Write `video`, `frame`, `x1`, `y1`, `x2`, `y2`, `source` and `score`, whole or not at all.

        The sizes of the videos, their fingerprints and the settings stand in the metadata of the schema, as JSON under
        `oddlens.boxes`.

        Raises:
            OddLensError: the folder cannot be written.
        """
        corners = np.asarray(self._corners, np.float32).reshape(-1, 4)
        scores = np.asarray(self._scores, np.float32)
        columns: dict[str, Any] = {
            "video": _named(np.asarray(self._places, np.int32), [video.name for video in self.videos]),
            "frame": pa.array(np.asarray(self._frames, np.int32)),
            **{name: pa.array(corners[:, k]) for k, name in enumerate(_SIDES)},
            "source": _named(np.asarray(self._sources, np.int8), list(SOURCES)),
            "score": pa.array(scores, mask=np.isnan(scores)),
        }
        about = {
            "version": _VERSION,
            "videos": [asdict(video) for video in self.videos],
            "settings": self.settings,
            "provenance": self.provenance,
        }
        table = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(about).encode()})
        with atomic_path(Path(path)) as temporary:
            parquet.write_table(table, temporary)


def read_about(schema: Any) -> dict[str, Any]:
    """What `BoxTable.write` noted in a schema; empty for files of others."""
    text = (schema.metadata or {}).get(_KEY)
    return dict(json.loads(text)) if text else {}


def _named(places: NDArray[Any], names: list[str]) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(places), pa.array(names, pa.string()))
