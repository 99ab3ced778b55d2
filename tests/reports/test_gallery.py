"""The gallery: every photograph, worst first, and nothing a name can break."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oddlens.reports.gallery import Gallery, PhotographView, write_gallery
from oddlens.reports.histogram import histogram_html
from oddlens.reports.panels import HeatScale
from oddlens.reports.style import LABEL

HOSTILE = '<b>"x"</b></script><script>alert(1)</script>&'
SCALE = HeatScale(0.0, 0.8, 1.0)
VOID = {"meta", "img", "input", "rect", "br", "wbr"}


class Reader(HTMLParser):
    """Checks nesting, and keeps tags with their attributes and the text outside of styles and scripts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"script", "style"}:
            self.text += data

    def cards(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == "article"]


def view(name: str, score: float, **more: Any) -> PhotographView:
    heat = np.linspace(0, 1, 48).reshape(6, 8)
    values = {"rejected": score >= 2, "picture": np.full((30, 40, 3), 99, np.uint8), "heat_map": heat}
    return PhotographView(name=name, score=score, **{**values, **more})


def written(path: Path, views: list[PhotographView], **more: Any) -> Reader:
    write_gallery(path, views, title="parts", threshold=2.0, scale=SCALE, **more)
    return Reader(path)


def test_worst_first_with_all_that_sorting_and_filtering_need(tmp_path: Path) -> None:
    views = [
        view("good/1.png", 0.5, label=0),
        view("good/2.png", 2.5, label=0, kind="good"),
        view("dent/1.png", 3.5, label=1, kind="dent"),
        view("dent/2.png", 1.0, label=1, kind="dent"),
        view("odd/1.png", 1.5, label=1),
        view("who/1.png", 1.7),
    ]
    page = written(tmp_path / "g.html", views)
    found = [(c["data-name"], c["data-verdict"], c["data-outcome"], c["data-truth"]) for c in page.cards()]
    assert found == [
        ("dent/1.png", "rejected", "right", "defect dent"),
        ("good/2.png", "rejected", "false", "good"),
        ("who/1.png", "passed", "", ""),
        ("odd/1.png", "passed", "missed", "defect defective"),
        ("dent/2.png", "passed", "missed", "defect dent"),
        ("good/1.png", "passed", "right", "good"),
    ]
    assert sorted(int(card["data-index"] or -1) for card in page.cards()) == list(range(6))
    assert "2 rejected of 6 photographs" in page.text
    assert re.search(r"2 of 3\s*defects missed", page.text)
    assert re.search(r"1 of 2\s*good ones rejected", page.text)
    choices = [attributes["value"] for tag, attributes in page.tags if tag == "option"]
    assert {"missed", "false", "good", "defect dent", "defect defective", "worst", "close"} <= set(choices)


def test_without_labels_nothing_is_said_of_truth(tmp_path: Path) -> None:
    page = written(tmp_path / "g.html", [view("a", 0.1), view("b", 0.2)])
    assert "None rejected of 2 photographs" in page.text
    assert not {"missed", "false"} & {attributes.get("value") for _, attributes in page.tags}
    assert "missed" not in page.text
    assert "known defect" not in page.text


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    page = written(tmp_path / "g.html", [view("a", 3.0)])
    sources = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img" and "src" in attributes]
    assert len(sources) == 1
    assert sources[0].startswith("data:image/jpeg;base64,")
    assert not [tag for tag, attributes in page.tags if "href" in attributes]
    assert not re.search(r"https?://|url\(", (tmp_path / "g.html").read_text(encoding="utf-8"))


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    gallery = Gallery(2.0, SCALE)
    gallery.add(view(HOSTILE, 3.0, label=1, kind=HOSTILE, panel=f"panels/{HOSTILE}.png"))
    notes = {"warnings": [HOSTILE], "faults": [HOSTILE], "threshold_source": HOSTILE}
    measures, provenance = [(HOSTILE, HOSTILE, HOSTILE)], {HOSTILE: HOSTILE}
    gallery.write(tmp_path / "g.html", title=HOSTILE, measures=measures, provenance=provenance, **notes)
    page = Reader(tmp_path / "g.html")
    card = page.cards()[0]
    assert card["data-name"] == HOSTILE
    assert card["data-truth"] == f"defect {HOSTILE}"
    assert (card["data-panel"] or "").startswith("./panels/%3Cb%3E")
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert "b" not in [tag for tag, attributes in page.tags if tag == "b" and attributes]


