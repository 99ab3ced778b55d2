"""What `data check` found, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oddlens.datasets.base import Video

if TYPE_CHECKING:
    from rich.console import Group


@dataclass(frozen=True)
class CheckRow:
    """One video."""

    split: str
    video: str
    frames: int
    width: int = 0
    height: int = 0
    fps: float | None = None
    channels: int = 0
    labelled: bool = False
    abnormal: int | None = None
    """Abnormal frames; None without labels."""
    mask_frames: int | None = None
    """Frames that have a mask; None without masks."""

    @property
    def abnormal_share(self) -> float | None:
        """Share of abnormal frames in 0..1; None without labels."""
        return self.abnormal / self.frames if self.abnormal is not None and self.frames else None


@dataclass(frozen=True)
class CheckReport:
    """All videos of a data set, with what is wrong (`faults`) and what is merely worth knowing (`notes`)."""

    name: str
    layout: str
    root: Path
    label_version: str
    rows: tuple[CheckRow, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    def total(self, split: str) -> CheckRow:
        """Sums over the videos of `split`; sizes, channels and rates only where all agree."""
        rows = [row for row in self.rows if row.split == split]
        same = {key: {getattr(row, key) for row in rows} for key in ("width", "height", "fps", "channels")}
        common: dict[str, Any] = {key: values.pop() for key, values in same.items() if len(values) == 1}
        counts: dict[str, Any] = {
            key: sum(known) if (known := [n for row in rows if (n := getattr(row, key)) is not None]) else None
            for key in ("abnormal", "mask_frames")
        }
        labelled = bool(rows) and all(row.labelled for row in rows)
        frames = sum(row.frames for row in rows)
        return replace(
            CheckRow(split, f"{len(rows)} video" + ("" if len(rows) == 1 else "s"), frames, labelled=labelled),
            **common,
            **counts,
        )


def describe(video: Video) -> str:
    """How messages name a video: split and name, since both splits may hold an `01`."""
    return f"{video.split} {video.name}"


def render(report: CheckReport, every_video: bool = True) -> Group:
    """Table and findings for a rich console; without `every_video` only the totals of both splits."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    title = f"{report.name} ({report.layout} layout): {report.root}"
    table = Table("split", "video", title=Text(title), title_justify="left")
    for heading in ("frames", "size", "fps", "channels", "abnormal", "masks"):
        table.add_column(heading, justify="right")
    for split in ("train", "test"):
        rows = [row for row in report.rows if row.split == split]
        for row in rows if every_video else []:
            table.add_row(*map(Text, _cells(row)))
        if rows:
            table.add_row(*_cells(report.total(split)), style="bold", end_section=True)
    lines = [Text(f"labels: {report.label_version or 'none'}")]
    lines += [Text(f"fault: {fault}", style="red") for fault in report.faults]
    lines += [Text(f"note: {note}") for note in report.notes]
    if not report.faults:
        lines.append(Text("no faults found", style="green"))
    return Group(table, *lines)


def _cells(row: CheckRow) -> list[str]:
    share = row.abnormal_share
    return [
        row.split,
        row.video,
        str(row.frames),
        f"{row.width}x{row.height}" if row.width and row.height else "-",
        f"{row.fps:g}" if row.fps else "-",
        str(row.channels or "-"),
        "-" if share is None else f"{row.abnormal} ({share:.1%})",
        "-" if row.mask_frames is None else str(row.mask_frames),
    ]
