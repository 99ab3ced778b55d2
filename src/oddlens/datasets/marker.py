"""`oddlens.json`: what `data prepare` made a tree from, and whether it came to its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from oddlens.errors import DataError
from oddlens.files import read_json, write_json

MARKER = "oddlens.json"
_AGAIN = "run data prepare again"


@dataclass(frozen=True)
class Marker:
    """Origin of a prepared tree."""

    name: str
    fps: float | None
    to: str
    """`frames` or `videos`."""
    images: str
    """Suffix of the frames, with its dot; '' for videos."""
    label_version: str
    complete: bool = False
    left_out: tuple[str, ...] = ()
    """Videos that could not be converted."""

    def write(self, root: Path) -> None:
        """Write the marker into the tree `root`."""
        write_json(root / MARKER, asdict(self))


def is_prepared(root: Path) -> bool:
    """Whether `data prepare` wrote the tree: its name and frame rate are known then."""
    return (root / MARKER).is_file()


def read_marker(root: Path) -> Marker | None:
    """The marker of a prepared tree, None for any other.

    Raises:
        DataError: it is damaged.
    """
    if not is_prepared(root):
        return None
    table = read_json(root / MARKER)
    try:
        marker = Marker(**{**table, "left_out": tuple(table.get("left_out", ()))})
    except (TypeError, AttributeError) as error:
        raise DataError(root / MARKER, f"is not what data prepare writes ({error})", _AGAIN) from error
    return marker


def refuse_unfinished(root: Path) -> None:
    """Refuse a tree whose preparation was cut off.

    Raises:
        DataError: it is not complete.
    """
    marker = read_marker(root)
    if marker is not None and not marker.complete:
        raise DataError(root, "was prepared only in part", _AGAIN + " with the same settings: it goes on")
