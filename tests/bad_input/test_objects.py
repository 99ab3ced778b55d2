"""Footage, boxes and detectors that a method which looks at objects cannot use, and those it makes the best of."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from oddlens.cli import main
from oddlens.errors import DataError
from oddlens.media.store import Footage
from oddlens.motion.settings import FlowSettings
from oddlens.motion.store import build_flow_store, open_flow_store
from oddlens.scoring.detector import Detector

SMALL = ["method.width=1", "training.iterations=2", "training.epochs=0", "training.batch_size=4"]
SMALL += ["training.last_batch=keep", "method.objects.smallest_area=20", "method.objects.background.smallest_area=20"]

_EIGHT = b"\x12\x0e\n\x0c\x08\x01\x12\x08\n\x02\x08\x01\n\x02\x08\x08"
RELU = (
    b'\x08\x08:>\n\x0c\n\x01x\x12\x01y"\x04Relu\x12\x04reluZ\x13\n\x01x'
    + _EIGHT
    + b"b\x13\n\x01y"
    + _EIGHT
    + b"B\x02\x10\r"
)
"""A whole ONNX file: y = max(x, 0) of eight numbers."""


def train(w, *assignments, data=None, more=()):
    words = ["train", "lbr-spr", "--data", data or w.scene, "--out", w.out, "--quiet", *more]
    return [*words, *(word for item in (*SMALL, *assignments) for word in ("--set", item))]


def with_boxes(w, file):
    return "method.objects.sources=[file]", f"method.objects.ready_boxes={file}"


def csv(w, *rows):
    lines = ["video,frame,x1,y1,x2,y2", *(",".join(map(str, row)) for row in rows)]
    return w.file("boxes.csv", "\n".join(lines) + "\n")


def works(w, arguments):
    w.capsys.readouterr()
    code = main([str(word) for word in arguments])
    assert code == 0, w.capsys.readouterr().err


def noise(w, name, frames, size=(64, 48), mode="L", step=1):
    """A folder of images in which everything moves, or nothing where `step` is 0."""
    folder = w.at / name
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (size[1] // 4, size[0] // 4)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
    for k in range(frames):
        Image.fromarray(np.roll(texture, 3 * step * k, axis=1)).convert(mode).save(folder / f"{k:03d}.png")
    return folder


# Ready boxes


def test_a_missing_file_of_boxes(w):
    w.refuses(train(w, *with_boxes(w, w.at / "boxes.csv")), "boxes.csv: there is no such file of boxes")


def test_ready_boxes_without_a_file(w):
    w.refuses(train(w, "method.objects.sources=[file]"), "source 'file' has no file")


def test_a_file_of_boxes_that_is_none(w):
    w.refuses(train(w, *with_boxes(w, w.file("boxes.parquet", "words"))), "boxes.parquet")


def test_boxes_of_other_videos(w):
    w.refuses(train(w, *with_boxes(w, csv(w, ("gate", 0, 1, 1, 9, 9)))), "has no boxes of video 'normal_01'")


def test_boxes_beyond_the_frame(w):
    rows = [("normal_01", 0, 1, 1, 20, 20), ("normal_01", 1, 100, 60, 130, 90), ("normal_02", 0, 1, 1, 20, 20)]
    w.refuses(train(w, *with_boxes(w, csv(w, *rows))), "lies outside the 64x48 frame")


def test_boxes_of_other_footage_of_the_same_names(w):
    for name in ("normal_01", "normal_02"):
        noise(w, f"large/{name}", 60, size=(96, 72))
    works(w, ["boxes", w.at / "large", "--sources", "motion", "--out", w.at / "boxes.parquet", "--quiet"])
    w.refuses(train(w, *with_boxes(w, w.at / "boxes.parquet")), "has boxes of another video 'normal_01' than")


def test_boxes_without_area_are_no_objects(w):
    rows = [(video, 0, 5, 5, 5, 20) for video in ("normal_01", "normal_02")]
    w.refuses(train(w, *with_boxes(w, csv(w, *rows))), "not one object was found in 120 frames")


def test_a_box_inside_out(w):
    w.refuses(train(w, *with_boxes(w, csv(w, ("normal_01", 0, 9, 9, 1, 1)))), "boxes are left, top, right, bottom")


def test_boxes_by_running_number(w):
    frames = np.empty(120, object)
    frames[:] = [np.array([[1, 1, 20, 20]], np.float32)] * 120
    np.save(w.at / "boxes.npy", frames, allow_pickle=True)
    w.refuses(train(w, *with_boxes(w, w.at / "boxes.npy")), "oddlens boxes FOOTAGE --ready FILE")


def test_boxes_reach_over_the_border_and_some_have_no_area(w):
    rows = [(video, k, -5, -5, 20, 20) for video in ("normal_01", "normal_02") for k in range(0, 60, 2)]
    rows += [("normal_01", 3, 60, 40, 90, 70), ("normal_01", 3, 7, 7, 7, 7)]
    works(w, train(w, *with_boxes(w, csv(w, *rows))))
    assert "61 patches of 120 frames" in (w.out / "provenance.json").read_text()


def test_a_detector_with_ready_boxes_and_other_footage(w):
    rows = [(video, k, 5, 5, 20, 20) for video in ("normal_01", "normal_02") for k in range(60)]
    works(w, train(w, *with_boxes(w, csv(w, *rows))))
    w.refuses(w.score(w.clip, detector=w.out, out=w.at / "scores"), "boxes.csv: has no boxes of video 'test_01'")


# Detectors of objects


def test_an_onnx_file_that_is_a_text(w):
    file = w.file("yolo.onnx", "words")
    w.refuses(train(w, "method.objects.sources=[detector]", f"method.objects.detector={file}"), "yolo.onnx")


def test_an_onnx_file_that_is_no_detector(w):
    file = w.file("relu.onnx", RELU)
    w.refuses(train(w, "method.objects.sources=[detector]", f"method.objects.detector={file}"), "relu.onnx")


def test_an_onnx_file_that_is_missing(w):
    settings = "method.objects.sources=[detector]", f"method.objects.detector={w.at / 'yolo.onnx'}"
    w.refuses(train(w, *settings), "yolo.onnx")


def test_an_unknown_detector(w):
    settings = "method.objects.sources=[detector]", "method.objects.detector=yolov3"
    w.refuses(train(w, *settings), "detector 'yolov3' is not known")


# Footage to train on


def test_test_videos_where_there_are_none(w):
    noise(w, "own/normal/a", 20)
    w.refuses(train(w, data=w.at / "own", more=["--split", "test"]), "own: holds no test videos")


@pytest.mark.parametrize("sources", ["[motion]", "[background,motion]", "[background]"])
def test_nothing_moves(w, sources):
    noise(w, "own/normal/a", 20, step=0)
    w.refuses(train(w, f"method.objects.sources={sources}", data=w.at / "own"), "not one object was found in 20 frames")


@pytest.mark.parametrize("sources", ["[motion]", "[background,motion]"])
def test_everything_moves(w, sources):
    folder = noise(w, "own/normal/a", 20)
    works(w, train(w, f"method.objects.sources={sources}", data=w.at / "own"))
    works(w, w.score(folder, detector=w.out, out=w.at / "scores"))
    table = pd.read_csv(w.at / "scores" / "scores.csv")
    assert len(table) == 20
    assert (table["boxes"] >= 1).all()
    assert np.isfinite(table[["score", "calibrated"]]).all(axis=None)


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_very_short_video_to_train_on(w, frames):
    noise(w, "own/normal/a", frames)
    arguments = train(w, "method.objects.sources=[motion]", data=w.at / "own")
    if frames == 1:  # nothing can move in one frame
        w.refuses(arguments, "not one object was found in 1 frames")
        return
    works(w, arguments)
    assert np.isfinite(Detector.load(w.out, "cpu").calibration.threshold)


def test_grey_and_colour_footage(w):
    noise(w, "own/normal/a", 20)
    noise(w, "own/normal/b", 20, mode="RGB")
    w.refuses(train(w, data=w.at / "own"), "b: is colour where the other footage is grey")


def test_footage_of_two_sizes_before_one_background(w):
    noise(w, "own/normal/a", 20)
    noise(w, "own/normal/b", 20, size=(80, 48))
    w.refuses(train(w, data=w.at / "own"), "b: is 80x48, the footage before it 64x48")
    works(w, train(w, "method.objects.sources=[motion]", data=w.at / "own"))


def test_blocks_without_patches(w):
    rows = [(video, k, 5, 2, 20, 9) for video in ("normal_01", "normal_02") for k in range(60)]
    works(w, train(w, "method.rows=4", "method.columns=3", *with_boxes(w, csv(w, *rows))))
    csv(w, *(("test_01", k, 5, 2 + k, 20, 9 + k) for k in range(40)))
    works(w, w.score(w.clip, detector=w.out, out=w.at / "scores"))
    table = pd.read_csv(w.at / "scores" / "scores.csv")
    assert np.isfinite(table[["score", "calibrated"]]).all(axis=None)
    assert (table["frame_score"][20:] == 20).all()
    assert (table["frame_score"][:4] < 20).all()


def test_more_blocks_than_steps(w):
    rows = [(video, k, 5, k % 40, 20, k % 40 + 8) for video in ("normal_01", "normal_02") for k in range(60)]
    w.refuses(train(w, "method.rows=8", *with_boxes(w, csv(w, *rows))), "parts of the footage are trained one after")


def test_fewer_patches_than_a_batch(w):
    rows = [(video, 0, 5, 5, 20, 20) for video in ("normal_01", "normal_02")]
    settings = *with_boxes(w, csv(w, *rows)), "training.last_batch=drop"
    w.refuses(train(w, *settings), "training.last_batch: keep")


def test_a_setting_the_method_does_not_know(w):
    w.refuses(train(w, "method.objects.sorces=[motion]"), "did you mean 'sources'")


# Footage to score


def test_footage_of_another_camera(w, patch_run):
    w.refuses(
        w.score(noise(w, "gate", 8, size=(80, 60)), detector=patch_run), "gate: is 80x60, the detector's background"
    )


def test_one_of_two_videos_is_of_another_camera(w, patch_run):
    gate = noise(w, "gate", 8, size=(80, 60))
    w.capsys.readouterr()
    assert main([str(word) for word in w.score(gate, w.clip, detector=patch_run)]) == 1
    assert "gate: is 80x60" in w.capsys.readouterr().err
    assert set(pd.read_csv(w.out / "scores.csv")["video"]) == {"test_01"}
    assert not (w.out / "gate").exists()


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_very_short_video_to_score(w, patch_run, frames):
    works(w, w.score(noise(w, "clip", frames), detector=patch_run))
    table = pd.read_csv(w.out / "scores.csv")
    assert table["frame"].tolist() == list(range(frames))
    assert np.isfinite(table.select_dtypes("number")).all(axis=None)


def test_nothing_moves_in_what_is_scored(w, patch_run):
    level = np.array(Detector.load(patch_run, "cpu").method.background()["level"])
    (w.at / "still").mkdir()
    for k in range(12):
        Image.fromarray(level).save(w.at / "still" / f"{k:03d}.png")
    works(w, w.score(w.at / "still", detector=patch_run))
    table = pd.read_csv(w.out / "scores.csv")
    assert (table["boxes"] == 0).all() and not table["alarm"].any()
    assert (w.out / "events.json").read_text().strip() == "[]"


def test_pictures_that_the_method_does_not_draw(w, patch_run):
    w.refuses([*w.score(w.clip, detector=patch_run), "--figures"], "draws no reconstructions")


def test_a_detector_that_lost_its_background(w, patch_run):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(patch_run / "detector", w.at / "detector")
    weights = load_file(folder / "weights.safetensors")
    save_file({k: v for k, v in weights.items() if "background" not in k}, folder / "weights.safetensors")
    w.refuses(w.score(w.clip, detector=folder), "source 'background' has no background")


# Caches


def test_flow_of_other_footage(w):
    mine, other = (Footage("a", noise(w, f"{name}/a", 5, step=step), 10.0) for name, step in (("x", 1), ("y", 2)))
    store = build_flow_store([mine], FlowSettings(method="dis-fast"), w.at / "cache", 1 << 30)
    assert store is not None
    with pytest.raises(DataError, match="flow of other footage: the pictures have changed; build the flow"):
        open_flow_store(store.folder, [other])


def test_patches_of_other_footage_under_the_same_names(w):
    """Nothing to refuse: patches are found by the content of their footage."""
    cache = f"data.cache_dir={w.at / 'cache'}"
    for step in (1, 2):
        noise(w, "own/normal/a", 20, step=step)
        works(w, train(w, "method.objects.sources=[motion]", cache, data=w.at / "own"))
        shutil.rmtree(w.at / "own")
        shutil.rmtree(w.out)
    assert len([path for path in (w.at / "cache").glob("patches-*") if path.is_dir()]) == 2
