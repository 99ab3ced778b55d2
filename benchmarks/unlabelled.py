"""LBR-SPR on unlabelled video: both modes, three kinds of boxes, with and without motion enhancement.

```
python -m benchmarks.unlabelled --data PED2 --out DIR --detector yolox_nano.onnx
```

The two branches share nothing and self-paced weights rest on the raw one, so one training with motion enhancement
gives both rows: with it, and without (the raw branch's score alone). Scores are those of the patches kept from
training, which in these modes are the test's own; `evaluate` gets the same by decoding the footage again. Beside them
stands a floor that learns nothing: the logarithm of the mean squared flow of a frame's fastest patch, smoothed alike. A
run that is finished is not repeated, one that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import oddlens
from benchmarks.measure import machine
from oddlens.config import build, read_yaml
from oddlens.errors import DataError, OddLensError
from oddlens.evaluation.protocols import apply_paper, clean
from oddlens.evaluation.summary import summarise
from oddlens.files import write_json, write_text
from oddlens.media.store import Footage
from oddlens.methods.lbr_spr.bands import contrast
from oddlens.methods.lbr_spr.method import LbrSpr
from oddlens.sampling.patch_set import PatchSet
from oddlens.sampling.patch_store import PatchStore
from oddlens.scoring.detector import Detector
from oddlens.scoring.objects import Smoother
from oddlens.training.devices import autocast
from oddlens.training.feeds import chosen_videos
from oddlens.training.object_feed import object_feed
from oddlens.training.progress import Progress
from oddlens.training.settings import RunSettings

BOXES = {
    "background": ("background",),
    "motion": ("motion",),
    "background+motion": ("background", "motion"),
    "detector": ("detector",),
    "detector+motion": ("detector", "motion"),
    "all": ("detector", "background", "motion"),
}
_CHUNK = 1024
_EDITION = 2
"""Raised when a result's numbers or their names change."""
_NUMBERS = ("micro_auc", "interval", "macro_auc", "frames")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is not done yet, print the table, and write it with all numbers to the folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unlabelled", description=(__doc__ or "")[:100])
    parser.add_argument("--data", required=True, type=Path, help="UCSD Ped2")
    parser.add_argument("--out", required=True, type=Path, help="folder for runs and results")
    parser.add_argument("--modes", nargs="+", choices=("partial", "merge"), default=["partial", "merge"])
    parser.add_argument("--boxes", nargs="+", choices=tuple(BOXES), default=["background+motion"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--detector", help=".onnx file, for boxes of a detector")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting of all runs")
    options = parser.parse_args(arguments)
    command = " ".join(["python -m benchmarks.unlabelled", *(sys.argv[1:] if arguments is None else arguments)])
    origin = {"command": command, "date": datetime.now(timezone.utc).isoformat(timespec="seconds")}
    results = []
    for mode in options.modes:
        for boxes in options.boxes:
            for seed in options.seeds:
                try:
                    results.append(one_run(options, mode, boxes, seed))
                except OddLensError as error:
                    sys.exit(f"unlabelled: {error}")
                print(table(results), flush=True)
    write_json(options.out / "unlabelled.json", {**origin, "machine": machine(), "results": results})
    write_text(options.out / "unlabelled.md", f"`{command}`, {origin['date']}, {machine()}.\n\n{table(results)}\n")


def one_run(options: argparse.Namespace, mode: str, boxes: str, seed: int) -> dict[str, Any]:
    """Train and score once, or read what came of it before."""
    name = f"{mode}-{boxes}-{seed}"
    file, told = options.out / "results" / f"{name}.json", [_EDITION, options.detector, options.set]
    if file.exists():
        before: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if before["told"] != told:
            raise DataError(file, "is the result of other options", "name another --out, or delete it")
        return before
    objects: dict[str, Any] = {"sources": list(BOXES[boxes])}
    if "detector" in BOXES[boxes]:
        objects["detector"] = options.detector
    settings = {
        "method": {"objects": objects},
        "data": {"cache_dir": str(options.out / "patches"), "cache_gb": 16},
        "training": {"seed": seed},
    }
    folder, recipe = options.out / "runs" / name, f"lbr-spr/ped2-{mode}-motion"
    done = oddlens.train("lbr-spr", options.data, folder, config=recipe, settings=settings, assignments=options.set)
    run = build(RunSettings, read_yaml(folder / "run.yaml"), name)
    result = {
        "mode": mode,
        "boxes": boxes,
        "seed": seed,
        "patches": done.footage,
        "minutes": done.fit.seconds / 60,
        "pace_widths": done.fit.pace_widths,
        **numbers(done.detector, run),
        "told": told,
    }
    write_json(file, result)
    return result


def numbers(detector: Detector, run: RunSettings) -> dict[str, Any]:
    """AUC with and without motion enhancement, `clean` (test frames) and `paper` (merge: all frames)."""
    method = detector.method
    assert isinstance(method, LbrSpr)
    dataset = oddlens.open_dataset(run.data.root)
    videos = chosen_videos(dataset, run.data.split)
    footage = [Footage(video.name, video.path, dataset.fps) for video in videos]
    patches = object_feed(method, run, footage, run.data.root, Progress(True)).train
    assert isinstance(patches, PatchSet)
    if patches.store.every > 1:
        raise DataError(run.data.root, "not all patches fitted into the cache", "raise cache_gb in this benchmark")
    labels = [np.zeros(v.frames, np.uint8) for v in patches.store.videos]
    tests = [number for number, video in enumerate(videos) if video.split == "test"]
    for number in tests:
        labels[number] = np.asarray(videos[number].labels, np.uint8)
    speeds = highest(np.log(speed(patches.store) + 1e-6), patches.store)
    found = {
        "speed": {"clean": _numbers(clean([smoothed(speeds[n], method) for n in tests], [labels[n] for n in tests]))}
    }
    errors, texture, blocks = measured(method, patches.store)
    for kind, weights in (("motion", method.settings.score_weights), ("raw", (1.0, 0.0))):
        method.settings = replace(method.settings, score_weights=weights)
        scales = (method.scale, method.official_scale)
        score, official_score = (
            method.fuse(s, errors, texture, blocks)["score"].double().cpu().numpy() for s in scales
        )
        ours = [smoothed(scores, method) for scores in highest(score, patches.store)]
        theirs_highest = highest(official_score, patches.store)
        official = [np.where(np.isinf(scores), method.official_empty_score, scores) for scores in theirs_highest]
        theirs = apply_paper(method.paper_protocol(), official, labels)
        found[kind] = {
            "clean": _numbers(clean([ours[n] for n in tests], [labels[n] for n in tests])),
            "paper": _numbers(theirs),
            "paper_test_only": _numbers(theirs.videos_from(tests[0])),
        }
    return found


def speed(store: PatchStore) -> NDArray[np.float64]:
    """Mean squared flow `(N,)` of the patches of a store: what is odd if fast things are, without any learning."""
    flow = store.array("flow")
    chunks = (np.asarray(flow[start : start + _CHUNK], np.float32) for start in range(0, store.patches, _CHUNK))
    return np.concatenate([np.square(chunk).mean(axis=(1, 2, 3), dtype=np.float64) for chunk in chunks])


def measured(method: LbrSpr, store: PatchStore) -> tuple[Tensor, Tensor, Tensor]:
    """Errors of both branches `(2, N)`, contrast and blocks `(N,)` of all patches of a store."""
    found, device = [], method.counts.device
    for start in range(0, store.patches, _CHUNK):
        rows = slice(start, start + _CHUNK)
        raw, flow = (torch.from_numpy(np.array(store.array(kind)[rows])).to(device) for kind in ("raw", "flow"))
        blocks = torch.from_numpy(np.array(store.array("blocks")[rows], np.int64)).to(device)
        with torch.inference_mode(), autocast("auto", device):
            found.append((method.squared_errors(raw, flow, blocks), contrast(raw), blocks))
    errors, texture, blocks = (torch.cat(parts, dim=-1) for parts in zip(*found))
    return errors, texture, blocks


def highest(scores: NDArray[np.float64], store: PatchStore) -> list[NDArray[np.float64]]:
    """Highest patch score of each frame of each video, -inf without a box."""
    starts = np.cumsum([0, *(video.frames for video in store.videos)])
    found = np.full(starts[-1], -np.inf)
    np.maximum.at(found, starts[store.array("videos")] + store.array("frames"), scores)
    return [found[start:end] for start, end in pairwise(starts)]


def smoothed(scores: NDArray[np.float64], method: LbrSpr) -> NDArray[np.float64]:
    """Causal mean; a frame without a box counts as the least odd one of its video."""
    finite = scores[np.isfinite(scores)]
    lowest = float(finite.min()) if len(finite) else 0.0
    mean = Smoother(method.smoothing)
    return np.array([mean.push(score if np.isfinite(score) else lowest) for score in scores.tolist()])


def _numbers(scored: Any) -> dict[str, Any]:
    summary = summarise(scored.scores, scored.labels)
    return {key: summary[key] for key in _NUMBERS}


def table(results: Sequence[dict[str, Any]]) -> str:
    """Markdown: one row for each mode, kind of boxes and branch, mean and spread over the seeds."""
    lines = [
        "| mode | boxes | motion enhancement | seeds | clean micro | clean macro | paper micro | paper, test frames "
        "| minutes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for mode, boxes in dict.fromkeys((item["mode"], item["boxes"]) for item in results):
        mine = [item for item in results if (item["mode"], item["boxes"]) == (mode, boxes)]
        for kind, name in (("raw", "no"), ("motion", "yes")):
            cells = [
                _spread([item[kind]["clean"]["micro_auc"] for item in mine]),
                _spread([item[kind]["clean"]["macro_auc"] for item in mine]),
                _spread([item[kind]["paper"]["micro_auc"] for item in mine]),
                _spread([item[kind]["paper_test_only"]["micro_auc"] for item in mine]),
                f"{np.mean([item['minutes'] for item in mine]):.1f}",
            ]
            seeds = ", ".join(str(item["seed"]) for item in mine)
            lines.append(f"| {mode} | {boxes} | {name} | {seeds} | {' | '.join(cells)} |")
        floors = [[item["speed"]["clean"][measure] for item in mine] for measure in ("micro_auc", "macro_auc")]
        lines.append(
            f"| {mode} | {boxes} | floor: speed | | {' | '.join(_spread(values) for values in floors)} | | | |"
        )
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    """Mean in percent and, of several seeds, lowest and highest."""
    mean = f"{100 * np.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ({100 * min(values):.1f} to {100 * max(values):.1f})"


if __name__ == "__main__":
    main()
