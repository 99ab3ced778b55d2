"""A detector folder: saved and loaded unchanged, refused where it is damaged, and never a way to run code."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

import oddlens
from oddlens.errors import OddLensError
from oddlens.scoring.detector import Detector, find_detector, runtime


@pytest.fixture
def folder(tiny_run, tmp_path):
    """A copy of the detector, to be damaged."""
    return shutil.copytree(tiny_run / "detector", tmp_path / "detector")


def loading_fails(folder):
    with pytest.raises(OddLensError) as caught:
        Detector.load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_saved_and_loaded_it_scores_the_same(tiny, scene, tmp_path):
    clip = scene / "test" / "test_01.mp4"
    target = tiny.save(tmp_path / "copy")
    assert sorted(item.name for item in target.iterdir()) == [
        "calibration.json",
        "detector.yaml",
        "weights.safetensors",
    ]
    loaded = Detector.load(target, "cpu")
    assert loaded.calibration == tiny.calibration
    assert loaded.scoring == tiny.scoring
    assert loaded.provenance == tiny.provenance
    assert not loaded.method.training
    assert loaded.score(clip).equals(tiny.score(clip))


def test_a_run_folder_stands_for_its_detector(tiny_run, tmp_path):
    assert find_detector(tiny_run) == tiny_run / "detector"
    assert find_detector(tiny_run / "detector") == tiny_run / "detector"
    shutil.copy(tiny_run / "run.yaml", tmp_path)
    with pytest.raises(OddLensError, match="has not finished"):
        find_detector(tmp_path)


def test_saving_replaces_an_older_detector_but_nothing_else(tiny, folder):
    tiny.save(folder)
    assert Detector.load(folder).calibration == tiny.calibration
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OddLensError, match=r"holds other files \(notes\.txt\)"):
        tiny.save(folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "weights.safetensors").is_file()


def test_provenance_tells_where_it_comes_from(tiny):
    known = {"date", "dataset", "data_fingerprint", "frames", "seed", "steps", "oddlens", "torch", "python"}
    assert known <= set(tiny.provenance)
    assert tiny.provenance["dataset"] == "walkway"
    assert tiny.provenance["steps"] == 4
    assert runtime()["oddlens"] == oddlens.__version__


def test_other_scoring_settings_keep_the_rest(tiny):
    fast = tiny.with_scoring(mode="fast")
    assert (fast.scoring.mode, fast.scoring.precision) == ("fast", "float32")
    assert tiny.scoring.mode == "exact"
    assert fast.scorer().targets == tiny.method.sampling.fast_targets
    with pytest.raises(OddLensError, match="mode"):
        tiny.with_scoring(mode="slow")


@pytest.mark.parametrize("name", ["weights.safetensors", "calibration.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert name in loading_fails(folder)


@pytest.mark.parametrize("size", [0, 4, 100, 2000])
def test_damaged_weights_are_named(folder, size):
    file = folder / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:size])
    assert "weights.safetensors" in loading_fails(folder)


def test_weights_of_another_network_are_refused(folder):
    weights = load_file(folder / "weights.safetensors")
    name = next(name for name in weights if name.endswith("0.weight"))
    save_file({**weights, name: torch.zeros(3, 3)}, folder / "weights.safetensors")
    assert "does not fit the network" in loading_fails(folder)
    del weights[name]
    save_file(weights, folder / "weights.safetensors")
    assert "does not fit the network" in loading_fails(folder)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"format": 99}, "has format 99, this version reads 1"),
        ({"format": None}, "has format None"),
        ({"method": {"name": "lnrb"}}, "did you mean 'lnra'"),
        ({"method": {}}, "method ''"),
        ({"method": "lnra"}, "method"),
        ({"method": {"name": "lnra", "widths": [4]}}, "widths"),
        ({"scoring": {"mode": "slow"}}, "mode"),
        ({"scoring": 3}, "does not hold 'key: value' pairs"),
        ({"provenance": 3}, "provenance"),
    ],
)
def test_a_settings_file_that_makes_no_detector_is_refused(folder, change, fault):
    file = folder / "detector.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **change}))
    message = loading_fails(folder)
    assert fault in message
    assert "detector.yaml" in message or "method" in message


@pytest.mark.parametrize("text", ["", "3", "[1, 2]", "{", '{"frames": "many"}', '{"frames": 3, "colour": 1}'])
def test_a_damaged_calibration_is_named(folder, text):
    (folder / "calibration.json").write_text(text)
    assert "calibration.json" in loading_fails(folder)


@pytest.mark.parametrize("quantiles", [[1.0], [3.0, 2.0, 1.0, 0.0]])
def test_a_calibration_that_is_no_scale_is_refused(folder, quantiles):
    file = folder / "calibration.json"
    values = json.loads(file.read_text())
    file.write_text(json.dumps({**values, "levels": [0.0, 0.1, 0.5, 0.9], "quantiles": quantiles}))
    assert "calibration.json" in loading_fails(folder)


def test_no_code_in_a_detector_is_run(folder, tmp_path):
    trace = tmp_path / "ran"
    settings = (folder / "detector.yaml").read_text()
    for tag in ("object/apply:os.system", "object/apply:pathlib.Path.touch"):
        (folder / "detector.yaml").write_text(settings + f"\nextra: !!python/{tag} ['touch {trace}']\n")
        assert "detector.yaml" in loading_fails(folder)
    (folder / "detector.yaml").write_text(settings)

    class Payload:
        def __reduce__(self):
            return trace.touch, ()

    (folder / "weights.safetensors").write_bytes(pickle.dumps(Payload()))
    assert "weights.safetensors" in loading_fails(folder)
    assert not trace.exists()


def test_a_folder_that_is_none_is_refused(tmp_path):
    assert "does not exist" in loading_fails(tmp_path / "nowhere")
    assert "is no detector folder" in loading_fails(tmp_path)
    (tmp_path / "file.mp4").write_text("")
    assert "is no detector folder" in loading_fails(tmp_path / "file.mp4")


def test_score_takes_a_file_a_folder_a_glob_or_several(tiny, scene):
    test = scene / "test"
    names = ["test_01", "test_02"]
    one = tiny.score(str(test / "test_01.mp4"))
    assert list(one.columns[:6]) == ["video", "frame", "time", "score", "calibrated", "alarm"]
    assert {"frame_error", "window_error"} <= set(one.columns)
    assert one["frame"].tolist() == list(range(40))
    assert one["time"].tolist() == pytest.approx([k / 12.5 for k in range(40)])
    for inputs in (scene, test / "*.mp4", [test / f"{name}.mp4" for name in names]):
        table = tiny.score(inputs, mode="fast")
        assert table["video"].drop_duplicates().tolist() == names
        assert len(table) == 80


def test_videos_of_the_same_name_stay_apart(tiny, scene, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(scene / "test" / "test_01.mp4", tmp_path / folder / "gate.mp4")
    table = tiny.score([tmp_path / "a" / "gate.mp4", tmp_path / "b" / "gate.mp4"], mode="fast")
    assert table.groupby("video").size().to_dict() == {"gate": 40, "gate-2": 40}


def test_an_uncalibrated_detector_scores_raw_and_raises_no_alarm(tiny, scene):
    raw = replace(tiny, calibration=replace(tiny.calibration, quantiles=(), levels=(), threshold=float("inf")))
    table = raw.score(scene / "test" / "test_01.mp4", mode="fast")
    assert (table["score"] == table["calibrated"]).all()
    assert not table["alarm"].any()
