"""The parts of the score against the specification's values (sections 7.1 and 11.3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from oddlens.methods.f2lm.losses import imitation_gap, triplet_loss
from oddlens.methods.f2lm.network import Generated, Imitation
from oddlens.methods.f2lm.scores import frame_values, peak_signal_to_noise, prediction_error


def test_error_and_psnr_of_frames_in_0_to_1(wave: Callable[..., Tensor]) -> None:
    shape = (2, 3, 16, 20)
    predicted, true = wave(shape, 0.3, 0.2, 1.0, 0.9), wave(shape, 0.25, 0.22, 0.9, 0.8)
    values = frame_values(Generated(predicted), true)
    assert list(values) == ["appearance"]
    assert values["appearance"][0].item() == pytest.approx(0.0146530, abs=1e-6)
    assert values["appearance"].mean().item() == pytest.approx(0.0147493, abs=1e-6)
    psnr = peak_signal_to_noise(values["appearance"])
    assert psnr[0].item() == pytest.approx(18.340723, abs=1e-5)
    assert psnr.mean().item() == pytest.approx(18.312363, abs=1e-5)
    assert prediction_error(predicted, true).shape == (2, 16, 20)


@pytest.mark.parametrize("axis", ["width", "channel"])
def test_imitations_are_judged_by_their_triplets(axis: str) -> None:
    planes = [normalize(torch.rand(3, 8, 4, 6), dim=1) for _ in range(5)]
    motion = Imitation(planes[0], planes[1], planes[2])
    labels = Imitation(planes[3], planes[4], planes[2])
    frames = torch.rand(3, 3, 8, 8)
    values = frame_values(Generated(frames, motion, labels), frames, axis)  # type: ignore[arg-type]
    assert set(values) == {"appearance", "motion", "object", "motion_hinge", "object_hinge"}
    assert not values["appearance"].any()
    torch.testing.assert_close(values["motion_hinge"], triplet_loss(motion, axis))  # type: ignore[arg-type]
    torch.testing.assert_close(values["object_hinge"], triplet_loss(labels, axis))  # type: ignore[arg-type]
    torch.testing.assert_close(values["motion"], imitation_gap(motion, axis))  # type: ignore[arg-type]
    assert (values["object"] <= values["object_hinge"]).all(), "the hinge cuts off what is imitated well"


def test_without_the_hinge_good_imitations_differ_too() -> None:
    true = normalize(torch.rand(1, 8, 4, 6), dim=1).expand(2, -1, -1, -1)
    near = normalize(true + torch.tensor([0.0, 0.1]).reshape(2, 1, 1, 1) * torch.rand(1, 8, 4, 6), dim=1)
    imitation = Imitation(near, true, -true)
    assert not triplet_loss(imitation).any()
    gaps = imitation_gap(imitation)
    assert gaps[0] < gaps[1] < 0
