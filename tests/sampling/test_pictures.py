"""Small-picture collections from files made here, in every layout they are downloaded in."""

from __future__ import annotations

import gzip
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.sampling.pictures import load_pictures

Pictures = NDArray[np.uint8]


@pytest.fixture
def pictures() -> Pictures:
    return np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)


def planes(pictures: Pictures) -> Pictures:
    """CIFAR's rows: 1024 red, 1024 green, 1024 blue values, each in row order."""
    return pictures.transpose(0, 3, 1, 2).reshape(len(pictures), -1)


def python_2_pickle(rows: Pictures) -> bytes:
    """What Python 2 wrote, as in the real files: byte strings in protocol 2, modules of NumPy 1."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    shape = b"M" + struct.pack("<H", rows.shape[0]) + b"M" + struct.pack("<H", rows.shape[1]) + b"\x86"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    dtype = b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ"
    dtype += b"\xff\xff\xff\xffK\x00tb"
    state = b"(K\x01" + shape + dtype + b"\x89T" + struct.pack("<I", rows.nbytes) + rows.tobytes() + b"tb"
    labels = b"]" + b"".join(b"K" + bytes([k % 10]) + b"a" for k in range(len(rows)))
    return b"\x80\x02}(" + text(b"data") + array + state + text(b"labels") + labels + b"u."


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def cifar10_python(folder: Path, pictures: Pictures) -> None:
    for k in range(2):
        rows = planes(pictures[5 * k : 5 * k + 5])
        write(folder / f"data_batch_{k + 1}", python_2_pickle(rows))
    write(folder / "test_batch", b"not to be read")
    write(folder / "batches.meta", b"nor this")


def cifar10_python_3(folder: Path, pictures: Pictures) -> None:
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        rows = planes(pictures[:5] if protocol == 2 else pictures[5:])
        write(folder / f"data_batch_{protocol}", pickle.dumps({b"data": rows, b"labels": [0] * 5}, protocol))


def cifar100_python(folder: Path, pictures: Pictures) -> None:
    write(
        folder / "train", pickle.dumps({"data": planes(pictures), "fine_labels": [1] * 10, "coarse_labels": [0] * 10})
    )
    write(folder / "test", b"not to be read")


def cifar10_binary(folder: Path, pictures: Pictures) -> None:
    rows = np.concatenate([np.full((10, 1), 7, np.uint8), planes(pictures)], axis=1)
    for k in range(2):
        write(folder / f"data_batch_{k + 1}.bin", rows[5 * k : 5 * k + 5].tobytes())
    write(folder / "test_batch.bin", b"not to be read")


def cifar100_binary(folder: Path, pictures: Pictures) -> None:
    rows = np.concatenate([np.full((10, 2), 7, np.uint8), planes(pictures)], axis=1)
    write(folder / "train.bin", rows.tobytes())


def idx(pictures: Pictures) -> bytes:
    return struct.pack(">IIII", 0x803, *pictures.shape[:3]) + pictures[..., 0].tobytes()


def mnist(folder: Path, pictures: Pictures) -> None:
    write(folder / "train-images-idx3-ubyte", idx(pictures))
    write(folder / "t10k-images-idx3-ubyte", b"not to be read")


def mnist_zipped(folder: Path, pictures: Pictures) -> None:
    write(folder / "train-images-idx3-ubyte.gz", gzip.compress(idx(pictures)))


Maker = Callable[[Path, Pictures], None]
LAYOUTS: list[tuple[str, Maker]] = [
    ("cifar-10-batches-py", cifar10_python),
    (".", cifar10_python),
    ("cifar-10-batches-py", cifar10_python_3),
    ("cifar-100-python", cifar100_python),
    (".", cifar100_python),
    ("cifar-10-batches-bin", cifar10_binary),
    (".", cifar10_binary),
    ("cifar-100-binary", cifar100_binary),
    (".", cifar100_binary),
    (".", mnist),
    (".", mnist_zipped),
]


@pytest.mark.parametrize(("place", "make"), LAYOUTS)
def test_every_layout(tmp_path: Path, pictures: Pictures, place: str, make: Maker) -> None:
    make(tmp_path / place, pictures)
    loaded = load_pictures(tmp_path)
    assert loaded.dtype == np.uint8
    np.testing.assert_array_equal(loaded, pictures[..., :1] if "mnist" in make.__name__ else pictures)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no CIFAR or idx pictures found; give the folder that holds cifar-10"):
        load_pictures(tmp_path)


class Evil:
    """Would run a command when unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.file}'",)


@pytest.mark.parametrize("bait", ["beside", "inside", "instead"])
def test_nothing_in_a_batch_is_run(tmp_path: Path, pictures: Pictures, bait: str) -> None:
    mark = tmp_path / "run"
    evil: Any = Evil(mark)
    content = {
        "beside": {"data": planes(pictures), "labels": evil},
        "inside": {"data": evil},
        "instead": evil,
    }[bait]
    write(tmp_path / "train", pickle.dumps(content))
    if bait == "beside":
        np.testing.assert_array_equal(load_pictures(tmp_path), pictures)
    else:
        with pytest.raises(DataError, match="train: is damaged or no picture file"):
            load_pictures(tmp_path)
    assert not mark.exists()
    pickle.loads((tmp_path / "train").read_bytes())  # the bait does bite
    assert mark.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train", b""),
        ("train", b"no pickle"),
        ("train", pickle.dumps([1, 2, 3])),
        ("train", pickle.dumps({"labels": []})),
        ("train", pickle.dumps({"data": np.zeros((2, 100), np.uint8)})),
        ("train", pickle.dumps({"data": "text"})),
        ("train", b"."),
        ("data_batch_1", b"\x80\x02]q\x00(K\x01e"),
        ("train.bin", b"\0" * 100),
        ("data_batch_1.bin", b"\0" * 3072),
        ("train-images-idx3-ubyte", b"\0\0"),
        ("train-images-idx3-ubyte", struct.pack(">IIII", 0x801, 1, 2, 2) + b"\0" * 4),
        ("train-images-idx3-ubyte", struct.pack(">IIII", 0x803, 3, 2, 2) + b"\0" * 4),
        ("train-images-idx3-ubyte.gz", b"no archive"),
        ("train-images-idx3-ubyte.gz", gzip.compress(b"\0" * 500, mtime=0)[:20] + b"\xff" * 20),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_pictures(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / name}: is damaged or no picture file") and "\n" not in message
    assert message.endswith("download it again")


@pytest.mark.filterwarnings("ignore")  # NumPy's, about what the damage made of its arguments
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), change=st.binary(min_size=1, max_size=3), cut=st.booleans())
def test_damaged_pickles_are_refused_or_read(tmp_path: Path, place: float, change: bytes, cut: bool) -> None:
    content = python_2_pickle(np.zeros((1, 3072), np.uint8)).replace(b"\0" * 3072, b"")
    content = content.replace(struct.pack("<I", 3072), struct.pack("<I", 0), 1)  # an array without values
    start = int(place * len(content))
    damaged = content[:start] if cut else content[:start] + change + content[start + len(change) :]
    (tmp_path / "train").write_bytes(damaged)
    try:
        loaded = load_pictures(tmp_path)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert loaded.shape[1:] == (32, 32, 3)
