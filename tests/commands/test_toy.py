"""`oddlens toy`: what it leaves behind, what it says, and faults as one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oddlens.cli import main
from oddlens.media.images import read_image
from oddlens.toy.drawn import draw_data

Captured = pytest.CaptureFixture[str]
FEW = ["--iterations", "1", "--codes", "3"]


def call(*words: Any) -> int:
    return main(["toy", *map(str, words)])


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A folder with the four files of a small MNIST, not packed."""
    folder = tmp_path / "digits"
    folder.mkdir()
    data = draw_data(seed=4, train=40, test=20)
    for split, part in (("train", data.train), ("t10k", data.test)):
        for kind, values in (("images", part.pictures), ("labels", part.labels)):
            head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
            (folder / f"{split}-{kind}-idx{values.ndim}-ubyte").write_bytes(head + values.tobytes())
    return folder


def test_figure_tables_and_weights(digits: Path, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "new" / "out"
    words = ["--data", digits, "--out", out, "--seeds", 0, 7, "--alpha", 0.5, 0.1, *FEW]
    assert call(*words) == 0
    shown = capsys.readouterr().out
    assert "error + 0.5 diversity" in shown and "2 seeds" in shown
    assert f"figure: {out / 'figure.png'}" in shown and f"next: oddlens toy --data {digits}" in shown
    result = json.loads((out / "results.json").read_text())
    assert result["seeds"] == [0, 7] and result["alphas"] == [0.5, 0.1]
    assert result["settings"]["codes"] == 3 and result["test_digits"] == {"normal": 10, "anomalous": 10}
    assert read_image(out / "figure.png").shape[2] == 3
    names = {file.name for file in (out / "weights").iterdir()}
    assert names == {f"{kind}-{seed}.safetensors" for kind in ("memory", "skip", "pdm") for seed in (0, 7)}
    command = result["provenance"]["command"].split()
    assert f"`{result['provenance']['command']}`" in (out / "results.md").read_text()
    assert main(command[1:]) == 0  # nothing is left to train: the same again
    again = json.loads((out / "results.json").read_text())
    assert again["models"] == result["models"] and again["examples"] == result["examples"]


def test_quiet_and_drawn_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("oddlens.toy.drawn.draw_data", lambda: draw_data(train=40, test=20))
    monkeypatch.chdir(tmp_path)
    assert call("--seeds", 0, "--quiet", *FEW) == 0
    assert capsys.readouterr() == ("", "")
    assert json.loads(Path("toy/results.json").read_text())["digits"] == "drawn digits, seed 0"
    assert call("--seeds", 0, *FEW) == 0
    assert "next: oddlens toy --data FOLDER" in capsys.readouterr().out


def test_other_settings_need_another_folder_or_overwriting(digits: Path, tmp_path: Path, capsys: Captured) -> None:
    words = ["--data", digits, "--out", tmp_path / "out", "--seeds", 0, *FEW, "--quiet"]
    assert call(*words) == 0
    assert call(*words, "--gamma", 1) == 2
    assert "holds an experiment with gamma 0.1, not 1.0" in capsys.readouterr().err
    assert call(*words, "--gamma", 1, "--overwrite") == 0


def test_ctrl_c_leaves_what_is_whole(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    out = tmp_path / "out"
    words = ["--data", digits, "--out", out, "--seeds", 0, *FEW, "--quiet"]

    def interrupted(*rest: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("oddlens.toy.report.draw_figure", interrupted)
        assert call(*words) == 130
    assert capsys.readouterr().err.startswith("oddlens: interrupted; repeat the command")
    assert sorted(item.name for item in out.iterdir()) == ["toy.json", "weights"]
    assert call(*words) == 0
    assert (out / "figure.png").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--data", "gone"], "gone: there is no such folder; name the folder that holds train-images-idx3-ubyte.gz"),
        (["--data", "empty"], "empty: holds no train-images-idx3-ubyte.gz"),
        (["--data", "DIGITS", "--out", "taken"], "taken: holds something else than a toy experiment (thesis.txt)"),
        (["--data", "DIGITS", "--out", "file"], "file: is a file"),
        (["--seeds", "1", "1"], "--seeds: names one twice (1, 1)"),
        (["--seeds", "-1"], "--seeds: is -1"),
        (["--seeds"], "seeds"),
        (["--alpha", "nan"], "--alpha: is nan"),
        (["--alpha", "-0.5"], "--alpha: is -0.5"),
        (["--iterations", "0"], "--iterations: is 0; give 1 or more"),
        (["--codes", "0"], "--codes: is 0"),
        (["--gamma", "-1"], "--gamma: is -1"),
        (["--restart-after", "-1"], "--restart-after: is -1"),
        (["--start", "random"], "--start"),
        (["digits"], "digits"),
    ],
)
def test_mistakes_are_one_line(
    digits: Path, tmp_path: Path, words: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "taken"):
        (tmp_path / folder).mkdir()
    for file in ("file", "taken/thesis.txt"):
        (tmp_path / file).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert call(*[word.replace("DIGITS", str(digits)) for word in words], "--quiet") == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert shown.startswith("oddlens: ") and len(shown.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_damaged_digits_are_named(digits: Path, tmp_path: Path, capsys: Captured) -> None:
    file = digits / "t10k-labels-idx1-ubyte"
    file.write_bytes(file.read_bytes()[:-3])
    assert call("--data", digits, "--out", tmp_path / "out") == 2
    shown = capsys.readouterr().err
    assert f"{file}: announces 20 = 20 bytes of data and holds 17; fetch it again" in shown
    assert not (tmp_path / "out").exists()
