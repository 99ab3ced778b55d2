"""OddLens learns what normal looks like from video or photographs, then shows when and where something departs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oddlens.datasets.open import open_dataset
    from oddlens.datasets.open_photographs import open_photographs
    from oddlens.errors import OddLensError
    from oddlens.evaluation.evaluate import evaluate
    from oddlens.media.open import open_source
    from oddlens.methods import register
    from oddlens.scoring.detector import Detector
    from oddlens.training.run import train
    from oddlens.training.stages import train_stages

__version__ = "0.1.0"

_PUBLIC = {
    "Detector": "oddlens.scoring.detector",
    "OddLensError": "oddlens.errors",
    "evaluate": "oddlens.evaluation.evaluate",
    "open_dataset": "oddlens.datasets.open",
    "open_photographs": "oddlens.datasets.open_photographs",
    "open_source": "oddlens.media.open",
    "register": "oddlens.methods",
    "train": "oddlens.training.run",
    "train_stages": "oddlens.training.stages",
}
__all__ = [
    "Detector",
    "OddLensError",
    "evaluate",
    "open_dataset",
    "open_photographs",
    "open_source",
    "register",
    "train",
    "train_stages",
]


def __getattr__(name: str) -> Any:
    """Import the public names on first use, so that importing the package costs nothing."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'oddlens' has no attribute '{name}'")
