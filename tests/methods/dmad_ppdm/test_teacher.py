"""The teacher: any network of torchvision, frozen, with weights from wherever they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch

from oddlens.errors import DetectorError, SettingsError
from oddlens.methods.dmad_ppdm.backbone import chain, open_backbone
from oddlens.methods.dmad_ppdm.teacher import Teacher


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("wide_resnet50_2", (256, 512, 1024)),
        ("resnet18", (64, 128, 256)),
        ("resnet34", (64, 128, 256)),
        ("resnet50", (256, 512, 1024)),
        ("mobilenet_v2", (24, 32, 96)),
        ("efficientnet_b0", (24, 40, 112)),
        ("convnext_tiny", (96, 192, 384)),
        ("regnet_y_400mf", (48, 104, 208)),
    ],
)
def test_backbones_are_found_by_name(name: str, channels: tuple[int, ...]) -> None:
    assert open_backbone(name).channels == channels


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "efficientnet_b0", "densenet121"])
def test_the_last_map_of_each_size_comes_out_folded_or_not(name: str) -> None:
    plain, teacher = open_backbone(name, random=True), Teacher(name, random=True)
    features, expected = torch.randn(1, 3, 64, 64), []
    maps = teacher(features)
    for place, (_, link) in enumerate(chain(plain.network)):
        features = link(features)
        if place in plain.taps:
            expected.append(features)
    assert [map_.shape[1:] for map_ in maps] == [(c, 64 // s, 64 // s) for c, s in zip(plain.channels, (4, 8, 16))]
    for found, wanted in zip(maps, expected):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4 * wanted.abs().max().item())


def test_what_lies_behind_is_cut_off() -> None:
    backbone = open_backbone("resnet18")
    assert {name.split(".")[0] for name in backbone.cut} == {"layer4", "fc"}
    assert not any(name.startswith(("layer4", "fc")) for name in backbone.network.state_dict())


def test_nothing_in_it_learns_but_gradients_pass() -> None:
    teacher = Teacher("resnet18", random=True).train()
    assert not teacher.training and not any(module.training for module in teacher.modules())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    picture = torch.randn(1, 3, 32, 32, requires_grad=True)
    teacher(picture)[2].sum().backward()
    assert picture.grad is not None and picture.grad.abs().sum() > 0


def test_random_weights_are_always_the_same_and_take_nothing_from_the_runs_generator() -> None:
    torch.manual_seed(1)
    first = Teacher("resnet18", random=True)
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.rand(1) == drawn
    second = Teacher("resnet18", random=True)
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values()))


def test_without_weights_it_gives_zeros() -> None:
    assert all((map_ == 0).all() for map_ in Teacher("resnet18")(torch.randn(1, 3, 32, 32)))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("vit_b_16", "teacher 'vit_b_16': has no feature maps of a quarter, an eighth and a sixteenth of the picture"),
        ("swin_t", "has no feature maps"),
        ("resnet19", "teacher 'resnet19': is not known to torchvision; did you mean 'resnet1"),
        ("deeplabv3_resnet50", "is not known to torchvision"),
        ("", "teacher '': is not known to torchvision; give one of torchvision's networks, such as resnet18"),
    ],
)
def test_networks_that_cannot_teach(name: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Teacher(name)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def saved(name: str, path: Path, **changes: Any) -> Path:
    state = {**open_backbone(name, random=True).network.state_dict(), **changes}
    torch.save({key: value for key, value in state.items() if value is not None}, path)
    return path


def test_weights_of_a_local_file(tmp_path: Path) -> None:
    """With the classifier or without, with the counters of batch normalisation or without."""
    whole = saved(
        "resnet18", tmp_path / "whole.pth", **{"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1)}
    )
    part = saved("resnet18", tmp_path / "part.pth", **{"bn1.num_batches_tracked": None})
    picture = torch.randn(1, 3, 32, 32)
    expected = Teacher("resnet18", random=True)(picture)
    for file in (whole, part):
        teacher = Teacher("resnet18")
        teacher.load(str(file))
        assert all(torch.equal(a, b) for a, b in zip(teacher(picture), expected))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"backbone.conv1.weight": torch.zeros(1)}, "unexpected ['backbone.conv1.weight']"),
        ({"layer2.0.conv1.weight": None}, "missing ['layer2.0.conv1.weight']"),
        ({"conv1.weight": torch.zeros(64, 1, 7, 7)}, "holds other weights than resnet18's"),
    ],
)
def test_weights_with_other_keys_are_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    file = saved("resnet18", tmp_path / "teacher.pth", **changes)
    with pytest.raises(DetectorError) as caught:
        Teacher("resnet18").load(str(file))
    line = str(caught.value)
    assert told in line and line.startswith(str(file)) and "give a state dict of resnet18" in line and "\n" not in line


def test_weights_that_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="there is no such file of weights; give a state dict of resnet18"):
        Teacher("resnet18").load(str(tmp_path / "none.pth"))


def test_weights_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(*_: Any, **__: Any) -> Any:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(DetectorError) as caught:
        Teacher("wide_resnet50_2").load("default")
    line = str(caught.value)
    assert "wide_resnet50_2-95faca4d.pth" in line, "the first weights, as published"
    assert f"put it into {tmp_path}" in line and "or name the file as method.weights" in line and "\n" not in line


def test_the_real_weights_of_mobilenet(real_data: Path) -> None:
    teacher = Teacher("mobilenet_v2")
    teacher.load(str(real_data / "weights" / "mobilenet_v2_features.pth"))
    deviations = [map_.std().item() for map_ in teacher(torch.rand(1, 3, 64, 64))]
    assert all(0.1 < deviation < 5 for deviation in deviations)
    with pytest.raises(DetectorError, match="holds other weights than resnet18's"):
        Teacher("resnet18").load(str(real_data / "weights" / "mobilenet_v2_features.pth"))
