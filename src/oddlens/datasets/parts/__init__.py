"""Generated photographs of machined plates, and what can be wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oddlens.datasets.parts.defects import KINDS
    from oddlens.datasets.parts.generate import generate_parts
    from oddlens.datasets.parts.plate import Plate, draw_plate

__all__ = ["KINDS", "Plate", "draw_plate", "generate_parts"]

_HOME = {"KINDS": "defects", "generate_parts": "generate"}


def __getattr__(name: str) -> Any:
    # Drawing needs OpenCV, which a mere `oddlens --help` must not wait for.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'plate')}"), name)
