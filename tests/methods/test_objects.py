"""What methods that look at objects have in common: their background goes with their weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oddlens.errors import DataError, DetectorError, SettingsError
from oddlens.methods.lbr_spr.method import LbrSpr
from oddlens.methods.lbr_spr.settings import LbrSprSettings
from oddlens.objects.background import Background, learn_background
from oddlens.scoring.objects import open_finder


def method() -> LbrSpr:
    return LbrSpr(LbrSprSettings(width=1))


@pytest.fixture(scope="module")
def background() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    still = rng.integers(60, 200, (48, 64, 3), np.uint8)
    return learn_background(
        [np.clip(still + rng.integers(-2, 3, still.shape), 0, 255).astype(np.uint8) for _ in range(9)]
    ).to_arrays()


def test_a_new_method_has_no_background() -> None:
    assert method().background() == {}
    assert method().camera is None


def test_background_is_kept_with_the_weights(background: dict[str, np.ndarray]) -> None:
    first, second = method(), method()
    first.set_background(background)
    assert first.camera == (48, 64)
    second.load_state_dict(first.state_dict())
    kept = second.background()
    assert set(kept) == set(background)
    for name, value in background.items():
        assert kept[name].dtype == value.dtype
        np.testing.assert_array_equal(kept[name], value)
    finder = open_finder(second)
    assert isinstance(finder.background, Background)
    finder.load()


def test_background_of_another_size_replaces_the_first(background: dict[str, np.ndarray]) -> None:
    trained = method()
    trained.set_background(background)
    smaller = learn_background([np.zeros((24, 32, 1), np.uint8)] * 3).to_arrays()
    trained.set_background(smaller)
    assert trained.camera == (24, 32)
    other = method()
    other.set_background(background)
    other.load_state_dict(trained.state_dict())
    assert other.camera == (24, 32)


def test_a_background_is_no_training_target(background: dict[str, np.ndarray]) -> None:
    trained = method()
    count = len(list(trained.parameters()))
    trained.set_background(background)
    assert len(list(trained.parameters())) == count


def test_weights_without_the_background_do_not_fit_a_method_that_has_one(background: dict[str, np.ndarray]) -> None:
    trained = method()
    trained.set_background(background)
    with pytest.raises(RuntimeError, match="background_level"):
        trained.load_state_dict(method().state_dict())


def test_a_damaged_background_is_refused(background: dict[str, np.ndarray]) -> None:
    trained = method()
    trained.set_background({**background, "noise": background["noise"][:5]})
    with pytest.raises(DataError, match="background"):
        open_finder(trained)


def test_without_its_background_no_box_is_sought() -> None:
    with pytest.raises((SettingsError, DetectorError), match="background"):
        open_finder(method()).load()


def test_whole_frames_are_not_scored() -> None:
    with pytest.raises(SettingsError, match="lbr-spr: scores patches, not windows of frames"):
        method().score(torch.zeros(1, 3, 5, 32, 32), [2])


def test_frames_come_as_they_are_and_one_suffices() -> None:
    trained = method()
    assert (trained.colour, trained.shortest, trained.latency) == ("native", 1, 2)
    assert LbrSpr(LbrSprSettings(width=1, motion=True)).latency == 3
