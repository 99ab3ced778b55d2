"""Losses and errors against the specification's formulas (section 10.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from oddlens.methods.dmad_pdm.errors import frame_errors
from oddlens.methods.dmad_pdm.losses import foreground_weight, loss_terms, mask_loss
from oddlens.methods.dmad_pdm.network import Prediction
from oddlens.methods.dmad_pdm.object_error import object_error
from oddlens.methods.dmad_pdm.variants import VARIANTS
from oddlens.nn.quantiser import Quantised

Clip = Callable[..., Tensor]
SIDE = 64


def waves(shift: float, amplitude: float) -> Tensor:
    """An offset field of the formulas, `(2, 64, 64, 2)`."""
    b, i, j = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (2, SIDE, SIDE)), indexing="ij")
    x = 2 * amplitude * torch.sin(0.05 * i + 0.03 * j + 1.3 * b + shift)
    y = amplitude * torch.cos(0.09 * i - 0.04 * j + 1.3 * b + shift)
    return torch.stack([x, y], dim=-1).float()


@pytest.fixture(scope="module")
def formulas(clip: Clip) -> dict[str, tuple[Tensor, Prediction, Tensor]]:
    """For each variant target, prediction and background."""
    sides = (2, 3, SIDE, SIDE)
    i, j = torch.meshgrid(*(torch.arange(SIDE, dtype=torch.float64),) * 2, indexing="ij")
    mask = (0.5 + 0.4 * torch.sin(0.11 * i) * torch.cos(0.07 * j)).float().expand(2, 1, SIDE, SIDE)
    given = Quantised(torch.zeros(()), torch.full((2,), 0.4), torch.full((2,), 0.4), torch.zeros(()))
    prediction = Prediction(
        reference=torch.zeros(sides),
        mask=mask,
        masks=(mask, 0.9 * mask),
        frames=(0.8 * clip(*sides, 0.3), 0.9 * clip(*sides, 0.1)),
        offsets=(waves(0.0, 0.01), waves(0.4, 0.005)),
        features=torch.zeros(()),
        memory=given,
    )
    background = 0.3 * clip(1, 3, SIDE, SIDE, 2.0)
    scenes = torch.cat([background, background / 2])
    target = clip(*sides)
    return {name: (target, prediction, scenes if rule.scenes else background) for name, rule in VARIANTS.items()}


@pytest.mark.parametrize(
    ("variant", "total", "expected"),
    [
        (
            "ped2",
            0.8918350,
            {
                "first_error": 0.0357055,
                "second_error": 0.0060841,
                "gradient": 0.0316239,
                "first_offset": 0.0059762,
                "second_offset": 0.0029811,
                "smoothness": 0.0012107,
                "background": 0.3158794,
            },
        ),
        (
            "avenue",
            0.9309355,
            {
                "gradient": 0.0674145,
                "first_offset": 0.0149405,
                "second_offset": 0.0074528,
                "smoothness": 0.0010144,
            },
        ),
        (
            "shanghai",
            1.654302,
            {
                "first_error": 0.0377099,
                "second_error": 0.0065707,
                "gradient": 0.0590781,
                "mask and background": 1.0448366,
                "first_offset": 0.0160438,
                "second_offset": 0.0076645,
                "smoothness": 0.0007187,
            },
        ),
    ],
)
def test_terms(variant: Any, total: float, expected: dict[str, float], formulas: dict[str, Any]) -> None:
    target, prediction, background = formulas[variant]
    terms = loss_terms(VARIANTS[variant], target, prediction, background)
    found = {name: term.mean().item() for name, term in terms.items()}
    assert sum(found.values()) == pytest.approx(total, rel=1e-5)
    found["mask and background"] = found.get("mask", 0) + found["background"]
    for name in ("first_offset", "second_offset", "smoothness"):  # the specification's are without gamma2
        found[name] *= 4
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=2e-4)
    assert (found["embed"], found["commit"]) == pytest.approx((0.4, 0.1))


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("ped2", {"deformation": 0.00962826, "reconstruction": 0.07024900, "gradient": 0.03101012}),
        ("avenue", {"deformation": 0.00967079, "reconstruction": 0.00608494}),
        ("shanghai", {"deformation": 0.02193431, "reconstruction": 0.02111966}),
    ],
)
def test_errors_of_a_frame(variant: Any, expected: dict[str, float], formulas: dict[str, Any]) -> None:
    target, prediction, _ = formulas[variant]
    errors = frame_errors(VARIANTS[variant], target, prediction, side=SIDE)
    found = {name: errors.values[name][0].item() for name in expected}
    assert found == pytest.approx(expected, rel=1e-5)
    assert list(errors.values) == ["deformation", "reconstruction", "object" if variant == "shanghai" else "gradient"]
    for name in ("deformation", "gradient"):
        if name in errors.values:  # the map is what the number was before its maximum
            torch.testing.assert_close(errors.maps[name].amax(dim=(1, 2)), errors.values[name])
    assert all(one.shape == (2, SIDE, SIDE) for one in errors.maps.values())


def test_foreground_weight(clip: Clip) -> None:
    weight = foreground_weight(clip(2, 3, SIDE, SIDE), clip(2, 3, SIDE, SIDE, 0.5))
    assert weight.mean().item() == pytest.approx(43.5424538, rel=1e-5)
    assert weight[0, 0, 0, 0].item() == pytest.approx(17.5359955, rel=1e-5)
    assert weight[1, 2, 32, 32].item() == pytest.approx(52.9232216, rel=1e-5)


def test_a_mask_that_is_certain_and_small_costs_nothing() -> None:
    mask = torch.zeros(1, 1, 20, 20)
    assert mask_loss(mask) == 0
    mask[0, 0, 0, 0] = 1
    assert mask_loss(mask).abs() < 1e-6
    assert mask_loss(mask + 0.5) > 0.01


@pytest.mark.parametrize("variant", ["ped2", "avenue", "shanghai"])
def test_a_sample_has_the_terms_it_has_alone_but_for_shares_of_the_batch(
    variant: Any, formulas: dict[str, Any]
) -> None:
    target, prediction, background = formulas[variant]
    together = loss_terms(VARIANTS[variant], target, prediction, background)
    assert all(term.shape == (2,) for term in together.values())
    for index in (0, 1):
        one = slice(index, index + 1)
        memory = Quantised(*(part[one] if part.ndim else part for part in prediction.memory))
        pairs = {
            name: tuple(part[one] for part in getattr(prediction, name)) for name in ("masks", "frames", "offsets")
        }
        alone = Prediction(**{**vars(prediction), **pairs, "mask": prediction.mask[one], "memory": memory})
        own = background[one] if len(background) == 2 else background
        terms = loss_terms(VARIANTS[variant], target[one], alone, own)
        # by shanghai's weights (and the mask of the background) a sample counts for more or less than the other
        weighted = variant == "shanghai"
        free = ("embed", "commit", "background", "mask") if weighted else tuple(terms)
        for name in free:
            torch.testing.assert_close(together[name][one], terms[name])
        assert (together["first_error"][index] != terms["first_error"][0]) == weighted


def test_parts_of_the_masks_loss_add_up_to_that_of_the_batch() -> None:
    mask = torch.zeros(2, 1, 10, 10)
    mask[0, 0, :3, :3] = 1  # certain: area 0.09 and 0, 0.045 on average
    parts = mask_loss(mask)
    assert parts.tolist() == pytest.approx([0.1 * 0.1 * 0.08, -0.1 * 0.1 * 0.01], abs=1e-8)
    mask[0, 0, 1:, :] = mask[0, 0, 0, 1:] = 0  # 0.005 on average: little enough, though not in the first
    assert mask_loss(mask).tolist() == pytest.approx([0, 0], abs=1e-8)


def test_terms_have_gradients_where_nothing_moves_and_all_is_right(formulas: dict[str, Any]) -> None:
    target, prediction, background = formulas["ped2"]
    still = torch.zeros(2, SIDE, SIDE, 2, requires_grad=True)
    frame = target.clone().requires_grad_(True)
    perfect = Prediction(**{**vars(prediction), "offsets": (still, still), "frames": (frame, frame)})
    for rule in VARIANTS.values():
        torch.stack(list(loss_terms(rule, target, perfect, background).values())).sum().backward()  # type: ignore[no-untyped-call]
    assert still.grad is not None and still.grad.isfinite().all()
    assert frame.grad is not None and frame.grad.isfinite().all()


def test_the_worst_object_counts() -> None:
    mask, error = torch.zeros(3, 256, 256), torch.zeros(3, 256, 256)
    mask[0, 10:20, 10:20], error[0, 10:20, 10:20] = 0.9, 0.25
    mask[0, 50:70, 50:70], error[0, 50:70, 50:70] = 0.8, 0.5
    mask[0, 55:60, 55:60], error[0, 55:60, 55:60] = 0.0, 2.5  # a hole is inside the contour
    mask[0, 100:103, 100:103], error[0, 100:103, 100:103] = 1.0, 9.0  # too small
    mask[1], error[1] = 0.7, 9.0  # not above the threshold
    mask[2], error[2] = 1.0, torch.linspace(0, 1, 256)
    inside = np.full((20, 20), 0.5)
    inside[5:10, 5:10] = 2.5
    assert object_error(error, mask).tolist() == pytest.approx([inside.mean(), 0, 0.5])
