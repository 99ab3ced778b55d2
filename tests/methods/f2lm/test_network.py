"""Generator and discriminator against the specification's oracles (sections 3, 11.1 and 11.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from oddlens.methods.f2lm.discriminator import PatchDiscriminator, initialise_discriminator
from oddlens.methods.f2lm.losses import triplet_loss
from oddlens.methods.f2lm.network import F2lmGenerator, Generated, initialise_generator

TAGS = {
    **{f"frames.levels.{level}": 1 + level for level in range(4)},
    **{f"motion.levels.{level}": 5 + level for level in range(4)},
    **{f"labels.levels.{level}": 9 + level for level in range(4)},
    "to_motion": 13,
    "to_labels": 14,
    "fusion": 15,
    "excitation": 16,
    "decoder.ups.0": 17,
    "decoder.ups.1": 18,
    "decoder.ups.2": 19,
    "decoder.output": 20,
}
Fill = Callable[..., None]
Wave = Callable[..., Tensor]


def close(value: float) -> Any:
    return pytest.approx(value, abs=1e-4)


def values(tensor: Tensor) -> tuple[float, ...]:
    """Mean, deviation, first, middle and last element."""
    flat = tensor.detach().flatten()
    parts = (flat.mean(), flat.std(correction=0), flat[0], flat[len(flat) // 2], flat[-1])
    return tuple(part.item() for part in parts)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@dataclass
class Case:
    network: F2lmGenerator
    inputs: tuple[Tensor, Tensor, Tensor]
    found: Generated


@pytest.fixture(scope="module")
def case(tagged_fill: Fill, wave: Wave) -> Case:
    network = F2lmGenerator(84).eval()
    tagged_fill(network, TAGS)
    sides = (64, 64)
    inputs = (
        wave((1, 12, *sides), 0.05, 0.03, 1.0),
        wave((1, 6, *sides), 0.11, 0.07, 0.5),
        wave((1, 84, *sides), 0.02, 0.09, 0.3),
    )
    with torch.no_grad():
        return Case(network, inputs, network(*inputs))


def test_parameters(case: Case) -> None:
    network = case.network
    assert count(network) == 36_076_611 and len(network.state_dict()) == 228
    assert sum(buffer.numel() for buffer in network.buffers()) == 19_492
    assert [count(level) for level in network.frames.levels] == [44_032, 221_696, 885_760, 3_540_992]
    assert [count(encoder.levels[0]) for encoder in (network.motion, network.labels)] == [40_576, 85_504]
    assert count(network.to_motion) == count(network.to_labels) == 4_720_640
    assert (count(network.fusion), count(network.excitation)) == (9_439_232, 66_112)
    assert [count(up) for up in network.decoder.ups] == [2_295_040, 574_080, 143_680]
    assert count(network.decoder.output) == 1_731


def test_prediction_and_features_in_evaluation_mode(case: Case) -> None:
    found = case.found
    assert found.motion is not None and found.labels is not None
    expected = [
        (found.frame, (-0.0034442, 0.0764692, -0.0160749, 0.0232375, 0.0580384)),
        (found.motion.frames, (0.0277651, 0.0343835, 0.0609206, 0, 0)),
        (found.motion.true, (0.0277655, 0.0343832, 0, 0.0569251, 0)),
        (found.motion.imitated, (0.0237231, 0.0372872, 0, 0, 0.0560267)),
        (found.labels.true, (0.0277045, 0.0344323, 0, 0.0287909, 0)),
        (found.labels.imitated, (0.0238420, 0.0372113, 0.0829913, 0.0267674, 0.0754378)),
    ]
    for tensor, numbers in expected:
        assert values(tensor) == tuple(map(close, numbers))
    assert triplet_loss(found.motion).item() == close(0.1948117)
    assert triplet_loss(found.labels).item() == close(0.2235668)


def test_the_prediction_needs_neither_motion_nor_labels(case: Case) -> None:
    past, motion, labels = case.inputs
    with torch.no_grad():
        others = case.network(past, -motion, labels + 1)
        alone = case.network(past)
    assert torch.equal(others.frame, case.found.frame) and torch.equal(alone.frame, case.found.frame)
    assert torch.equal(others.motion.imitated, case.found.motion.imitated)  # type: ignore[union-attr]
    assert alone.motion is None and alone.labels is None


def test_motion_and_label_encoders_learn_from_the_triplets_alone(case: Case) -> None:
    network, past = case.network, case.inputs[0]
    found = network(*case.inputs)
    network.zero_grad()
    found.frame.mean().backward(retain_graph=True)
    assert all(parameter.grad is None for parameter in network.motion.parameters())
    assert network.to_motion[0].weight.grad is not None and network.decoder.output.weight.grad is not None
    network.zero_grad()
    triplet_loss(found.motion).mean().backward()
    assert network.motion.levels[0][0].weight.grad is not None and network.frames.levels[0][0].weight.grad is not None
    assert network.decoder.output.weight.grad is None and network.fusion[0].weight.grad is None
    network.zero_grad(set_to_none=True)
    assert past.grad is None


def test_training_mode(tagged_fill: Fill, case: Case) -> None:
    network = F2lmGenerator(84)
    tagged_fill(network, TAGS)
    with torch.no_grad():
        found = network(*case.inputs)
    assert values(found.frame) == tuple(map(close, (-0.0045049, 0.4656798, 0.3704083, 0.0139506, 0.6876788)))
    normalisation = network.frames.levels[0][1]
    assert normalisation.running_mean.mean().item() == pytest.approx(0.0002325, abs=1e-6)
    assert normalisation.running_var.mean().item() == pytest.approx(0.9065897, abs=1e-5)


def test_sides_that_cannot_be_halved() -> None:
    network = F2lmGenerator(84, features=8).eval()
    with torch.no_grad():
        found = network(torch.zeros(1, 12, 60, 70), torch.zeros(1, 6, 60, 70), torch.zeros(1, 84, 60, 70))
    assert found.frame.shape == (1, 3, 60, 70)
    assert found.motion is not None and found.motion.true.shape == (1, 64, 7, 8)


def test_discriminator(tagged_fill: Fill, case: Case, wave: Wave) -> None:
    network = PatchDiscriminator()
    tagged_fill(network, {"layers": 25})
    convolutions = [layer for layer in network.layers if isinstance(layer, nn.Conv2d)]
    assert [count(layer) for layer in convolutions] == [6_272, 524_544, 2_097_664, 4_194_816, 8_193]
    assert count(network) == 6_831_489 and len(network.state_dict()) == 10
    with torch.no_grad():
        plain = network(wave((1, 3, 64, 64), 0.05, 0.03, 1.0))
        of_prediction = network(case.found.frame)
    assert plain.shape == (1, 1, 11, 11)
    assert values(plain) == tuple(map(close, (0.5023665, 0.0013215, 0.5019541, 0.5028560, 0.5026617)))
    assert values(of_prediction) == tuple(map(close, (0.5021723, 0.0018299, 0.4999279, 0.5016915, 0.4996874)))


def test_the_discriminator_judges_35_by_35_patches_of_the_papers_frames() -> None:
    with torch.no_grad():
        assert PatchDiscriminator(4)(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 35, 35)


def test_initial_weights() -> None:
    torch.manual_seed(0)
    network = F2lmGenerator(84, features=16)
    transposed = network.decoder.ups[0].up.weight.clone()
    initialise_generator(network)
    assert torch.equal(network.decoder.ups[0].up.weight, transposed)
    for layer in (network.fusion[0], network.excitation.weigh[0], network.decoder.output):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not network.decoder.output.bias.any() and not network.excitation.weigh[0].bias.any()
    judge = PatchDiscriminator(16)
    biases = [layer.bias.clone() for layer in judge.layers if isinstance(layer, nn.Conv2d)]
    initialise_discriminator(judge)
    assert judge.layers[4].weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert all(torch.equal(a, b.bias) for a, b in zip(biases, judge.layers[::2]))


def test_a_fresh_generator_imitates_nothing_yet() -> None:
    torch.manual_seed(0)
    network = F2lmGenerator(84, features=16)
    initialise_generator(network)
    sides = (64, 64)
    with torch.no_grad():
        found = network(torch.rand(2, 12, *sides), torch.rand(2, 6, *sides), torch.rand(2, 84, *sides))
    for part in (found.motion, found.labels):
        assert triplet_loss(part).mean().item() == pytest.approx(0.2, abs=5e-3)
