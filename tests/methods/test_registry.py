"""The table of methods, and what adding one takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, EntryPoints
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
import torch

import oddlens.methods
from oddlens.errors import SettingsError
from oddlens.methods import METHODS, known_methods, method_class, register
from oddlens.methods.base import Batch, Method
from oddlens.methods.lnra.method import Lnra, LnraSettings
from oddlens.sampling.clips import Clip, FrameRun
from oddlens.types import Losses, SamplingSpec, Scores


class Grey(Method):
    """Scores a frame by its distance from mid grey."""

    name: ClassVar[str] = "grey"

    @property
    def sampling(self) -> SamplingSpec:
        return SamplingSpec(height=8, width=8)

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        return Losses(batch["clip"].mean())

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {}

    def score(self, windows: torch.Tensor, targets: Sequence[int]) -> Scores:
        return Scores(windows.abs().mean(dim=(1, 3, 4)))


@pytest.fixture
def grey_module(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of another package that holds the method; what a test registers is forgotten after it."""
    module = ModuleType("odd_grey")
    module.Grey = Grey  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "odd_grey", module)
    before = dict(METHODS)
    yield "odd_grey:Grey"
    METHODS.clear()
    METHODS.update(before)


def test_every_method_of_the_table_is_what_it_says() -> None:
    for name, (_, summary) in METHODS.items():
        found = method_class(name)
        assert issubclass(found, Method) and found.name == name and summary
        assert found.from_values({}, "test").base_settings == found.settings_type()


def test_a_method_from_plain_values() -> None:
    method = Lnra.from_values({"widths": [2, 3, 4], "pseudo": [{"kind": "skip-frame"}]}, "recipe.yaml")
    assert isinstance(method.base_settings, LnraSettings)
    assert method.base_settings.pseudo[0].kind == "skip-frame"
    with pytest.raises(SettingsError, match=r"recipe.yaml: unknown key 'heigth'; did you mean 'height'\?"):
        Lnra.from_values({"heigth": 64}, "recipe.yaml")


@pytest.mark.parametrize(
    ("name", "remedy"), [("lnar", "did you mean 'lnra'?"), ("zzz", "known methods: destroyer, dmad-pdm, ")]
)
def test_a_method_that_is_not_known(name: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        method_class(name)
    assert f"method '{name}': is not known; {remedy}" in str(caught.value)


def test_a_new_method_takes_one_line(grey_module: str) -> None:
    register("grey", grey_module, "distance from grey")
    assert known_methods()["grey"] == (grey_module, "distance from grey")
    method = method_class("grey").from_values({}, "test")
    run = FrameRun("video", 0, np.full((3, 8, 8, 1), 255, np.uint8))
    for sample in (
        method.validation_sample(Clip(run, 1)),
        method.training_sample(Clip(run, 1), np.random.default_rng()),
    ):
        assert sample["clip"].shape == (1, 1, 8, 8)
        assert (sample["clip"] == 1).all()
    batch = {"clip": torch.ones(1, 1, 1, 8, 8)}
    assert method(batch, 0, "main").total == 1
    assert method.score(batch["clip"], [0]).score.item() == 1
    assert (method.paper_protocol().head, method.paper_protocol().tail) == (0, 0)


def test_methods_of_other_packages_are_found(grey_module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints([EntryPoint("grey", grey_module, "oddlens.methods")])
    monkeypatch.setattr(oddlens.methods, "entry_points", lambda group: points.select(group=group))
    assert set(known_methods()) == {*METHODS, "grey"}
    assert method_class("grey") is Grey
