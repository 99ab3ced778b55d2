"""Drawn digits: of every kind as many, alike for alike seeds, of MNIST's size and ink."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.toy.drawn import draw_data, draw_digits


def test_seeds_decide() -> None:
    first, again, other = (draw_digits(30, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.pictures, again.pictures)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (first.pictures != other.pictures).any()


def test_splits_differ_and_have_every_kind() -> None:
    data = draw_data(seed=2, train=50, test=20)
    assert np.bincount(data.train.labels).tolist() == [5] * 10
    assert np.bincount(data.test.labels).tolist() == [2] * 10
    assert not (data.train.pictures[:, None] == data.test.pictures[None]).all(axis=(2, 3)).any()


def test_ink() -> None:
    pictures = draw_digits(200, 0).pictures / 255
    ink = pictures.mean(axis=(1, 2))
    assert pictures.shape == (200, 28, 28) and pictures.max() == 1
    assert ink.min() > 0.03 and ink.max() < 0.35
    assert pictures[:, [0, -1]].mean() < 0.01  # the digit lies inside


def test_kinds_look_different_and_alike_among_themselves() -> None:
    digits = draw_digits(400, 1)
    means = np.stack([digits.pictures[digits.labels == digit].mean(axis=0) for digit in range(10)]) / 255
    others = draw_digits(200, 2)
    distance = ((others.pictures[:, None] / 255 - means) ** 2).sum(axis=(2, 3))
    assert (distance.argmin(axis=1) == others.labels).mean() > 0.6


@pytest.mark.parametrize("count", [1, 7])
def test_any_count(count: int) -> None:
    digits = draw_digits(count, 0)
    assert digits.pictures.shape == (count, 28, 28) and digits.labels.max() < 10
