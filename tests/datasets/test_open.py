"""Every layout in miniature, recognised and opened; what is wrong is refused with what was looked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from oddlens.datasets.base import Video
from oddlens.datasets.open import LAYOUTS, check_labels, open_dataset, recognise
from oddlens.errors import DataError
from oddlens.media.writer import VideoWriter, write_image

H, W = 24, 32


def images(folder: Path, count: int, suffix: str = ".png", shape: tuple[int, int] = (H, W)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        write_image(folder / f"{k:03d}{suffix}", np.full((*shape, 1), k * 5 % 250, np.uint8))


def masks(folder: Path, count: int, odd: set[int], suffix: str = ".png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        mask = np.zeros((H, W, 1), np.uint8)
        mask[3:6, 4:9] = 255 * (k in odd)
        write_image(folder / f"{k:03d}{suffix}", mask)


def video(path: Path, count: int, fps: float = 10) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, fps) as writer:
        for k in range(count):
            writer.write(np.full((H, W, 1), k * 7 % 250, np.uint8))


def volume(path: Path, count: int, odd: set[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = np.empty((1, count), object)
    for k in range(count):
        cells[0, k] = np.full((H, W), k in odd, np.uint8)
    scipy.io.savemat(path, {"volLabel": cells}, do_compression=True)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def original_ucsd(root: Path) -> None:
    for k in (1, 2):
        images(root / "Train" / f"Train{k:03d}", 4, ".tif")
        (root / "Train" / f"Train{k:03d}" / "._001.tif").write_bytes(b"resource fork")
        images(root / "Test" / f"Test{k:03d}", 6, ".tif")
    masks(root / "Test" / "Test001_gt", 6, {1, 2}, ".bmp")
    lines = ["TestVideoFile = {};", "TestVideoFile{end+1}.gt_frame = [2:3];"]
    lines += ["% TestVideoFile{end+1}.gt_frame = [1:6];", "TestVideoFile{end+1}.gt_frame = [1, 4:5];"]
    (root / "Test" / f"{root.name}.m").write_text("\n".join(lines))


@pytest.mark.parametrize("name", ["ped1", "ped2"])
def test_original_ucsd(tmp_path: Path, name: str) -> None:
    original_ucsd(tmp_path / f"UCSD{name}")
    for root in (tmp_path, tmp_path / f"UCSD{name}"):
        assert recognise(root) == name
        data = open_dataset(root)
        assert (data.name, data.fps) == (name, 10.0)
        assert [v.name for v in data.train] == ["Train001", "Train002"]
        assert [v.name for v in data.test] == ["Test001", "Test002"]
        assert [v.labels.tolist() for v in data.test if v.labels is not None] == [
            [0, 1, 1, 0, 0, 0],
            [1, 0, 0, 1, 1, 0],
        ]
        assert data.test[0].masks is not None and data.test[1].masks is None
        assert "5 of 12" in data.label_version and f"UCSD{name}.m" in data.label_version
    only_masks = open_dataset(tmp_path, labels="masks")
    assert only_masks.test[1].labels is None
    assert "2 of 6" in only_masks.label_version


def test_both_ucsd_sets_side_by_side(tmp_path: Path) -> None:
    for name in ("ped1", "ped2"):
        original_ucsd(tmp_path / f"UCSD{name}")
    with pytest.raises(DataError, match="ped1 and ped2"):
        recognise(tmp_path)
    assert open_dataset(tmp_path, "ped1").name == "ped1"


def test_original_ucsd_with_label_beyond_the_end(tmp_path: Path) -> None:
    root = tmp_path / "UCSDped2"
    original_ucsd(root)
    text = (root / "Test" / "UCSDped2.m").read_text().replace("[2:3]", "[2:30]")
    (root / "Test" / "UCSDped2.m").write_text(text)
    with pytest.raises(DataError, match=r"Test001.*2 to 30.*1 to 6"):
        open_dataset(root)


def test_jpg_tree_takes_its_name_from_the_folder_and_labels_from_masks(tmp_path: Path) -> None:
    root = tmp_path / "ped2"
    images(root / "training/frames/01", 3, ".jpg")
    images(root / "testing/frames/01", 4, ".jpg")
    masks(root / "testing/masks/01", 4, {3})
    data = open_dataset(root)
    assert (data.name, data.fps) == ("ped2", 10.0)
    assert data.test[0].labels is not None and data.test[0].labels.tolist() == [0, 0, 0, 1]
    assert data.label_version.startswith("masks")


@pytest.mark.parametrize("shape", [(7,), (1, 7)])
def test_label_file_in_both_shapes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    root = tmp_path / "ped1"
    images(root / "training/frames/01", 3, ".jpg")
    for name, count in (("01", 4), ("02", 3)):
        images(root / "testing/frames" / name, count, ".jpg")
    np.save(root / "frame_labels_ped1.npy", np.array([0, 1, 0, 0, 1, 1, 0]).reshape(shape))
    data = open_dataset(root)
    assert [v.labels.tolist() for v in data.test if v.labels is not None] == [[0, 1, 0, 0], [1, 1, 0]]
    np.save(root / "frame_labels_ped1.npy", np.zeros(8))
    with pytest.raises(DataError, match=r"8 labels for 7 test frames"):
        open_dataset(root)


def test_avenue_videos_in_part(tmp_path: Path) -> None:
    video(tmp_path / "training_videos/03.avi", 5, 25)
    video(tmp_path / "testing_videos/08.avi", 6, 25)
    volume(tmp_path / "ground_truth_demo/testing_label_mask/8_label.mat", 6, {2, 3})
    data = open_dataset(tmp_path)
    assert (data.name, data.fps, data.test[0].name) == ("avenue", 25.0, "08")
    assert data.test[0].labels is not None and data.test[0].labels.tolist() == [0, 0, 1, 1, 0, 0]
    assert data.test[0].masks is not None and data.test[0].masks.read(2).shape == (H, W)
    assert "masks" in data.label_version and "2 of 6" in data.label_version
    again = open_dataset(tmp_path)  # from the cache
    assert again.test[0].labels is not None and again.test[0].labels.tolist() == [0, 0, 1, 1, 0, 0]


def test_avenue_frame_labels_for_one_of_21_videos(tmp_path: Path) -> None:
    video(tmp_path / "training_videos/01.avi", 3, 25)
    video(tmp_path / "testing_videos/08.avi", 36, 25)  # video 8 has 36 frames
    whole = np.zeros((1, 15324), np.int8)
    whole[0, 1439 + 1211 + 923 + 947 + 1007 + 1283 + 605 + 10] = 1
    np.save(tmp_path / "frame_labels_avenue.npy", whole)
    data = open_dataset(tmp_path, labels="frames")
    assert data.test[0].labels is not None
    assert np.flatnonzero(data.test[0].labels).tolist() == [10]
    assert "1 of 36" in data.label_version


def test_avenue_frames_and_mat_file_of_intervals(tmp_path: Path) -> None:
    root = tmp_path / "avenue"
    images(root / "training/frames/01", 3, ".jpg")
    for name, count in (("01", 6), ("02", 5)):
        images(root / "testing/frames" / name, count, ".jpg")
    cells = np.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = np.array([[1, 5], [2, 6]]), np.zeros((2, 0))
    scipy.io.savemat(root / "avenue.mat", {"gt": cells})
    data = open_dataset(root)
    assert data.name == "avenue" and data.label_version.startswith("frames")
    assert [v.labels.tolist() for v in data.test if v.labels is not None] == [[1, 1, 0, 0, 1, 1], [0] * 5]


@pytest.mark.parametrize("training", ["frames", "videos"])
def test_shanghai_in_both_layouts(tmp_path: Path, training: str) -> None:
    root = tmp_path / "shanghaitech"
    for name in ("01_001", "13_002"):
        if training == "frames":
            images(root / "training/frames" / name, 3, ".jpg")
        else:
            video(root / "training/videos" / f"{name}.avi", 3, 24)
    images(root / "testing/frames/01_0014", 4, ".jpg")
    (root / "testing/test_frame_mask").mkdir()
    np.save(root / "testing/test_frame_mask/01_0014.npy", np.array([0, 1, 1, 0], np.uint8))
    (root / "testing/test_pixel_mask").mkdir()
    pixels = np.zeros((4, H, W), np.uint8)
    pixels[1:3, 5, 5] = 1
    np.save(root / "testing/test_pixel_mask/01_0014.npy", pixels)
    for place in (tmp_path, root):
        data = open_dataset(place)
        assert (data.name, data.fps) == ("shanghai", 24.0)
        assert [v.scene for v in data.train] == ["01", "13"] and data.test[0].scene == "01"
        assert data.test[0].labels is not None and data.test[0].labels.tolist() == [0, 1, 1, 0]
        assert data.test[0].masks is not None and data.test[0].masks.read(1).sum() == 1


def test_walkway(tmp_path: Path) -> None:
    video(tmp_path / "normal/a.mp4", 5)
    video(tmp_path / "test/b.mp4", 6)
    truth = np.zeros((6, H, W), bool)
    truth[4, 2:5, 3:20] = True
    for folder in ("labels", "masks"):
        (tmp_path / folder).mkdir()
    np.save(tmp_path / "labels/b.npy", truth.any((1, 2)).astype(np.uint8))
    np.save(tmp_path / "masks/b.npy", np.packbits(truth, axis=-1))
    table = {"name": "walkway", "version": 1, "seed": 7, "width": W, "height": H, "fps": 10}
    table["videos"] = {"train": ["a"], "test": ["b"]}
    (tmp_path / "walkway.json").write_text(json.dumps(table))
    data = open_dataset(tmp_path)
    assert (data.name, data.fps) == ("walkway", 10.0)
    assert data.test[0].labels is not None and data.test[0].labels.tolist() == [0, 0, 0, 0, 1, 0]
    assert data.test[0].masks is not None
    assert np.array_equal(np.stack([data.test[0].masks.read(k) for k in range(6)]), truth)
    (tmp_path / "test/b.mp4").unlink()
    with pytest.raises(DataError, match=r"b.mp4.*missing"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_wrong_layout_says_what_was_looked_for(tmp_path: Path, layout: str) -> None:
    with pytest.raises(DataError, match="looked for"):
        open_dataset(tmp_path, layout)


def test_nothing_recognised_unknown_layout_and_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"looked for.*walkway\.json.*normal/"):
        open_dataset(tmp_path)
    with pytest.raises(DataError, match=r"no layout 'pedestrians'.*ped2"):
        open_dataset(tmp_path, "pedestrians")
    with pytest.raises(DataError, match="no such file"):
        open_dataset(tmp_path / "nowhere")


def test_wanted_labels_that_are_not_there(tmp_path: Path) -> None:
    images(tmp_path / "training/frames/01", 3)
    images(tmp_path / "testing/frames/01", 3)
    assert open_dataset(tmp_path).label_version == ""
    with pytest.raises(DataError, match=r"looked for.*test_frame_mask"):
        open_dataset(tmp_path, labels="frames")
    with pytest.raises(DataError, match="no label version 'best'"):
        open_dataset(tmp_path, labels="best")


def test_labels_of_another_length_name_both_numbers(tmp_path: Path) -> None:
    images(tmp_path / "testing/frames/01", 5)
    (tmp_path / "testing/test_frame_mask").mkdir()
    np.save(tmp_path / "testing/test_frame_mask/01.npy", np.zeros(7, np.uint8))
    with pytest.raises(DataError, match="5 frames but 7 labels"):
        open_dataset(tmp_path)
    check_labels(Video("v", tmp_path, "test", labels=np.zeros(5, np.uint8)), 5)


def test_real_ped2(real_data: Path) -> None:
    data = open_dataset(real_data / "ped2")
    assert (data.name, len(data.train), len(data.test), data.fps) == ("ped2", 16, 12, 10.0)
    labels = [v.labels for v in data.test if v.labels is not None]
    assert sum(map(len, labels)) == 2010 and sum(int(row.sum()) for row in labels) == 1648
    # Specification of LNRA 11.7: the first 8 and the last 7 frames of every video are not scored.
    assert [int(row[8:-7].sum()) for row in labels] == [
        113,
        79,
        135,
        143,
        121,
        151,
        128,
        165,
        105,
        135,
        165,
        86,
    ]
    masked = open_dataset(real_data / "ped2", labels="masks")
    assert "1648 of 2010" in masked.label_version
    for published, video_ in zip(labels, masked.test):
        assert video_.labels is not None and np.array_equal(published, video_.labels)


def test_real_avenue(real_data: Path) -> None:
    data = open_dataset(real_data / "avenue")
    assert (data.name, [v.name for v in data.train], [v.name for v in data.test]) == (
        "avenue",
        ["12"],
        ["20", "21"],
    )
    assert [len(v.labels) for v in data.test if v.labels is not None] == [273, 76]
    assert "masks" in data.label_version and "of 349" in data.label_version
    assert data.test[1].masks is not None and data.test[1].masks.read(40).shape == (360, 640)


def test_the_package_itself_imports_nothing_heavy() -> None:
    code = "import sys, oddlens.datasets; print(any(m in sys.modules for m in ('numpy', 'av', 'cv2', 'scipy')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_ped2_is_known_by_its_counts_under_any_name(tmp_path: Path) -> None:
    images(tmp_path / "copy/training/frames/01", 2)
    for k, length in enumerate((180, 180, 150, 180, 150, 180, 180, 180, 120, 150, 180, 180), start=1):
        folder = tmp_path / f"copy/testing/frames/{k:02d}"
        folder.mkdir(parents=True)
        for n in range(length):
            (folder / f"{n:03d}.jpg").touch()
    assert recognise(tmp_path / "copy") == "ped2"
    assert "1648 of 2010" in open_dataset(tmp_path / "copy").label_version
