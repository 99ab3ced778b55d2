"""What the toy experiment may be told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oddlens.config import Settings
from oddlens.errors import SettingsError
from oddlens.nn.quantiser import Start


@dataclass(frozen=True, kw_only=True)
class ToySettings(Settings):
    """Everything that decides what a model learns, besides the digits and the seed.

    Raises:
        SettingsError: a number that makes no sense.
    """

    iterations: int = 300
    batch_size: int = 128
    learning_rate: float = 0.002
    """The highest; it is warmed up and then falls along a cosine."""
    codes: int = 20
    """K, prototypes in memory."""
    start: Start = "k-means"
    restart_after: int = 20
    """Training steps after which an unused prototype is put to use elsewhere; 0 = never."""
    gamma: float = 0.1
    """gamma2, weight of the deformation in the loss."""
    features: int = 64
    """Channels of encoder, decoder and prototypes."""
    trunk: int = 16
    """Channels of the deformation estimator."""

    def __post_init__(self) -> None:
        for name in ("iterations", "codes", "features", "trunk", "batch_size"):
            if getattr(self, name) < 1:
                raise SettingsError(name, f"is {getattr(self, name)}", "give 1 or more")
        if self.restart_after < 0:
            raise SettingsError("restart_after", f"is {self.restart_after}", "give 0 for never, or more")
        if self.batch_size < 2:
            raise SettingsError("batch_size", "is 1, too few for batch normalisation", "give 2 or more")
        for name, low in (("learning_rate", False), ("gamma", True)):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0 or (value == 0 and not low):
                raise SettingsError(name, f"is {value}", f"give a number {'of 0 or more' if low else 'above 0'}")
