"""What `score` has to do: videos behind the inputs, their names, their labels."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from oddlens.errors import OddLensError
from oddlens.media.open import open_source
from oddlens.scoring.jobs import find_videos


def names(inputs, labels=None):
    return [video.name for video in find_videos(inputs, labels)[0]]


def test_a_data_set_gives_its_test_videos_with_labels(scene):
    videos, rate = find_videos([scene])
    assert [video.name for video in videos] == ["test_01", "test_02"]
    assert all(video.split == "test" and len(video.labels) == 40 for video in videos)
    assert rate in (None, 12.5)


def test_files_folders_and_globs(scene):
    test = scene / "test"
    assert names([test / "test_02.mp4"]) == ["test_02"]
    assert names([test]) == ["test_01", "test_02"]
    assert names([test / "*_01.mp4"]) == ["test_01"]
    assert names([scene / "normal", test / "test_01.mp4"]) == ["normal_01", "normal_02", "test_01"]
    assert all(video.labels is None for video in find_videos([test])[0])


def test_videos_of_the_same_name_are_numbered(scene, tmp_path):
    clip = scene / "test" / "test_01.mp4"
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        shutil.copy(clip, tmp_path / folder / "gate.mp4")
    found = find_videos([tmp_path / folder / "gate.mp4" for folder in ("a", "b", "c")])[0]
    assert [video.name for video in found] == ["gate", "gate-2", "gate-3"]
    assert [video.path.parent.name for video in found] == ["a", "b", "c"]


def test_a_number_given_to_a_name_is_not_one_that_is_taken(scene, tmp_path):
    clip = scene / "test" / "test_01.mp4"
    for folder, name in (("a", "gate"), ("b", "gate"), ("c", "gate-2")):
        (tmp_path / folder).mkdir()
        shutil.copy(clip, tmp_path / folder / f"{name}.mp4")
    found = names([tmp_path / "a" / "gate.mp4", tmp_path / "b" / "gate.mp4", tmp_path / "c" / "gate-2.mp4"])
    assert len(set(found)) == 3


def test_suffixes_tell_namesakes_apart(scene, tmp_path):
    clip = scene / "test" / "test_01.mp4"
    for name in ("gate.mp4", "gate.m4v", "yard.mp4"):
        shutil.copy(clip, tmp_path / name)
    assert sorted(names([tmp_path])) == ["gate.m4v", "gate.mp4", "yard"]


def test_labels_from_a_csv(scene, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("video,start,end\ntest_01,10,20\n")
    videos = find_videos([scene / "test"], labels)[0]
    assert np.flatnonzero(videos[0].labels).tolist() == list(range(10, 20))
    assert not videos[1].labels.any()
    assert len(videos[1].labels) == sum(1 for _ in open_source(videos[1].path).frames())


def test_labels_of_a_video_that_is_not_there(scene, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("video,start,end\ngate,10,20\n")
    with pytest.raises(OddLensError, match="there is no test video 'gate'"):
        find_videos([scene / "test"], labels)


@pytest.mark.parametrize("inputs", [[], ["nowhere.mp4"], ["nowhere/*.mp4"]])
def test_nothing_to_score(inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OddLensError):
        find_videos(inputs)
