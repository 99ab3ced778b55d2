"""Detectors in ONNX files: every head, batches, people on real footage, and files that are no detectors."""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from oddlens.errors import DetectorError
from oddlens.objects.boxes import overlaps
from oddlens.objects.onnx_yolo import OnnxYolo

MakeOnnx = Callable[..., Path]
CELLS = 8 * 12 + 4 * 6 + 2 * 3


def table(rows: int, *objects: tuple[float, ...]) -> Any:
    """Decoded rows with centres all over a picture of 96x64, and `objects` from row 5 on."""
    values = np.zeros((rows, 5 + 2), np.float32)
    values[:, 0] = np.linspace(0, 96, rows)
    for number, row in enumerate(objects):
        values[5 + number] = row
    return values


TWO = (48, 32, 20, 40, 0.9, 0.8, 0.1), (49, 32, 20, 40, 0.9, 0.7, 0.1)
FRAME = np.full((128, 192, 1), 50, np.uint8)  # twice the network's picture


def test_decoded_heads_are_scaled_back_to_the_frame(make_onnx: MakeOnnx) -> None:
    for rows, kind in ((CELLS, "yolox"), (3 * CELLS, "yolov5")):
        detector = OnnxYolo(make_onnx(table(rows, *TWO)))
        assert (detector.head.kind, detector.size, detector.batch) == (kind, (64, 96), 1)
        (found,) = detector([FRAME])
        np.testing.assert_allclose(found.boxes, [[76, 24, 116, 104]])
        np.testing.assert_allclose(found.scores, [0.72], rtol=1e-6)
        assert found.classes.tolist() == [0]


def test_yolov8_and_end_to_end(make_onnx: MakeOnnx) -> None:
    columns = np.delete(table(CELLS, *TWO), 4, axis=1).T
    (found,) = OnnxYolo(make_onnx(columns))([FRAME])
    np.testing.assert_allclose(found.boxes, [[76, 24, 116, 104]])
    rows = np.zeros((300, 6), np.float32)
    rows[:2] = [38, 12, 58, 52, 0.9, 0], [39, 12, 59, 52, 0.8, 0]
    (found,) = OnnxYolo(make_onnx(rows))([FRAME])
    np.testing.assert_allclose(found.boxes, [[76, 24, 116, 104], [78, 24, 118, 104]])


def test_classes_do_not_suppress_each_other(make_onnx: MakeOnnx) -> None:
    other = (49, 32, 20, 40, 0.9, 0.1, 0.7)
    (found,) = OnnxYolo(make_onnx(table(CELLS, TWO[0], other)))([FRAME])
    assert found.classes.tolist() == [0, 1]


def test_a_frame_of_other_shape_keeps_its_proportions(make_onnx: MakeOnnx) -> None:
    (found,) = OnnxYolo(make_onnx(table(CELLS, TWO[0])))([np.zeros((64, 200, 3), np.uint8)])
    scale = 96 / 200
    np.testing.assert_allclose(found.boxes, np.float32([[38, 12, 58, 52]]) / scale, rtol=1e-6)


@pytest.mark.parametrize(("shape", "batch"), [((1, 3, 64, 96), 1), ((4, 3, 64, 96), 4), (("n", 3, 64, 96), None)])
def test_any_number_of_frames(make_onnx: MakeOnnx, shape: tuple[int | str, ...], batch: int | None) -> None:
    probe = np.zeros((CELLS, 7), np.float32)
    probe[5, 0] = 0.1  # the box moves with the brightness of the frame
    detector = OnnxYolo(make_onnx(table(CELLS, TWO[0]), probe, shape))
    assert detector.batch == batch
    frames = [np.full((64, 96, 3), level, np.uint8) for level in (0, 50, 100, 150, 200, 250)]
    together = detector(frames)
    assert [found.boxes[0, 0] for found in together] == pytest.approx([38, 43, 48, 53, 58, 63], abs=1e-4)
    for frame, found in zip(frames, together):
        np.testing.assert_array_equal(detector([frame])[0].boxes, found.boxes)
    assert detector([]) == []


