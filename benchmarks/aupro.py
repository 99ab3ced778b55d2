"""AUPRO over every threshold at once, against a loop over 200 of them, on 83 maps of 256x256."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from benchmarks.measure import Result, compare, faster, report
from oddlens.metrics.overlap import LIMIT, PAPER_THRESHOLDS, RegionOverlap, aupro, paper_pro

GOAL, GOAL_ONCE = 50.0, 20.0
AGREEMENT = 1e-3
Maps: TypeAlias = NDArray[np.float32]
Masks: TypeAlias = NDArray[np.bool_]
Measure: TypeAlias = Callable[[Maps, Masks], float]


def run(quick: bool = False) -> list[Result]:
    """The set's AUPRO, exact and in a histogram, and the papers' variant of each image alone."""
    maps, masks = made_up(4, 64) if quick else made_up(83, 256)
    repetitions = 1 if quick else 3
    loop = f"{PAPER_THRESHOLDS} thresholds, image by image, region by region"
    once = f"{loop}, regions found once"
    rows: list[tuple[str, Measure, Measure, str, float]] = [
        ("AUPRO, exact", aupro, naive, loop, GOAL),
        ("AUPRO, exact", aupro, partial(naive, again=False), once, GOAL_ONCE),
        ("AUPRO, in bounded memory", in_histogram, naive, loop, GOAL),
        ("PRO of each image alone (paper)", paper_pro, naive_paper, loop, GOAL),
    ]
    return [_row(f"{what}, {len(maps)} images", maps, masks, *row, repetitions) for what, *row in rows]


def made_up(images: int, side: int) -> tuple[Maps, Masks]:
    """Smooth maps, half of them with one to three defects that they see more or less."""
    random = np.random.default_rng(0)
    masks = np.zeros((images, side, side), np.uint8)
    for mask in masks[::2]:
        for _ in range(random.integers(1, 4)):
            place, axes = random.integers(side // 8, side * 7 // 8, 2), random.integers(2, max(side // 10, 3), 2)
            cv2.ellipse(mask, place.tolist(), axes.tolist(), float(random.uniform(0, 180)), 0, 360, 1, -1)
    noise = random.normal(size=masks.shape).astype(np.float32)
    texture = np.stack([cv2.GaussianBlur(plane, (0, 0), 4) for plane in noise])
    seen = np.stack([cv2.GaussianBlur(mask * random.uniform(0.1, 1.0), (0, 0), 4) for mask in masks])
    return np.exp(texture + seen).astype(np.float32), masks.astype(np.bool_)


def in_histogram(maps: Maps, masks: Masks) -> float:
    overlap = RegionOverlap()
    for map, mask in zip(maps, masks):
        overlap.update(map, mask)
    return overlap.aupro()


def naive(maps: Maps, masks: Masks, again: bool = True) -> float:
    """AUPRO of the set, one pass over all images for each threshold; `again`: each pass finds the regions anew."""
    found = [regions_of(mask) for mask in masks]
    points = [(1.0, 1.0)]
    for threshold in np.linspace(maps.min(), maps.max(), PAPER_THRESHOLDS):
        false, shares = 0, []
        for map, mask, known in zip(maps, masks, found):
            flagged = map >= threshold
            false += int((flagged & ~mask).sum())
            shares += [flagged[region].mean() for region in (regions_of(mask) if again else known)]
        points.append((false / (~masks).sum(), float(np.mean(shares))))
    fpr, pro = np.array([*points, (0.0, 0.0)])[::-1].T
    inside = np.append(fpr[fpr < LIMIT], LIMIT)
    return float(trapezoid(np.interp(inside, fpr, pro), inside)) / LIMIT


def naive_paper(maps: Maps, masks: Masks) -> float:
    """Mean over the abnormal images of the area of each, as Reverse Distillation's evaluation defines it."""
    values = []
    for map, mask in zip(maps[::2], masks[::2]):
        points = []
        low, high = float(map.min()), float(map.max())
        for threshold in low + (high - low) / PAPER_THRESHOLDS * np.arange(PAPER_THRESHOLDS):
            flagged = map > threshold
            fpr = (flagged & ~mask).sum() / (~mask).sum()
            points.append((float(fpr), float(np.mean([flagged[region].mean() for region in regions_of(mask)]))))
        fpr, pro = np.array([point for point in points if point[0] < LIMIT])[::-1].T
        values.append(float(trapezoid(pro, fpr / fpr.max())))
    return float(np.mean(values))


def regions_of(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return [numbers == number for number in range(1, count)]


def _row(
    what: str,
    maps: Maps,
    masks: Masks,
    ours: Measure,
    baseline: Measure,
    told: str,
    goal: float,
    repetitions: int,
) -> Result:
    values: dict[str, float] = {}
    found = compare(
        lambda: values.update(ours=ours(maps, masks)),
        lambda: values.update(baseline=baseline(maps, masks)),
        repetitions,
    )
    result = faster(what, found, goal, told)
    return replace(
        result,
        measured=f"{result.measured}, values {values['ours']:.4f} and {values['baseline']:.4f}",
        goal=f"{result.goal}, values within {AGREEMENT:g}",
        met=result.met and abs(values["ours"] - values["baseline"]) <= AGREEMENT,
    )


if __name__ == "__main__":
    report(run())
