"""Import of files that look like the official code's checkpoints."""

from __future__ import annotations

import os
from collections import Counter, deque
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from oddlens.errors import DetectorError
from oddlens.methods.lnra.convert import read_official
from oddlens.methods.lnra.network import AutoEncoder

WIDTHS = (3, 4, 5)


class Part(nn.Module):
    """Encoder or decoder of the official code: its layers hang one level deeper, under the same name."""

    def __init__(self, name: str, layers: nn.Sequential) -> None:
        super().__init__()
        setattr(self, name, layers)
        self.anything = {"a": (1, 2.5), "b": [slice(3), torch.device("cpu")]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise AssertionError("the class in the file was loaded")


class Model(nn.Module):
    """The official model by its names."""

    def __init__(self, network: AutoEncoder) -> None:
        super().__init__()
        self.encoder = Part("encoder", network.encoder)
        self.decoder = Part("decoder", network.decoder)


@pytest.fixture
def network() -> AutoEncoder:
    torch.manual_seed(3)
    network = AutoEncoder(1, WIDTHS)
    network.train()(torch.rand(2, 1, 8, 16, 16))  # so that the running statistics are not the default
    return network


def same(file: Path, network: AutoEncoder) -> bool:
    method = read_official(file)
    assert method.settings.widths == WIDTHS and method.settings.channels == network.encoder[0].in_channels
    assert (method.settings.height, method.settings.width, method.settings.length) == (256, 256, 16)
    assert all(parameter.requires_grad for parameter in method.parameters())
    ours, theirs = method.network.state_dict(), network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def checkpoint(network: AutoEncoder, parallel: bool = True) -> dict[str, Any]:
    """What the official training writes: the whole pickled module beside Adam's state."""
    model: nn.Module = Model(network)
    optimizer = torch.optim.Adam(model.parameters())
    optimizer.step()
    return {
        "epoch": 59,
        "state_dict": nn.DataParallel(model) if parallel else model,
        "optimizer": optimizer.state_dict(),
    }


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_whole_pickled_module(tmp_path: Path, network: AutoEncoder, parallel: bool, zipped: bool) -> None:
    file = tmp_path / "model_59.pth"
    torch.save(checkpoint(network, parallel), file, _use_new_zipfile_serialization=zipped)
    assert same(file, network)


def official_names(network: AutoEncoder, prefix: str = "") -> dict[str, Tensor]:
    state = network.state_dict()
    return {f"{prefix}{name.partition('.')[0]}.{name}": value for name, value in state.items()}


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrap", ["plain", "state_dict", "model"])
def test_a_state_dict(tmp_path: Path, network: AutoEncoder, prefix: str, wrap: str) -> None:
    state = official_names(network, prefix)
    torch.save(state if wrap == "plain" else {"epoch": 3, wrap: state}, tmp_path / "state.pth")
    assert same(tmp_path / "state.pth", network)


def test_our_own_names_and_a_bare_module(tmp_path: Path, network: AutoEncoder) -> None:
    torch.save(network.state_dict(), tmp_path / "ours.pth")
    torch.save(Model(network), tmp_path / "module.pth")
    assert same(tmp_path / "ours.pth", network)
    assert same(tmp_path / "module.pth", network)


def test_objects_beside_the_weights_do_no_harm(tmp_path: Path, network: AutoEncoder) -> None:
    saved = checkpoint(network)
    saved["optimizer"] = Counter("whole optimisers hold such mappings")
    saved["arguments"] = [Path("a"), {1, 2}, 3 + 4j, torch.float32, range(3), deque([1, 2])]
    torch.save(saved, tmp_path / "model.pth")
    assert same(tmp_path / "model.pth", network)


def test_colour(tmp_path: Path) -> None:
    network = AutoEncoder(3, WIDTHS)
    torch.save(checkpoint(network), tmp_path / "model.pth")
    assert same(tmp_path / "model.pth", network)


class Evil:
    """Would run a command when unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.file}'",)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_the_file_is_run(tmp_path: Path, network: AutoEncoder, zipped: bool) -> None:
    mark, file = tmp_path / "run", tmp_path / "model.pth"
    torch.save({**checkpoint(network), "evil": Evil(mark)}, file, _use_new_zipfile_serialization=zipped)
    assert same(file, network)
    torch.save({"state_dict": Evil(mark)}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(DetectorError, match="holds no LNRA network"):
        read_official(file)
    assert not mark.exists()
    torch.load(file, weights_only=False)  # the bait does bite
    assert mark.exists()


def wrong_files(network: AutoEncoder) -> dict[str, Any]:
    deeper = official_names(network)
    lacking = dict(deeper)
    lacking.pop("decoder.decoder.9.bias")
    flat = {**deeper, "encoder.encoder.0.weight": torch.zeros(3)}
    odd = {**deeper, "encoder.encoder.3.weight": torch.zeros(4, 3, 1, 1, 1)}
    return {
        "other network": nn.Sequential(nn.Linear(2, 3)),
        "other state": nn.Conv2d(1, 2, 3).state_dict(),
        "one tensor lacks": lacking,
        "one tensor too many": {**deeper, "memory.weight": torch.zeros(2)},
        "flat weights": flat,
        "other kernel": odd,
        "two channels": {**deeper, "encoder.encoder.0.weight": torch.zeros(3, 2, 3, 3, 3)},
        "empty": {},
        "a number": 7,
        "a tensor": torch.zeros(3),
        "a list": [1, 2],
        "nothing": None,
        "names that are numbers": {1: torch.zeros(3)},
        "a state of its own": {"state_dict": {"state_dict": 3}},
    }


@pytest.mark.parametrize("case", list(wrong_files(AutoEncoder(1, WIDTHS))))
def test_another_network(tmp_path: Path, network: AutoEncoder, case: str) -> None:
    torch.save(wrong_files(network)[case], tmp_path / "other.pth")
    with pytest.raises(DetectorError) as caught:
        read_official(tmp_path / "other.pth")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'other.pth'}: ") and "\n" not in message
    assert message.endswith("give a checkpoint of the official code (model_EE.pth) or its state dict")


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04", b"\x80\x04.", b"\x80\x02]q\x00.", b"(dp0\n"])
def test_no_checkpoint_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pth").write_bytes(content)
    with pytest.raises(DetectorError, match=r"model\.pth: "):
        read_official(tmp_path / "model.pth")
    for place in (tmp_path / "gone.pth", tmp_path):
        with pytest.raises(DetectorError, match="cannot be read"):
            read_official(place)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[bool, bytes]]:
    folder, saved = tmp_path_factory.mktemp("damaged"), {}
    for zipped in (True, False):
        torch.save(checkpoint(AutoEncoder(1, (1, 1, 1))), folder / "w.pth", _use_new_zipfile_serialization=zipped)
        saved[zipped] = (folder / "w.pth").read_bytes()
    return folder / "damaged.pth", saved


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.booleans(), st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4), st.booleans())
def test_damaged_files_are_refused_or_read(
    whole: tuple[Path, dict[bool, bytes]], zipped: bool, share: float, change: bytes, cut: bool
) -> None:
    file, saved = whole
    content = saved[zipped]
    place = int(share * len(content))
    file.write_bytes(content[:place] if cut else content[:place] + change + content[place + len(change) :])
    try:
        read_official(file)
    except DetectorError as error:
        assert "\n" not in str(error)
    else:
        assert not cut or zipped is False