def test_the_size_of_an_open_graph_can_be_chosen(make_onnx: MakeOnnx) -> None:
    cells = 8 * 8 + 4 * 4 + 2 * 2
    file = make_onnx(table(cells, TWO[0]), shape=(1, 3, "h", "w"))
    assert OnnxYolo(file, input_size=64).size == (64, 64)
    with pytest.raises(DetectorError, match=r"is no detector of a known kind \(its output is output"):
        OnnxYolo(file)  # 640 by default, which this output is not for
    with pytest.raises(DetectorError, match=r"an input of 50x50 does not divide by 32; give a multiple of 32"):
        OnnxYolo(file, input_size=50)


def test_a_fixed_size_cannot(make_onnx: MakeOnnx) -> None:
    with pytest.raises(DetectorError, match=r"takes pictures of 96x64, not 128; leave the detector's input size out"):
        OnnxYolo(make_onnx(table(CELLS)), input_size=128)


def test_the_fingerprint_is_the_files(make_onnx: MakeOnnx) -> None:
    file = make_onnx(table(CELLS))
    assert OnnxYolo(file).sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_files_that_are_no_detector(make_onnx: MakeOnnx, tmp_path: Path) -> None:
    classifier = make_onnx(np.zeros(1000, np.float32))
    grey = make_onnx(table(CELLS), shape=(1, 1, 64, 96))
    film = make_onnx(np.zeros((1, 1000), np.float32), shape=(1, 3, 16, 64, 96))
    broken, empty, text = (tmp_path / f"{name}.onnx" for name in ("broken", "empty", "text"))
    broken.write_bytes(classifier.read_bytes()[:100])
    empty.write_bytes(b"")
    text.write_text("not a network")
    told = {
        classifier: "is no detector of a known kind (its output is output",
        grey: "is no detector of a known kind (its input is images tensor(float) [1, 1, 64, 96]",
        film: "is no detector of a known kind (its input is images",
        broken: "cannot be read as ONNX",
        empty: "cannot be read as ONNX",
        text: "cannot be read as ONNX",
        tmp_path / "gone.onnx": "there is no such ONNX file; check the path",
    }
    for file, fault in told.items():
        with pytest.raises(DetectorError) as caught:
            OnnxYolo(file)
        message = str(caught.value)
        assert message.startswith(f"{file}: {fault}") and "\n" not in message


def test_without_onnxruntime(make_onnx: MakeOnnx, monkeypatch: pytest.MonkeyPatch) -> None:
    file, real = make_onnx(table(CELLS)), builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(DetectorError, match=r"needs onnxruntime, which is not installed; .*'oddlens\[onnx\]'"):
        OnnxYolo(file)


@pytest.mark.real
def test_people_are_found_where_they_walk(real_data: Path) -> None:
    detector = OnnxYolo(real_data / "weights" / "yolox_nano.onnx")
    assert (detector.head.kind, detector.size, detector.batch) == ("yolox-raw", (416, 416), 1)
    folder, grey = real_data / "ped2" / "testing", cv2.IMREAD_GRAYSCALE
    places = [(clip, frame) for clip in ("01", "04", "06") for frame in (100, 140)]
    frames = [
        cv2.imread(str(folder / "frames" / c / f"{f:03}.jpg"), cv2.IMREAD_GRAYSCALE)[..., None] for c, f in places
    ]
    found = detector(frames)
    people = np.concatenate([one.boxes[one.classes == 0] for one in found])
    sides = people[:, 2:] - people[:, :2]
    assert len(people) > 6 * len(frames)
    assert 15 < np.median(sides[:, 1]) < 60 and 8 < np.median(sides[:, 0]) < 30
    assert (people[:, 3] > 90).all()  # nobody in the trees
    cyclists = 0
    for (clip, frame), one in zip(places, found):
        mask = cv2.imread(str(folder / "masks" / clip / f"{frame:03}.png"), grey) > 0
        rows, columns = np.nonzero(mask)
        truth = [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
        cyclists += bool(len(one.boxes) and overlaps(one.boxes, truth).max() > 0.4)
    assert cyclists >= 3
