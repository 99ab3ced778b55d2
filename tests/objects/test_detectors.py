"""Torchvision's detectors: every one runs, weights come from where they are said to, and each fault is one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from oddlens.errors import DetectorError, SettingsError
from oddlens.objects.detectors import TorchvisionDetector, _build
from oddlens.objects.settings import NETWORKS

FRAMES = [np.random.default_rng(k).integers(0, 256, (48, 64, c)).astype(np.uint8) for k, c in enumerate((1, 3, 3))]
SMALL = "ssdlite-mobilenet"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def random(name: str = SMALL, **options: Any) -> TorchvisionDetector:
    with pytest.warns(UserWarning, match=f"{name} runs with random weights: its boxes mean nothing"):
        return TorchvisionDetector(name, "random", device="cpu", **options)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_runs(name: str) -> None:
    detector = random(name, score_threshold=0.0, **({} if name == SMALL else {"input_size": 64}))
    (found,) = detector(FRAMES[:1])
    assert found.boxes.dtype == np.float32 and found.boxes.shape == (len(found.scores), 4)
    assert found.scores.dtype == np.float32 and found.classes.dtype == np.int64
    assert (found.scores > 0).all() and (found.boxes[:, ::2] <= 64).all() and (found.boxes >= 0).all()


def test_a_batch_gives_what_single_frames_give() -> None:
    detector = random(score_threshold=0.0)
    together = detector(FRAMES * 4)
    assert len(together) == 12 and detector([]) == []
    assert len(together[0].scores)
    for frame, found in zip(FRAMES, together):
        (alone,) = detector([frame])
        np.testing.assert_allclose(np.sort(found.scores), np.sort(alone.scores), rtol=1e-3)


def test_scores_must_be_above_the_threshold() -> None:
    (low,) = random(score_threshold=0.0)(FRAMES[:1])
    highest = float(low.scores.max())
    assert len(random(score_threshold=highest)(FRAMES[:1])[0].scores) == 0
    assert len(random(score_threshold=0.9 * highest)(FRAMES[:1])[0].scores) > 0


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_of_a_local_file(tmp_path: Path, suffix: str) -> None:
    with pytest.warns(UserWarning):
        network = _build(SMALL, "random", 0.0, 0.45, None)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.02)
    state, file = network.state_dict(), tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file({name: value.contiguous() for name, value in state.items()}, file)
    else:
        torch.save(state, file)
    loaded = TorchvisionDetector(SMALL, str(file), device="cpu")
    assert loaded.sha256 != random().sha256
    assert loaded.sha256 == TorchvisionDetector(SMALL, str(file), device="cpu").sha256


def test_weights_with_frozen_normalisation_fit(tmp_path: Path) -> None:
    """Published ones have no counters, and Faster R-CNN's normalise without an epsilon."""
    name = "faster-rcnn-resnet50"
    with pytest.warns(UserWarning):
        state = _build(name, "random", 0.0, 0.45, None).state_dict()
    torch.save({key: v for key, v in state.items() if not key.endswith("num_batches_tracked")}, tmp_path / "a.pth")
    network = _build(name, str(tmp_path / "a.pth"), 0.2, 0.45, None)
    assert {layer.eps for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)} == {0.0}


def test_weights_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreachable(*arguments: Any, **options: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(DetectorError) as caught:
        TorchvisionDetector(SMALL, device="cpu")
    message = str(caught.value)
    assert "\n" not in message
    for word in (f"weights of {SMALL}", "cannot be downloaded", "https://", f"{tmp_path}{os.sep}checkpoints"):
        assert word in message


def test_files_of_weights_that_do_not_fit(tmp_path: Path) -> None:
    empty, foreign, number = tmp_path / "empty.pth", tmp_path / "foreign.pth", tmp_path / "number.pth"
    empty.write_bytes(b"")
    torch.save({"weight": torch.ones(2)}, foreign)
    torch.save(3, number)
    told = {
        tmp_path / "gone.pth": "there is no such file of weights",
        empty: "cannot be read (it holds no weights, or is damaged)",
        foreign: "holds other weights than ssdlite-mobilenet's",
        number: "holds a int, not a state dict",
    }
    for file, fault in told.items():
        with pytest.raises(DetectorError) as caught:
            TorchvisionDetector(SMALL, str(file), device="cpu")
        assert str(caught.value).startswith(f"{file}: {fault}") and "\n" not in str(caught.value)


def test_what_makes_no_sense() -> None:
    with pytest.raises(SettingsError, match="detector 'yolo' is not known; known are faster-rcnn-resnet50, "):
        TorchvisionDetector("yolo", "random")
    with pytest.raises(SettingsError, match="ssdlite-mobilenet has a fixed input size; leave input_size out"):
        TorchvisionDetector(SMALL, "random", input_size=320)
