"""Blocks of U-shaped networks: sizes, order of what is joined, weights of channels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from oddlens.nn.patch_grid import cut_patches, join_patches
from oddlens.nn.squeeze_excitation import SqueezeExcitation
from oddlens.nn.unet import Decoder, Encoder, Up


@pytest.mark.parametrize("sides", [(16, 16), (17, 22), (31, 9)])
def test_any_sides_come_back(sides: tuple[int, int]) -> None:
    encoder, decoder = Encoder(5, 4), Decoder(4)
    found = encoder(torch.rand(2, 5, *sides))
    assert [part.shape[1] for part in found] == [4, 8, 16, 32]
    assert found[3].shape[2:] == (sides[0] // 8, sides[1] // 8)
    picture = decoder(found[3], found[:3])
    assert picture.shape == (2, 3, *sides) and picture.abs().max() <= 1


def test_the_skip_comes_first_and_zeros_stand_at_the_right_and_below() -> None:
    up = Up(4, 2)
    seen: list[Tensor] = []
    up.convolutions.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        up.up.weight.fill_(0)
        up.up.bias.fill_(3)
        up(torch.rand(1, 4, 2, 2), torch.full((1, 2, 5, 5), 7.0))
    assert (seen[0][:, :2] == 7).all() and (seen[0][:, 2:, :4, :4] == 3).all()
    assert not seen[0][:, 2:, 4].any() and not seen[0][:, 2:, :, 4].any()


def test_channels_are_weighted_by_their_means() -> None:
    block = SqueezeExcitation(8, 4)
    features = torch.rand(2, 8, 3, 5)
    first, _, second, _ = block.weigh
    assert isinstance(first, nn.Linear) and isinstance(second, nn.Linear)
    weights = torch.sigmoid(second(torch.relu(first(features.mean(dim=(2, 3))))))
    torch.testing.assert_close(block(features), features * weights[:, :, None, None])


def test_patches_are_cut_row_after_row() -> None:
    pictures = torch.rand(2, 3, 256, 256)
    patches = cut_patches(pictures, 8, 8)
    assert patches.shape == (2, 64, 3, 32, 32)
    assert torch.equal(patches[:, 9], pictures[:, :, 32:64, 32:64])
    assert torch.equal(join_patches(patches, 8, 8), pictures)
