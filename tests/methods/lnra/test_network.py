"""The network against the oracles of the LNRA specification, sections 11.1 to 11.3 (made with the official code)."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from oddlens.methods.lnra.network import AutoEncoder

POINTS = ((0, 0, 0), (8, 10, 20), (15, 63, 63), (7, 31, 5))
"""Where the specification gives values: frame, row, column."""


def waves(batch: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """The clip X(B) of the specification, `(B, 1, 16, 64, 64)`."""
    b, t, i, j = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (batch, 16, 64, 64)), indexing="ij")
    return (torch.sin(0.7 * b + 0.3 * t + 0.11 * i) * torch.cos(0.2 * t - 0.07 * j + 0.5 * b)).unsqueeze(1).to(dtype)


def fill_by_formula(network: nn.Module) -> None:
    """Weights that depend on no random generator: section 11.2."""
    norm_weights = {id(module.weight) for module in network.modules() if isinstance(module, nn.BatchNorm3d)}
    for index, parameter in enumerate(network.parameters()):
        k = torch.arange(parameter.numel(), dtype=torch.float64).reshape(parameter.shape)
        if parameter.ndim == 5:
            transposed = index >= 16
            inputs = parameter.shape[0 if transposed else 1]
            values = torch.sin(1.7 * k + 0.9 * index) * math.sqrt(3 / (27 * inputs))
        elif id(parameter) in norm_weights:
            values = 1 + 0.1 * torch.sin(k + index)
        else:
            values = 0.1 * torch.cos(k + index)
        parameter.data.copy_(values)


@pytest.fixture
def by_formula() -> AutoEncoder:
    network = AutoEncoder().double()
    fill_by_formula(network)
    return network


def test_sizes() -> None:
    network = AutoEncoder()
    count = {part: sum(p.numel() for p in getattr(network, part).parameters()) for part in ("encoder", "decoder")}
    assert count == {"encoder": 2_990_784, "decoder": 2_990_017}
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 5_980_801
    assert len(list(network.parameters())) == 30
    assert len(network.state_dict()) == 51
    assert sum(buffer.numel() for buffer in network.buffers()) == 2439


@pytest.mark.parametrize(("size", "latent"), [((16, 256, 256), (2, 16, 16)), ((16, 64, 64), (2, 4, 4))])
def test_shapes_of_the_paper(size: tuple[int, ...], latent: tuple[int, ...]) -> None:
    network = AutoEncoder().to("meta")
    clip = torch.empty(1, 1, *size, device="meta")
    assert network.encoder(clip).shape == (1, 256, *latent)
    assert network(clip).shape == clip.shape


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 16, 16), (16, 32, 48), (24, 48, 16)])
def test_any_multiple_of_8_frames_and_16_pixels(size: tuple[int, ...], channels: int) -> None:
    network = AutoEncoder(channels, (2, 3, 4)).to("meta")
    clip = torch.empty(2, channels, *size, device="meta")
    assert network(clip).shape == clip.shape


def test_formula_weights_in_evaluation_mode(by_formula: AutoEncoder) -> None:
    clip = waves(1, torch.float64)
    with torch.no_grad():
        latent = by_formula.eval().encoder(clip)
        output = by_formula.decoder(latent)
    expected = (-0.0761237696, -0.0807137089, -0.0691047761, -0.0853464813)
    assert [output[0, 0, t, i, j].item() for t, i, j in POINTS] == pytest.approx(expected, abs=1e-9)
    assert clip[0, 0, 8, 10, 20].item() == pytest.approx(-0.3437909175, abs=1e-9)
    assert output.mean().item() == pytest.approx(-0.0753628752, abs=1e-9)
    assert output.std(correction=0).item() == pytest.approx(0.0100746452, abs=1e-9)
    assert latent.mean().item() == pytest.approx(0.0297115012, abs=1e-9)
    assert latent.abs().mean().item() == pytest.approx(0.0427683029, abs=1e-9)
    error = (output[:, :, 8] - clip[:, :, 8]).square().mean()
    assert error.item() == pytest.approx(0.2234689023, abs=1e-9)


def test_formula_weights_in_training_mode(by_formula: AutoEncoder) -> None:
    clips = waves(2, torch.float64)
    output = by_formula.train()(clips)
    loss = (output - clips).square().mean()
    loss.backward()
    expected = (-0.4704051102, -0.1904246228, 0.0015331051, 0.6669681917)
    assert [output[0, 0, t, i, j].item() for t, i, j in POINTS] == pytest.approx(expected, abs=1e-9)
    assert output[1, 0, 8, 10, 20].item() == pytest.approx(0.4207958551, abs=1e-9)
    assert loss.item() == pytest.approx(0.7167364830, abs=1e-9)
    gradients = [parameter.grad for parameter in by_formula.parameters()]
    norm = math.sqrt(sum(g.square().sum().item() for g in gradients if g is not None))
    assert norm == pytest.approx(38.46443993, abs=1e-8)
    assert gradients[0] is not None and gradients[-1] is not None
    assert gradients[0][0, 0, 0, 0, 0].item() == pytest.approx(0.005343805701, abs=1e-11)
    assert gradients[-1].item() == pytest.approx(-0.015582796424, abs=1e-11)
    norm_layer = by_formula.encoder[1]
    assert isinstance(norm_layer, nn.BatchNorm3d)
    assert norm_layer.running_mean is not None and norm_layer.running_var is not None
    assert norm_layer.running_mean[0].item() == pytest.approx(0.0054039609, abs=1e-9)
    assert norm_layer.running_var[0].item() == pytest.approx(0.9009235179, abs=1e-9)


def test_default_initialisation() -> None:
    torch.manual_seed(0)
    network = AutoEncoder()
    total = sum(parameter.double().sum().item() for parameter in network.parameters())
    assert total == pytest.approx(1215.3636, abs=1e-3)
    first, last = network.encoder[0], network.decoder[9]
    assert isinstance(first, nn.Conv3d) and isinstance(last, nn.ConvTranspose3d) and last.bias is not None
    assert first.weight[0, 0, 0, 0, 0].item() == pytest.approx(-0.00144084, abs=1e-8)
    assert last.bias.item() == pytest.approx(-0.14946434, abs=1e-8)
