"""Training: the loss by hand, alike for alike seeds, and less of it after a while."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from oddlens.errors import SettingsError
from oddlens.nn.quantiser import Quantised
from oddlens.toy.drawn import draw_digits
from oddlens.toy.models import KINDS, Kind, Redrawn, ToyModel
from oddlens.toy.settings import ToySettings
from oddlens.toy.training import loss_terms, network_values, new_model, train_model

CPU = torch.device("cpu")


def fit(kind: Kind, settings: ToySettings, seed: int, pictures: Tensor) -> tuple[ToyModel, list[float]]:
    losses: list[float] = []
    return train_model(kind, pictures, settings, seed, CPU, lambda done, total, loss: losses.append(loss)), losses


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    return torch.from_numpy(draw_digits(40, 0).pictures)


def test_network_values() -> None:
    values = network_values(torch.tensor([[[0, 51, 255]]], dtype=torch.uint8))
    assert values.shape == (1, 1, 1, 3)
    assert values.flatten().tolist() == pytest.approx([0, 0.2, 1])


def test_terms_of_the_loss_by_hand() -> None:
    target = torch.zeros(1, 1, 28, 28)
    field = torch.zeros(1, 28, 28, 2)
    field[..., 0], field[..., 1] = 0.3, -0.3  # x and y cancel in the smoothness, not in the length
    memory = Quantised(target, torch.tensor(4.0), torch.tensor(3.0), torch.zeros(1, 1, 1, dtype=torch.int64))
    pictures = (target + 0.5, target + 0.1)
    terms = loss_terms(target, Redrawn(target, pictures, (field, 2 * field), memory), gamma=0.5)
    length = 0.3 * 2**0.5
    expected = {"error_1": 0.25, "error_2": 0.01, "embed": 3, "commit": 1, "offset_1": 0.5 * length,
                "smoothness_1": 0, "offset_2": length, "smoothness_2": 0}  # fmt: skip
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, abs=1e-6)
    plain = loss_terms(target, Redrawn(target, pictures[:1], (), memory), gamma=0.5)
    assert set(plain) == {"error_1", "embed", "commit"}


@pytest.mark.parametrize("kind", KINDS)
def test_alike_for_alike_seeds(kind: Kind, settings: ToySettings, pictures: Tensor) -> None:
    before = torch.random.get_rng_state()
    first, again, other = (fit(kind, settings, seed, pictures)[0] for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert not first.training
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert any(not torch.equal(value, other.state_dict()[name]) for name, value in first.state_dict().items())


def test_the_loss_falls(pictures: Tensor) -> None:
    settings = ToySettings(iterations=40, batch_size=16, codes=4, features=8, trunk=4, restart_after=5)
    _, losses = fit("pdm", settings, 0, pictures)
    assert len(losses) == 40
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_the_memory_is_cared_for_as_asked(settings: ToySettings, pictures: Tensor) -> None:
    assert not new_model("memory", settings, 0).memory.seeded
    plain = new_model("memory", replace(settings, start="uniform", restart_after=0), 0)
    assert plain.memory.seeded and plain.memory.restart_after == 0
    assert plain.memory.codebook.shape == (4, 4)


@pytest.mark.parametrize("digits", [2, 5, 8])
def test_fewer_digits_than_a_batch(settings: ToySettings, pictures: Tensor, digits: int) -> None:
    _, losses = fit("memory", settings, 0, pictures[:digits])
    assert len(losses) == 3 and all(torch.isfinite(torch.tensor(losses)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"iterations": 0}, "iterations: is 0; give 1 or more"),
        ({"codes": 0}, "codes: is 0"),
        ({"restart_after": -1}, "restart_after: is -1; give 0 for never"),
        ({"batch_size": 1}, "batch_size: is 1"),
        ({"gamma": -0.1}, "gamma: is -0.1; give a number of 0 or more"),
        ({"gamma": float("nan")}, "gamma: is nan"),
        ({"learning_rate": 0.0}, "learning_rate: is 0.0; give a number above 0"),
    ],
)
def test_settings_that_make_no_sense(change: dict[str, float], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        ToySettings(**change)  # type: ignore[arg-type]
