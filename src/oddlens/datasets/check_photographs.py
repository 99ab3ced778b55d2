"""`oddlens data check` on photographs: every file read, masks compared, doublets found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from oddlens.datasets.masks import read_mask
from oddlens.datasets.open_photographs import open_photographs
from oddlens.datasets.photographs import Photograph, PhotographSet
from oddlens.errors import OddLensError
from oddlens.files import fingerprint_file
from oddlens.media.images import read_image

if TYPE_CHECKING:
    from rich.console import Group

_FEW = 10
"""Good photographs below which hardly anything can be learned."""
_SIZES = 3


@dataclass(frozen=True)
class PhotographRow:
    """All photographs of one split and kind."""

    split: str
    kind: str
    """'' where nobody said."""
    photographs: int
    readable: int
    sizes: tuple[tuple[int, int], ...]
    """Width and height, the most frequent first."""
    channels: tuple[int, ...]
    masks: int


@dataclass(frozen=True)
class PhotographReport:
    """What a set of photographs holds, what is wrong (`faults`) and what is merely worth knowing (`notes`)."""

    name: str
    layout: str
    root: Path
    rows: tuple[PhotographRow, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class _Findings:
    sizes: Counter[tuple[int, int]]
    channels: set[int]
    faults: list[str]
    resized: list[str]
    """Photographs whose mask has another size."""


def check_photographs(
    root: str | Path, layout: str = "auto", *, progress: Callable[[str], None] = lambda name: None
) -> PhotographReport:
    """Read every photograph and every mask of a set.

    Args:
        root: its folder, or a glob.
        layout: as for `open_photographs`.
        progress: called with each photograph's name before it is read.

    Raises:
        DataError: no layout is recognised. All other faults are in the report.
    """
    found = open_photographs(root, layout)
    rows, faults, notes = [], list(found.faults), list(found.notes)
    for split, items in (("train", found.train), ("held out", found.held_out), ("test", found.test)):
        for kind in dict.fromkeys(item.kind for item in items):
            group = [item for item in items if item.kind == kind]
            seen = _look(group, progress)
            faults += seen.faults
            if seen.resized:
                notes.append(f"{len(seen.resized)} masks of {split} {kind} differ in size from their photographs")
            sizes = tuple(size for size, _ in seen.sizes.most_common())
            masks = sum(item.mask is not None for item in group)
            rows.append(
                PhotographRow(split, kind, len(group), sum(seen.sizes.values()), sizes, tuple(seen.channels), masks)
            )
    faults += _missing(found) + _doublets(found)
    notes += _notes(found, rows)
    return PhotographReport(found.name, found.layout, found.root, tuple(rows), tuple(faults), tuple(notes))


def _look(group: Sequence[Photograph], progress: Callable[[str], None]) -> _Findings:
    found = _Findings(Counter(), set(), [], [])
    for item in group:
        progress(item.name)
        try:
            height, width, channels = read_image(item.path).shape
            found.sizes[width, height] += 1
            found.channels.add(channels)
            if item.mask is None:
                continue
            mask = read_mask(item.mask)
            if not mask.any():
                found.faults.append(f"{item.mask}: marks no pixel")
            if mask.shape != (height, width):
                found.resized.append(item.name)
        except OddLensError as error:
            found.faults.append(str(error))
    return found


def _missing(found: PhotographSet) -> list[str]:
    return [] if found.train else ["there is no good photograph to learn from"]


def _doublets(found: PhotographSet) -> list[str]:
    """Test photographs that were learned from; content is read only where sizes in bytes are equal."""
    by_size: dict[int, list[Photograph]] = {}
    for item in (*found.train, *found.held_out, *found.test):
        by_size.setdefault(item.path.stat().st_size, []).append(item)
    faults = []
    for items in by_size.values():
        if {item.split for item in items} == {"train", "test"}:
            content = {item.name: fingerprint_file(item.path) for item in items}
            learned = {content[item.name]: item.name for item in items if item.split == "train"}
            twins = [(item.name, learned.get(content[item.name])) for item in items if item.split == "test"]
            faults += [f"{name} is also {twin}" for name, twin in twins if twin is not None]
    return faults


def _notes(found: PhotographSet, rows: Sequence[PhotographRow]) -> list[str]:
    notes = []
    sizes = dict.fromkeys(size for row in rows for size in row.sizes)
    if len(sizes) > 1:
        listed = ", ".join(_size(size) for size in list(sizes)[:_SIZES]) + (", ..." if len(sizes) > _SIZES else "")
        notes.append(f"photographs differ in size: {listed}; each is brought to the method's")
    if 0 < len(found.train) < _FEW:
        notes.append(f"only {len(found.train)} good photographs to learn from")
    unmarked = sum(item.label == 1 and item.mask is None for item in found.test)
    if unmarked == sum(item.label == 1 for item in found.test) > 0:
        notes.append("no defect has a mask: no pixel numbers")
    if unknown := sum(item.label is None for item in found.test):
        notes.append(f"{unknown} test photographs are of no known kind and are left out of evaluations")
    return notes


def render_photographs(report: PhotographReport) -> Group:
    """Table and findings for a rich console."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    title = f"{report.name} ({report.layout} layout): {report.root}"
    table = Table("split", "kind", title=Text(title), title_justify="left")
    for heading in ("photographs", "size", "channels", "masks"):
        table.add_column(heading, justify="right")
    for row in report.rows:
        size = _size(row.sizes[0]) + (" ..." if len(row.sizes) > 1 else "") if row.sizes else "-"
        broken = row.photographs - row.readable
        count = f"{row.photographs}" + (f" ({broken} broken)" if broken else "")
        channels = ", ".join(map(str, sorted(row.channels))) or "-"
        masks = str(row.masks) if row.masks else "-"
        table.add_row(*map(Text, (row.split, row.kind or "not known", count, size, channels, masks)))
    lines = [Text(f"fault: {fault}", style="red") for fault in report.faults]
    lines += [Text(f"note: {note}") for note in report.notes]
    if not report.faults:
        lines.append(Text("no faults found", style="green"))
    return Group(table, *lines)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
