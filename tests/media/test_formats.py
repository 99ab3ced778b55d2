from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from oddlens.media.formats import is_image, is_pattern, is_video, natural_order


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_zero_padded_names_sort_as_strings_do(numbers: list[int]) -> None:
    paths = [Path("frames") / f"{number:07d}.jpg" for number in numbers]
    assert natural_order(paths) == sorted(paths)


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_unpadded_names_sort_by_number(numbers: list[int]) -> None:
    paths = [Path(f"frame{number}.png") for number in numbers]
    assert natural_order(paths) == [Path(f"frame{number}.png") for number in sorted(numbers)]


@given(st.lists(st.text("a1.² é0", min_size=1)))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert len(natural_order(map(Path, names))) == len(names)


def test_kinds_go_by_suffix_and_hidden_files_are_neither() -> None:
    assert is_image(Path("A.JPG")) and not is_image(Path("._a.jpg"))
    assert is_video(Path("a.Mp4")) and not is_video(Path(".a.mp4")) and not is_video(Path("a.txt"))


def test_a_name_with_brackets_that_exists_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "clip[1]").mkdir()
    assert not is_pattern(tmp_path / "clip[1]")
    assert is_pattern(tmp_path / "clip[2]")
