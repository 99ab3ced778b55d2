"""The generated photographs: the same for the same seed, good where good, marked where not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oddlens.cli import main
from oddlens.datasets.check_photographs import check_photographs
from oddlens.datasets.open_photographs import open_photographs
from oddlens.datasets.parts.defects import KINDS, photograph
from oddlens.datasets.parts.generate import generate_parts
from oddlens.datasets.parts.plate import Plate
from oddlens.errors import DataError, SettingsError

SMALL = {"train": 3, "test_good": 2, "test_each": 1, "side": 64}


def drawn(kind, seed=0, side=96):
    rng = np.random.default_rng(seed)
    return photograph(Plate.draw(rng, side), kind, rng)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_defect_shows_where_it_is_marked_and_nowhere_else(kind, seed):
    flawed, mask = drawn(kind, seed)
    good, none = drawn("good", seed)
    assert not none.any()
    change = np.abs(flawed.astype(int) - good.astype(int)).max(axis=2)
    assert 3 <= mask.sum() <= 0.06 * mask.size
    assert change[mask].mean() > 12
    far = np.ones_like(mask)
    rows, columns = np.nonzero(mask)
    far[max(rows.min() - 8, 0) : rows.max() + 9, max(columns.min() - 8, 0) : columns.max() + 9] = False
    assert change[far].max(initial=0) <= 12


def test_no_two_plates_are_alike_but_each_follows_from_its_seed():
    assert (drawn("good", 1)[0] == drawn("good", 1)[0]).all()
    assert (drawn("good", 1)[0] != drawn("good", 2)[0]).mean() > 0.5


def test_a_set_is_whole_and_has_no_faults(tmp_path):
    steps = []
    root = generate_parts(tmp_path / "parts", **SMALL, progress=lambda *told: steps.append(told))
    assert steps[-1] == (9, 9)
    found = open_photographs(root)
    assert (found.layout, found.kinds) == ("mvtec", ("dent", "missing", "scratch", "stain"))
    assert (len(found.train), len(found.test)) == (3, 6)
    assert check_photographs(root).faults == ()
    assert json.loads((root / "parts.json").read_text())["kinds"] == list(KINDS)
    again = generate_parts(tmp_path / "again", **SMALL)
    files = sorted(path.relative_to(root) for path in root.rglob("*.png"))
    assert len(files) == 13
    assert all((root / file).read_bytes() == (again / file).read_bytes() for file in files)


def test_the_command(tmp_path, capsys):
    words = ["data", "parts", str(tmp_path / "parts"), "--train", "2", "--test-good", "1", "--test-each", "1"]
    assert main([*words, "--side", "64"]) == 0
    assert "photographs: " in capsys.readouterr().out
    assert main(words) == 2
    assert "already holds generated parts" in capsys.readouterr().err
    assert main([*words, "--side", "48", "--overwrite"]) == 0


def test_numbers_and_folders_that_make_no_set(tmp_path):
    with pytest.raises(SettingsError, match="shows no defects"):
        generate_parts(tmp_path / "parts", side=16)
    with pytest.raises(SettingsError, match="make no set"):
        generate_parts(tmp_path / "parts", train=0)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(DataError, match="holds no generated parts"):
        generate_parts(tmp_path)
