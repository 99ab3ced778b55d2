"""Settings of boxes: what does not go together is refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.objects.settings import NETWORKS, ObjectSettings


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"sources": []}, "sources are []; name each once, of motion, background, detector, file"),
        ({"sources": ["motion", "motion"]}, "sources are ['motion', 'motion']; name each once"),
        ({"sources": ["flow"]}, "'sources.0' is 'flow'"),
        ({"sources": ["detector"]}, "source 'detector' has no detector; name a .onnx file or one of faster-rcnn"),
        ({"sources": ["file"]}, "source 'file' has no file; name it as ready_boxes"),
        ({"detector": "yolo11"}, "detector 'yolo11' is not known; name a .onnx file or one of faster-rcnn-resnet50"),
        (
            {"detector": "a.onnx", "detector_weights": "b.pth"},
            "detector_weights is 'b.pth'; leave detector_weights out",
        ),
        ({"input_size": 100}, "input_size is 100; give a multiple of 32"),
        ({"input_size": 0}, "input_size is 0; give a multiple of 32"),
        ({"tiles": [0, 1]}, "tiles are [0, 1]; give columns and rows"),
        ({"tiles": [1]}, "'tiles.1' is missing"),
        ({"score_threshold": 1.5}, "score_threshold is 1.5; give a number from 0 to 1"),
        ({"nms_overlap": -0.1}, "nms_overlap is -0.1; give a number from 0 to 1"),
        ({"cover_ratio": float("nan")}, "cover_ratio is nan; give a number from 0 to 1"),
        ({"smallest_area": -1}, "smallest_area is -1.0; give a number from 0"),
        ({"flow_threshold": float("inf")}, "flow_threshold is inf; give a number from 0"),
        ({"margin": -1}, "margin is -1; give a number from 0"),
        ({"greatest_aspect": 1}, "greatest_aspect is 1.0; give a number above 1"),
        ({"treshold": 1}, "unknown key 'treshold'"),
        ({"background": {"treshold": 1}}, "unknown key 'background.treshold'; did you mean 'threshold'?"),
    ],
)
def test_what_makes_no_sense(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build(ObjectSettings, values, "objects")
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_settings_come_back() -> None:
    values = {"sources": ["detector", "motion"], "detector": "Nets/YOLO.ONNX", "tiles": [3, 2]}
    made = build(ObjectSettings, values, "objects")
    assert made.is_onnx and made.tiles == (3, 2)
    assert build(ObjectSettings, made.to_dict(), "objects") == made
    assert hash(made) == hash(build(ObjectSettings, values, "objects"))


@pytest.mark.parametrize("name", NETWORKS)
def test_torchvisions_names_are_known(name: str) -> None:
    assert not ObjectSettings(detector=name).is_onnx
