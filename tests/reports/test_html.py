from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oddlens.errors import OddLensError
from oddlens.reports.html import VideoReport, write_report

HOSTILE = '<b>"x".mp4</script><script>alert(1)</script>'
VOID = {"meta", "img", "input", "rect", "line", "path", "br"}


class Reader(HTMLParser):
    """Checks nesting, and keeps tags with their attributes and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.text += data


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == []
    return reader


def video(name: str = "walk", length: int = 100, peak: float = 5.0, **more: Any) -> VideoReport:
    surprise = np.full(length, 0.5)
    surprise[length // 2 : length // 2 + 5] = peak
    times = np.arange(length) / 10
    table = pd.DataFrame({"video": name, "frame": range(length), "time": times, "score": surprise})
    table["calibrated"], table["alarm"] = surprise, surprise >= 3
    return VideoReport(name, table, **more)


def event(peak_frame: int = 50, peak_score: float = 5.0) -> dict[str, Any]:
    start, end = peak_frame - 1, peak_frame + 3
    times = {"start_time": start / 10, "end_time": end / 10}
    peak = {"peak_frame": peak_frame, "peak_score": peak_score, "box": None}
    return {"video": "walk", "start_frame": start, "end_frame": end} | times | peak


def write(path: Path, videos: list[VideoReport], **more: Any) -> Reader:
    summary = {"threshold": 3.0} | more.pop("summary", {})
    write_report(path, title="scored", summary=summary, videos=videos, provenance={}, **more)
    return read(path)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    hostile = video(HOSTILE, events=[event()], overlay=f"videos/{HOSTILE}", notes=(HOSTILE,))
    page = write(
        tmp_path / "r.html",
        [hostile],
        summary={"faults": [HOSTILE], "warnings": [HOSTILE], "threshold_source": HOSTILE},
        metrics={"clean": {"micro_auc": 0.9}},
        baselines={HOSTILE: {"micro_auc": 0.5}},
    )
    assert page.text.count(HOSTILE) == 6  # heading, note, fault, warning, threshold source, baseline
    assert [tag for tag, _ in page.tags].count("b") == 1  # the verdict's own
    assert len(page.scripts) == 2
    assert all("alert" not in script for script in page.scripts)
    json.loads(page.scripts[0])


def test_nothing_comes_from_outside(tmp_path: Path) -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    shown = video(events=[event()], thumbnails=[picture], overlay="javascript:alert(1)")
    page = write(tmp_path / "r.html", [shown])
    assert not re.search(r"https?://|url\(|@import|src=\"//", (tmp_path / "r.html").read_text("utf-8"))
    addresses = [attributes[key] or "" for _, attributes in page.tags for key in ("src", "href") if key in attributes]
    assert addresses and all(address.startswith(("data:image/jpeg", "./")) for address in addresses)


def test_overlay_video_is_linked_relative_to_the_page(tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", [video(overlay=Path("videos") / "a b#1.mp4")])
    assert ("./videos/a%20b%231.mp4") in [attributes.get("href") for _, attributes in page.tags]


def test_million_frames_make_a_small_page(tmp_path: Path) -> None:
    long = video(length=1_000_000, labels=np.arange(1_000_000, dtype=np.uint8) % 2)
    long.table["alarm"] = np.arange(1_000_000) % 2 == 0
    page = write(tmp_path / "r.html", [long])
    assert (tmp_path / "r.html").stat().st_size < 300_000
    curve = json.loads(page.scripts[0])["videos"][0]
    assert len(curve["times"]) == len(curve["surprise"]) <= 2000
    assert max(curve["surprise"]) == 5.0


def test_thousands_of_events_keep_the_highest(tmp_path: Path) -> None:
    picture = np.zeros((180, 320, 3), np.uint8)
    events = [event(k, 3 + k / 5000) for k in range(1, 5001)]
    page = write(tmp_path / "r.html", [video(length=5100, events=events, thumbnails=[picture] * 5000)])
    rows = [attributes for tag, attributes in page.tags if tag == "tr" and "data-event" in attributes]
    assert len(rows) == 200
    assert "4.00" in page.text and "4,800 lower events are left out" in page.text


def test_highest_video_comes_first(tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", [video("calm", peak=1.0), video("wild", peak=6.0), video("odd", peak=4.0)])
    names = [attributes["data-name"] for tag, attributes in page.tags if tag == "article"]
    assert names == ["wild", "odd", "calm"]


def test_labels_are_shaded_only_where_given(tmp_path: Path) -> None:
    labels = np.zeros(100, np.uint8)
    labels[25:50] = 1
    page = write(tmp_path / "r.html", [video(labels=labels)])
    (shaded,) = [attributes for tag, attributes in page.tags if attributes.get("class") == "label"]
    assert float(shaded["x"] or 0) == pytest.approx(2500 / 9.9, abs=0.1)
    assert float(shaded["width"] or 0) == pytest.approx(2500 / 9.9, abs=0.1)
    assert "labelled abnormal" in page.text
    assert "labelled abnormal" not in write(tmp_path / "r.html", [video()]).text


def test_clicking_an_event_finds_its_frame_in_the_overlay_video(tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", [video(events=[event(51)], overlay="o.mp4", overlay_fps=25.0)])
    (shown,) = json.loads(page.scripts[0])["videos"][0]["events"]
    assert shown == {"start": 5.0, "end": 5.4, "peak": 5.1, "seek": 2.0}


def test_verdict_and_counts_are_told(tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", [video(events=[event()]), video(peak=1.0)], summary={"alarms_per_hour": 1.8})
    for part in ("1 event in 1 of 2 videos", "200", "1.8", "3.00"):
        assert part in page.text
    assert "Nothing out of the ordinary" in write(tmp_path / "r.html", [video(peak=1.0)]).text


@pytest.mark.parametrize("length", [0, 1])
def test_shortest_videos_and_scores_that_are_not_finite(tmp_path: Path, length: int) -> None:
    gaps = video(length=10)
    gaps.table["calibrated"] = [np.nan, np.inf, -np.inf, 1, np.nan] * 2
    page = write(tmp_path / "r.html", [video(length=length), gaps])
    assert "nan" not in page.scripts[0].lower() and "inf" not in page.scripts[0].lower()
    assert not [a for _, a in page.tags if "nan" in str(a.get("d")) or "inf" in str(a.get("d"))]


def test_the_same_input_gives_the_same_page(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write(tmp_path / name, [video(events=[event()])])
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write(tmp_path / "r.html", [video(events=[{}])])
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(OddLensError):
        write(tmp_path / "folder.html", [video()])
    assert [path.name for path in tmp_path.iterdir()] == ["folder.html"]
