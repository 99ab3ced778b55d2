"""Local means against explicit windows."""

from __future__ import annotations

import pytest
import torch

from oddlens.methods.lnra.windows import highest_window_mean, smooth


@pytest.mark.parametrize("size", [(32, 48), (16, 16), (64, 32)])
def test_the_highest_of_all_windows(size: tuple[int, int]) -> None:
    error = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    found = highest_window_mean(error, 0.1875)
    height, width = round(0.1875 * size[0]), round(0.1875 * size[1])
    # these frames are so small that windows move by one pixel
    means = [
        error[:, :, max(top, 0) : top + height, max(left, 0) : left + width].mean(dim=(2, 3))
        for top in range(-(height // 2), size[0] - height + height // 2 + 1)
        for left in range(-(width // 2), size[1] - width + width // 2 + 1)
    ]
    torch.testing.assert_close(found, torch.stack(means).amax(dim=0))


def test_windows_of_large_frames_move_in_steps() -> None:
    error = torch.zeros(1, 1, 256, 256)
    error[0, 0, 96:144, 102:150] = 1  # 48 pixels wide, on the grid of steps of 6 that starts at -24
    assert highest_window_mean(error, 0.1875).item() == pytest.approx(1)
    everything = torch.rand(1, 2, 256, 256)
    torch.testing.assert_close(highest_window_mean(everything, 1.0), everything.mean(dim=(2, 3)))


@pytest.mark.parametrize("size", [(16, 16), (64, 96), (256, 256)])
def test_smoothing_keeps_shape_and_constants(size: tuple[int, int]) -> None:
    flat = torch.full((2, 3, *size), 0.25)
    torch.testing.assert_close(smooth(flat), flat)
    noise = torch.rand(2, 3, *size)
    smoothed = smooth(noise)
    assert smoothed.shape == noise.shape
    assert (smoothed.amax(dim=(2, 3)) <= noise.amax(dim=(2, 3)) + 1e-6).all()
