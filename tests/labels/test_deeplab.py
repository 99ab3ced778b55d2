"""DeepLabv3: F2LM specification, sections 2.5, 3.4, 3.6 and 11.1; and where its weights come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.segmentation import DeepLabV3_MobileNet_V3_Large_Weights

from oddlens.errors import DetectorError
from oddlens.labels.deeplab import DeepLab, build_network, open_deeplab
from oddlens.labels.input import LabelInput
from oddlens.labels.settings import LabelSettings

SMALL = "deeplabv3-mobilenet"
pytestmark = pytest.mark.filterwarnings("ignore:DeepLabv3 runs with random weights")


def numbers(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Weights other than those of `random`."""
    network = build_network(SMALL)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return {
            name: torch.rand_like(value) + 0.5 if name.endswith("running_var") else torch.randn_like(value) / 20
            for name, value in network.state_dict().items()
            if value.is_floating_point()
        }


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Path]:
    """An empty cache folder of torch."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "hub"))
    yield tmp_path / "hub"
    torch.hub.set_dir(before)


def test_number_of_parameters_and_cost_of_a_frame() -> None:
    with torch.device("meta"):
        network = build_network("deeplabv3-resnet101")
        assert numbers(network) == 60_996_202
        parts = (network.backbone, network.classifier, network.aux_classifier)
        assert [numbers(part) for part in parts] == [42_500_160, 16_130_837, 2_365_205]
        with FlopCounterMode(display=False) as counter:
            network.eval()(torch.empty(1, 3, 256, 256))
        assert counter.get_total_flops() / 2e9 == pytest.approx(62.7, abs=0.05)
        used = DeepLab(network, "trained")
    assert numbers(used) == 42_500_160 + 16_130_837, "the auxiliary head is left out"


@pytest.mark.parametrize("source", ["deeplabv3-resnet101", "deeplabv3-resnet50", SMALL])
def test_sizes_of_what_is_kept(source: Any) -> None:
    with torch.device("meta"):
        logits = DeepLab(build_network(source).eval(), "trained").eval()(torch.empty(2, 3, 65, 97))
    assert logits.shape[1:] == LabelInput(LabelSettings(source=source), 65, 97).shape


@pytest.mark.parametrize("levels", ["trained", "paper"])
@pytest.mark.parametrize("channels", [1, 3])
def test_kept_logits_enlarged_are_those_of_the_whole_network(
    tmp_path: Path, state: Any, levels: Any, channels: int
) -> None:
    torch.save(state, tmp_path / "weights.pth")
    settings = LabelSettings(source=SMALL, weights=str(tmp_path / "weights.pth"), levels=levels)
    frames = np.random.default_rng(0).integers(0, 256, (2, 45, 70, channels), dtype=np.uint8)
    labels = LabelInput(settings, 45, 70)
    kept = labels.of_frames(frames, None, torch.device("cpu"))
    assert kept.shape == (2, 21, 3, 5) and kept.dtype == np.float16
    network = build_network(SMALL).eval()
    network.load_state_dict(state, strict=False)
    colours = torch.from_numpy(frames).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
    if levels == "paper":  # section 2.5: BGR in -1..1
        shown = colours.flip(1) / 127.5 - 1
    else:
        shown = DeepLabV3_MobileNet_V3_Large_Weights.DEFAULT.transforms(resize_size=45)(colours)
    with torch.inference_mode():
        whole = network(shown)["out"].numpy()
    assert whole.std() > 0.01
    found = labels.expand(torch.from_numpy(kept)).numpy()
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-3 * np.abs(whole).max())


def test_a_batch_is_its_frames(clips: Any) -> None:
    labels = LabelInput(LabelSettings(source=SMALL, weights="random"), 42, 50)
    frames, cpu = clips(3), torch.device("cpu")
    whole = labels.of_frames(frames, None, cpu)
    for index in range(3):
        np.testing.assert_array_equal(labels.of_frames(frames[index : index + 1], frames[0], cpu)[0], whole[index])


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_local_file(tmp_path: Path, state: dict[str, Any], name: str) -> None:
    file = tmp_path / name
    save_file(state, file) if name.endswith("safetensors") else torch.save(state, file)
    network = open_deeplab(SMALL, str(file), "trained")
    assert torch.equal(network.head[0].convs[0][0].weight, state["classifier.0.convs.0.0.weight"])
    assert not network.training and not any(parameter.requires_grad for parameter in network.parameters())


def test_torchvisions_weights_where_they_have_been_put(hub: Path, state: dict[str, Any]) -> None:
    place = hub / "checkpoints" / Path(DeepLabV3_MobileNet_V3_Large_Weights.DEFAULT.url).name
    place.parent.mkdir(parents=True)
    torch.save(state, place)
    network = open_deeplab(SMALL, "default", "trained")
    assert torch.equal(network.head[0].convs[0][0].weight, state["classifier.0.convs.0.0.weight"])


@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("invalid hash value")])
def test_weights_out_of_reach(hub: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(DetectorError, match=r"weights of deeplabv3-mobilenet: cannot be downloaded") as caught:
        open_deeplab(SMALL, "default", "trained")
    assert "deeplabv3_mobilenet_v3_large" in caught.value.remedy and str(hub / "checkpoints") in caught.value.remedy
    assert "labels.weights" in caught.value.remedy and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [{}, {"backbone.conv1.weight": torch.zeros(2)}, [1]])
def test_weights_of_another_network(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(DetectorError, match=r"weights\.pth: holds ") as caught:
        open_deeplab(SMALL, str(tmp_path / "weights.pth"), "trained")
    assert "\n" not in str(caught.value)


def test_random_weights_are_said_and_leave_torch_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    with pytest.warns(UserWarning, match="its classes mean nothing"):
        open_deeplab(SMALL, "random", "trained")
    assert torch.rand(1) == expected
