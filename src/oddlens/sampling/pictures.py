"""Small-picture collections in the layouts they are customarily downloaded in."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens import safe_pickle
from oddlens.errors import DataError

_CIFAR_BYTES = 3 * 32 * 32
_REMEDY = "give the folder that holds cifar-10-batches-py, cifar-100-python, their .bin twins or *-images-idx3-ubyte"


def load_pictures(folder: Path) -> NDArray[np.uint8]:
    """Training pictures `uint8 (N, H, W, C)` of a CIFAR-10/100 (python or binary) or idx folder.

    Raises:
        DataError: none of those layouts lies there, or a file is damaged.
    """
    for find, read in (
        (_python_batches, _read_python),
        (_binary_batches, _read_binary),
        (_idx_files, _read_idx),
    ):
        files = find(folder)
        if files:
            return np.concatenate([_guarded(read, file) for file in files])
    raise DataError(folder, "no CIFAR or idx pictures found", _REMEDY)


def _python_batches(folder: Path) -> list[Path]:
    for place in (folder / "cifar-10-batches-py", folder):
        if files := sorted(place.glob("data_batch_[0-9]")):
            return files
    for place in (folder / "cifar-100-python", folder):
        if (place / "train").is_file():
            return [place / "train"]
    return []


def _binary_batches(folder: Path) -> list[Path]:
    for place in (folder / "cifar-10-batches-bin", folder / "cifar-100-binary", folder):
        if files := sorted(place.glob("data_batch_*.bin")) or sorted(place.glob("train.bin")):
            return files
    return []


def _idx_files(folder: Path) -> list[Path]:
    return sorted([*folder.glob("train-images*idx3-ubyte"), *folder.glob("train-images*idx3-ubyte.gz")])[:1]


def _read_python(file: Path) -> NDArray[np.uint8]:
    batch: dict[Any, Any] = safe_pickle.loads(file.read_bytes(), encoding="latin1")
    rows = np.asarray(batch["data"] if "data" in batch else batch[b"data"], np.uint8)
    return _planes_to_pictures(rows.reshape(-1, _CIFAR_BYTES))


def _read_binary(file: Path) -> NDArray[np.uint8]:
    data = np.frombuffer(file.read_bytes(), np.uint8)
    labels = 2 if file.name == "train.bin" else 1
    return _planes_to_pictures(data.reshape(-1, labels + _CIFAR_BYTES)[:, labels:])


def _read_idx(file: Path) -> NDArray[np.uint8]:
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    magic, count, height, width = struct.unpack(">IIII", data[:16])
    if magic != 0x803:
        raise ValueError(f"idx magic number is {magic:#x}, not 0x803")
    return np.frombuffer(data, np.uint8, offset=16).reshape(count, height, width, 1)


def _planes_to_pictures(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _guarded(read: Any, file: Path) -> NDArray[np.uint8]:
    try:
        pictures: NDArray[np.uint8] = read(file)
    except Exception as error:  # there is no end to what damaged pickles and archives can raise
        fault = f"is damaged or no picture file ({type(error).__name__}: {error})"
        raise DataError(file, fault, "download it again") from error
    return pictures
