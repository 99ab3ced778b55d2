"""The generated surveillance scene: a lit walkway, its walkers, and what should not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oddlens.datasets.walkway.anomalies import KINDS, Anomaly
    from oddlens.datasets.walkway.generate import generate_walkway
    from oddlens.datasets.walkway.scene import Clip, render_clip

__all__ = ["KINDS", "Anomaly", "Clip", "generate_walkway", "render_clip"]

_HOME = {"KINDS": "anomalies", "Anomaly": "anomalies", "generate_walkway": "generate"}


def __getattr__(name: str) -> Any:
    # Painting and encoding need OpenCV and PyAV, which a mere `oddlens --help` must not wait for.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'scene')}"), name)
