from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from oddlens.errors import MediaError
from oddlens.media.fingerprint import fingerprint_source
from oddlens.media.open import open_source
from oddlens.media.writer import write_image


def test_goes_by_content_not_by_name(tmp_path: Path) -> None:
    for k in range(3):
        write_image(tmp_path / "a" / f"{k}.png", np.full((4, 4, 1), k, np.uint8))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    before = fingerprint_source(tmp_path / "a")
    assert before == fingerprint_source(tmp_path / "b") == fingerprint_source(str(tmp_path / "a" / "*.png"))
    assert before == fingerprint_source(open_source(tmp_path / "b"))
    write_image(tmp_path / "b" / "1.png", np.full((4, 4, 1), 99, np.uint8))
    assert before != fingerprint_source(tmp_path / "b")


def test_the_order_of_images_counts(tmp_path: Path) -> None:
    for folder, levels in (("a", (1, 2)), ("b", (2, 1))):
        for k, level in enumerate(levels):
            write_image(tmp_path / folder / f"{k}.png", np.full((4, 4, 1), level, np.uint8))
    assert fingerprint_source(tmp_path / "a") != fingerprint_source(tmp_path / "b")


def test_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        fingerprint_source(tmp_path / "missing.mp4")
