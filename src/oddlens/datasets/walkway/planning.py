"""When what goes wrong: the timetable of a generated test set and of contaminated training footage."""

from __future__ import annotations

import numpy as np

from oddlens.datasets.walkway.anomalies import KINDS, Anomaly, Kind

_Slots = tuple[tuple[float, float], ...]

# Abnormal stretches as shares of a video. Every timetable is followed by its mirror image, so that the time
# since the start of a video says nothing about a frame.
_TIMETABLES: tuple[_Slots, ...] = (
    ((0.0, 0.25), (0.55, 0.80)),
    ((0.20, 0.45), (0.75, 1.0)),
    ((0.03, 0.18), (0.34, 0.48), (0.66, 0.86)),
    ((0.14, 0.34), (0.52, 0.66), (0.82, 0.97)),
    ((0.12, 0.50),),
    ((0.50, 0.88),),
)
_NATURAL_SECONDS: dict[Kind, float] = {"cyclist": 4.6, "runner": 4.4, "cart": 8.0, "lawn": 9.0, "bag": 10.0}


def plan_test(rng: np.random.Generator, videos: int, frames: int, fps: float) -> list[list[Anomaly]]:
    """Anomalies of each test video: one to three, of different kinds, 35 to 55 % of the frames in all.

    Every kind appears when there are five stretches or more (three videos are enough).
    """
    slots: list[tuple[int, int, int]] = []
    for video in range(videos):
        for low, high in _TIMETABLES[video % len(_TIMETABLES)]:
            jitter = float(rng.uniform(-0.02, 0.02))
            start = 0 if low == 0 else round((low + jitter) * frames)
            end = frames if high == 1 else round((high + jitter) * frames)
            slots.append((video, start, max(end, start + 1)))
    plan: list[list[Anomaly]] = [[] for _ in range(videos)]
    used = dict.fromkeys(KINDS, 0)
    for video, start, end in sorted(slots, key=lambda slot: (slot[1] - slot[2], slot[0])):
        there = {anomaly.kind for anomaly in plan[video]}
        kind = _fitting({k: n for k, n in used.items() if k not in there}, (end - start) / fps, rng)
        used[kind] += 1
        plan[video].append(Anomaly(kind, start, end))
    return [sorted(anomalies, key=lambda anomaly: anomaly.start) for anomalies in plan]


def _fitting(used: dict[Kind, int], seconds: float, rng: np.random.Generator) -> Kind:
    """The kind that lasts about `seconds` by nature, among those used least so far."""
    fewest = min(used.values())
    candidates = [kind for kind, count in used.items() if count <= fewest + (fewest > 0)]
    mismatch = [
        (0.25 if kind == "bag" else abs(np.log(_NATURAL_SECONDS[kind] / seconds))) + rng.uniform(0, 0.3)
        for kind in candidates  # a bag stays as long as is wanted
    ]
    return candidates[int(np.argmin(mismatch))]


def plan_contamination(rng: np.random.Generator, frames: int, fps: float, share: float) -> list[Anomaly]:
    """Anomalies that make about `share` of one training video abnormal, of all kinds, at random times."""
    left, lengths = round(share * frames), list[tuple[Kind, int]]()
    kinds = [KINDS[k] for k in rng.permutation(len(KINDS))]
    while left > 0:
        kind = kinds[len(lengths) % len(kinds)]
        length = round(_NATURAL_SECONDS[kind] * fps)
        if length > left:  # only a bag stays exactly as long as is wanted
            kind, length = "bag", left
        lengths.append((kind, length))
        left -= length
    free = frames - sum(length for _, length in lengths)
    gaps = np.floor(np.cumsum(rng.dirichlet(np.ones(len(lengths) + 1))) * free).astype(int)
    anomalies, passed = [], 0
    for (kind, length), gap in zip(lengths, gaps):
        anomalies.append(Anomaly(kind, int(gap) + passed, int(gap) + passed + length))
        passed += length
    return anomalies
