"""Predictions without learning on the real Ped2: the end-to-end oracles of the LNRA specification, section 11.8.

They check decoding, resizing, the enumeration of windows, cropping of labels, normalisation and AUC at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from oddlens.datasets.open import open_dataset
from oddlens.errors import SettingsError
from oddlens.evaluation.protocols import PaperProtocol, apply_paper
from oddlens.media.open import open_source
from oddlens.media.resize import fit
from oddlens.methods.base import Batch, Method, MethodSettings
from oddlens.methods.floors import FLOORS, Floor, NeighbourMean, PreviousFrame
from oddlens.metrics.video import macro_auc, micro_auc
from oddlens.scoring.windows import WindowScorer
from oddlens.types import Losses, SamplingSpec, Scores

LENGTHS = [180, 180, 150, 180, 150, 180, 180, 180, 120, 150, 180, 180]
PAPER = PaperProtocol(head=8, tail=7)
RAW = PaperProtocol(head=8, tail=7, normalise="none")

ORACLES = {  # rule: AUC by the official protocol, AUC of the raw PSNR, PSNR of the first clip, mean PSNR
    "previous frame": (0.907985, 0.803334, 24.83135, 25.04904),
    "next frame": (0.906828, 0.803912, 24.83813, 25.04129),
    "mean of both": (0.915040, 0.867080, 29.05398, 28.89648),
    "frame 6": (0.880475, 0.691960, 20.95373, 21.37081),
    "mean of the window": (0.831377, 0.658106, 22.06064, 22.94406),
    "first frame": (0.812929, 0.631210, 15.60972, 16.87658),
    "mean of training": (0.852283, 0.646000, 17.08277, 18.39332),
    "mid grey": (0.500562, 0.494019, 8.38879, 8.39810),
}


class Rules(Method):
    """Predicts frame 8 of the paper's windows by every rule of the specification."""

    name: ClassVar[str] = "rules"

    def __init__(self, training_mean: Tensor) -> None:
        super().__init__(MethodSettings())
        self.training_mean = training_mean

    @property
    def sampling(self) -> SamplingSpec:
        return SamplingSpec(height=256, width=256, length=16, target=8)

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        return Losses(batch["clip"].mean())

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {}

    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        clips = windows[:, 0]
        predictions = {
            "previous frame": clips[:, 7],
            "next frame": clips[:, 9],
            "mean of both": (clips[:, 7] + clips[:, 9]) / 2,
            "frame 6": clips[:, 6],
            "mean of the window": clips.mean(dim=1),
            "first frame": clips[:, 0],
            "mean of training": self.training_mean,
            "mid grey": torch.zeros(()),
        }
        errors = {name: (p - clips[:, 8]).square().mean(dim=(1, 2)) for name, p in predictions.items()}
        components = {name: 10 * error.log10()[:, None] for name, error in errors.items()}
        return Scores(components["previous frame"], components)


@dataclass
class Run:
    """Scores of all test videos: one array a video, one entry a frame."""

    labels: list[NDArray[np.uint8]]
    scores: dict[str, list[NDArray[np.float64]]]


def prepared(path: Path) -> list[NDArray[np.uint8]]:
    """Frames of a video at the paper's size, decoded once for all scorers."""
    return [fit(frame.image, 256, 256, 1) for frame in open_source(path, colour="grey").frames()]


def score_video(scorer: WindowScorer, frames: Sequence[NDArray[np.uint8]]) -> Mapping[str, NDArray[np.float64]]:
    scored = [score for frame in frames for score in scorer.push(frame)] + scorer.finish()
    assert [score.index for score in scored] == list(range(len(frames)))
    rows = [{"score": score.score, **score.components} for score in scored]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def mean_of_training(root: Path) -> Tensor:
    """The mean of every fifth training frame, in network values."""
    total, count, position = np.zeros((256, 256)), 0, 0
    for video in open_dataset(root).train:
        files = sorted(video.path.iterdir())
        for file in files[-position % 5 :: 5]:
            (frame,) = open_source(file, colour="grey").frames()
            total += fit(frame.image, 256, 256, 1)[:, :, 0]
            count += 1
        position += len(files)
    assert count == 510
    return torch.from_numpy(total / count / 127.5 - 1).float()


