"""Changed photographs stay photographs of the same thing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.methods.dmad_ppdm.augment import AugmentSettings, augment


def blob(height: int = 40, width: int = 60) -> NDArray[np.uint8]:
    image = np.full((height, width, 3), 50, np.uint8)
    image[18:22, 28:32] = 250
    return image


def test_nothing_is_changed_by_default() -> None:
    assert not AugmentSettings().active
    image = blob()
    assert augment(image, AugmentSettings(), np.random.default_rng(0)) is image


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0, 180),
    st.floats(0, 0.3),
    st.floats(0, 0.3),
    st.sampled_from(["none", "sideways", "both"]),
    st.integers(0),
)
def test_size_kind_and_levels_stay(turn: float, shift: float, scale: float, mirror: str, seed: int) -> None:
    chosen = build(AugmentSettings, {"turn": turn, "shift": shift, "scale": scale, "mirror": mirror}, "test")
    changed = augment(blob(), chosen, np.random.default_rng(seed))
    assert changed.shape == (40, 60, 3) and changed.dtype == np.uint8
    assert changed.min() >= 50 and changed.max() <= 250


def test_the_middle_stays_where_it_is_when_turned() -> None:
    changed = augment(blob(), AugmentSettings(turn=180), np.random.default_rng(3))
    rows, columns = np.nonzero(changed[:, :, 0] > 150)
    assert rows.mean() == pytest.approx(19.5, abs=1) and columns.mean() == pytest.approx(29.5, abs=1)


@pytest.mark.parametrize(("mirror", "axis"), [("sideways", 1), ("upside-down", 0)])
def test_mirror_images(mirror: str, axis: int) -> None:
    image = np.arange(24, dtype=np.uint8).reshape(4, 6, 1)
    chosen = build(AugmentSettings, {"mirror": mirror}, "test")
    found = [augment(image, chosen, np.random.default_rng(seed)) for seed in range(12)]
    assert {result.tobytes() for result in found} == {image.tobytes(), np.flip(image, axis).tobytes()}


def test_the_same_draws_give_the_same_picture() -> None:
    chosen = AugmentSettings(turn=20, shift=0.1, scale=0.1, mirror="both")
    first, second = (augment(blob(), chosen, np.random.default_rng([1, 2])) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"turn": 181}, "turn is 181.0; give degrees from 0 to 180"),
        ({"turn": float("nan")}, "turn is nan"),
        ({"shift": 0.5}, "shift is 0.5; give a share from 0 to below 0.5"),
        ({"scale": -0.1}, "scale is -0.1"),
        ({"mirror": "left"}, "'mirror' is 'left'"),
    ],
)
def test_changes_that_make_no_sense(values: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told.replace("(", r"\(")):
        build(AugmentSettings, values, "recipe.yaml")
