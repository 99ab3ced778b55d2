"""Which frames are normal, which are test, and their labels and masks; loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "DataSet": "base",
    "Labels": "base",
    "MaskReader": "base",
    "Photograph": "photographs",
    "PhotographSet": "photographs",
    "Video": "base",
    "check_dataset": "check",
    "check_labels": "labels",
    "check_photographs": "check_photographs",
    "open_dataset": "open",
    "open_photographs": "open_photographs",
    "prepare": "prepare",
    "recognise": "open",
    "recognise_photographs": "open_photographs",
    "render": "report",
    "render_photographs": "check_photographs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
