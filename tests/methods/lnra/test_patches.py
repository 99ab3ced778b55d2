"""Where patches lie and how they walk: LNRA specification, sections 4.2 and 11.4 (bit-exact and statistical form)."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from oddlens.methods.lnra.masks import MASKS, PatchKind
from oddlens.methods.lnra.pseudo import Patch, PseudoAnomaly, blend_patch, draw_patch, make_patch_anomaly
from oddlens.types import SamplingSpec

PAPER = SamplingSpec(height=256, width=256, length=16, target=8)
CENTRES = [
    (172, 47),
    (165, 44),
    (174, 50),
    (164, 41),
    (157, 42),
    (147, 32),
    (145, 42),
    (135, 46),
    (135, 56),
    (140, 59),
    (135, 58),
    (129, 50),
    (128, 40),
    (120, 33),
    (112, 42),
    (121, 40),
]
"""The walk that the official code draws from seed 0."""


class OfficialRandom:
    """The official code's draws: NumPy's global generator, with a Beta(1, 1) number after each mask's steps.

    SmoothMixC draws no Beta number, and takes its centre from Python's generator.
    """

    def __init__(self, gaussian: bool) -> None:
        self.numbers = np.random.RandomState(0)
        self.python = random.Random(0)
        self.gaussian, self.drawn = gaussian, 0

    def integers(self, low: int, high: int) -> int:
        self.drawn += 1
        if self.gaussian and self.drawn <= 2:
            return self.python.randint(low, high - 1)
        value = int(self.numbers.randint(low, high))
        if not self.gaussian and self.drawn > 2 and self.drawn % 2 == 0:
            self.numbers.beta(1, 1)
        return value

    def random(self) -> float:
        return float(self.numbers.uniform())


def mask_of(patch: Patch, kind: PatchKind, intruder: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """What the patch adds to a black clip, `(T, H, W)`; with a white intruder that is its mask."""
    clip = np.zeros((1, 16, 256, 256), np.float32)
    content = np.ones((1, 1, 256, 256), np.float32) if intruder is None else intruder
    added: NDArray[np.float32] = blend_patch(clip, content, patch, kind)[0]
    return added


def sums(masks: NDArray[np.float32]) -> NDArray[np.float64]:
    totals: NDArray[np.float64] = masks.sum(axis=(1, 2), dtype=np.float64)
    return totals


def official_patch(kind: PatchKind, beta: int = 10) -> tuple[Patch, OfficialRandom]:
    numbers = OfficialRandom(kind == "smoothmix-c")
    return draw_patch(numbers, PseudoAnomaly(kind=kind, alpha=0.5, beta=beta), PAPER), numbers


@pytest.mark.parametrize("moving_intruder", [False, True])
def test_official_walk_of_smoothmix_s(moving_intruder: bool) -> None:
    patch, numbers = official_patch("smoothmix-s")
    assert list(zip(patch.x.tolist(), patch.y.tolist())) == CENTRES
    assert (patch.height, patch.width) == (77, 91)
    expected = np.full(16, 7549.515)
    expected[[5, 12, 13, 15]] = [6847.813, 7529.608, 6942.369, 7529.608]
    white = np.ones((1, 16 if moving_intruder else 1, 256, 256), np.float32)
    np.testing.assert_allclose(sums(mask_of(patch, "smoothmix-s", white)), expected, atol=2e-3)
    assert numbers.random() == 0.43328806198204406


@pytest.mark.parametrize(("kind", "area"), [("cutmix", 7007.0), ("mixup-patch", 3503.5)])
def test_official_walk_of_hard_boxes(kind: PatchKind, area: float) -> None:
    patch, numbers = official_patch(kind)
    assert list(zip(patch.x.tolist(), patch.y.tolist())) == CENTRES
    np.testing.assert_array_equal(sums(mask_of(patch, kind)), np.full(16, area))
    assert numbers.random() == 0.43328806198204406


def test_official_walk_of_smoothmix_c() -> None:
    patch, _ = official_patch("smoothmix-c")
    assert (patch.x[0], patch.y[0], patch.width, patch.height) == (197, 215, 70, 91)
    expected = [21118.816, 22642.125, 23044.055, 21221.941, 22291.508, 23112.520, 23839.387, 22671.061]
    expected += [22810.312, 23110.438, 21083.639, 19374.434, 19228.268, 19984.463, 19886.730, 18042.420]
    np.testing.assert_allclose(sums(mask_of(patch, "smoothmix-c")), expected, rtol=1e-6)


def test_official_patch_that_stands_still() -> None:
    patch, numbers = official_patch("smoothmix-s", beta=0)
    np.testing.assert_allclose(sums(mask_of(patch, "smoothmix-s")), np.full(16, 7549.515), atol=2e-3)
    numbers.numbers.beta(1, 1)  # the official code draws it for its only mask
    assert numbers.random() == 0.6458941130666561


def test_distribution_of_sides_and_steps() -> None:
    rng = np.random.default_rng(0)
    settings = PseudoAnomaly(kind="smoothmix-s", alpha=0.5, beta=10)
    patches = [draw_patch(rng, settings, PAPER) for _ in range(4000)]
    sides = np.array([(patch.width, patch.height) for patch in patches])
    assert sides.min() == 10 and sides.max() == 127
    np.testing.assert_allclose(sides.mean(axis=0), 63.93, atol=2.5)
    np.testing.assert_allclose((sides == 10).mean(axis=0), 11 / 128, atol=0.02)
    assert abs(np.corrcoef(sides.T)[0, 1]) < 0.06
    for centres, extent in (([p.x for p in patches], 256), ([p.y for p in patches], 256)):
        walks = np.stack(centres)
        assert walks[:, 0].max() == extent - 1 and walks[:, 0].min() == 0
        assert walks[:, 0].mean() == pytest.approx(127.5, abs=5)
        assert walks.max() == extent  # the clamp admits the value one outside
        inside = (walks[:, :-1] >= 10) & (walks[:, :-1] <= extent - 10)
        steps = np.diff(walks, axis=1)[inside]
        assert abs(steps).max() == 10
        assert steps.mean() == pytest.approx(0, abs=0.1)
        assert steps.var() == pytest.approx(36.67, abs=0.5)


def test_gaussian_centres_reach_one_further() -> None:
    rng = np.random.default_rng(1)
    spec = SamplingSpec(height=16, width=16, length=1)
    settings = {15: PseudoAnomaly(kind="smoothmix-s", beta=0), 16: PseudoAnomaly(kind="smoothmix-c", beta=0)}
    for highest, kind in settings.items():
        patches = [draw_patch(rng, kind, spec) for _ in range(500)]
        assert max(int(patch.x[0]) for patch in patches) == highest
        assert max(int(patch.y[0]) for patch in patches) == highest


@given(
    st.sampled_from(sorted(MASKS)),
    st.integers(0, 12),
    st.floats(0.05, 1),
    st.sampled_from([(32, 48), (48, 32), (256, 128)]),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_patches_of_rectangular_frames(
    kind: PatchKind, beta: int, alpha: float, size: tuple[int, int], scale: bool, seed: int
) -> None:
    spec = SamplingSpec(height=size[0], width=size[1], length=8)
    patch = draw_patch(np.random.default_rng(seed), PseudoAnomaly(kind=kind, beta=beta, alpha=alpha), spec, scale)
    for centres, side, extent in ((patch.x, patch.width, size[1]), (patch.y, patch.height, size[0])):
        share = extent / 256 if scale else 1
        floor, step = (max(2, round(pixels * share)) if scale and pixels else pixels for pixels in (10, beta))
        assert centres.min() >= 0 and centres.max() <= extent
        assert floor <= side <= max(floor, alpha * extent)
        assert abs(np.diff(centres)).max() <= step
    masks = MASKS[kind](patch.x, patch.y, patch.width, patch.height, size)
    assert masks.shape == (8, *size)
    assert masks.min() >= 0 and masks.max() <= 1


def test_the_intruder_is_pinned_to_the_frame() -> None:
    rng = np.random.default_rng(0)
    clip = rng.uniform(-1, 1, (1, 2, 32, 48)).astype(np.float32)
    still, moving = (rng.uniform(-1, 1, (1, n, 32, 48)).astype(np.float32) for n in (1, 2))
    patch = Patch(np.array([10, 30]), np.array([12, 20]), 12, 8)
    for intruder in (still, moving):
        blended = blend_patch(clip, intruder, patch, "cutmix")
        expected = clip.copy()
        expected[0, 0, 8:16, 4:16] = intruder[0, 0, 8:16, 4:16]
        expected[0, 1, 16:24, 24:36] = intruder[0, -1, 16:24, 24:36]
        np.testing.assert_allclose(blended, expected, atol=1e-6)


def test_mixup_patch_is_half_and_half() -> None:
    clip, intruder = np.full((3, 1, 32, 32), -1, np.float32), np.full((3, 1, 32, 32), 0.5, np.float32)
    blended = blend_patch(clip, intruder, Patch(np.array([16]), np.array([16]), 10, 10), "mixup-patch")
    assert np.unique(blended).tolist() == [-1, -0.25]
    assert (blended == -0.25).sum() == 3 * 100


class White:
    """An intruder without detail."""

    def draw(self, rng: np.random.Generator, length: int) -> NDArray[np.float32]:
        return np.ones((1, 1, 32, 48), np.float32)


@pytest.mark.parametrize("kind", sorted(MASKS))
def test_a_patch_anomaly_leaves_its_target_alone(kind: PatchKind) -> None:
    spec = SamplingSpec(height=32, width=48, length=8)
    target = np.full((1, 8, 32, 48), -0.5, np.float32)
    made = make_patch_anomaly(target, White(), PseudoAnomaly(kind=kind), spec, np.random.default_rng(0), True)
    assert (target == -0.5).all()
    assert made.shape == target.shape and made.dtype == np.float32
    assert made.min() >= -0.5 and made.max() <= 1 and (made > target).any(axis=(0, 2, 3)).all()
