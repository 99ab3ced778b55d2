"""Kinds of arguments and options, with readable placeholders in the help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

Text = Annotated[str | None, tyro.conf.arg(metavar="TEXT")]
File = Annotated[Path | None, tyro.conf.arg(metavar="PATH")]
Whole = Annotated[int | None, tyro.conf.arg(metavar="INT")]
Number = Annotated[float | None, tyro.conf.arg(metavar="NUMBER")]
ModeName = Annotated[Literal["exact", "fast"] | None, tyro.conf.arg(metavar="{exact,fast}")]
DeviceName = Annotated[Literal["auto", "cpu", "cuda", "mps"] | None, tyro.conf.arg(metavar="{auto,cpu,cuda,mps}")]
PaceName = Annotated[
    Literal["none", "hard", "linear", "huber", "mixture"] | None,
    tyro.conf.arg(metavar="{none,hard,linear,huber,mixture}"),
]
StagesName = Annotated[
    Literal["generator", "destroyer", "both"] | None, tyro.conf.arg(metavar="{generator,destroyer,both}")
]
SplitName = Annotated[Literal["train", "test", "merge"] | None, tyro.conf.arg(metavar="{train,test,merge}")]
DetectorFolder = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DETECTOR")]
Inputs = Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="INPUT...")]
MethodName = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="METHOD")]
