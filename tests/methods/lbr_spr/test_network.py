"""Parameter counts, shapes and fixed-seed values of the official network."""

from __future__ import annotations

import pytest
import torch

from oddlens.methods.lbr_spr.network import AutoEncoder, Branches


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("width", "count"), [(32, 2_534_671), (16, 636_047), (8, 160_207)])
def test_parameters_of_the_raw_branch(width: int, count: int) -> None:
    assert parameters(AutoEncoder(15, 15, width)) == count


def test_parameters_of_the_layers() -> None:
    counts = [13_728, 55_680, 221_952, 886_272, 1_033_216, 258_560, 64_768, 495]
    assert [parameters(layer) for layer in AutoEncoder(15, 15)] == counts
    assert parameters(AutoEncoder(15, 10)) == 2_534_506


def test_both_branches_hold_the_official_state() -> None:
    both = Branches(5, 32, flow=True)
    assert parameters(both) == 5_069_177
    assert len(both.state_dict()) == 212
    assert len(Branches(5, 32, flow=False).state_dict()) == 106
    assert {name.split(".")[0] for name in both.state_dict()} == {"raw_ae", "of_ae"}
    assert sum(b.numel() for b in both.raw_ae.buffers()) == 2_830


def test_shapes() -> None:
    both = Branches(5, 8, flow=True).eval()
    raw, flow = both(torch.zeros(2, 15, 32, 32))
    assert raw.shape == (2, 15, 32, 32)
    assert flow is not None
    assert flow.shape == (2, 10, 32, 32)
    assert AutoEncoder(15, 15).eval().bottleneck(torch.zeros(2, 15, 32, 32)).shape == (2, 256, 4, 4)
    assert Branches(5, 8, flow=False).eval()(torch.zeros(2, 15, 32, 32))[1] is None


def test_values_at_a_fixed_seed() -> None:
    torch.manual_seed(0)
    both = Branches(5, 32, flow=True).eval()
    assert sum(p.abs().sum().item() for p in both.parameters()) == pytest.approx(68574.62, rel=1e-5)
    patches = ((torch.arange(2 * 15 * 32 * 32) % 251) / 250).reshape(2, 15, 32, 32)
    with torch.no_grad():
        raw, flow = both(patches)
    assert flow is not None
    assert raw.sum().item() == pytest.approx(-495.918, rel=1e-3)
    assert flow.sum().item() == pytest.approx(727.434, rel=1e-3)
    errors = (raw - patches).square().sum(dim=(1, 2, 3))
    assert errors.tolist() == pytest.approx([5542.765, 5549.899], rel=1e-4)
