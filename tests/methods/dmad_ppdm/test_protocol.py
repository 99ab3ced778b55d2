"""What the official code makes of its errors (section 10.6)."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.methods.dmad_ppdm.protocol import fuse, paper_protocol
from oddlens.metrics.ranking import roc_auc

ERROR = np.array([0.9, 1.1, 1.35, 1.6, 1.3])
MOVED = np.array([0.05, 0.02, 0.06, 0.03, 0.09])
LABELS = np.array([0, 0, 0, 1, 1])


@pytest.mark.parametrize(
    ("weight", "fused", "auroc"),
    [
        (0.05, [0.021429, 0.285714, 0.671429, 1.007143, 0.621429], 0.8333),
        (0.2, [0.085714, 0.285714, 0.757143, 1.028571, 0.771429], 1.0),
    ],
)
def test_fusion_of_the_specification(weight: float, fused: list[float], auroc: float) -> None:
    tried = paper_protocol(weight).scores({"reconstruction": ERROR, "deformation": MOVED})
    assert list(tried) == ["map", "map and deformation"]
    assert tried["map and deformation"].tolist() == pytest.approx(fused, abs=1e-6)
    assert roc_auc(LABELS, tried["map and deformation"]) == pytest.approx(auroc, abs=5e-5)
    assert roc_auc(LABELS, tried["map"]) == pytest.approx(0.8333, abs=5e-5)


def test_maps_are_stretched_over_the_whole_set() -> None:
    rng = np.random.default_rng(0)
    error, moved = rng.random((2, 3, 4, 5)).astype(np.float32)
    protocol = paper_protocol(0.2)
    assert protocol.maps is not None and protocol.labels == "mask"
    tried = protocol.maps({"map": error, "error_map": error, "deformation_map": moved})
    np.testing.assert_array_equal(tried["map"], error)
    np.testing.assert_allclose(tried["map and deformation"].ravel(), fuse(error.ravel(), moved.ravel(), 0.2))
    assert tried["map and deformation"].shape == (3, 4, 5)


def test_without_deformation_there_is_one_scoring() -> None:
    protocol = paper_protocol(None)
    assert list(protocol.scores({"reconstruction": ERROR})) == ["map"]
    assert (protocol.components, protocol.pictures) == (("reconstruction",), ("error_map",))
