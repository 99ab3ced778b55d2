"""What training says of a memory that dies out and of a deformation at its limit."""

from __future__ import annotations

import warnings

import pytest
import torch

from oddlens.methods.dmad_pdm.health import RECENT, Health, in_pixels
from oddlens.methods.dmad_pdm.method import build_network
from oddlens.methods.dmad_pdm.network import PdmNetwork
from oddlens.methods.dmad_pdm.settings import DmadPdmSettings


def network(restart: int = 0) -> PdmNetwork:
    torch.manual_seed(0)
    small = {"features": 2, "deformation_features": 2, "codes": 40}
    return build_network(DmadPdmSettings(memory_restart=restart, **small))  # type: ignore[arg-type]


def step(watched: PdmNetwork, health: Health) -> dict[str, torch.Tensor]:
    return health.watch(watched(torch.randn(1, 12, 16, 16), torch.zeros(1, 3, 16, 16)))


def test_a_memory_that_dies_out_is_said_once() -> None:
    watched = network()
    health = Health(watched.memory, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert step(watched, health)["codes_in_use"] == 40, "too early to tell"
    watched.memory.codebook.data[1:] = 1e3
    watched.memory.idle[1:] = RECENT
    told = "the memory dies out: 1 of 40 prototypes is in use; method.memory_start: k-means and method.memory_restart"
    with pytest.warns(UserWarning, match=told):
        step(watched, health)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert step(watched, health)["codes_in_use"] == 1


def test_faults_of_a_finished_training() -> None:
    health = Health(network().memory, 2)
    health.judge(torch.arange(12), 0.3)
    assert health.faults == []
    health.judge(torch.tensor([3, 3, 5]), 1.9)
    assert health.faults[0].startswith("most of the memory has died out: 2 of 40 prototypes are in use; method.memory")
    assert health.faults[1].startswith("the deformation moves the average pixel by 1.9 of at most 2 pixels")
    alive = Health(network(restart=9).memory, 2)
    alive.judge(torch.tensor([3]), 0.0)
    assert alive.faults == ["most of the memory has died out: 1 of 40 prototypes is in use"]


def test_offsets_in_pixels() -> None:
    offset = torch.zeros(1, 5, 9, 2)
    offset[..., 0], offset[..., 1] = 2 / 8, -2 / 4  # a pixel to the right, one up
    assert in_pixels(offset)[0, :, 3, 4].tolist() == [1, -1]
