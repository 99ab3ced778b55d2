import json
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from oddlens.datasets.walkway import KINDS, Anomaly, Clip, generate_walkway, render_clip
from oddlens.datasets.walkway.camera import Camera, path_coordinates, path_point
from oddlens.datasets.walkway.generate import plan_clips
from oddlens.datasets.walkway.planning import plan_contamination
from oddlens.errors import DataError, SettingsError

SMALL = {"width": 96, "height": 72, "fps": 6.25}


def frames_of(clip):
    pairs = list(clip.render())
    return np.stack([image for image, _ in pairs]), np.stack([mask for _, mask in pairs])


class TestRenderClip:
    anomalies = (Anomaly("cart", 2, 8), Anomaly("bag", 10, 14))

    def test_the_seed_decides_every_byte(self):
        first = list(render_clip(5, 16, 80, 60, 6.25, self.anomalies))
        again = list(render_clip(5, 16, 80, 60, 6.25, self.anomalies))
        assert all(np.array_equal(a, b) and np.array_equal(m, n) for (a, m), (b, n) in zip(first, again))

    def test_other_seeds_differ(self):
        images = [next(render_clip(seed, 1, 80, 60))[0] for seed in range(3)]
        assert all(not np.array_equal(a, b) for a, b in pairwise(images))

    def test_rendering_twice_gives_the_same_frames(self):
        clip = Clip(1, 6, anomalies=(Anomaly("runner", 0, 6),), **SMALL)
        assert all(np.array_equal(a, b) for a, b in zip(frames_of(clip), frames_of(clip)))

    def test_a_longer_clip_begins_like_a_shorter_one(self):
        short, long = (Clip(2, n, **SMALL) for n in (3, 9))
        assert np.array_equal(frames_of(short)[0], frames_of(long)[0][:3])

    @settings(max_examples=8, deadline=None)
    @given(
        width=st.integers(32, 150),
        height=st.integers(32, 150),
        kind=st.sampled_from(KINDS),
        seed=st.integers(0, 2**32),
    )
    def test_any_size_works(self, width, height, kind, seed):
        for image, mask in render_clip(seed, 2, width, height, 5, [Anomaly(kind, 0, 2)]):
            assert image.shape == (height, width, 3) and image.dtype == np.uint8
            assert mask.shape == (height, width) and mask.dtype == np.bool_
            assert 20 < image.mean() < 235

    def test_people_who_behave_leave_no_mask(self):
        assert not frames_of(Clip(3, 40, **SMALL))[1].any()

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_is_seen_about_when_it_was_asked_for(self, kind):
        clip = Clip(7, 100, anomalies=(Anomaly(kind, 30, 70),), **SMALL)
        shown = np.flatnonzero(frames_of(clip)[1].any(axis=(1, 2)))
        assert clip.extents == [(shown[0], shown[-1] + 1)]
        assert 26 <= shown[0] <= 40 and len(shown) >= 20

    def test_a_bag_stays_where_it_was_put_until_it_is_fetched(self):
        masks = frames_of(Clip(4, 50, anomalies=(Anomaly("bag", 10, 40),), **SMALL))[1]
        assert masks[10:40].any(axis=(1, 2)).mean() > 0.8
        assert not masks[:10].any() and not masks[40:].any()
        places = [np.argwhere(mask).mean(axis=0) for mask in masks[12:38] if mask.sum() > 6]
        assert np.ptp(places, axis=0).max() < 4

    def test_a_mask_is_empty_or_large_enough_to_be_seen(self):
        masks = frames_of(Clip(8, 40, anomalies=(Anomaly("cyclist", 0, 40),), **SMALL))[1]
        sizes = masks.sum(axis=(1, 2))
        assert sizes[sizes > 0].min() >= 4

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"frames": 0}, "not a length"),
            ({"width": 8}, "too small"),
            ({"fps": 0}, "not a frame rate"),
            ({"anomalies": (Anomaly("ghost", 0, 9),)}, "not known"),
            ({"anomalies": (Anomaly("cart", 9, 9),)}, "before it starts"),
        ],
    )
    def test_nonsense_is_refused(self, arguments, words):
        with pytest.raises(SettingsError, match=words):
            Clip(0, **{"frames": 5, **SMALL, **arguments})


@given(along=st.floats(-5, 25), across=st.floats(-5, 5))
def test_path_coordinates_invert_path_point(along, across):
    x, z = path_point(along, across)
    assert np.allclose(path_coordinates(np.array(x), np.array(z)), (along, across), atol=1e-6)


