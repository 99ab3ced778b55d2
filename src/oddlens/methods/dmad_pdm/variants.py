"""The three published models of DMAD-PDM: what sets them apart, as one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oddlens.nn.deformation import Head

VariantName = Literal["ped2", "avenue", "shanghai"]
_FINE = Head((1, 1), 3)


@dataclass(frozen=True)
class Variant:
    """One published model; pixel numbers hold at frames of 256x256."""

    features: int
    """Channels of the first block; they double with each halving."""
    skip_share: int
    """The thin side channels have so many times fewer features than the first block."""
    codes: int
    """Prototypes in the memory."""
    coarse: Head
    fine: Head
    scenes: bool
    """A background for each view, fed to the network, the mask on the decoder's side (one plane) and losses weighted by
    how far a pixel lies from the background; else one background, the mask on the encoder's side, a plane a colour."""
    first_gradient: float
    """Weight of the gradient difference of the first prediction."""
    offset_share: float
    """Weight of the fields' size, beside that of their roughness."""
    separable: bool
    """Roughness by a row's and a column's filter in place of a square one."""
    offset_window: tuple[int, int]
    """Rows and columns over which the deformation is averaged in the score."""
    reconstruction: Literal["absolute", "squared", "window"]
    """Second error: mean over the frame of |x - xhat| or its square, or the square's highest window mean."""
    background_factor: float
    """Learning rate of the background, in multiples of the network's."""
    late_factor: float | None
    """The same from epoch 6 on, where it then follows no schedule any more."""


VARIANTS: dict[VariantName, Variant] = {
    "ped2": Variant(
        features=32,
        skip_share=1,
        codes=200,
        coarse=Head((1, 2, 2), 2),
        fine=_FINE,
        scenes=False,
        first_gradient=0.25,
        offset_share=0.4,
        separable=True,
        offset_window=(7, 18),
        reconstruction="absolute",
        background_factor=50,
        late_factor=20,
    ),
    "avenue": Variant(
        features=64,
        skip_share=1,
        codes=420,
        coarse=Head((2, 2, 1), 3),
        fine=_FINE,
        scenes=False,
        first_gradient=1,
        offset_share=1,
        separable=False,
        offset_window=(6, 18),
        reconstruction="squared",
        background_factor=50,
        late_factor=20,
    ),
    "shanghai": Variant(
        features=64,
        skip_share=4,
        codes=1000,
        coarse=Head((2, 2, 1), 2),
        fine=_FINE,
        scenes=True,
        first_gradient=1,
        offset_share=1,
        separable=False,
        offset_window=(6, 18),
        reconstruction="window",
        background_factor=10,
        late_factor=None,
    ),
}
