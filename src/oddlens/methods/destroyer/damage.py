"""Damage: what the Destroyer learns to find, done to well predicted frames."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from oddlens.config import Settings
from oddlens.errors import SettingsError
from oddlens.methods.destroyer.gate import GRID
from oddlens.nn.patch_grid import cut_patches, join_patches

DamageKind = Literal[
    "channel-dropout", "blur", "strong-blur", "pixel-dropout", "salt-and-pepper", "background", "mixed"
]
_BLURS = {"blur": (5, 2.0), "strong-blur": (9, 2.0)}
"""Pixels a side and deviation of the Gaussian."""
_SALT = 0.05
"""Share of the values that salt and pepper sets to 0 or 1, half each."""
_MIXED: tuple[DamageKind, ...] = ("blur", "strong-blur", "channel-dropout")
_DECIMALS = 2


@dataclass(frozen=True, kw_only=True)
class DamageSettings(Settings):
    """How predicted frames are damaged while the Destroyer learns; the defaults are the official code's."""

    kind: DamageKind = "channel-dropout"
    """What is done: `channel-dropout`: each colour of a patch becomes 0 or is multiplied by 1 / (1 - p); `blur` and
    `strong-blur`: Gaussian over 5 and 9 pixels; `pixel-dropout`: pixels become 0 in all colours; `salt-and-pepper`: 5 %
    of the values become 0 or 1; `background`: the destroyed colour itself; `mixed`: the first or a blur, drawn anew
    for every step."""
    where: Literal["patches", "box"] = "patches"
    """`patches` of the grid, the same ones in all samples of a batch; or one `box` a sample."""
    share: tuple[float, float] = (0.05, 0.5)
    """Share of the patches that is damaged, drawn between these for every step; equal ones fix it."""
    dropout: tuple[float, float] = (0.05, 0.5)
    """p of the dropouts, drawn likewise."""
    box_parts: tuple[int, int] = (2, 6)
    """A box is the frame's height and width divided by a whole number drawn from these, both included."""
    clip: bool = False
    """Hold damaged values within -1..1, where predicted ones are; officially they reach 2."""

    def __post_init__(self) -> None:
        """Refuse ranges that are none."""
        for name, (low, high) in (("share", self.share), ("dropout", self.dropout)):
            if not 0 <= low <= high <= 1 or (name == "dropout" and high == 1):
                fault = f"is {[low, high]}"
                raise SettingsError(f"damage {name}", fault, "give two shares from 0 to 1, the lower one first")
        if not 1 <= self.box_parts[0] <= self.box_parts[1]:
            fault = f"is {list(self.box_parts)}"
            raise SettingsError("damage box_parts", fault, "give two whole numbers from 1, the lower one first")


@torch.no_grad()
def damage(
    frames: Tensor,
    settings: DamageSettings,
    grid: tuple[int, int] = GRID,
    background: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Predicted frames with patches of them damaged; the rest stays as it is, bit for bit.

    All numbers are drawn on the CPU, in the order of the official code.

    Args:
        frames: `(B, 3, H, W)`, -1..1, sides multiples of the grid's.
        settings: what is done, and where.
        grid: rows and columns of patches.
        background: `(3, H, W)`, for damage of that kind.
        generator: of random numbers; default: torch's own.
    """
    share, dropout = (_between(limits, generator) for limits in (settings.share, settings.dropout))
    chosen = _patches(frames, share, grid, generator)
    if settings.where == "box":
        chosen = _boxes(frames, settings.box_parts, generator)
    kind = settings.kind
    if kind == "mixed":
        kind = _MIXED[int(torch.randint(len(_MIXED), (1,), generator=generator))]
    changed = _changed(frames, kind, dropout, grid, background, generator)
    damaged = torch.where(chosen.to(frames.device), changed, frames)
    return damaged.clamp(-1, 1) if settings.clip else damaged


def _between(limits: tuple[float, float], generator: torch.Generator | None) -> float:
    """A number between the limits, of two decimals."""
    low, high = limits
    return round(low + (high - low) * float(torch.rand(1, generator=generator)), _DECIMALS)


def _patches(frames: Tensor, share: float, grid: tuple[int, int], generator: torch.Generator | None) -> Tensor:
    """Where patches were drawn, the same in all samples: `bool (H, W)`."""
    rows, columns = grid
    drawn = (torch.rand(rows * columns, generator=generator) < share).reshape(grid)
    height, width = frames.shape[2] // rows, frames.shape[3] // columns
    return drawn.repeat_interleave(height, dim=0).repeat_interleave(width, dim=1)


def _boxes(frames: Tensor, parts: tuple[int, int], generator: torch.Generator | None) -> Tensor:
    """A box in each sample: `bool (B, 1, H, W)`."""
    batch, _, height, width = frames.shape
    divisor = torch.randint(parts[0], parts[1] + 1, (batch, 1), generator=generator)
    inside = []
    for side in (height, width):
        length = (side // divisor).clamp_min(1)
        start = (torch.rand(batch, 1, generator=generator) * (side - length + 1)).long()
        place = torch.arange(side)
        inside.append((place >= start) & (place < start + length))
    return (inside[0][:, :, None] & inside[1][:, None, :]).unsqueeze(1)


def _changed(
    frames: Tensor,
    kind: DamageKind,
    dropout: float,
    grid: tuple[int, int],
    background: Tensor | None,
    generator: torch.Generator | None,
) -> Tensor:
    """Frames damaged all over."""
    if kind == "channel-dropout":
        return _channel_dropout(frames, dropout, grid, generator)
    if kind in _BLURS:
        return _blurred(frames, *_BLURS[kind])
    batch, _, height, width = frames.shape
    if kind == "pixel-dropout":
        kept = torch.rand(batch, 1, height, width, generator=generator) >= dropout
        return frames * kept.to(frames)
    if kind == "salt-and-pepper":
        drawn = torch.rand(frames.shape, generator=generator).to(frames.device)
        return torch.where(drawn < _SALT, (drawn < _SALT / 2).to(frames), frames)
    if background is None:
        raise SettingsError("damage kind", "is background, but there is none", "give one, or choose another kind")
    return background.expand_as(frames)


def _channel_dropout(frames: Tensor, p: float, grid: tuple[int, int], generator: torch.Generator | None) -> Tensor:
    """Dropout of each patch's colours, with p: 0, or multiplied by 1 / (1 - p)."""
    patches = cut_patches(frames, *grid)
    factors = torch.empty(patches.shape[0] * patches.shape[1], patches.shape[2], 1, 1)
    factors.bernoulli_(1 - p, generator=generator).div_(1 - p)
    return join_patches(patches * factors.reshape(*patches.shape[:3], 1, 1).to(frames), *grid)


def _blurred(frames: Tensor, side: int, deviation: float) -> Tensor:
    """Gaussian blur, mirrored at the border."""
    weights = torch.tensor([exp(-0.5 * ((place - side // 2) / deviation) ** 2) for place in range(side)]).to(frames)
    weights = weights / weights.sum()
    planes = pad(frames.flatten(0, 1).unsqueeze(1), (side // 2,) * 4, mode="reflect")
    smooth = conv2d(conv2d(planes, weights.reshape(1, 1, 1, -1)), weights.reshape(1, 1, -1, 1))
    return smooth.reshape(frames.shape)
