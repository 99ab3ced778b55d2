"""The digits of the experiment: odd ones to learn from, and a test split of both kinds."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.toy.idx import read_idx
from oddlens.toy.models import SIDE

_NAME = re.compile(r"(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(\.gz)?$")
"""Ends of the names in use: MNIST's, EMNIST's (with a name before), and those with a dot that some archives have."""
_SPLITS = {"train": ("train",), "test": ("t10k", "test")}
_DIGITS = 10


@dataclass(frozen=True)
class Digits:
    """Pictures of digits with what they show."""

    pictures: NDArray[np.uint8]
    """`(N, 28, 28)`, ink bright on black."""
    labels: NDArray[np.uint8]
    """`(N,)`, 0..9."""

    @property
    def normal(self) -> NDArray[np.bool_]:
        """Which of them are odd, and so normal: `(N,)`."""
        odd: NDArray[np.bool_] = self.labels % 2 == 1
        return odd


@dataclass(frozen=True)
class ToyData:
    """What the experiment works on."""

    name: str
    train: Digits
    test: Digits

    def fingerprint(self) -> str:
        """SHA-256 over all pictures and labels."""
        digest = hashlib.sha256()
        for digits in (self.train, self.test):
            for array in (digits.pictures, digits.labels):
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def check_digits(data: ToyData) -> ToyData:
    """The same digits, if the experiment can be made with them.

    Raises:
        DataError: there is nothing to learn from, or nothing to tell apart.
    """
    remedy = "give digits 0 to 9 of both kinds"
    if data.train.normal.sum() < 2:
        raise DataError(data.name, "has no odd digits to learn from in its training split", remedy)
    if not data.test.normal.any() or data.test.normal.all():
        missing = "even" if data.test.normal.any() else "odd"
        raise DataError(data.name, f"has no {missing} digits in its test split", remedy)
    return data


def read_folder(folder: Path) -> ToyData:
    """MNIST, or what has its format, from a folder of `train-images-idx3-ubyte.gz` and the other three files.

    Packed or not; where a file lies there both ways, the unpacked one is read.

    Raises:
        DataError: a file is missing, damaged, or does not fit the others.
    """
    if not folder.is_dir():
        fault = "is a file" if folder.exists() else "there is no such folder"
        raise DataError(folder, fault, "name the folder that holds train-images-idx3-ubyte.gz")
    return check_digits(ToyData(str(folder), _read_split(folder, "train"), _read_split(folder, "test")))


def _read_split(folder: Path, split: Literal["train", "test"]) -> Digits:
    image_file, label_file = (_find(folder, split, kind) for kind in ("images", "labels"))
    pictures, labels = read_idx(image_file, 3), read_idx(label_file, 1)
    if len(pictures) != len(labels):
        fault = f"holds {len(labels)} labels for the {len(pictures)} pictures of {image_file.name}"
        raise DataError(label_file, fault, "give files of one data set")
    if pictures.shape[1:] != (SIDE, SIDE):
        fault = f"holds pictures of {pictures.shape[2]}x{pictures.shape[1]}"
        raise DataError(image_file, fault, f"give pictures of {SIDE}x{SIDE}")
    if len(labels) and labels.max() >= _DIGITS:
        raise DataError(label_file, f"holds the label {labels.max()}", "give labels 0 to 9")
    return Digits(pictures, labels)


def _find(folder: Path, split: Literal["train", "test"], kind: str) -> Path:
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir(), reverse=True):  # so that the unpacked one of two comes last, and stays
        match = _NAME.search(file.name)
        if match is not None and match[1] in _SPLITS[split] and match[2] == kind:
            found[file.name.removesuffix(".gz")] = file
    if not found:
        name = f"{_SPLITS[split][0]}-{kind}-idx{3 if kind == 'images' else 1}-ubyte.gz"
        raise DataError(folder, f"holds no {name}", "give MNIST's four files in one folder")
    if len(found) > 1:
        names = " and ".join(sorted(found)[:2])
        raise DataError(folder, f"holds several data sets ({names})", "give a folder with the four files of one")
    return next(iter(found.values()))
