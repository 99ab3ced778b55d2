"""Scores: sums over the picture, by hand and whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oddlens.toy.data import ToyData
from oddlens.toy.experiment import Outcome
from oddlens.toy.models import KINDS, Kind
from oddlens.toy.scoring import DigitScores, score_digits
from oddlens.toy.settings import ToySettings
from oddlens.toy.training import new_model

CPU = torch.device("cpu")


def test_sums_by_hand(data: ToyData, outcome: Outcome) -> None:
    pictures = torch.from_numpy(data.test.pictures[:5])
    scores = score_digits(outcome.model, pictures, CPU)
    with torch.no_grad():
        redrawn = outcome.model(pictures[:, None] / 255)
    error = (redrawn.pictures[1][:, 0].numpy() - data.test.pictures[:5] / 255) ** 2
    lengths = sum(np.hypot(*np.moveaxis(offset.numpy(), -1, 0)) for offset in redrawn.offsets)
    np.testing.assert_allclose(scores.error, error.sum(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(scores.diversity, lengths.sum(axis=(1, 2)), rtol=1e-3)
    ink = (lengths * data.test.pictures[:5] / 255).sum(axis=(1, 2))
    np.testing.assert_allclose(scores.ink_diversity, ink, rtol=1e-3)
    np.testing.assert_array_equal(scores.codes, redrawn.memory.indices.flatten())


@pytest.mark.parametrize("kind", KINDS)
def test_batches_do_not_matter(
    data: ToyData, settings: ToySettings, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, pictures = new_model(kind, settings, 0).eval(), torch.from_numpy(data.test.pictures)
    whole = score_digits(model, pictures, CPU)
    monkeypatch.setattr("oddlens.toy.scoring._BATCH", 7)
    parts = score_digits(model, pictures, CPU)
    assert whole.error.shape == (40,)
    np.testing.assert_allclose(whole.error, parts.error, rtol=1e-4)
    assert (whole.diversity > 0).all() == (kind == "pdm")
    np.testing.assert_array_equal(whole.codes, parts.codes)


def test_error_and_diversity_add_up() -> None:
    scores = DigitScores(np.array([1.0, 2.0]), np.array([10.0, 0.0]), np.zeros(2), np.zeros(2, np.int64))
    assert scores.with_diversity(0.5).tolist() == [6, 2]
    assert scores.with_diversity(0).tolist() == [1, 2]
