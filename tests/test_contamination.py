"""The contamination experiment: what is mixed, and that it runs from footage to table."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oddlens.datasets.open import open_dataset
from oddlens.errors import DataError
from oddlens.media.writer import write_image


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1]))
    return importlib.import_module("benchmarks.contamination")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Own footage in folders of images: three normal clips, four test clips whose second halves are bright."""
    root, noise = tmp_path / "clips", np.random.default_rng(0)
    for number, name in enumerate(("normal/a", "normal/b", "normal/c", "test/d", "test/e", "test/f", "test/g")):
        for index in range(20 + 10 * (number % 2)):
            level = 200 if name.startswith("test") and index >= 12 else 60
            image = noise.integers(0, level, (24, 24, 1), dtype=np.uint8)
            (root / name).mkdir(parents=True, exist_ok=True)
            write_image(root / name / f"{index:03d}.png", image)
    rows = ["d,12,30", "e,12,20", "f,12,30", "g,12,20"]
    (root / "labels.csv").write_text("\n".join(["video,start,end", *rows]), encoding="utf-8")
    return root


def test_contamination_takes_the_middle_of_half_a_and_keeps_the_size(module: Any, clips: Path) -> None:
    dataset = open_dataset(clips)
    first, second = module.halves(dataset)
    assert [[video.name for video in half] for half in (first, second)] == [["d", "f"], ["e", "g"]]
    for share in (0.0, 0.1, 0.3, 0.5):
        stretches = module.mix(dataset, share)
        assert sum(len(stretch.files) for stretch in stretches) == 70
        assert sum(len(stretch.files) for stretch in stretches if stretch.foreign) == round(70 * share)
    foreign = [stretch for stretch in module.mix(dataset, 0.2) if stretch.foreign]
    assert [stretch.name for stretch in foreign] == ["test_d", "test_f"]
    assert [file.stem for file in foreign[0].files] == [f"{index:03d}" for index in range(11, 18)]
    assert foreign[0].abnormal == 6
    with pytest.raises(DataError, match=r"--shares: half A has 60 frames, a share of 0.9 takes 63; give shares"):
        module.mix(dataset, 0.9)


def test_contamination_from_footage_to_table(
    module: Any, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    tiny = ["method.height=16", "method.width=16", "method.length=8", "method.widths=[2,2,4]", "training.device=cpu"]
    words = ["--data", str(clips), "--out", str(out), "--shares", "0.3", "--iterations", "3"]
    words += [word for item in tiny for word in ("--set", item)]
    module.main(words)
    shown = capsys.readouterr().out
    rows = [line for line in shown.splitlines() if line.startswith("| ") and "training" not in line]
    assert len(rows) == 4 and rows[3].startswith("| 30.0 % |") and "self-paced (mixture)" in rows[3]
    numbers = json.loads((out / "contamination.json").read_text(encoding="utf-8"))
    assert [(item["share"], item["self_paced"]) for item in numbers["results"]] == [
        *((0, "none"), (0, "mixture")),
        *((0.3, "none"), (0.3, "mixture")),
    ]
    assert {item["steps"] for item in numbers["results"]} == {3} and "--shares 0.3" in numbers["command"]
    assert rows[0] in (out / "contamination.md").read_text(encoding="utf-8")

    monkeypatch.setattr(module.oddlens, "train", None, raising=False)
    module.main(words)  # nothing is trained again
    assert capsys.readouterr().out == shown
    with pytest.raises(SystemExit, match="is the result of other options; name another --out"):
        module.main([*words, "--seed", "1"])
