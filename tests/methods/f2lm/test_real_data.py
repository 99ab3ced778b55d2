"""Facts of the real Ped2 that the published numbers rest on (specification, sections 2.6 and 11.6)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oddlens.datasets.open import open_dataset
from oddlens.evaluation.protocols import PaperProtocol, apply_paper
from oddlens.media.open import open_source

DROPPED = 4


@pytest.fixture(scope="module")
def ped2(real_data: Path) -> Path:
    folder = real_data / "ped2"
    if not folder.is_dir():
        pytest.skip("no ped2 there")
    return folder


def test_frames_and_labels(ped2: Path) -> None:
    data = open_dataset(ped2)
    labels = [np.asarray(video.labels) for video in data.test]
    assert [len(y) for y in labels] == [180, 180, 150, 180, 150, 180, 180, 180, 120, 150, 180, 180]
    assert (sum(map(len, labels)), sum(int(y.sum()) for y in labels)) == (2010, 1648)
    assert [number for number, y in enumerate(labels, 1) if y.all()] == [8, 9, 10, 11]
    protocol = PaperProtocol(head=DROPPED, tail=0, normalise="none")
    kept = apply_paper(protocol, [np.arange(len(y), dtype=float) for y in labels], labels)
    assert sum(map(len, kept.labels)) == 1962 and sum(int(y.sum()) for y in kept.labels) == 1620
    normal = 342
    rates = [round(count / normal, 5) for count in (42, 15, 10)]
    assert rates == [0.12281, 0.04386, 0.02924], "the published equal error rates are whole numbers of these frames"


def test_training_videos(ped2: Path) -> None:
    data = open_dataset(ped2)
    infos = [open_source(video.path).info for video in data.train]
    lengths = [120, 150, 150, 180, 180, 150, 150, 120, 180, 180, 180, 180, 180, 150, 150, 150]
    assert [info.frames for info in infos] == lengths and sum(lengths) == 2550
    assert {(info.height, info.width) for info in infos} == {(240, 360)}
