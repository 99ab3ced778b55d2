"""The three models: published sizes, shapes, bounds, and who may see past the memory."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from oddlens.nn.quantiser import VectorQuantiser
from oddlens.toy.models import KINDS, Kind, ToyModel, decoder, encoder


def count(*networks: nn.Module) -> int:
    return sum(parameter.numel() for network in networks for parameter in network.parameters())


def make(kind: Kind, features: int = 4, codes: int = 5) -> ToyModel:
    torch.manual_seed(0)
    return ToyModel(kind, VectorQuantiser(codes, features), features, trunk=4)


def test_parameters_of_the_base_network() -> None:
    assert count(encoder(64)) == 149_632
    assert count(decoder(64)) == 149_057
    assert count(encoder(64), decoder(64), VectorQuantiser(10, 64)) == 299_329  # nadavbh12's VQ_CVAE, d = 64, K = 10


def test_one_prototype_a_picture() -> None:
    pictures = torch.rand(3, 1, 28, 28)
    redrawn = make("memory").eval()(pictures)
    assert redrawn.memory.indices.shape == (3, 1, 1)
    assert redrawn.reference.shape == (3, 1, 28, 28) and 0 <= redrawn.reference.min() <= redrawn.reference.max() <= 1


@pytest.mark.parametrize(("kind", "pictures", "offsets"), [("memory", 1, 0), ("skip", 1, 0), ("pdm", 2, 2)])
def test_what_is_redrawn(kind: Kind, pictures: int, offsets: int) -> None:
    redrawn = make(kind)(torch.rand(2, 1, 28, 28))
    assert [picture.shape for picture in redrawn.pictures] == [(2, 1, 28, 28)] * pictures
    assert [offset.shape for offset in redrawn.offsets] == [(2, 28, 28, 2)] * offsets


def test_memory_alone_draws_as_many_pictures_as_it_has_prototypes() -> None:
    torch.manual_seed(1)
    pictures = torch.rand(40, 1, 28, 28)
    for kind, few in (("memory", True), ("skip", False)):
        model = make(kind, codes=3).eval()
        reference = model(pictures).reference.flatten(1)
        pictures_apart = torch.unique((1e3 * reference).round(), dim=0)
        assert (len(pictures_apart) <= 3) == few


def test_fields_begin_next_to_nothing_and_are_bounded() -> None:
    model = make("pdm").eval()
    pictures = torch.rand(4, 1, 28, 28)
    redrawn = model(pictures)
    assert all(0 < offset.abs().max() < 0.05 for offset in redrawn.offsets)
    torch.testing.assert_close(redrawn.pictures[-1], redrawn.reference, atol=0.2, rtol=0)
    assert model.deformation is not None
    for head in model.deformation.heads:
        assert isinstance(head, nn.Sequential) and isinstance(head[-2], nn.Conv2d)
        nn.init.constant_(head[-2].weight, 1e3)
    limits = [offset.abs().max().item() * 28 / 2 for offset in model(pictures).offsets]
    assert limits == pytest.approx([4, 2], rel=1e-5)


def test_the_side_channel_teaches_the_encoder_nothing() -> None:
    model = make("skip")
    assert model.skip is not None
    nn.init.zeros_(model.spread.weight)  # nothing passes through memory
    model(torch.rand(2, 1, 28, 28)).reference.sum().backward()
    assert model.skip.weight.grad is not None and model.skip.weight.grad.abs().max() > 0
    assert all(p.grad is None or p.grad.abs().max() == 0 for p in model.encoder.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(kind: Kind) -> None:
    model = make(kind)
    redrawn = model(torch.rand(4, 1, 28, 28))
    total = sum(picture.square().sum() for picture in redrawn.pictures) + redrawn.memory.embed + redrawn.memory.commit
    (total + sum(offset.square().sum() for offset in redrawn.offsets)).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
