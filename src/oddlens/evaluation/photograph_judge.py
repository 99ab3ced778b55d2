"""Scored photographs become numbers: under both protocols, by kind of defect, and beside baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.evaluation.baselines import RANDOM_SEEDS, mean_summary
from oddlens.evaluation.photograph_floors import FLOORS
from oddlens.evaluation.photograph_protocol import ImageScores, Maps, PhotographProtocol
from oddlens.evaluation.photograph_record import MAP, PhotographRecord
from oddlens.evaluation.photographs import PhotographMetrics
from oddlens.evaluation.roc import Roc, roc_record
from oddlens.evaluation.summary import number
from oddlens.metrics.pixel import PixelAUC
from oddlens.metrics.ranking import roc_auc

_OF_KINDS = ("image_auroc", "image_ap", "pixel_auroc", "pixel_ap", "aupro", "aupimo")


class PhotographJudge:
    """Knows the record of a set of test photographs.

    Args:
        record: of all of them.
        paper: the paper's protocol, where there is one.
        resamples: of the bootstrap over images.
        seed: of the bootstrap.
    """

    def __init__(
        self, record: PhotographRecord, paper: PhotographProtocol | None, resamples: int = 1000, seed: int = 0
    ) -> None:
        self._record, self._paper = record, paper
        self._resamples, self._seed = resamples, seed
        self._labels = record.labels()
        self._paper_labels = record.labels(by_mask=paper is not None and paper.labels == "mask")

    def protocols(self) -> dict[str, Any]:
        """Summaries `clean` and, where the method has a paper's protocol, `paper`."""
        record = self._record
        clean = self._summary(record.scores(), self._labels, record.maps())
        clean |= self._verdicts(np.arange(len(self._labels)))
        return {"clean": clean} | ({"paper": self._by_paper(self._paper)} if self._paper else {})

    def curves(self) -> dict[str, Roc | None]:
        """The ROC curve of each protocol over photographs; None where a class is missing."""
        ranked = {"clean": (self._labels, self._record.scores())}
        if self._paper:
            tried = self._tried(self._paper)
            ranked["paper"] = self._paper_labels, tried[self._highest(tried)]
        return {name: roc_record(*pair) for name, pair in ranked.items()}

    def kinds(self) -> dict[str, Any]:
        """Each kind of defect against all good photographs: ranking numbers, and the share that was rejected."""
        record, found = self._record, {}
        good = np.flatnonzero(~self._labels)
        for kind in dict.fromkeys(item.kind for item in record.items if item.label):
            mine = np.array([k for k, item in enumerate(record.items) if item.kind == kind])
            values = self._measured(record.scores(), self._labels, record.maps(), np.concatenate([good, mine]), 1)
            known = {name: number(values[name].value) for name in _OF_KINDS if name in values}
            found[kind] = {"photographs": len(mine), "found": self._verdicts(mine)["found"], **known}
        return found

    def baselines(self) -> dict[str, Any]:
        """`random` (mean of ten seeds) and the floors: their clean numbers, and the paper's under `paper`."""
        record, found = self._record, {"random": self._random()}
        for name in filter(record.has, FLOORS):
            maps = record.maps(name)
            found[name] = self._summary(record.scores(name), self._labels, maps)
            if self._paper:  # stretching a single score or map changes no ranking, so only the labels may differ
                found[name]["paper"] = self._summary(record.scores(name), self._paper_labels, maps)
        return found

    def _by_paper(self, paper: PhotographProtocol) -> dict[str, Any]:
        record, tried = self._record, self._tried(paper)
        name = self._highest(tried)
        chosen = {"scores": name}
        maps = record.maps()
        optimistic = len(tried) > 1
        if paper.maps is not None and maps is not None:
            stacks = {key: found for key in (MAP, *paper.pictures) if (found := record.maps(key)) is not None}
            tried_maps = paper.maps(stacks)
            chosen["maps"] = _best({key: self._pixel_auroc(planes) for key, planes in tried_maps.items()})
            maps, optimistic = tried_maps[chosen["maps"]], optimistic or len(tried_maps) > 1
        summary = self._summary(np.asarray(tried[name], np.float64), self._paper_labels, maps)
        return {**summary, "chosen": chosen} | ({"optimistic": True} if optimistic else {})

    def _tried(self, paper: PhotographProtocol) -> Mapping[str, ImageScores]:
        """The scores that the paper tried, by name."""
        record = self._record
        if missing := [name for name in paper.components if not record.has(name)]:
            raise DataError("components", f"the method gives no '{missing[0]}'", "correct its photograph_protocol")
        return paper.scores({name: record.scores(name) for name in paper.components})

    def _highest(self, tried: Mapping[str, ImageScores]) -> str:
        return _best({key: roc_auc(self._paper_labels, values) for key, values in tried.items()})

    def _random(self) -> dict[str, Any]:
        summaries = {"clean": self._labels} | ({"paper": self._paper_labels} if self._paper else {})
        means = {}
        for protocol, labels in summaries.items():
            drawn = [np.random.default_rng(seed).random(len(labels)) for seed in RANDOM_SEEDS]
            means[protocol] = _mean([self._summary(scores, labels, None) for scores in drawn])
        return {**means.pop("clean"), **means, "seeds": list(RANDOM_SEEDS)}

    def _summary(self, scores: ImageScores, labels: NDArray[np.bool_], maps: Maps | None) -> dict[str, Any]:
        values = self._measured(scores, labels, maps, np.arange(len(labels)), self._resamples)
        marked = sum(bool(label) and mask is not None for label, mask in zip(labels, self._record.masks))
        ends = {name: [number(found.low), number(found.high)] for name, found in values.items()}
        return {
            "photographs": len(labels),
            "defective": int(labels.sum()),
            "marked": marked,
            **{name: number(found.value) for name, found in values.items()},
            "intervals": {name: None if None in pair else pair for name, pair in ends.items()},
        }

    def _measured(
        self,
        scores: ImageScores,
        labels: NDArray[np.bool_],
        maps: Maps | None,
        rows: Iterable[int] | NDArray[np.intp],
        resamples: int,
    ) -> Mapping[str, Any]:
        metrics = PhotographMetrics()
        for k in rows:
            metrics.update(scores[k], bool(labels[k]), None if maps is None else maps[k], self._record.masks[k])
        return metrics.summarise(resamples, self._seed)

    def _pixel_auroc(self, maps: Maps) -> float:
        pixels = PixelAUC()
        for map, mask in zip(maps, self._record.masks):
            if mask is not None:
                pixels.update(map, mask)
        return pixels.auc()

    def _verdicts(self, rows: NDArray[np.intp]) -> dict[str, Any]:
        """Shares of the defective and of the good photographs in `rows` that were rejected."""
        labels, rejected = self._labels[rows], self._record.rejected[rows]
        shares = {"found": rejected[labels], "false_reject_rate": rejected[~labels]}
        return {name: float(verdicts.mean()) if verdicts.size else None for name, verdicts in shares.items()}


def _best(values: Mapping[str, float]) -> str:
    """The name of the highest value; the first of equal ones, NaN last."""
    return max(values, key=lambda name: -1.0 if np.isnan(values[name]) else values[name])


def _mean(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean over summaries of the same photographs, that of their intervals as well."""
    intervals = mean_summary([summary.pop("intervals") for summary in summaries])
    return {**mean_summary(summaries), "intervals": intervals}
