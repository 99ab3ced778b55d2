"""Digits from a folder: every customary name, and one clear line for what does not fit."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from oddlens.errors import DataError
from oddlens.toy.data import Digits, ToyData, check_digits, read_folder

WriteIdx = Callable[[Path, np.ndarray], Path]
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def unpack(folder: Path, keep: bool, rename: Callable[[str], str] = str) -> None:
    for file in list(folder.iterdir()):
        (folder / rename(file.stem)).write_bytes(gzip.decompress(file.read_bytes()))
        if not keep:
            file.unlink()


def same(found: ToyData, data: ToyData) -> bool:
    return found.fingerprint() == data.fingerprint()


def test_mnist_as_published(mnist: Path, data: ToyData) -> None:
    found = read_folder(mnist)
    assert same(found, data) and found.name == str(mnist)
    np.testing.assert_array_equal(found.train.normal, data.train.labels % 2 == 1)


@pytest.mark.parametrize(
    "rename",
    [
        str,
        lambda name: name.replace("-idx", ".idx"),
        lambda name: f"emnist-digits-{name.replace('t10k', 'test')}",
    ],
)
def test_other_customary_names(mnist: Path, data: ToyData, rename: Callable[[str], str]) -> None:
    unpack(mnist, keep=False, rename=rename)
    assert same(read_folder(mnist), data)


def test_of_packed_and_unpacked_the_unpacked_one_is_read(mnist: Path, data: ToyData) -> None:
    unpack(mnist, keep=True)
    (mnist / IMAGES).write_bytes(b"damaged")
    assert same(read_folder(mnist), data)


def test_the_fingerprint_follows_every_part(data: ToyData) -> None:
    digits = data.test
    others = [
        replace(data, test=Digits(digits.pictures[::-1], digits.labels)),
        replace(data, test=Digits(digits.pictures, digits.labels[::-1])),
        replace(data, train=data.test, test=data.train),
    ]
    assert len({data.fingerprint(), *(other.fingerprint() for other in others)}) == 4
    assert replace(data, name="elsewhere").fingerprint() == data.fingerprint()


def test_a_missing_folder_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        read_folder(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file; name the folder"):
        read_folder(tmp_path / "file")


@pytest.mark.parametrize("name", [IMAGES, LABELS, "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
def test_a_missing_file_is_named(mnist: Path, name: str) -> None:
    (mnist / name).unlink()
    with pytest.raises(DataError, match=f"holds no {name}; give MNIST's four files"):
        read_folder(mnist)


def test_two_data_sets_in_one_folder(mnist: Path) -> None:
    shutil.copy(mnist / IMAGES, mnist / f"emnist-{IMAGES}")
    with pytest.raises(DataError, match="holds several data sets"):
        read_folder(mnist)


def test_what_does_not_fit(mnist: Path, write_idx: WriteIdx, data: ToyData) -> None:
    write_idx(mnist / LABELS, data.train.labels[:-1])
    with pytest.raises(DataError, match=f"{LABELS}: holds 59 labels for the 60 pictures of {IMAGES}"):
        read_folder(mnist)
    write_idx(mnist / LABELS, data.train.labels + 10)
    with pytest.raises(DataError, match="holds the label 19; give labels 0 to 9"):
        read_folder(mnist)
    write_idx(mnist / IMAGES, data.train.pictures[:, :20])
    with pytest.raises(DataError, match="holds pictures of 28x20; give pictures of 28x28"):
        read_folder(mnist)


def test_kinds_that_are_missing(labels_only: Callable[[list[int]], Digits]) -> None:
    both = labels_only([1, 3, 2])
    assert check_digits(ToyData("fits", both, both)).name == "fits"
    for train, test, told in (
        ([0, 2, 4], [1, 2], "no odd digits to learn from"),
        ([], [1, 2], "no odd digits to learn from"),
        ([1, 1], [1, 3], "no even digits in its test split"),
        ([1, 1], [2, 4], "no odd digits in its test split"),
        ([1, 1], [], "no odd digits in its test split"),
    ):
        with pytest.raises(DataError, match=told):
            check_digits(ToyData("digits", labels_only(train), labels_only(test)))


def test_mnist_itself(real_data: Path) -> None:
    if not (real_data / "mnist").is_dir():
        pytest.skip("no MNIST among the real data")
    found = read_folder(real_data / "mnist")
    assert found.train.pictures.shape == (60_000, 28, 28)
    assert np.bincount(found.train.labels)[1::2].tolist() == [6742, 6131, 5421, 6265, 5949]
    assert np.bincount(found.test.labels)[1::2].tolist() == [1135, 1010, 892, 1028, 1009]
    assert (found.train.normal.sum(), found.test.normal.sum(), len(found.test.labels)) == (30_508, 5_074, 10_000)