@given(x=st.floats(-8, 8), z=st.floats(6, 30))
def test_a_ray_through_the_image_of_a_ground_point_meets_it_again(x, z):
    camera = Camera(200, 150)
    (column, row), _ = (value[0] for value in camera.project(np.array([[x, 0.0, z]])))
    ray = [np.interp(column - 0.5, np.arange(200), plane[0]) for plane in camera.rays(1)[:1]]
    vertical = [np.interp(row - 0.5, np.arange(150), plane[:, 0]) for plane in camera.rays(1)[1:]]
    if 1 <= column <= 199 and 1 <= row <= 149:
        distance = -camera.altitude / vertical[0]
        assert np.allclose((ray[0] * distance, vertical[1] * distance), (x, z), atol=1e-2)


@pytest.fixture(scope="module")
def default_test_set():
    """Labels, mean brightness and total motion of the default test videos, small and at half rate."""
    _, clips = plan_clips(0, 1, 10, 6, 180, **SMALL)
    found = []
    for clip in clips.values():
        images, masks = frames_of(clip)
        levels = images.astype(np.int16)
        motion = np.abs(np.diff(levels, axis=0)).mean(axis=(1, 2, 3))
        labels = masks.any(axis=(1, 2))
        found.append((clip, labels, levels.mean(axis=(1, 2, 3)), np.concatenate((motion[:1], motion))))
    return found


class TestDefaultTestSet:
    """What a stranger must not be able to exploit."""

    def auc(self, videos, values, per_video=False):
        if per_video:
            values = [(v - v.min()) / np.ptp(v) for v in values]
        return roc_auc_score(np.concatenate([labels for _, labels, *_ in videos]), np.concatenate(values))

    def test_every_kind_appears_and_is_seen(self, default_test_set):
        seen = {
            anomaly.kind
            for clip, *_ in default_test_set
            for anomaly, extent in zip(clip.anomalies, clip.extents)
            if extent
        }
        assert seen == set(KINDS)

    def test_videos_hold_one_to_three_kinds(self, default_test_set):
        for clip, *_ in default_test_set:
            kinds = [anomaly.kind for anomaly in clip.anomalies]
            assert 1 <= len(kinds) <= 3 and len(set(kinds)) == len(kinds)

    def test_about_half_the_frames_are_normal(self, default_test_set):
        assert 0.40 <= 1 - np.concatenate([labels for _, labels, *_ in default_test_set]).mean() <= 0.70
        assert all(0.1 < labels.mean() < 0.9 for _, labels, *_ in default_test_set)

    @pytest.mark.parametrize("per_video", [False, True])
    def test_brightness_gives_nothing_away(self, default_test_set, per_video):
        assert 0.3 <= self.auc(default_test_set, [v[2] for v in default_test_set], per_video) <= 0.7

    @pytest.mark.parametrize("per_video", [False, True])
    def test_total_motion_gives_nothing_away(self, default_test_set, per_video):
        assert 0.3 <= self.auc(default_test_set, [v[3] for v in default_test_set], per_video) <= 0.7

    def test_time_since_the_start_gives_nothing_away(self, default_test_set):
        clocks = [np.arange(len(labels)) for _, labels, *_ in default_test_set]
        assert 0.35 <= self.auc(default_test_set, clocks) <= 0.65

    def test_some_videos_begin_and_some_end_with_an_anomaly(self, default_test_set):
        assert any(labels[:2].all() for _, labels, *_ in default_test_set)
        assert any(labels[-2:].any() for _, labels, *_ in default_test_set)
        assert any(not labels[:15].any() for _, labels, *_ in default_test_set)


class TestPlanning:
    @given(seed=st.integers(0, 2**32 - 1), videos=st.integers(3, 12))
    def test_every_kind_from_three_videos_on(self, seed, videos):
        _, test = plan_clips(seed, 1, 10, videos, 300, **SMALL)
        assert {anomaly.kind for clip in test.values() for anomaly in clip.anomalies} == set(KINDS)

    @given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.01, 0.5), frames=st.integers(50, 2000))
    def test_contamination_fills_its_share_without_overlap(self, seed, share, frames):
        plan = plan_contamination(np.random.default_rng(seed), frames, 12.5, share)
        assert sum(a.end - a.start for a in plan) == round(share * frames)
        assert all(a.end <= b.start for a, b in pairwise(plan))
        assert plan == [] or (plan[0].start >= 0 and plan[-1].end <= frames)

    def test_training_videos_hold_no_anomalies(self):
        train, _ = plan_clips(0, 4, 100, 3, 100, **SMALL)
        assert all(clip.anomalies == () for clip in train.values())

    def test_contaminated_share_is_about_what_was_asked(self):
        train, _ = plan_clips(1, 2, 200, 1, 10, **SMALL, contamination=0.2)
        shares = [np.mean([mask.any() for _, mask in replace(clip).render()]) for clip in train.values()]
        assert 0.12 <= np.mean(shares) <= 0.30

    def test_all_videos_show_one_place_and_different_people(self):
        train, test = plan_clips(9, 3, 10, 3, 10, **SMALL)
        clips = [*train.values(), *test.values()]
        assert {clip.scene for clip in clips} == {9}
        assert len({clip.seed for clip in clips}) == 6


