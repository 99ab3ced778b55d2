"""Gallery and animation of a scoring session, and tiles of a photograph."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image as Pillow

from oddlens.media.tiles import Tiles
from oddlens.media.writer import write_image
from oddlens.scoring.detector import Detector
from oddlens.scoring.photograph_gallery import SessionGallery
from oddlens.scoring.photograph_session import score_photographs_to_folder
from oddlens.scoring.tiling import score_tiled, tile_scorer

pytestmark = pytest.mark.usefixtures("mean_picture")


@pytest.fixture(scope="module")
def session(tmp_path_factory, mean_picture):
    """A trained detector, a category of six test photographs, and a known method."""
    from oddlens.training.run import train

    base = tmp_path_factory.mktemp("gallery")
    random = np.random.default_rng(2)
    for place in [*(f"train/good/{k}" for k in range(12)), *(f"test/{k}/{n}" for k in ("good", "spot") for n in "123")]:
        image = random.integers(90, 110, (40, 48, 3)).astype(np.uint8)
        if "spot" in place:
            image[10:20, 24:36] = 250
        (base / "plate" / place).parent.mkdir(parents=True, exist_ok=True)
        write_image(base / "plate" / f"{place}.png", image)
    settings = {
        "data": {"cache_dir": str(base / "cache")},
        "training": {"iterations": 20, "epochs": 0, "holdout": 0.5, "device": "cpu", "precision": "float32"},
        "scoring": {"precision": "float32", "batch_size": 4, "false_reject_rate": 0.2},
    }
    run = train("mean-picture", base / "plate", base / "run", settings=settings)
    yield Detector.load(run.folder, "cpu"), base / "plate"


def test_gallery_and_animation_show_the_session(session, tmp_path):
    detector, parts = session
    gallery = SessionGallery(detector)
    result = score_photographs_to_folder(detector, [parts], tmp_path / "out", on_scored=gallery.take)
    written = gallery.write(result, "plates")
    assert [path.name for path in written] == ["gallery.html", "animation.gif"]
    page = written[0].read_text(encoding="utf-8")
    shown = re.findall(r'data-name="([^"]+)" data-score="([^"]+)" data-verdict="(\w+)"', page)
    ranked = result.table.sort_values("calibrated", ascending=False)
    assert sorted(name for name, *_ in shown) == sorted(ranked["photograph"])
    scores = [float(score) for _, score, _ in shown]
    assert scores == sorted(scores, reverse=True)
    assert {name for name, _, verdict in shown if verdict == "rejected"} >= {f"test/spot/{n}.png" for n in "123"}
    panels = re.findall(r'data-panel="\./([^"]+)"', page)
    assert sorted(panels) == sorted(ranked["panel"])
    assert all((result.folder / panel).exists() for panel in panels)
    with Pillow.open(written[1]) as animation:
        assert animation.n_frames == 6


def test_without_panels_the_gallery_has_small_pictures_alone(session, tmp_path):
    detector, parts = session
    gallery = SessionGallery(detector)
    result = score_photographs_to_folder(detector, [parts], tmp_path / "out", panels=False, on_scored=gallery.take)
    assert [path.name for path in gallery.write(result, "plates")] == ["gallery.html"]
    page = (result.folder / "gallery.html").read_text(encoding="utf-8")
    assert "data-panel=" not in page
    assert page.count("data:image/jpeg") == 6


def test_tiles_are_scored_as_photographs_of_their_own(session):
    detector, _ = session
    image = np.random.default_rng(5).integers(90, 110, (100, 130, 3)).astype(np.uint8)
    image[70:85, 90:110] = 250
    found = score_tiled(image, tile_scorer(detector), Tiles(40, 48), batch_size=3)
    assert found.raw.map.shape == (100, 130)
    row, column = np.unravel_index(found.raw.map.argmax(), found.raw.map.shape)
    assert 68 <= row < 87
    assert 88 <= column < 112
    left, top, right, bottom = found.tile
    (alone,) = tile_scorer(detector)(image[None, top:bottom, left:right])
    assert alone.score == pytest.approx(found.raw.score, abs=1e-5)
