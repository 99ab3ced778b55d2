"""Devices and precision."""

from __future__ import annotations

import pytest
import torch

from oddlens.errors import SettingsError
from oddlens.training.devices import autocast, pick_device, use_bfloat16

CPU = torch.device("cpu")


def test_cpu_is_always_there() -> None:
    assert pick_device("cpu") == CPU
    assert pick_device("auto").type in {"cpu", "cuda", "mps"}


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_missing_device_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SettingsError, match=f"device '{name}': is not available"):
        pick_device(name)
    assert pick_device("auto") == CPU


def test_precision_asked_for_is_precision_used() -> None:
    layer, values = torch.nn.Linear(4, 4), torch.ones(1, 4)
    with autocast("bfloat16", CPU):
        assert layer(values).dtype == torch.bfloat16
    with autocast("float32", CPU):
        assert layer(values).dtype == torch.float32


@pytest.mark.parametrize(("capability", "wanted"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_automatic_precision_asks_the_hardware(
    capability: tuple[int, int], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert use_bfloat16("auto", torch.device("cuda")) is wanted
    assert use_bfloat16("auto", torch.device("mps")) is False
    assert use_bfloat16("float32", torch.device("cuda")) is False
