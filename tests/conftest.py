"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

# Networks here are small and tests run side by side: threads of one process would only wait for those of another.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest

if TYPE_CHECKING:
    from oddlens.scoring.detector import Detector


def _real_data() -> Path | None:
    named = os.environ.get("ODDLENS_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets; the test is skipped where there is none."""
    folder = _real_data()
    if folder is None:
        pytest.skip("no real data: set ODDLENS_DATA to the folder that holds ped2/, avenue/, videos/ ...")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frame stores and label caches of tests stay out of the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated walkway, 64x48: two normal videos of 60 frames, two labelled test videos of 40."""
    from oddlens.datasets.walkway.generate import generate_walkway

    root = tmp_path_factory.mktemp("scene") / "walkway"
    sizes = {"train_videos": 2, "train_frames": 60, "test_videos": 2, "test_frames": 40, "width": 64, "height": 48}
    return generate_walkway(root, seed=3, **sizes)


@pytest.fixture(scope="session")
def tiny_run(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder: LNRA of a few parameters on 32x32 frames, four steps on `scene`, float32."""
    from oddlens.training.run import train

    base = tmp_path_factory.mktemp("tiny")
    settings = {
        "method": {"height": 32, "width": 32, "widths": [4, 4, 8], "learning_rate": 0.01},
        "data": {"cache_dir": str(base / "cache")},
        "training": {
            "iterations": 4,
            "epochs": 0,
            "batch_size": 2,
            "validation_clips": 2,
            "holdout": 0.5,
            "precision": "float32",
            "device": "cpu",
        },
        "scoring": {"precision": "float32"},
    }
    return train("lnra", scene, base / "run", settings=settings).folder


@pytest.fixture(scope="session")
def tiny(tiny_run: Path) -> Detector:
    """The detector of `tiny_run`, on the CPU."""
    from oddlens.scoring.detector import Detector

    return Detector.load(tiny_run, "cpu")


@pytest.fixture(scope="session")
def patch_run(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder: LBR-SPR of a few parameters, with motion and a background, four steps on `scene`."""
    from oddlens.training.run import train

    base = tmp_path_factory.mktemp("patches")
    settings = {
        "method": {
            "width": 2,
            "motion": True,
            "objects": {"smallest_area": 20, "background": {"smallest_area": 20}},
        },
        "data": {"cache_dir": str(base / "cache")},
        "training": {
            "iterations": 4,
            "epochs": 0,
            "batch_size": 8,
            "validation_clips": 8,
            "holdout": 0.5,
            "precision": "float32",
            "device": "cpu",
        },
        "scoring": {"precision": "float32"},
    }
    return train("lbr-spr", scene, base / "run", settings=settings).folder
