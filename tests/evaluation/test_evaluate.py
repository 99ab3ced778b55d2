"""Evaluation from end to end: both protocols, the baselines, the numbers that independent code gets."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from oddlens.datasets.base import DataSet
from oddlens.datasets.open import open_dataset
from oddlens.errors import OddLensError
from oddlens.evaluation.evaluate import evaluate
from oddlens.evaluation.protocols import PaperProtocol, Pipeline
from oddlens.media.writer import VideoWriter
from oddlens.metrics.map_boxes import map_boxes, map_levels
from oddlens.metrics.regions import RegionDetection
from oddlens.metrics.truth_tracks import truth_tracks
from oddlens.reports.tables import evaluation_markdown
from oddlens.scoring.detector import Detector

QUICK = {"floors": False, "resamples": 20, "mode": "fast"}
SHARES = (
    "micro_auc",
    "macro_auc",
    "ap",
    "eer",
    "pixel_auc",
    "pixel_ap",
    "pixel_level_auc",
    "rbdc",
    "tbdc",
    "event_recall",
    "alarmed_normal_share",
)


@pytest.fixture(scope="module")
def result(tiny, scene):
    return evaluate(tiny, scene, resamples=50)


@pytest.fixture
def copy(scene, tmp_path):
    """A copy of the scene, to be spoilt."""
    return shutil.copytree(scene, tmp_path / "copy")


def truth(scene):
    return [video.labels for video in open_dataset(scene).test]


def numbers(value):
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def test_the_result_has_the_promised_shape(result):
    parts = ["method", "dataset", "frames", "protocols", "baselines", "event_recall_at", "provenance"]
    assert list(result) == parts
    assert set(result["event_recall_at"]) == {"lnra", "clock", "previous-frame", "neighbour-mean"}
    assert all(set(recalls) == {"0.1", "1", "10"} for recalls in result["event_recall_at"].values())
    assert (result["method"], result["dataset"], result["frames"]) == ("lnra", "walkway", 80)
    assert list(result["protocols"]) == ["clean", "paper"]
    assert set(result["baselines"]) == {"clock", "random", "previous-frame", "neighbour-mean"}
    keys = set(result["protocols"]["clean"])
    assert {"micro_auc", "macro_auc", "ap", "eer", "pixel_auc", "interval"} <= keys
    assert set(result["protocols"]["paper"]) == keys
    for baseline in result["baselines"].values():
        assert keys <= set(baseline)
        assert keys <= set(baseline["paper"])


def test_it_is_json_and_shares_lie_between_nought_and_one(result):
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    summaries = list(result["protocols"].values()) + list(result["baselines"].values())
    for summary in summaries + [baseline["paper"] for baseline in result["baselines"].values()]:
        shares = [summary[key] for key in SHARES] + list(summary["interval"] or [])
        assert all(share is None or 0 <= share <= 1 for share in shares)
        assert all(np.isfinite(numbers(summary)))
        if summary["interval"]:
            low, high = summary["interval"]
            assert low <= high


def test_the_numbers_are_those_of_independent_code(result, tiny, scene):
    labels, table = truth(scene), tiny.score(scene)
    clean, paper = result["protocols"]["clean"], result["protocols"]["paper"]
    assert clean["frames"] == 80
    assert clean["abnormal_frames"] == sum(map(sum, labels))
    assert clean["micro_auc"] == pytest.approx(roc_auc_score(np.concatenate(labels), table["score"]), abs=1e-3)
    assert clean["ap"] == pytest.approx(average_precision_score(np.concatenate(labels), table["score"]), abs=1e-3)
    cropped = [slice(8, len(y) - 7) for y in labels]
    errors = [rows["frame_error"].to_numpy()[cut] for (_, rows), cut in zip(table.groupby("video"), cropped)]
    stretched = np.concatenate([(e - e.min()) / (e.max() - e.min()) for e in errors])
    kept = np.concatenate([y[cut] for y, cut in zip(labels, cropped)])
    assert paper["frames"] == len(kept)
    assert paper["micro_auc"] == pytest.approx(roc_auc_score(kept, stretched), abs=1e-3)


def test_the_clock_is_the_time_since_the_start(result, scene):
    labels = truth(scene)
    time = np.concatenate([np.arange(len(y)) for y in labels])
    assert result["baselines"]["clock"]["micro_auc"] == pytest.approx(roc_auc_score(np.concatenate(labels), time))
    assert 0.2 < result["baselines"]["random"]["micro_auc"] < 0.8
    assert result["baselines"]["random"]["pixel_auc"] is None


def test_floors_predict_from_the_neighbours_alone(scene, tiny):
    from oddlens.media.open import open_source
    from oddlens.media.resize import fit

    video = open_dataset(scene).test[0]
    frames = [fit(frame.image, 256, 256, 1) for frame in open_source(video.path, colour="grey").frames()]
    values = np.stack(frames).astype(np.float64)[..., 0] / 127.5 - 1
    error = ((values[2:] + values[:-2]) / 2 - values[1:-1]).__pow__(2).mean(axis=(1, 2))
    by_hand = 10 * np.log10(np.concatenate([error[:1], error, error[-1:]]))
    one = DataSet("walkway", scene, (), (video,))
    result = evaluate(tiny, one, resamples=10, mode="fast")
    expected = roc_auc_score(video.labels, by_hand)
    assert result["baselines"]["neighbour-mean"]["micro_auc"] == pytest.approx(expected, abs=0.01)


def test_pixels_count_where_there_are_masks(result, tiny, scene):
    assert result["protocols"]["clean"]["pixel_auc"] is not None
    assert result["protocols"]["paper"]["pixel_auc"] is not None
    dataset = open_dataset(scene)
    blind = replace(dataset, test=tuple(replace(video, masks=None) for video in dataset.test))
    found = evaluate(tiny, blind, **QUICK)["protocols"]
    for key in ("pixel_auc", "pixel_level_auc", "rbdc", "tbdc"):
        assert found["clean"][key] is found["paper"][key] is None


def test_boxes_come_from_the_map_at_levels_of_normal_footage(result, tiny, scene):
    from oddlens.scoring.table import open_for
    from oddlens.scoring.windows import score_frames

    levels = map_levels(tiny.calibration.map_low, tiny.calibration.map_high)
    regions = RegionDetection()
    for video in open_dataset(scene).test:
        scorer = tiny.scorer("exact", details=True)
        scored = list(score_frames(scorer, open_for(tiny, video.path).frames(), video.name))
        boxes = [map_boxes(score.map, levels, frame.image.shape[:2]) for frame, score in scored]
        frames = np.repeat(np.arange(len(boxes)), [len(found) for found in boxes])
        known = truth_tracks(video.masks.read(index) for index in range(len(boxes)))
        regions.update(np.concatenate(boxes), frames, known, len(boxes))
    clean, paper = result["protocols"]["clean"], result["protocols"]["paper"]
    assert clean["rbdc"] == pytest.approx(regions.rbdc(), abs=0.02)
    assert clean["tbdc"] == pytest.approx(regions.tbdc(), abs=0.02)
    assert regions.frames == 80
    assert paper["rbdc"] is not None
    assert clean["pixel_level_auc"] is None
    assert paper["pixel_level_auc"] is not None
    floor = result["baselines"]["previous-frame"]  # no calibration, so no levels
    assert floor["rbdc"] is None
    assert floor["paper"]["pixel_level_auc"] is not None


def test_training_frames_count_where_the_paper_counts_them(tiny, scene, monkeypatch):
    protocol = PaperProtocol(head=0, tail=0, normalise="none", component="frame_error", include_training=True)
    before = evaluate(tiny, scene, **QUICK)
    monkeypatch.setattr(type(tiny.method), "paper_protocol", lambda method: protocol)
    calls = []
    found = evaluate(tiny, scene, progress=lambda *call: calls.append(call), **{**QUICK, "floors": True})
    protocols = found["protocols"]
    assert [protocols[name]["frames"] for name in ("clean", "paper", "paper_test_only")] == [80, 200, 80]
    assert protocols["clean"] == before["protocols"]["clean"]
    scores = [tiny.score(video.path, "fast")["frame_error"] for video in open_dataset(scene).train]
    tests = [tiny.score(video.path, "fast")["frame_error"] for video in open_dataset(scene).test]
    labels = np.concatenate([np.zeros(120), *truth(scene)])
    expected = roc_auc_score(labels, np.concatenate([*scores, *tests]))
    assert protocols["paper"]["micro_auc"] == pytest.approx(expected, abs=1e-3)
    assert protocols["paper"]["rbdc"] is None
    assert protocols["paper_test_only"]["rbdc"] is not None
    assert found["frames"] == 80
    assert [total for _, _, total in calls] == [4] * 4
    assert [name for name, _, _ in calls][2:] == ["test_01", "test_02"]
    for baseline in found["baselines"].values():
        assert (baseline["paper"]["frames"], baseline["paper_test_only"]["frames"]) == (200, 80)
    assert "paper (test frames only)" in evaluation_markdown(found)


def test_a_pipeline_gets_the_components_of_all_test_videos(tiny, scene, monkeypatch):
    pipeline = Pipeline("sum", ("frame_error", "score"), lambda videos: [v["frame_error"] + v["score"] for v in videos])
    protocol = PaperProtocol(head=3, tail=0, normalise="none", pipeline=pipeline)
    monkeypatch.setattr(type(tiny.method), "paper_protocol", lambda method: protocol)
    found = evaluate(tiny, scene, **{**QUICK, "floors": True})
    tables = [tiny.score(video.path, "fast")[3:] for video in open_dataset(scene).test]
    expected = np.concatenate([table["frame_error"] + table["score"] for table in tables])
    labels = np.concatenate([y[3:] for y in truth(scene)])
    assert found["protocols"]["paper"]["micro_auc"] == pytest.approx(roc_auc_score(labels, expected), abs=1e-3)
    assert found["protocols"]["paper"]["frames"] == 74
    assert all(baseline["paper"]["frames"] == 74 for baseline in found["baselines"].values())
    assert found["provenance"]["paper_protocol"]["pipeline"] == {"name": "sum", "components": ["frame_error", "score"]}
    json.dumps(found, allow_nan=False)
    assert "paper_protocol.pipeline.name: sum" in evaluation_markdown(found)


def test_missing_or_short_training_videos_are_noted(tiny, scene, tmp_path, monkeypatch):
    protocol = PaperProtocol(head=0, tail=0, include_training=True)
    monkeypatch.setattr(type(tiny.method), "paper_protocol", lambda method: protocol)
    dataset = open_dataset(scene)
    found = evaluate(tiny, replace(dataset, train=()), **QUICK)
    assert any("there is no training video" in note for note in found["provenance"]["notes"])
    assert list(found["protocols"]) == ["clean", "paper"]
    with VideoWriter(tmp_path / "brief.mp4", fps=10) as writer:
        for level in range(6):
            writer.write(np.full((32, 32, 1), level, np.uint8))
    brief = replace(dataset.train[0], name="brief", path=tmp_path / "brief.mp4")
    found = evaluate(tiny, replace(dataset, train=(dataset.train[0], brief)), **QUICK)
    assert found["protocols"]["paper"]["frames"] == 140
    assert any(note.startswith("brief: training video left out") for note in found["provenance"]["notes"])


def test_events_count_under_the_clean_protocol_alone(tiny, scene):
    always = replace(tiny, calibration=replace(tiny.calibration, threshold=-1e9))
    found = evaluate(always, scene, **QUICK)["protocols"]
    assert found["clean"]["event_recall"] == 1.0
    assert found["clean"]["undetected_events"] == 0
    assert found["clean"]["time_to_detect"] == 0.0
    assert found["clean"]["alarmed_normal_share"] == 1.0
    assert found["paper"]["event_recall"] is None
    never = replace(tiny, calibration=replace(tiny.calibration, threshold=1e9))
    found = evaluate(never, scene, **QUICK)["protocols"]["clean"]
    assert (found["event_recall"], found["false_alarms_per_hour"]) == (0.0, 0.0)
    assert found["time_to_detect"] is None


def test_provenance_says_how_it_was_measured(result, tiny, tiny_run, scene):
    provenance = result["provenance"]
    assert provenance["mode"] == "exact"
    assert provenance["bootstrap"] == {"over": "videos", "resamples": 50, "seed": 0}
    assert provenance["paper_protocol"]["head"] == 8
    assert provenance["detector"] == tiny.provenance
    assert len(provenance["test_fingerprint"]) == 64
    assert {"oddlens", "torch", "platform"} <= set(provenance["runtime"])
    again = evaluate(tiny_run, str(scene), **QUICK)
    assert again["provenance"]["mode"] == "fast"
    assert again["provenance"]["test_fingerprint"] == provenance["test_fingerprint"]


def test_the_same_call_gives_the_same_numbers(tiny, scene):
    one, other = (evaluate(tiny, scene, seed=4, **QUICK) for _ in range(2))
    assert one["protocols"] == other["protocols"]
    assert one["baselines"] == other["baselines"]


def test_progress_names_every_video_before_it_begins(tiny, scene):
    calls = []
    evaluate(tiny, scene, progress=lambda *call: calls.append(call), **QUICK)
    assert calls == [("test_01", 0, 2), ("test_02", 1, 2)]


def test_the_markdown_shows_methods_and_baselines(result):
    text = evaluation_markdown(result)
    for word in ("lnra", "walkway", "clean", "paper", "clock", "random", "previous-frame", "neighbour-mean"):
        assert word in text


def test_labels_of_another_length_are_refused(tiny, copy):
    file = copy / "labels" / "test_02.npy"
    np.save(file, np.load(file)[:-2])
    with pytest.raises(OddLensError, match=r"40 frames but 38 labels|38.*40|40.*38"):
        evaluate(tiny, copy, **QUICK)


def test_labels_are_compared_with_what_decodes_too(tiny, scene):
    dataset = open_dataset(scene)
    longer = replace(dataset.test[0], labels=np.zeros(43, np.uint8), masks=None)
    with pytest.raises(OddLensError, match="has 40 frames but 43 labels"):
        evaluate(tiny, replace(dataset, test=(longer,)), **QUICK)


def test_without_labels_there_is_nothing_to_measure(tiny, scene):
    with pytest.raises(OddLensError, match="has no labelled test video"):
        evaluate(tiny, scene / "normal", **QUICK)


def test_videos_without_labels_or_too_short_are_left_out_and_named(tiny, scene, tmp_path):
    dataset = open_dataset(scene)
    with VideoWriter(tmp_path / "brief.mp4", fps=10) as writer:
        for level in range(6):
            writer.write(np.full((32, 32, 1), level, np.uint8))
    brief = replace(dataset.test[0], name="brief", path=tmp_path / "brief.mp4", labels=np.zeros(6, np.uint8))
    blank = replace(dataset.test[1], name="blank", labels=None)
    result = evaluate(tiny, replace(dataset, test=(*dataset.test, brief, blank)), **QUICK)
    assert result["frames"] == 80
    notes = result["provenance"]["notes"]
    assert any(note.startswith("brief: left out") for note in notes)
    assert any("1 test videos have no labels" in note for note in notes)
    with pytest.raises(OddLensError, match="no test video has 16 frames"):
        evaluate(tiny, replace(dataset, test=(brief,)), **QUICK)


def test_labels_of_one_class_leave_the_numbers_undefined(tiny, scene):
    dataset = open_dataset(scene)
    normal = tuple(replace(video, labels=np.zeros(40, np.uint8), masks=None) for video in dataset.test)
    found = evaluate(tiny, replace(dataset, test=normal), **QUICK)["protocols"]
    assert found["clean"]["micro_auc"] is None
    assert found["clean"]["interval"] is None
    assert found["clean"]["event_recall"] is None


def test_an_uncalibrated_detector_is_evaluated_without_alarms(tiny, scene):
    raw = Detector(tiny.method, replace(tiny.calibration, quantiles=(), levels=()), tiny.scoring)
    found = evaluate(raw, scene, **QUICK)["protocols"]["clean"]
    assert found["micro_auc"] is not None
    assert found["event_recall"] is None