@pytest.fixture(scope="module")
def ped2(real_data: Path) -> Run:
    root = real_data / "ped2"
    dataset = open_dataset(root)
    rules = WindowScorer(Rules(mean_of_training(root)), batch_size=8, precision="float32")
    floors = {kind.name: WindowScorer(kind(), precision="float32") for kind in FLOORS}
    run = Run([], {})
    for video in dataset.test:
        frames = prepared(video.path)
        assert video.labels is not None and len(video.labels) == len(frames)
        run.labels.append(video.labels)
        found = dict(score_video(rules, frames))
        found |= {name: score_video(scorer, frames)["score"] for name, scorer in floors.items()}
        for name, values in found.items():
            run.scores.setdefault(name, []).append(values)
    return run


@pytest.mark.real
def test_all_of_ped2_is_scored(ped2: Run) -> None:
    assert [len(labels) for labels in ped2.labels] == LENGTHS
    kept = apply_paper(PAPER, ped2.scores["previous-frame"], ped2.labels)
    assert sum(map(len, kept.labels)) == 1830
    assert sum(int(labels.sum()) for labels in kept.labels) == 1526


@pytest.mark.real
@pytest.mark.parametrize(
    ("scores", "rule"),
    [(rule, rule) for rule in ORACLES] + [("previous-frame", "previous frame"), ("neighbour-mean", "mean of both")],
)
def test_floors_of_ped2(ped2: Run, scores: str, rule: str) -> None:
    auc, raw_auc, first, mean = ORACLES[rule]
    paper = apply_paper(PAPER, ped2.scores[scores], ped2.labels)
    raw = apply_paper(RAW, ped2.scores[scores], ped2.labels)
    assert micro_auc(paper.scores, paper.labels) == pytest.approx(auc, abs=1e-3)
    assert micro_auc(raw.scores, raw.labels) == pytest.approx(raw_auc, abs=1e-3)
    assert -raw.scores[0][0] == pytest.approx(first, abs=1e-3)
    assert -np.concatenate(raw.scores).mean() == pytest.approx(mean, abs=1e-3)


@pytest.mark.real
def test_macro_auc_of_the_neighbour_mean(ped2: Run) -> None:
    kept = apply_paper(PAPER, ped2.scores["neighbour-mean"], ped2.labels)
    macro = macro_auc(kept.scores, kept.labels)
    assert macro.videos == 7
    assert macro.value == pytest.approx(0.945931, abs=1e-3)


def test_the_floors_predict_the_second_frame() -> None:
    frames = torch.tensor([-1.0, 0.0, 0.2, 1.0])[:, None, None].expand(-1, 4, 4)
    windows = torch.stack([frames[:3], frames[1:]])[:, None]
    for floor, errors in ((PreviousFrame(), (1.0, 0.04)), (NeighbourMean(), (0.01, 0.09))):
        inputs = windows[:, :, : floor.sampling.length]
        if isinstance(floor, NeighbourMean):
            errors = ((0 - (-1 + 0.2) / 2) ** 2, (0.2 - (0 + 1) / 2) ** 2)
        scores = floor.score(inputs, [1])
        assert scores.score.shape == (2, 1)
        np.testing.assert_allclose(scores.score[:, 0], 10 * np.log10(errors), rtol=1e-5)
        assert scores.map is not None
        np.testing.assert_allclose(scores.map[:, 0, 0, 0], errors, rtol=1e-5)


@pytest.mark.parametrize("kind", FLOORS)
def test_floors_score_every_frame_and_cannot_be_trained(kind: type[Floor]) -> None:
    floor = kind()
    assert (floor.sampling.height, floor.sampling.width, floor.sampling.target) == (256, 256, 1)
    scorer = WindowScorer(floor, precision="float32")
    still = [np.full((240, 360, 1), 90, np.uint8)] * 5
    assert [score.score for frame in still for score in scorer.push(frame)] == []
    scores = scorer.finish()
    assert [score.index for score in scores] == list(range(5))
    assert all(np.isfinite(score.score) for score in scores)
    assert floor.configure_optimizers() == {}
    with pytest.raises(SettingsError, match="cannot be trained"):
        floor.training_step({}, 0, "main")
