"""Means, and what parts are measured in."""

from __future__ import annotations

import pytest
import torch

from oddlens.nn.means import spread


def test_spread_is_the_deviation_of_each_part() -> None:
    values = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 1e-3, 1e3]) + 5
    torch.testing.assert_close(spread(values), values.std(dim=0, correction=0))


@pytest.mark.parametrize("level", [1e-6, -0.2, 30.0])
def test_rounding_is_no_spread(level: float) -> None:
    values = torch.full((40, 1), level)
    values[::3] *= 1 + 2e-7
    assert 0 < values.std() < 1e-5 * abs(level)
    assert spread(values).item() == pytest.approx(abs(level), rel=1e-5)


def test_nothing_at_all_has_none() -> None:
    assert spread(torch.zeros(4, 2)).tolist() == [0, 0]
