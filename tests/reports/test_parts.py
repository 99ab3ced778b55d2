"""The parts of a score: their ranges, the sentence about them, their curves in page and picture."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.reports.explanation import Explanation
from oddlens.reports.html import VideoReport, write_report
from oddlens.reports.parts import Part, part_ranges, stood_out
from oddlens.reports.thumbnails import as_jpeg
from oddlens.reports.timeline import timeline_png


def table_of(length: int = 100) -> pd.DataFrame:
    surprise = np.where((np.arange(length) >= 40) & (np.arange(length) < 60), 5.0, 0.5)
    rows = {"video": "walk", "frame": range(length), "time": np.arange(length) / 10, "score": surprise / 10}
    return pd.DataFrame(rows | {"calibrated": surprise, "alarm": surprise >= 3})


def part(name: str = "motion", highest: float = 6.0, length: int = 100, **more: object) -> Part:
    values = np.zeros(length)
    values[length // 2] = highest
    return Part(name, values, **{"in_deviations": True, **more})  # type: ignore[arg-type]


def explanation(frame: int = 50, **deviations: float) -> Explanation:
    return Explanation(frame, as_jpeg(np.zeros((40, 90, 3), np.uint8)), deviations or {"motion": 6.0, "object": 0.25})


def page(path: Path, *videos: VideoReport) -> str:
    write_report(path, title="t", summary={"threshold": 3.0}, videos=videos, provenance={})
    return path.read_text("utf-8")


def event(peak: int = 50, score: float = 5.0) -> dict[str, float]:
    times = {"start_time": 4.0, "end_time": 5.9, "start_frame": 40, "end_frame": 59}
    return {**times, "peak_frame": peak, "peak_score": score}


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.floats(-50, 50), min_size=1), min_size=1), st.booleans())
def test_parts_that_can_be_compared_share_a_range_that_holds_them(values: dict[str, list[float]], known: bool) -> None:
    ranges = part_ranges([[Part(name, np.array(each), known) for name, each in values.items()]])
    assert set(ranges) == set(values)
    for name, each in values.items():
        low, high = ranges[name]
        assert low < high and high >= max(each)
        assert low <= min(each) or (known and low == -4.0)
    if known:
        assert len(set(ranges.values())) == 1


def test_gaps_and_empty_parts_have_a_range() -> None:
    assert part_ranges([[Part("a", np.array([np.nan, np.inf]))], []]) == {"a": (0.0, 1.0)}
    assert part_ranges([]) == {}


@pytest.mark.parametrize(
    ("deviations", "told"),
    [
        ({"appearance": 2.24, "motion": 5.08}, "motion stood out most: motion 5.1, appearance 2.2 deviations"),
        ({"motion": -0.5, "object": -2.0}, "no part of the score stood out: motion -0.5, object -2.0 deviations"),
    ],
)
def test_the_sentence_tells_what_was_computed(deviations: dict[str, float], told: str) -> None:
    assert Explanation(0, None, deviations).sentence.startswith(told)
    assert stood_out({}) == ("", "") and Explanation(0).sentence == ""


def test_the_page_has_a_curve_for_each_part_shaded_as_the_main_one(tmp_path: Path) -> None:
    labels = np.zeros(100, np.uint8)
    labels[45:70] = 1
    parts = [part("motion", level=4.0), part("object", 1.0, level=99.0)]
    text = page(tmp_path / "r.html", VideoReport("walk", table_of(), labels=labels, parts=parts))
    assert text.count('class="lane"') == 2
    assert text.count('<rect class="label"') == text.count('<rect class="alarm"') == 3
    assert text.count('<line class="threshold"') == 2  # the main one, and the part that alone reaches it
    assert text.count('<line class="usual"') == 2
    assert "it alone would raise the alarm" in text
    data = json.loads(re.findall(r'<script[^>]*id="data"[^>]*>(.*?)</script>', text, re.DOTALL)[0])
    motion, other = data["videos"][0]["parts"]
    assert (motion["name"], max(motion["values"]), len(motion["values"])) == ("motion", 6.0, 100)
    assert max(other["values"]) == 1.0


def test_parts_of_unknown_scale_are_told_apart(tmp_path: Path) -> None:
    text = page(tmp_path / "r.html", VideoReport("walk", table_of(), parts=[Part("psnr", np.arange(100.0))]))
    assert "each on its own scale" in text and "deviations" not in text.split("<main>")[-1].split("<script")[0]
    assert 'class="lane"' not in page(tmp_path / "r.html", VideoReport("walk", table_of()))


def test_peaks_show_pictures_and_sentence(tmp_path: Path) -> None:
    seen = VideoReport("walk", table_of(), [event()], explanations=[explanation()])
    text = page(tmp_path / "r.html", seen)
    assert "At the peak, motion stood out most: motion 6.0, object 0.2 deviations from the mean" in text
    assert text.count('class="strip"') == 1


def test_a_quiet_video_shows_its_highest_frame(tmp_path: Path) -> None:
    text = page(tmp_path / "r.html", VideoReport("walk", table_of(), quiet=explanation(7)))
    assert "Highest frame, 7: motion stood out most" in text
    assert text.count('class="strip"') == 1


def test_pages_hold_a_hundred_strips_of_the_highest(tmp_path: Path) -> None:
    events = [event(k, 3 + k / 1000) for k in range(150)]
    seen = [explanation(k, motion=float(k + 1)) for k in range(150)]
    text = page(tmp_path / "r.html", VideoReport("walk", table_of(200), events, explanations=seen))
    assert text.count('class="strip"') == 100
    assert "motion 150.0" in text and "motion 50.0" not in text


def test_the_picture_grows_with_the_parts(tmp_path: Path) -> None:
    timeline_png(table_of(), tmp_path / "t.png", 3.0, parts=[part(), part("object", 2.0), Part("raw", np.ones(100))])
    assert cv2.imread(str(tmp_path / "t.png")).shape == (690, 1200, 3)
