"""Skip-frame pseudo anomalies: the official rule (LNRA specification, 4.5 and 11.6) and ours, which always fits."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.methods.lnra.pseudo import PseudoAnomaly, make_skip_anomaly, paper_skip_indices, skip_windows
from oddlens.sampling.clips import Clip, FrameRun, count_clips, to_network_values
from oddlens.types import SamplingSpec

SPEC = SamplingSpec(height=1, width=1, length=16, target=8)


def counting_run(frames: int, name: str = "video") -> FrameRun:
    """A run whose frame tells its index."""
    return FrameRun(name, 0, np.arange(frames, dtype=np.uint8).reshape(-1, 1, 1, 1))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_official_rule_without_a_redraw() -> None:
    skipped, normal = paper_skip_indices(40, 9, 2, 16, generator())
    assert skipped.tolist() == list(range(9, 40, 2))
    assert normal.tolist() == list(range(9, 25))


def test_official_rule_admits_one_frame_too_many() -> None:
    skipped, normal = paper_skip_indices(40, 10, 2, 16, generator())
    assert skipped.tolist() == [*range(10, 40, 2), 39]
    assert normal.tolist() == list(range(10, 26))


def test_official_rule_freezes_what_never_fits() -> None:
    starts = set()
    for seed in range(50):
        skipped, normal = paper_skip_indices(20, 3, 2, 16, generator(seed))
        start = skipped[0]
        starts.add(int(start))
        assert skipped.tolist() == [min(start + 2 * i, 19) for i in range(16)]
        assert normal.tolist() == [min(start + i, 19) for i in range(16)]
        assert skipped[-1] == skipped[-2] == 19
    assert starts - {3} and starts <= set(range(20))


def test_official_rule_redraws_a_start_that_does_not_fit() -> None:
    for seed in range(50):
        skipped, normal = paper_skip_indices(200, 180, 2, 16, generator(seed))
        assert skipped[0] == normal[0] != 180
        assert skipped[0] + 30 <= 200


@given(st.integers(16, 80), st.data())
def test_indices_of_the_official_rule_stay_in_the_video(frames: int, data: st.DataObject) -> None:
    start, stride = data.draw(st.integers(0, frames - 16)), data.draw(st.integers(2, 5))
    skipped, normal = paper_skip_indices(frames, start, stride, 16, generator(data.draw(st.integers(0, 99))))
    assert skipped[0] == normal[0]
    for indices, step in ((skipped, stride), (normal, 1)):
        assert (np.diff(indices) >= 0).all() and (np.diff(indices) <= step).all()
        assert indices.min() >= 0 and indices.max() < frames


@given(
    st.integers(16, 120),
    st.lists(st.integers(2, 6), min_size=1, max_size=4),
    st.integers(0, 9),
    st.integers(1, 2),
    st.data(),
)
def test_our_windows_never_leave_the_run(
    frames: int, strides: list[int], seed: int, spacing: int, data: st.DataObject
) -> None:
    spec = SamplingSpec(height=1, width=1, length=8, stride=spacing)
    start = data.draw(st.integers(0, count_clips(frames, spec) - 1))
    clip = Clip(counting_run(frames), start)
    windows = skip_windows(clip, strides, spec, generator(seed))
    fitting = [stride for stride in strides if 7 * stride * spacing <= frames - 1]
    if windows is None:
        assert not fitting
        return
    fast, normal = (window.ravel().astype(int) for window in windows)
    assert len(fast) == len(normal) == 8
    assert fast[0] == normal[0]
    (stride,) = set(np.diff(fast).tolist())
    assert stride in [spacing * fit for fit in fitting]
    assert set(np.diff(normal).tolist()) == {spacing}
    if start + 7 * stride < frames:
        assert fast[0] == start


def test_all_fitting_strides_and_starts_are_drawn() -> None:
    rng, drawn = generator(), Counter[int]()
    for _ in range(400):
        windows = skip_windows(Clip(counting_run(60), 0), (2, 3, 4, 5), SPEC, rng)
        assert windows is not None
        fast = windows[0].ravel()
        drawn[int(fast[1]) - int(fast[0])] += 1
    assert set(drawn) == {2, 3}  # strides 4 and 5 take 61 and 76 frames
    assert min(drawn.values()) > 150
    late = [skip_windows(Clip(counting_run(40), 24), (2,), SPEC, rng) for _ in range(200)]
    assert {int(windows[0].ravel()[0]) for windows in late if windows is not None} == set(range(10))


def test_a_run_too_short_for_any_stride_gives_none() -> None:
    clip = Clip(counting_run(30), 0)
    assert skip_windows(clip, (2, 3), SPEC, generator()) is None
    settings = PseudoAnomaly(kind="skip-frame")
    assert make_skip_anomaly(clip, settings, SPEC, generator(), paper=False) is None


def test_papers_clips_come_from_anywhere() -> None:
    runs = [counting_run(40, "long"), counting_run(17, "short"), counting_run(15, "useless")]
    rng, lengths = generator(), Counter[int]()
    for _ in range(400):
        windows = skip_windows(Clip(runs[0], 3, runs), (2,), SPEC, rng, paper=True)
        assert windows is not None
        lengths[int(windows[0].max())] += 1
        assert windows[0].shape == windows[1].shape == (16, 1, 1, 1)
        assert windows[0][0] == windows[1][0]
    frozen = lengths[16]  # the tail of the short run, which stride 2 always leaves
    assert frozen / 400 == pytest.approx(2 / 27, abs=0.05)
    assert set(lengths) - {16} <= set(range(30, 40))


@pytest.mark.parametrize("paper", [False, True])
def test_both_clips_are_network_values(paper: bool) -> None:
    run = counting_run(120)
    settings = PseudoAnomaly(kind="skip-frame", strides=(4,))
    pair = make_skip_anomaly(Clip(run, 5, [run]), settings, SPEC, generator(), paper)
    assert pair is not None
    start = int(np.rint((pair[1].ravel()[0] + 1) * 127.5))
    np.testing.assert_array_equal(pair[0], to_network_values(run.frames[start : start + 61 : 4], SPEC))
    np.testing.assert_array_equal(pair[1], to_network_values(run.frames[start : start + 16], SPEC))
    assert paper or start == 5
