"""Score tracks become numbers, under both protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens.evaluation.baselines import clock_scores, random_baseline
from oddlens.evaluation.protocols import PaperProtocol, ProtocolScores, apply_paper, clean
from oddlens.evaluation.roc import Roc, roc_record
from oddlens.evaluation.summary import summarise
from oddlens.evaluation.tracks import Track
from oddlens.scoring.events import Run


class Judge:
    """Knows the truth of the test videos, and how many frames the training videos have that the paper counts too.

    Args:
        truth: labels `(T_v,)` of the test videos.
        rates: their frames a second.
        paper: the paper's protocol.
        training: frames and frames a second of each training video that counts as well.
        seed: of the bootstrap.
        resamples: of the bootstrap over videos.
    """

    def __init__(
        self,
        truth: Sequence[NDArray[np.uint8]],
        rates: Sequence[float],
        paper: PaperProtocol,
        training: Sequence[tuple[int, float]] = (),
        seed: int = 0,
        resamples: int = 1000,
    ) -> None:
        self.truth, self.rates, self.paper, self.training = truth, rates, paper, training
        self.all_truth = [*(np.zeros(frames, np.uint8) for frames, _ in training), *truth]
        self.options: dict[str, Any] = {"seed": seed, "resamples": resamples}

    def protocols(
        self, track: Track, training: Track | None = None, alarms: Sequence[Sequence[Run]] | None = None
    ) -> dict[str, Any]:
        """Summaries `clean` and `paper`, and `paper_test_only` where `paper` counts training frames too.

        `optimistic` in the paper's says that something in it is fitted to the labels.
        Masks belong to test videos, so numbers that need them stand where test frames alone are counted.
        """
        ranked = self._ranked(track, training)
        of_protocols: dict[str, dict[str, Any]] = {
            "clean": {"alarms": alarms, "fps": self.rates, **track.places.clean()},
            list(ranked)[-1]: track.places.paper(),
        }
        summaries = {
            name: summarise(scored.scores, scored.labels, **of_protocols.get(name, {}), **self.options)
            for name, scored in ranked.items()
        }
        if self.paper.optimistic:
            summaries["paper"]["optimistic"] = True
        return summaries

    def curves(self, track: Track, training: Track | None = None) -> dict[str, Roc | None]:
        """The ROC curve of each protocol; None where a class is missing."""
        return {
            name: roc_record(np.concatenate(scored.labels), np.concatenate(scored.scores))
            for name, scored in self._ranked(track, training).items()
        }

    def _ranked(self, track: Track, training: Track | None) -> dict[str, ProtocolScores]:
        """Scores and labels as each protocol ranks them; the last one's are of test frames as the paper left them."""
        earlier = training.paper_scores if training else []
        theirs = apply_paper(self.paper, [*earlier, *track.paper_scores], self.all_truth)
        ranked = {"clean": clean(track.scores, self.truth), "paper": theirs}
        return ranked | ({"paper_test_only": self._tested(theirs)} if self.training else {})

    def baseline(self, track: Track, training: Track | None = None) -> dict[str, Any]:
        """The clean summary, with the paper's under their names."""
        summaries = self.protocols(track, training)
        return {**summaries.pop("clean"), **summaries}

    def trivial(self) -> dict[str, Any]:
        """Clock and random scores through all protocols."""
        clock = clock_scores([len(labels) for labels in self.truth], self.rates)
        earlier = clock_scores([frames for frames, _ in self.training], [rate for _, rate in self.training])
        resamples = self.options["resamples"]
        chance = random_baseline(self.truth, clean, resamples=resamples)
        chance["paper"] = random_baseline(
            self.all_truth, lambda s, y: apply_paper(self.paper, s, y), resamples=resamples
        )
        if self.training:
            chance["paper_test_only"] = random_baseline(
                self.all_truth, lambda s, y: self._tested(apply_paper(self.paper, s, y)), resamples=resamples
            )
        tracks = [Track(scores=scores, paper_scores=list(scores)) for scores in (clock, earlier)]
        return {"clock": self.baseline(*tracks), "random": chance}

    def _tested(self, scored: ProtocolScores) -> ProtocolScores:
        return scored.videos_from(len(self.training))
