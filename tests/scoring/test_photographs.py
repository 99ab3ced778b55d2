"""`oddlens score` with photographs: table, verdicts, panels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oddlens.cli import main
from oddlens.errors import DataError, MediaError, OddLensError
from oddlens.media.images import read_image
from oddlens.media.writer import write_image
from oddlens.scoring.detector import Detector
from oddlens.scoring.photograph_jobs import find_photographs
from oddlens.scoring.photograph_session import score_photographs_to_folder

pytestmark = pytest.mark.usefixtures("mean_picture")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A category: grey plates with noise, of which the defective ones have a bright spot."""
    root = tmp_path_factory.mktemp("parts") / "plate"
    rng = np.random.default_rng(2)

    def plate(path: Path, spot: bool, size: tuple[int, int] = (40, 48)) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = rng.integers(90, 110, (*size, 3)).astype(np.uint8)
        if spot:
            image[10:20, 24:36] = 250
        write_image(path, image)

    for k in range(24):
        plate(root / "train" / "good" / f"{k:02d}.png", False)
    for k in range(5):
        plate(root / "test" / "good" / f"{k:02d}.png", False, (40, 48) if k else (1500, 1200))
        plate(root / "test" / "spot" / f"{k:02d}.png", True)
        mask = np.zeros((40, 48, 1), np.uint8)
        mask[10:20, 24:36] = 255
        (root / "ground_truth" / "spot").mkdir(parents=True, exist_ok=True)
        write_image(root / "ground_truth" / "spot" / f"{k:02d}_mask.png", mask)
    return root


@pytest.fixture(scope="module")
def run(parts, tmp_path_factory, mean_picture):
    from oddlens.training.run import train

    folder = tmp_path_factory.mktemp("run")
    settings = {
        "data": {"cache_dir": str(folder / "cache")},
        "training": {"iterations": 30, "epochs": 0, "holdout": 0.5, "device": "cpu", "precision": "float32"},
        "scoring": {"precision": "float32", "batch_size": 4, "false_reject_rate": 0.2},
    }
    result = train("mean-picture", parts, folder / "run", settings=settings)
    return result.folder


@pytest.fixture
def detector(run):
    return Detector.load(run, "cpu")


def test_a_category_is_scored(run, parts, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["score", str(run), str(parts), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "chosen to reject 20 % of good photographs, measured on 12 held-out good photographs" in shown
    table = pd.read_csv(out / "scores.csv")
    assert table["photograph"].tolist()[:2] == ["test/good/00.png", "test/good/01.png"]
    assert table.loc[table["kind"] == "spot", "reject"].all()
    assert table.loc[table["kind"] == "good", "reject"].mean() < 0.5
    spot = table[table["kind"] == "spot"].iloc[0]
    assert 18 <= spot["left"] < spot["right"] <= 42
    assert 6 <= spot["top"] < spot["bottom"] <= 24
    told = json.loads((out / "scores.json").read_text())
    assert [row["photograph"] for row in told["photographs"]] == table["photograph"].tolist()
    assert told["raw_threshold"] <= min(row["score"] for row in told["photographs"] if row["kind"] == "spot")
    panels = [read_image(out / place) for place in table["panel"]]
    assert {panel.shape[2] for panel in panels} == {3}
    assert panels[1].shape[1] > 4 * 256
    assert main(["score", str(run), str(parts), "--out", str(out), "--no-overlay"]) == 0
    assert pd.read_csv(out / "scores.csv")["panel"].isna().all()


def test_the_same_from_python(detector, parts, tmp_path):
    seen = []
    result = score_photographs_to_folder(
        detector, [parts], tmp_path / "out", panels=False, on_scored=lambda item, row: seen.append((item, row))
    )
    table = detector.score(parts)
    assert (table["score"].to_numpy() == result.table["score"].to_numpy()).all()
    assert [item.raw.map.shape for item, _ in seen] == [(16, 16)] * 10
    assert seen[0][0].size == (1500, 1200)
    assert max(seen[0][0].picture.shape) == 1024
    one = detector.score(parts / "test" / "spot" / "03.png")
    assert one["photograph"].tolist() == ["03.png"]
    assert one["score"].iloc[0] == pytest.approx(table.loc[table["photograph"] == "test/spot/03.png", "score"].iloc[0])


def test_a_damaged_photograph_is_named_and_the_rest_scored(run, parts, tmp_path, capsys):
    folder = tmp_path / "new"
    shutil.copytree(parts / "test", folder)
    (folder / "spot" / "02.png").write_bytes(b"\x89PNG")
    assert main(["score", str(run), str(folder), "--out", str(tmp_path / "out"), "--no-overlay"]) == 1
    assert "fault: " + str(folder / "spot" / "02.png") + ": cannot be decoded" in capsys.readouterr().err
    table = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert len(table) == 9
    assert set(table["kind"]) == {"good", "spot"}
    with pytest.warns(UserWarning, match=r"02\.png"):
        assert len(Detector.load(run, "cpu").score(folder)) == 9
    (folder / "spot" / "00.png").write_bytes(b"")
    with pytest.raises(MediaError, match=r"none of 1 photographs could be read"):
        score_photographs_to_folder(Detector.load(run, "cpu"), [folder / "spot" / "00.png"], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_inputs(parts, tmp_path):
    assert len(find_photographs([parts])) == 10
    assert len(find_photographs([parts / "train" / "good"])) == 24
    assert [item.kind for item in find_photographs([parts / "test"])] == ["good"] * 5 + ["spot"] * 5
    assert len(find_photographs([parts / "test" / "*" / "0[01].png"])) == 4
    assert [item.name for item in find_photographs([parts / "test" / "good" / "00.png"] * 2)] == ["00.png", "00-2.png"]
    with pytest.raises(DataError, match="holds 1 category"):
        find_photographs([parts.parent])
    with pytest.raises(MediaError, match="no photograph matches"):
        find_photographs([parts / "*.png"])
    with pytest.raises(MediaError, match="there is no such file"):
        find_photographs([parts / "nothing"])
    with pytest.raises(MediaError, match="nothing was named"):
        find_photographs([])
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(MediaError, match="is a video, and this detector looks at photographs"):
        find_photographs([tmp_path / "clip.mp4"])


def test_what_is_about_video_is_refused(run, parts, capsys):
    assert main(["score", str(run), str(parts), "--fps", "3"]) == 2
    assert "--fps: is about video" in capsys.readouterr().err
    assert main(["score", str(run), str(parts), "--figures"]) == 2


def test_a_folder_of_something_else_is_left_alone(detector, parts, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(OddLensError, match="holds something else"):
        score_photographs_to_folder(detector, [parts], tmp_path)
