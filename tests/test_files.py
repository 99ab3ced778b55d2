"""Writing that is never half done, and fingerprints."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oddlens import files
from oddlens.errors import OddLensError
from oddlens.files import (
    atomic_path,
    fingerprint_file,
    fingerprint_files,
    is_leftover,
    read_json,
    remove_leftovers,
    write_json,
    write_text,
)


def test_file_appears_whole_under_its_name(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "down" / "table.csv"
    with atomic_path(target) as temporary:
        assert temporary.suffix == ".csv" and temporary.parent == target.parent
        temporary.write_text("1,2")
        assert is_leftover(temporary) and not target.exists()
    assert target.read_text() == "1,2"
    assert list(target.parent.iterdir()) == [target]


def test_folder_appears_whole_under_its_name(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "detector") as temporary:
        temporary.mkdir()
        (temporary / "weights").write_text("w")
    assert (tmp_path / "detector" / "weights").read_text() == "w"
    assert list(tmp_path.iterdir()) == [tmp_path / "detector"]


@pytest.mark.parametrize("fault", [ValueError("no"), KeyboardInterrupt(), OSError(errno.ENOENT, "gone", "other file")])
@pytest.mark.parametrize("folder", [False, True])
def test_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path, fault: BaseException, folder: bool) -> None:
    target = tmp_path / "values.json"
    write_json(target, {"old": 1})
    with pytest.raises(type(fault)), atomic_path(target) as temporary:
        if folder:
            temporary.mkdir()
            (temporary / "part").write_text("x")
        else:
            temporary.write_text("half")
        raise fault
    assert read_json(target) == {"old": 1}
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EFBIG])
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, code: int) -> None:
    with pytest.raises(OddLensError) as caught, atomic_path(tmp_path / "big.bin") as temporary:
        temporary.write_bytes(b"half")
        raise OSError(code, os.strerror(code))
    assert str(caught.value).startswith(f"{tmp_path / 'big.bin'}: cannot be written ({os.strerror(code)}); ")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_text_that_fills_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "notes.txt", "old")

    def full(path: Path, text: str, encoding: str) -> int:
        path.write_bytes(text[:2].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OddLensError, match="No space left on device"):
        write_text(tmp_path / "notes.txt", "new")
    assert (tmp_path / "notes.txt").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_parent_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OddLensError, match="cannot be written"):
        write_text(tmp_path / "file" / "notes.txt", "x")
    with pytest.raises(OddLensError, match="cannot be written"):
        write_text(tmp_path / "file" / "deeper" / "notes.txt", "x")


def test_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").mkdir()
    with pytest.raises(OddLensError, match="cannot be written"):
        write_text(tmp_path / "notes.txt", "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "notes.txt"]


def test_nan_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "values.json", {"auc": float("nan")})
    assert list(tmp_path.iterdir()) == []


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_json_comes_back(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "values.json", value)
    assert read_json(tmp_path / "values.json") == value


@pytest.mark.parametrize(("content", "fault"), [(None, "cannot be read"), ("{", "is not valid JSON"), ("", "JSON")])
def test_bad_json_is_one_line(tmp_path: Path, content: str | None, fault: str) -> None:
    path = tmp_path / "values.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(OddLensError, match=fault) as caught:
        read_json(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_binary_rubbish_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "values.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OddLensError, match="is not valid JSON"):
        read_json(tmp_path / "values.json")


def test_leftovers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = [".hidden", "a.part", "logs/metrics.csv", "notes.partial.txt"]
    for name in [*kept, ".run.0123abcd.part.yaml", "logs/.last.0123abcd.part.pt", ".detector.0123abcd.part/weights"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(name))
    remove_leftovers(tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)


def test_fingerprint_tells_content_not_names(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
    a, b, c, empty = (tmp_path / name for name in ("a", "b", "c", "empty"))
    assert fingerprint_file(a) == fingerprint_file(b) != fingerprint_file(c)
    assert len({fingerprint_file(path) for path in (a, c, empty)}) == 3
    assert fingerprint_files([a, c]) == fingerprint_files([b, c]) != fingerprint_files([c, a])


@pytest.mark.parametrize("place", [0, 50_000, -1])
def test_large_files_are_sampled_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    monkeypatch.setattr(files, "_WHOLE_FILE_BYTES", 50_000)
    monkeypatch.setattr(files, "_CHUNK", 6700)
    content = bytearray(100_000)
    (tmp_path / "film").write_bytes(content)
    before = fingerprint_file(tmp_path / "film")
    content[place] = 1
    (tmp_path / "film").write_bytes(content)
    assert fingerprint_file(tmp_path / "film") != before
