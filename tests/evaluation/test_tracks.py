"""One pass over a video for several scorers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from oddlens.datasets.base import Video
from oddlens.evaluation.protocols import PaperProtocol
from oddlens.evaluation.tracks import Track, score_video
from oddlens.media.open import open_source
from oddlens.methods.lbr_spr.method import LbrSpr
from oddlens.scoring.objects import ObjectScorer


def test_ready_boxes_are_found_by_the_name_of_the_video(tmp_path: Path) -> None:
    rows = [(video, frame, 5, 4, 20, 19) for video in "ab" for frame in range(6) if video == "a" or frame > 3]
    pd.DataFrame(rows, columns=["video", "frame", "x1", "y1", "x2", "y2"]).to_csv(tmp_path / "boxes.csv", index=False)
    objects = {"sources": ["file"], "ready_boxes": str(tmp_path / "boxes.csv")}
    method = LbrSpr.from_values({"width": 1, "smoothing": 1, "objects": objects}, "test").eval()
    assert isinstance(method, LbrSpr)
    tracks = {"lbr-spr": Track()}
    for seed, name in enumerate("ab"):
        folder = tmp_path / name
        folder.mkdir()
        for number, image in enumerate(np.random.default_rng(seed).integers(0, 256, (6, 48, 64), np.uint8)):
            cv2.imwrite(str(folder / f"{number}.png"), image)
        scorers = {"lbr-spr": ObjectScorer(method)}
        assert score_video(Video(name, folder, "test"), open_source(folder), scorers, tracks, PaperProtocol(0, 0)) == 6
    first, second = tracks["lbr-spr"].scores
    assert not (first == method.empty_score).any()
    assert (second == method.empty_score).tolist() == [True] * 4 + [False] * 2
