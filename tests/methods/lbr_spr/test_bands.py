"""The scale of errors: like contrast with like, block by block, without jumps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oddlens.methods.lbr_spr.bands import ContrastBands, contrast


def learned(
    bands: int, errors: torch.Tensor, texture: torch.Tensor, blocks: torch.Tensor | None = None
) -> ContrastBands:
    where = torch.zeros(len(texture), dtype=torch.int64) if blocks is None else blocks
    scale = ContrastBands(int(where.max()) + 1, bands)
    scale.learn(errors, texture, where)
    return scale


def rising(count: int = 1024, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Errors of which both mean and spread grow with contrast, as those of a real network do."""
    random = np.random.default_rng(seed)
    texture = random.uniform(0.001, 0.1, count)
    errors = texture * (5 + random.standard_normal((2, count)))
    return torch.from_numpy(errors).float(), torch.from_numpy(texture).float()


def test_contrast_is_the_variance_of_all_values_of_a_patch() -> None:
    stored = torch.randint(0, 256, (3, 8, 8, 15), dtype=torch.uint8)
    expected = (stored.numpy().astype(np.float64) / 255).reshape(3, -1).var(axis=1)
    np.testing.assert_allclose(contrast(stored).numpy(), expected, rtol=1e-4)
    assert contrast(stored[:0]).shape == (0,)


def test_one_band_is_the_paper_s_scale_whatever_the_contrast() -> None:
    errors, texture = rising()
    scale = learned(1, errors, texture)
    exact = errors.double()
    expected = (exact - exact.mean(dim=1, keepdim=True)) / exact.std(dim=1, correction=0, keepdim=True)
    zeros = torch.zeros(len(texture), dtype=torch.int64)
    np.testing.assert_allclose(scale.standardise(errors, texture, zeros).numpy(), expected.numpy(), atol=1e-4)


def test_rich_patches_are_no_odder_than_flat_ones() -> None:
    errors, texture = rising()
    zeros = torch.zeros(len(texture), dtype=torch.int64)
    flat, rich = texture < 0.02, texture > 0.08
    one, many = (learned(bands, errors, texture).standardise(errors, texture, zeros)[0] for bands in (1, 8))
    assert float(one[rich].mean() - one[flat].mean()) > 1.5
    assert float(many[rich].mean() - many[flat].mean()) < 0.5


def test_a_patch_odd_for_its_contrast_stands_out_though_its_error_is_common() -> None:
    errors, texture = rising()
    scale = learned(8, errors, texture)
    common = errors[0].median().expand(2, 1)
    flat, usual = torch.tensor([0.005]), texture.median()[None]
    zero = torch.zeros(1, dtype=torch.int64)
    assert scale.standardise(common, flat, zero)[0] > 5
    assert abs(float(scale.standardise(common, usual, zero)[0])) < 1


@given(st.integers(0, 3), st.floats(0.0, 0.2))
def test_scores_do_not_jump_where_contrast_moves_a_little(seed: int, place: float) -> None:
    errors, texture = rising(seed=seed)
    scale = learned(8, errors, texture)
    near = torch.tensor([place, place + 1e-6])
    error, zeros = errors[:, :1].expand(2, 2), torch.zeros(2, dtype=torch.int64)
    first, second = scale.standardise(error, near, zeros)[0]
    assert float(first) == pytest.approx(float(second), abs=0.05 * max(1.0, abs(float(first))))


def test_every_block_has_a_scale_of_its_own_and_few_patches_fewer_bands() -> None:
    errors, texture = rising(700)
    blocks = torch.tensor([0] * 600 + [2] * 100)
    scale = learned(8, errors, texture, blocks)
    assert len(scale.middle[0].unique()) == 8
    assert len(scale.middle[2].unique()) == 1
    alone = learned(8, errors[:, 600:], texture[600:])
    rows, zeros = slice(600, 700), torch.zeros(100, dtype=torch.int64)
    found = scale.standardise(errors[:, rows], texture[rows], blocks[rows])
    assert torch.equal(found, alone.standardise(errors[:, rows], texture[rows], zeros))


def test_patches_all_alike_give_finite_scores() -> None:
    errors, texture = torch.ones(2, 300), torch.full((300,), 0.05)
    scores = learned(4, errors, texture).standardise(errors * 2, texture * 3, torch.zeros(300, dtype=torch.int64))
    assert torch.isfinite(scores).all()
