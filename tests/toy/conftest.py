"""Small data and a small experiment, trained once."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from oddlens.toy.data import Digits, ToyData
from oddlens.toy.drawn import draw_data
from oddlens.toy.experiment import Outcome, run_experiment
from oddlens.toy.settings import ToySettings

WriteIdx = Callable[[Path, np.ndarray], Path]


@pytest.fixture(scope="session")
def write_idx() -> WriteIdx:
    """Writes an array of bytes as idx, packed where the name ends in .gz."""

    def write(file: Path, values: np.ndarray) -> Path:
        head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
        content = head + values.tobytes()
        file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
        return file

    return write


@pytest.fixture
def mnist(tmp_path: Path, write_idx: WriteIdx, data: ToyData) -> Path:
    """A folder with the four files of a small MNIST."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for split, digits in (("train", data.train), ("t10k", data.test)):
        write_idx(folder / f"{split}-images-idx3-ubyte.gz", digits.pictures)
        write_idx(folder / f"{split}-labels-idx1-ubyte.gz", digits.labels)
    return folder


@pytest.fixture(scope="session")
def data() -> ToyData:
    """Sixty drawn digits to learn from, forty to test."""
    return draw_data(seed=1, train=60, test=40)


@pytest.fixture(scope="session")
def settings() -> ToySettings:
    return ToySettings(iterations=3, batch_size=8, codes=4, features=4, trunk=4)


@pytest.fixture(scope="session")
def outcome(data: ToyData, settings: ToySettings, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The small experiment with two seeds."""
    folder = tmp_path_factory.mktemp("toy") / "out"
    return run_experiment(data, folder, settings, (0, 1), torch.device("cpu"))


@pytest.fixture
def labels_only() -> Callable[[list[int]], Digits]:
    """Black pictures with the given labels."""
    return lambda labels: Digits(np.zeros((len(labels), 28, 28), np.uint8), np.array(labels, np.uint8))
