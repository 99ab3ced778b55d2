"""Settings of optical flow: what is refused, and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.motion.settings import FlowSettings


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"method": "dis-slow"}, "method"),
        ({"units": "metres"}, "units"),
        ({"updates": 0}, "updates"),
        ({"weights": "raft.pth"}, "dis-medium takes no such weights"),
        ({"method": "raft-small", "weights": ""}, "weights"),
        ({"metod": "farneback"}, "did you mean 'method'"),
    ],
)
def test_mistakes_are_one_line(values: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        build(FlowSettings, values, "recipe.yaml")
    assert "\n" not in str(caught.value)


def test_round_trip() -> None:
    settings = FlowSettings(method="raft-large", weights="w.pth", updates=3, units="flownet512")
    assert build(FlowSettings, settings.to_dict(), "recipe.yaml") == settings
