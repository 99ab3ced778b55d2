"""Networks of torchvision, cut behind their last feature map at a sixteenth of the picture's side."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import get_model, list_models

from oddlens.errors import SettingsError

STRIDES = (4, 8, 16)
"""Of the three feature maps, in pixels of the picture."""
_PROBE = 64
_OPENED = ("features", "layers", "trunk_output")
"""Sequences whose modules are links of the chain themselves."""


class Backbone(NamedTuple):
    """The used part of a classification network."""

    network: nn.Module
    """In evaluation mode, with torchvision's names of weights."""
    taps: tuple[int, ...]
    """Places in its `chain` of the last feature maps of each stride."""
    channels: tuple[int, ...]
    """Of these maps."""
    cut: frozenset[str]
    """Names of the weights that were cut off."""


def open_backbone(name: str, random: bool = False) -> Backbone:
    """The network called `name` with weights of zero, or with torchvision's random ones, always the same.

    Raises:
        SettingsError: torchvision has no such network, or it has no such feature maps.
    """
    network = _random(name) if random else _empty(name)
    everything = set(network.state_dict())
    taps, channels = _probe(network, name)
    for path in [path for path, _ in chain(network)][taps[-1] + 1 :]:
        _delete(network, path)
    return Backbone(network, taps, channels, frozenset(everything - set(network.state_dict())))


def chain(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Paths and modules of the parts of a network, in the order in which they are gone through."""
    for name, child in network.named_children():
        if name in _OPENED and isinstance(child, nn.Sequential):
            yield from ((f"{name}.{inner}", link) for inner, link in child.named_children())
        else:
            yield name, child


def _empty(name: str) -> nn.Module:
    """A network without weights: to draw random ones takes seconds, and they would be overwritten."""
    try:
        with torch.device("meta"):
            return _build(name)
    except NotImplementedError:  # a few networks look at numbers while they are built
        return _random(name)


def _random(name: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _build(name)


def _build(name: str) -> nn.Module:
    known = list_models(module=torchvision.models)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "give one of torchvision's networks, such as resnet18"
        raise SettingsError(f"teacher '{name}'", "is not known to torchvision", remedy)
    network: nn.Module = get_model(name, weights=None)
    return network.eval()


@torch.no_grad()
def _probe(network: nn.Module, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Place in the chain of the last feature map of each stride, and its channels; zeros in what was empty so far."""
    found: dict[int, tuple[int, int]] = {}
    features = torch.zeros(1, 3, _PROBE, _PROBE)
    for place, (_, link) in enumerate(chain(network)):
        _fill_up(link)
        try:
            features = link(features)
        except Exception:  # a head, behind a reshaping that stands in no module
            break
        sides = features.shape[2:] if isinstance(features, Tensor) else ()
        if len(sides) != 2 or sides[0] != sides[1] or sides[0] * STRIDES[-1] < _PROBE:
            break
        found[_PROBE // sides[0]] = (place, features.shape[1])
    if not set(STRIDES) <= set(found):
        fault = "has no feature maps of a quarter, an eighth and a sixteenth of the picture"
        raise SettingsError(f"teacher '{name}'", fault, "give a convolutional network, such as resnet18")
    taps, channels = zip(*(found[stride] for stride in STRIDES))
    return taps, channels


def _fill_up(link: nn.Module) -> None:
    """Give a part without weights some that are no garbage."""
    if any(value.is_meta for value in link.state_dict().values()):
        link.to_empty(device="cpu")
        for name, value in link.state_dict().items():
            value.fill_(1 if name.endswith("running_var") else 0)


def _delete(network: nn.Module, path: str) -> None:
    holder, _, name = path.rpartition(".")
    delattr(network.get_submodule(holder), name)
