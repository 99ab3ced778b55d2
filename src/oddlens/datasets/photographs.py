"""What a set of photographs is: good ones to learn from, and ones to judge, of known kinds and with masks or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

GOOD = "good"
"""Kind of a photograph without a defect."""
GOOD_NAMES = (GOOD, "ok")
"""Folders that hold photographs without defects (`ok`: BTAD)."""


@dataclass(frozen=True)
class Photograph:
    """One photograph; unlike the frames of a video it stands for itself, in its own size."""

    name: str
    """Its path in the set, with slashes: unique there."""
    path: Path
    split: Literal["train", "test"]
    kind: str = ""
    """`good`, the name of its defect, or '' where nobody said."""
    mask: Path | None = None
    """Picture of the defect's pixels, of the photograph's size or another."""

    @property
    def label(self) -> int | None:
        """1 = defective, 0 = good, None where nobody said."""
        return None if not self.kind else int(self.kind != GOOD)


@dataclass(frozen=True)
class PhotographSet:
    """Photographs of one kind of thing: `train` is taken to be good, `test` may carry kinds and masks."""

    name: str
    """Of the category (`screw`), or of the folder."""
    layout: str
    root: Path
    train: tuple[Photograph, ...] = ()
    test: tuple[Photograph, ...] = ()
    held_out: tuple[Photograph, ...] = ()
    """Good ones that the set itself puts aside for validation (MVTec AD 2)."""
    faults: tuple[str, ...] = field(default_factory=tuple)
    """What does not fit together and is left out, one line each: masks without a photograph, defects without mask."""
    notes: tuple[str, ...] = field(default_factory=tuple)
    """What is worth knowing, one line each."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Defects of the test photographs, in order."""
        return tuple(dict.fromkeys(item.kind for item in self.test if item.label))
