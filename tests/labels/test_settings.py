"""Settings of class maps."""

from __future__ import annotations

from typing import Any

import pytest

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.labels.settings import LabelSettings


def test_the_default_needs_no_weights() -> None:
    assert LabelSettings().source == "appearance"
    assert build(LabelSettings, {"source": "deeplabv3-resnet101", "levels": "paper", "weights": "a.pth"}, "test")


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"weights": "a.pth"}, "label weights: is 'a.pth', but appearance takes none"),
        ({"levels": "paper"}, "label levels: is 'paper', but appearance takes none"),
        ({"source": "deeplabv3-resnet50", "weights": ""}, "label weights: is ''"),
        ({"source": "deeplab"}, "'source' is 'deeplab'"),
        ({"sources": "appearance"}, "did you mean 'source'"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        build(LabelSettings, values, "test")
