"""The Destroyer's network against the specification's oracles (sections 3.3, 3.5 and 11.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from oddlens.methods.destroyer.network import DestroyerNetwork, initialise_destroyer

TAGS = {
    **{f"encoder.levels.{level}": 21 + level for level in range(4)},
    "decoder.ups.0": 17,
    "decoder.ups.1": 18,
    "decoder.ups.2": 19,
    "decoder.output": 20,
}


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def values(tensor: Tensor) -> tuple[float, ...]:
    flat = tensor.flatten()
    parts = (flat.mean(), flat.std(correction=0), flat[0], flat[len(flat) // 2], flat[-1])
    return tuple(part.item() for part in parts)


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (False, (-0.0023988, 0.1065470, -0.0995987, -0.0041196, -0.1064773)),
        (True, (0.0034919, 0.4154618, 0.0557138, -0.5963814, -0.3709719)),
    ],
)
def test_forward(training: bool, expected: tuple[float, ...], tagged_fill: Callable[..., None], wave: Any) -> None:
    network = DestroyerNetwork().train(training)
    tagged_fill(network, TAGS)
    with torch.no_grad():
        destroyed = network(wave((1, 3, 64, 64), 0.05, 0.03, 1.0))
    assert values(destroyed) == pytest.approx(expected, abs=1e-4)


def test_parameters() -> None:
    network = DestroyerNetwork()
    assert count(network) == 7_701_827 and len(network.state_dict()) == 92
    assert [count(level) for level in network.encoder.levels] == [38_848, 221_696, 885_760, 3_540_992]
    assert [count(up) for up in network.decoder.ups] == [2_295_040, 574_080, 143_680]


def test_initial_weights() -> None:
    torch.manual_seed(0)
    network = DestroyerNetwork(features=16)
    initialise_destroyer(network)
    up, scale = network.decoder.ups[0], network.encoder.levels[3][1][1]
    for weight in (up.up.weight, up.convolutions[0].weight):
        assert weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert scale.weight.mean().item() == pytest.approx(1, abs=0.01)
    assert scale.weight.std().item() == pytest.approx(0.02, rel=0.3) and not scale.bias.any()
    assert network.decoder.output.bias.any(), "biases of convolutions stay torch's own"
