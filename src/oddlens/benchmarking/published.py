"""Published numbers, in per cent, to stand beside what was measured; each says what it is of."""

from __future__ import annotations

from typing import NamedTuple

MVTEC = (
    "carpet",
    "grid",
    "leather",
    "tile",
    "wood",
    "bottle",
    "cable",
    "capsule",
    "hazelnut",
    "metal_nut",
    "pill",
    "screw",
    "toothbrush",
    "transistor",
    "zipper",
)
"""Categories of MVTec AD: textures, then objects."""


class PublishedRow(NamedTuple):
    """A row of a table over the categories of MVTec AD."""

    name: str
    metric: str
    mean: float
    """Over the fifteen categories."""
    categories: dict[str, float]
    """Where they are known."""
    note: str
    """What a reader has to know; stands below the tables."""


class PublishedVideo(NamedTuple):
    """Micro AUC of a method on a data set, under the paper's protocol."""

    value: float
    note: str


_USER = (96.9, 96.8, 100, 98.8, 99.6, 100, 97.8, 96.5, 100, 99.9, 96.1, 93.5, 100, 98.9, 98.7)

_DMAD = (
    "as benchmark pages quote the paper; image and pixel numbers come of two trainings, and the larger of two scores, "
    "chosen on test labels, counts for each category"
)
_RUN = "reported by a user of the official code with its default settings, at the last epoch"
_RD = "recalled from the paper, not checked against it again"

PHOTOGRAPHS: tuple[PublishedRow, ...] = (
    PublishedRow("DMAD-PPDM, paper", "image_auroc", 99.5, {}, _DMAD),
    PublishedRow("DMAD-PPDM, paper", "pixel_auroc", 98.2, {}, _DMAD),
    PublishedRow("DMAD-PPDM, a user's run of the official code", "image_auroc", 98.2, dict(zip(MVTEC, _USER)), _RUN),
    PublishedRow("Reverse Distillation, paper", "image_auroc", 98.5, {}, _RD),
    PublishedRow("Reverse Distillation, paper", "pixel_auroc", 97.8, {}, _RD),
    PublishedRow("Reverse Distillation, paper", "paper_pro", 93.9, {}, _RD),
)
"""Numbers for MVTec AD; means are over its fifteen categories."""

_LBR = "best reported, of which mode is not said"
VIDEO: dict[str, dict[str, tuple[PublishedVideo, ...]]] = {
    "lnra": {
        "ped2": (
            PublishedVideo(96.50, "skip-frame"),
            PublishedVideo(94.77, "patch"),
            PublishedVideo(92.49, "no pseudo anomalies"),
        ),
        "avenue": (PublishedVideo(84.67, "skip-frame"), PublishedVideo(84.91, "patch")),
        "shanghai": (PublishedVideo(75.97, "skip-frame"), PublishedVideo(72.46, "patch")),
    },
    "lbr-spr": {
        "ped1": (PublishedVideo(81.1, _LBR),),
        "ped2": (PublishedVideo(97.2, _LBR),),
        "avenue": (PublishedVideo(92.8, _LBR),),
        "shanghai": (PublishedVideo(72.6, _LBR),),
    },
    "dmad-pdm": {
        "ped2": (PublishedVideo(99.7, "best epoch by test AUC"),),
        "avenue": (PublishedVideo(92.8, "with static anomalies removed"),),
        "shanghai": (PublishedVideo(78.8, "best epoch by test AUC"),),
    },
    "f2lm": {"ped2": (PublishedVideo(99.24, "released weights, Gaussian filter, weights by test labels"),)},
    "destroyer": {"ped2": (PublishedVideo(99.77, "released weights, Gaussian filter, weights by test labels"),)},
}
"""Method -> data set -> numbers; what is not there is not known."""
