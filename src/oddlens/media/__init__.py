"""Frames in from video files and images, pictures and videos out."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Colour": "source",
    "ImageFolder": "images",
    "Source": "source",
    "SourceInfo": "source",
    "VideoFile": "video",
    "VideoWriter": "writer",
    "expand_inputs": "open",
    "fingerprint_source": "fingerprint",
    "fit": "resize",
    "open_source": "open",
    "write_image": "writer",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: PyAV and OpenCV are slow to load."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted(_HOMES)