class TestGenerateWalkway:
    options: ClassVar = {
        "train_videos": 1, "train_frames": 8, "test_videos": 2, "test_frames": 12,
        "width": 66, "height": 50, "fps": 5,
    }  # fmt: skip

    @pytest.fixture(scope="class")
    @classmethod
    def written(cls, tmp_path_factory):
        calls = []
        root = tmp_path_factory.mktemp("data") / "scene"
        result = generate_walkway(root, seed=3, progress=lambda *done: calls.append(done), **cls.options)
        assert result == root
        return root, calls

    def test_the_manifest_names_everything(self, written):
        manifest = json.loads((written[0] / "walkway.json").read_text())
        assert (manifest["name"], manifest["version"], manifest["seed"]) == ("walkway", 1, 3)
        assert (manifest["width"], manifest["height"], manifest["fps"]) == (66, 50, 5)
        assert manifest["videos"] == {"train": ["normal_01"], "test": ["test_01", "test_02"]}
        assert set(manifest["events"]) == {"test_01", "test_02"}
        for event in [event for events in manifest["events"].values() for event in events]:
            assert event["kind"] in KINDS and 0 <= event["start"] < event["end"] <= 12

    def test_labels_are_where_masks_have_pixels(self, written):
        for name in ("test_01", "test_02"):
            labels, packed = (np.load(written[0] / folder / f"{name}.npy") for folder in ("labels", "masks"))
            assert labels.dtype == packed.dtype == np.uint8
            assert packed.shape == (12, 50, 9)
            assert np.array_equal(np.unpackbits(packed, axis=-1).any(axis=(1, 2)), labels)

    def test_normal_videos_have_no_truth_files(self, written):
        assert sorted(path.name for path in (written[0] / "labels").iterdir()) == [
            "test_01.npy",
            "test_02.npy",
        ]

    def test_videos_show_what_was_rendered(self, written):
        av = pytest.importorskip("av")
        _, test = plan_clips(3, 1, 8, 2, 12, 66, 50, 5)
        with av.open(str(written[0] / "test" / "test_01.mp4")) as container:
            decoded = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
        rendered, _ = frames_of(test["test_01"])
        assert decoded.shape == rendered.shape
        assert np.abs(decoded.astype(int) - rendered).mean() < 6

    def test_progress_counts_to_the_end(self, written):
        assert written[1] == [(k, 32) for k in range(1, 33)]

    def test_nothing_else_is_left_beside_it(self, written):
        assert [path.name for path in written[0].parent.iterdir()] == ["scene"]

    def test_a_taken_folder_is_refused_and_left_alone(self, tmp_path):
        (tmp_path / "thesis.txt").write_text("mine")
        for overwrite in (False, True):
            with pytest.raises(DataError, match="not a generated walkway"):
                generate_walkway(tmp_path, overwrite=overwrite, **self.options)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_overwriting_must_be_allowed(self, tmp_path):
        root = tmp_path / "scene"
        options = {**self.options, "test_videos": 1, "test_frames": 3, "train_frames": 2}
        generate_walkway(root, **options)
        with pytest.raises(DataError, match="already holds"):
            generate_walkway(root, **options)
        generate_walkway(root, seed=1, overwrite=True, **options)
        assert json.loads((root / "walkway.json").read_text())["seed"] == 1

    def test_an_interrupted_run_leaves_nothing(self, tmp_path):
        def stop(done, total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            generate_walkway(tmp_path / "scene", progress=stop, **self.options)
        assert list(tmp_path.iterdir()) == []

    def test_contaminated_training_videos_keep_their_truth(self, tmp_path):
        root = generate_walkway(tmp_path / "scene", contamination=0.5, **self.options)
        labels = np.load(root / "labels" / "normal_01.npy")
        assert len(labels) == 8 and 0 < labels.mean() < 1
        assert "normal_01" in json.loads((root / "walkway.json").read_text())["events"]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"width": 65}, "is odd"),
            ({"train_videos": 0}, "make no data set"),
            ({"contamination": 0.9}, "not a share"),
            ({"test_frames": 0}, "not a length"),
        ],
    )
    def test_nonsense_is_refused_before_anything_is_written(self, tmp_path, arguments, words):
        with pytest.raises(SettingsError, match=words):
            generate_walkway(tmp_path / "scene", **{**self.options, **arguments})
        assert list(tmp_path.iterdir()) == []
