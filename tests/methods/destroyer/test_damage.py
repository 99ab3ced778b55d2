"""What damage does, whatever is drawn, and what the official code draws (sections 5 and 11.4)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import dropout2d

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.methods.destroyer.damage import DamageSettings, damage
from oddlens.nn.patch_grid import cut_patches

OFFICIAL = DamageSettings()
KINDS = ("channel-dropout", "blur", "strong-blur", "pixel-dropout", "salt-and-pepper", "background", "mixed")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def frames_of(seed: int = 9, batch: int = 2, height: int = 256, width: int = 256) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=seeded(seed)) * 1.8 - 0.9


def changed(before: Tensor, after: Tensor) -> Tensor:
    """Which patches differ, `bool (B, 64)`."""
    return (cut_patches(after, 8, 8) != cut_patches(before, 8, 8)).flatten(2).any(dim=2)


@pytest.mark.parametrize(
    ("seed", "rate", "p", "patches"),
    [
        (0, 0.27, 0.40, (0, 1, 10, 11, 16, 25, 26, 30, 31, 32, 33, 34, 39, 41, 42, 43, 53, 55, 56, 57, 60)),
        (1, 0.39, 0.18, 21),
        (2, 0.33, 0.22, 15),
    ],
)
def test_draws_what_the_official_code_draws(seed: int, rate: float, p: float, patches: Any) -> None:
    frames = frames_of()
    found = damage(frames, OFFICIAL, generator=seeded(seed))
    where = changed(frames, found)
    assert torch.equal(where[0], where[1])
    numbers = tuple(where[0].nonzero().flatten().tolist())
    assert numbers == patches or len(numbers) == patches
    torch.manual_seed(seed)
    drawn = [round(0.05 + 0.45 * torch.rand(1).item(), 2) for _ in range(2)]
    assert drawn == [rate, p]
    chosen = torch.rand(64) < rate
    dropped = dropout2d(cut_patches(frames, 8, 8).flatten(0, 1), p, training=True).reshape(2, 64, 3, 32, 32)
    expected = torch.where(chosen[None, :, None, None, None], dropped, cut_patches(frames, 8, 8))
    assert torch.equal(cut_patches(found, 8, 8), expected)


@given(seed=st.integers(0, 1 << 31))
def test_patches_are_whole_or_lose_and_gain_whole_colours(seed: int) -> None:
    frames = frames_of(batch=3, height=32, width=48)
    found = damage(frames, OFFICIAL, generator=seeded(seed))
    where = changed(frames, found)
    before, after = cut_patches(frames, 8, 8), cut_patches(found, 8, 8)
    assert torch.equal(before[~where], after[~where])
    torch.manual_seed(seed)
    torch.rand(1, generator=(own := seeded(seed)))
    p = round(0.05 + 0.45 * torch.rand(1, generator=own).item(), 2)
    assert 0.05 <= p <= 0.5
    changes, originals = after[where].flatten(2), before[where].flatten(2)
    gone = (changes == 0).all(dim=2)
    torch.testing.assert_close(changes[~gone], originals[~gone] / (1 - p), rtol=1e-6, atol=0)
    assert found.abs().max() <= 2 * frames.abs().max() + 1e-6


def test_how_much_is_damaged() -> None:
    """400 calls: shares of damaged patches and of colours that are gone (expected 0.275 and 0.0756)."""
    frames = torch.full((1, 3, 16, 16), 0.5)
    generator = seeded(0)
    shares, gone = [], []
    for _ in range(400):
        found = damage(frames, OFFICIAL, generator=generator)
        shares.append(changed(frames, found).float().mean())
        gone.append((cut_patches(found, 8, 8) == 0).all(dim=4).all(dim=3).float().mean())
    assert torch.stack(shares).mean().item() == pytest.approx(0.275, abs=0.015)
    assert torch.stack(gone).mean().item() == pytest.approx(0.0756, abs=0.008)


def test_without_a_generator_torch_draws() -> None:
    frames = frames_of(height=32, width=32)
    torch.manual_seed(4)
    first = damage(frames, OFFICIAL)
    assert torch.equal(first, damage(frames, OFFICIAL, generator=seeded(4)))
    assert not torch.equal(first, damage(frames, OFFICIAL))


@pytest.mark.parametrize("where", ["patches", "box"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_damage(kind: Any, where: Any) -> None:
    frames = frames_of(batch=3, height=64, width=48)
    before = frames.clone()
    background = torch.full((3, 64, 48), -1.0)
    settings = DamageSettings(kind=kind, where=where, share=(0.5, 0.5))
    found = damage(frames, settings, background=background, generator=seeded(1))
    assert torch.equal(frames, before), "the frames themselves stay"
    assert found.shape == frames.shape and not torch.equal(found, frames) and torch.isfinite(found).all()
    if kind in ("background", "blur", "strong-blur", "pixel-dropout", "salt-and-pepper"):
        assert found.abs().max() <= 1


def test_kinds_do_what_they_say() -> None:
    frames = torch.full((1, 3, 64, 64), 0.4)

    def all_over(kind: Any, **more: Any) -> Tensor:
        settings = DamageSettings(kind=kind, share=(1, 1), **more)
        return damage(frames, settings, background=torch.full((3, 64, 64), -1.0), generator=seeded(3))

    assert (all_over("background") == -1).all()
    torch.testing.assert_close(all_over("blur"), frames)
    pixels = all_over("pixel-dropout", dropout=(0.3, 0.3))
    assert torch.equal(pixels[:, 0], pixels[:, 2]) and (pixels == 0).float().mean().item() == pytest.approx(
        0.3, abs=0.03
    )
    grains = all_over("salt-and-pepper")
    assert [(grains == value).float().mean().item() for value in (0, 1)] == pytest.approx([0.025, 0.025], abs=0.005)
    assert all_over("channel-dropout").max() > 0.4
    bright = damage(torch.ones(1, 3, 64, 64), DamageSettings(share=(1, 1), clip=True), generator=seeded(3))
    assert bright.max() == 1


def test_blur_is_a_gaussian() -> None:
    frames = torch.zeros(1, 3, 64, 64)
    frames[..., 32, 32] = 1
    spot = damage(frames, DamageSettings(kind="strong-blur", share=(1, 1)))[0, 0, 28:37, 28:37]
    assert spot.sum().item() == pytest.approx(1, abs=1e-5)
    assert (spot[4, 5] / spot[4, 4]).item() == pytest.approx(2.718281828**-0.125, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_boxes_have_the_sides_asked_for(seed: int) -> None:
    frames = torch.full((8, 3, 60, 90), 0.5)
    settings = DamageSettings(kind="background", where="box")
    found = damage(frames, settings, background=torch.zeros(3, 60, 90), generator=seeded(seed))
    for sample in found == 0:
        rows, columns = sample[0].any(dim=1).sum().item(), sample[0].any(dim=0).sum().item()
        assert (rows, columns) in {(60 // part, 90 // part) for part in range(2, 7)}
        assert sample.sum().item() == 3 * rows * columns


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"share": [0.5, 0.1]}, "damage share: is [0.5, 0.1]; give two shares from 0 to 1, the lower one first"),
        ({"share": [-0.1, 0.1]}, "damage share"),
        ({"dropout": [0.1, 1.0]}, "damage dropout"),
        ({"box_parts": [0, 2]}, "damage box_parts: is [0, 2]"),
        ({"kind": "holes"}, "'kind' is 'holes'"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build(DamageSettings, values, "recipe.yaml")
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_background_damage_needs_a_background() -> None:
    with pytest.raises(SettingsError, match="is background, but there is none"):
        damage(frames_of(height=16, width=16), DamageSettings(kind="background"))
