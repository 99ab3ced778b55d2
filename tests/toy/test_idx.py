"""The idx reader: whatever was written comes back, and damage is one clear line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis.extra.numpy import array_shapes, arrays

from oddlens.errors import DataError
from oddlens.toy.idx import read_idx

WriteIdx = Callable[[Path, np.ndarray], Path]
GOOD = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, max_side=5)))
@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_round_trip(tmp_path: Path, write_idx: WriteIdx, name: str, values: np.ndarray) -> None:
    np.testing.assert_array_equal(read_idx(write_idx(tmp_path / name, values), values.ndim), values)


def test_it_is_the_content_that_says_whether_a_file_is_packed(tmp_path: Path) -> None:
    (tmp_path / "plain.gz").write_bytes(GOOD)
    (tmp_path / "packed").write_bytes(gzip.compress(GOOD))
    for name in ("plain.gz", "packed"):
        assert read_idx(tmp_path / name, 1).tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    ("content", "axes", "told"),
    [
        (None, 1, "there is no such file"),
        (b"", 1, "ends after 0 bytes"),
        (GOOD[:6], 1, "ends after 6 bytes"),
        (GOOD[:-1], 1, "announces 3 = 3 bytes of data and holds 2"),
        (GOOD + b"x", 1, "announces 3 = 3 bytes of data and holds 4"),
        (b"\x89PNG" + GOOD, 1, "is no idx file of bytes (it begins with 89 50 4e 47)"),
        (b"\0\0\x0d" + GOOD[3:], 1, "is no idx file of bytes (it begins with 00 00 0d 01)"),
        (GOOD, 3, "ends after 11 bytes"),
        (GOOD + bytes(9), 3, "has 1 axes, not 3; check that images and labels are not mixed up"),
        (b"\0\0\x08\x03" + b"\xff" * 12, 3, "announces 4294967295 x 4294967295 x 4294967295"),
        (gzip.compress(GOOD, mtime=0)[:-9], 1, "is a damaged gzip file"),
        (gzip.compress(GOOD, mtime=0)[:12] + b"\xff" * 20, 1, "is a damaged gzip file"),
        (gzip.compress(GOOD, mtime=0)[:2], 1, "is a damaged gzip file"),
    ],
)
def test_damage_is_one_line(tmp_path: Path, content: bytes | None, axes: int, told: str) -> None:
    file = tmp_path / "digits"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(file, axes)
    assert f"{file}: " in str(caught.value) and told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path, 1)