def test_scores_that_are_no_numbers_go_to_the_ends(tmp_path: Path) -> None:
    views = [view("nan", float("nan"), rejected=False), view("inf", float("inf")), view("one", 1.0), view("m", -np.inf)]
    page = written(tmp_path / "g.html", views)
    assert [card["data-name"] for card in page.cards()] == ["inf", "one", "nan", "m"]
    assert not {"inf", "nan", "-inf"} & {card["data-score"] for card in page.cards()}


def test_an_empty_gallery_is_a_page_too(tmp_path: Path) -> None:
    page = written(tmp_path / "g.html", [], faults=["a.png: cannot be decoded"])
    assert page.cards() == []
    assert "a.png: cannot be decoded" in page.text


def test_hundreds_fit_because_only_small_pictures_are_kept(tmp_path: Path) -> None:
    gallery = Gallery(2.0, SCALE)
    image = np.random.default_rng(0).integers(0, 255, (900, 1200, 3)).astype(np.uint8)
    for number in range(60):
        gallery.add(view(f"{number:03}", number / 10, picture=image))
    gallery.write(tmp_path / "g.html", title="many")
    assert len(gallery) == len(Reader(tmp_path / "g.html").cards()) == 60
    assert (tmp_path / "g.html").stat().st_size < 60 * 100_000


@pytest.mark.parametrize("shape", [(1, 900, 3), (700, 40, 1), (2, 3, 3)])
def test_thumbnails_are_small_whatever_the_photograph(shape: tuple[int, ...]) -> None:
    mask = np.ones(shape[:2], bool)
    for more in ({}, {"heat_map": None}, {"mask": mask}, {"heat_map": None, "mask": mask}):
        small = view("a", 1.0, picture=np.zeros(shape, np.uint8), **more).thumbnail(SCALE)
        assert small.dtype == np.uint8
        assert small.shape[1] <= 300
        assert small.shape[2] == 3


def test_thumbnails_outline_what_is_odd_and_what_is_marked() -> None:
    heat, mask = np.zeros((30, 40)), np.zeros((30, 40), bool)
    heat[5:15, 5:15], mask[18:28, 20:38] = 1.0, True
    small = view("a", 1.0, picture=np.zeros((600, 800, 3), np.uint8), heat_map=heat, mask=mask).thumbnail(SCALE)
    rows, columns = np.nonzero(np.linalg.norm(small.astype(int) - LABEL, axis=2) < 90)
    assert rows.min() == pytest.approx(18 * 7.5, abs=3)
    assert columns.max() == pytest.approx(38 * 7.5, abs=3)


@pytest.mark.parametrize("scores", [[], [(1.0, 0)], [(float("nan"), 0), (1.0, 1)]])
def test_too_few_scores_make_no_histogram(scores: list[tuple[float, int | None]]) -> None:
    assert histogram_html(scores, 2.0) == ""


def test_histogram_stacks_by_truth_and_shows_the_threshold() -> None:
    picture = histogram_html([(0.0, 0), (0.0, 1), (1.0, None), (1.0, 0)], 0.5)
    heights = [float(height) for height in re.findall(r'height="([\d.]+)" fill', picture)]
    assert heights == [50.0] * 4
    assert "left:50.00%" in picture
    assert all(name in picture for name in ("good", "defective", "not labelled", "threshold"))
    assert histogram_html([(1.0, 0), (1.0, 0)], 1.0).count("<rect") == 1
