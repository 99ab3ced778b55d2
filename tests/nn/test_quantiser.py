"""Vector quantiser: values of the specification, and what keeps its memory alive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from oddlens.nn.k_means import k_means, nearest
from oddlens.nn.quantiser import VectorQuantiser

Clip = Callable[..., Tensor]


def test_values_of_the_specification(clip: Clip) -> None:
    memory = VectorQuantiser(50, 8)
    memory.codebook.data = (torch.sin(torch.arange(1, 401, dtype=torch.float64)) / 50).float().reshape(50, 8)
    result = memory(0.02 * clip(2, 8, 16, 16))
    codes = result.indices.flatten()
    assert len(codes.unique()) == 20
    assert codes[:10].tolist() == [39] + [10] * 9
    assert codes.sum().item() == 11391
    assert result.embed.item() == pytest.approx(8.073207e-5, rel=1e-5)
    assert 0.25 * result.commit.item() == pytest.approx(2.018302e-5, rel=1e-5)
    assert result.values.sum().item() == pytest.approx(6.384631, rel=1e-5)
    assert result.values.shape == (2, 8, 16, 16) and result.indices.shape == (2, 16, 16)
    assert memory.codes_in_use().item() == 20


def test_gradients_go_straight_through_and_to_the_prototypes() -> None:
    memory = VectorQuantiser(6, 3)
    features = torch.randn(2, 3, 4, 4, requires_grad=True)
    result = memory(features)
    (result.values * 2).sum().backward(retain_graph=True)
    assert features.grad is not None and (features.grad == 2).all() and memory.codebook.grad is None
    result.embed.backward(retain_graph=True)
    assert (features.grad == 2).all() and memory.codebook.grad is not None
    result.commit.backward()
    assert not (features.grad == 2).all()


def test_the_batch_has_the_mean_of_its_samples() -> None:
    memory = VectorQuantiser(6, 3).eval()
    features = torch.randn(3, 3, 4, 4)
    result = memory(features)
    assert result.sample_commit.shape == result.sample_embed.shape == (3,)
    alone = torch.cat([memory(one[None]).sample_embed for one in features])
    torch.testing.assert_close(result.sample_embed, alone)
    torch.testing.assert_close(result.sample_commit, alone)
    expected = (memory.codebook[result.indices].permute(0, 3, 1, 2) - features).square().mean()
    torch.testing.assert_close(result.embed, expected)
    torch.testing.assert_close(result.commit, expected)


def test_prototypes_begin_within_one_over_their_number() -> None:
    codebook = VectorQuantiser(200, 16).codebook
    assert codebook.abs().max() <= 1 / 200 and codebook.abs().max() > 0.9 / 200


def blobs(seed: int = 0) -> Tensor:
    """Features of two samples that lie round four places, `(2, 2, 8, 8)`."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.tensor([[5.0, 0], [-5, 0], [0, 5], [0, -5]])
    chosen = torch.arange(128) % 4
    points = places[chosen] + 0.1 * torch.randn(128, 2, generator=generator)
    return points.reshape(2, 8, 8, 2).permute(0, 3, 1, 2)


def test_a_start_from_features_needs_no_search() -> None:
    torch.manual_seed(1)
    memory = VectorQuantiser(16, 2, start="k-means")
    assert memory(blobs()).embed < 0.05
    assert memory.codes_in_use() > 8
    before = memory.codebook.detach().clone()
    memory(blobs(1))
    assert torch.equal(memory.codebook, before), "seeded once"
    fresh = VectorQuantiser(16, 2, start="k-means").eval()
    codebook = fresh.codebook.detach().clone()
    fresh(blobs())
    assert torch.equal(fresh.codebook, codebook), "not while scoring"


def test_idle_prototypes_move_to_the_features() -> None:
    torch.manual_seed(1)
    memory = VectorQuantiser(8, 2, restart_after=3)
    memory.codebook.data[:] = torch.tensor([0.0, 0.0])
    memory.codebook.data[1:] += 100
    used = [memory(blobs()).indices.unique().numel() for _ in range(5)]
    assert used[:3] == [1, 1, 1] and used[-1] > 4
    assert memory.codebook.abs().max() < 10


def test_running_means_take_the_gradients_place() -> None:
    torch.manual_seed(0)
    memory = VectorQuantiser(4, 2, start="k-means", decay=0.5)
    assert not list(memory.parameters())
    for _ in range(30):
        memory(blobs() + 1.0)
    centres = memory.codebook[memory.idle == 0]
    assert memory(blobs() + 1.0).commit < 13
    nearest_point = torch.cdist(centres, (blobs() + 1.0).permute(0, 2, 3, 1).flatten(0, 2)).amin()
    assert nearest_point < 5 and centres.isfinite().all()
    moved = memory.codebook.clone()
    memory(blobs() - 2.0)
    assert not torch.equal(memory.codebook, moved)


@pytest.mark.parametrize("options", [{}, {"start": "k-means", "restart_after": 2}, {"restart_after": 1, "decay": 0.9}])
def test_an_interrupted_training_goes_on_alike(options: dict[str, Any]) -> None:
    batches = [blobs(seed) for seed in range(6)]

    def run(interrupt: bool) -> dict[str, Tensor]:
        torch.manual_seed(5)
        memory = VectorQuantiser(12, 2, **options)
        for number, batch in enumerate(batches):
            if interrupt and number == 3:
                state, random = memory.state_dict(), torch.get_rng_state()
                torch.manual_seed(99)
                memory = VectorQuantiser(12, 2, **options)
                memory.load_state_dict(state)
                torch.set_rng_state(random)
            memory(batch)
        return memory.state_dict()

    whole, parts = run(False), run(True)
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_clusters_of_fewer_points_than_centres() -> None:
    torch.manual_seed(0)
    points = torch.tensor([[0.0], [4.0]])
    assert sorted(k_means(points, 2).flatten().tolist()) == [0, 4]
    assert set(k_means(points, 5).flatten().tolist()) == {0, 4}
    assert nearest(torch.tensor([[1.0], [3.5]]), points).tolist() == [0, 1]
