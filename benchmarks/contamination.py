"""Training on footage that is not all normal: LNRA with and without self-paced refinement.

```
python -m benchmarks.contamination --data PED2 --out DIR
```

The test clips are split: the first, third, fifth, ... are half A, the others half B. Training clips are mixed with
frames of half A and the detector is evaluated on half B, which it has never seen. A share s is made thus, with N
training frames in the data set:

- the training set keeps its size of N frames: round(s N) come from half A, the rest from the training clips;
- every clip of half A gives one run of consecutive frames from its middle, in proportion to its length;
- every training clip gives its first frames, in proportion to its length;
- nothing is held out, so that exactly this share is trained on. Labels are read to count abnormal frames, and to
  evaluate; the training never sees them.

At each share one run is plain and one self-paced, everything else being equal. A run that is finished is not repeated,
one that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

import oddlens
from benchmarks.measure import machine
from oddlens.datasets.base import DataSet, Video
from oddlens.datasets.trees import image_files, is_image_folder
from oddlens.errors import DataError, OddLensError
from oddlens.files import write_json, write_text
from oddlens.sampling.clips import count_clips

PACED = "mixture"


@dataclass(frozen=True)
class Stretch:
    """Consecutive frames of one clip that go into the training set."""

    name: str
    files: tuple[Path, ...]
    foreign: bool
    """Whether they come from half A of the test clips."""
    abnormal: int
    """How many of them are labelled abnormal."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is not done yet, print the table, and write it with all numbers to the folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contamination", description=(__doc__ or "")[:100])
    parser.add_argument(
        "--data", required=True, type=Path, help="a data set of image folders with labels, such as Ped2"
    )
    parser.add_argument("--out", required=True, type=Path, help="folder for data, runs and results")
    parser.add_argument("--shares", nargs="+", type=float, default=[0.1, 0.2, 0.3], help="shares of frames from half A")
    parser.add_argument("--config", default="lnra/cpu", help="recipe or YAML file of LNRA")
    parser.add_argument("--iterations", type=int, help="training steps; default: the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting of all runs")
    options = parser.parse_args(arguments)
    try:
        results = run(options)
    except OddLensError as error:
        sys.exit(f"contamination: {error}")
    print(table(results))
    command = " ".join(["python -m benchmarks.contamination", *(sys.argv[1:] if arguments is None else arguments)])
    origin = {
        "command": command,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
    }
    write_json(options.out / "contamination.json", {**origin, "results": results})
    lines = [f"`{command}`, {origin['date']}, {origin['machine']}, seed {options.seed}.", "", table(results), ""]
    write_text(options.out / "contamination.md", "\n".join(lines))


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Results of all runs, the uncontaminated ones first."""
    dataset = oddlens.open_dataset(options.data)
    results = []
    for share in [0.0, *(share for share in options.shares if share)]:
        stretches = mix(dataset, share)
        for mode in ("none", PACED):
            results.append(_one(options, dataset, share, stretches, mode))
            print(f"{_name(share, mode)}: clean micro AUC {results[-1]['clean']['micro_auc']:.4f}", flush=True)
    return results


def halves(dataset: DataSet) -> tuple[tuple[Video, ...], tuple[Video, ...]]:
    """Half A, mixed into the training, and half B, evaluated on: every second test clip each."""
    return dataset.test[::2], dataset.test[1::2]


def mix(dataset: DataSet, share: float) -> list[Stretch]:
    """The training set with `share` of its frames from half A.

    Raises:
        DataError: half A has too few frames, or footage that is not in image folders.
    """
    for video in (*dataset.train, *dataset.test):
        if not is_image_folder(video.path):
            raise DataError(video.path, "is no folder of images", "convert the data set with 'oddlens data prepare'")
    first = halves(dataset)[0]
    total = sum(len(image_files(video.path)) for video in dataset.train)
    wanted, there = round(share * total), sum(len(image_files(video.path)) for video in first)
    if not 0 <= share < 1 or wanted > there:
        fault = f"half A has {there} frames, a share of {share:g} takes {wanted}"
        raise DataError("--shares", fault, f"give shares from 0 to {there / total:.2f}")
    return [*_stretches(dataset.train, total - wanted, False), *_stretches(first, wanted, True)]


def _stretches(videos: Sequence[Video], frames: int, foreign: bool) -> list[Stretch]:
    """`frames` frames of all videos together, in proportion to their lengths."""
    files = [image_files(video.path) for video in videos]
    ends = np.rint(np.cumsum([len(item) for item in files]) * frames / sum(len(item) for item in files)).astype(int)
    found = []
    for video, item, count in zip(videos, files, np.diff(ends, prepend=0)):
        start = (len(item) - count) // 2 if foreign else 0
        abnormal = 0 if video.labels is None else int(video.labels[start : start + count].sum())
        name = f"{video.split}_{video.name}"
        found.append(Stretch(name, tuple(item[start : start + count]), foreign, abnormal))
    return [stretch for stretch in found if stretch.files]


def _one(
    options: argparse.Namespace, dataset: DataSet, share: float, stretches: Sequence[Stretch], mode: str
) -> dict[str, Any]:
    """Train and evaluate once, or read what came of it before."""
    told = {"config": options.config, "iterations": options.iterations, "seed": options.seed, "set": options.set}
    name = _name(share, mode)
    file = options.out / "results" / f"{name}.json"
    if file.exists():
        before: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if before["told"] != told:
            raise DataError(file, "is the result of other options", "name another --out, or delete it")
        return before
    training: dict[str, Any] = {"seed": options.seed, "holdout": 0.0, "self_paced": {"mode": mode}}
    if options.iterations:
        training |= {"iterations": options.iterations, "epochs": 0}
    settings = {
        "data": {"cache_dir": str(options.out / "frames")},
        "training": training,
        "scoring": {"mode": "fast"},  # of the calibration, which no number here rests on
    }
    footage = link(options.out / "data" / f"share-{100 * share:g}", stretches)
    done = oddlens.train(
        "lnra", footage, options.out / "runs" / name, config=options.config, settings=settings, assignments=options.set
    )
    numbers = oddlens.evaluate(done.detector, replace(dataset, test=halves(dataset)[1]), mode="exact", floors=False)
    result = {
        "share": share,
        "self_paced": mode,
        **_counts(stretches, done.detector.method.sampling),
        **{name: _auc(numbers["protocols"][name]) for name in ("clean", "paper")},
        "steps": done.fit.steps,
        "pace_widths": done.fit.pace_widths,
        "data_fingerprint": done.detector.provenance["data_fingerprint"],
        "test_fingerprint": numbers["provenance"]["test_fingerprint"],
        "told": told,
    }
    write_json(file, result)
    return result


def link(folder: Path, stretches: Sequence[Stretch]) -> Path:
    """Lay the frames of all stretches into `folder` as links, as own footage: `normal/NAME/FILE`."""
    for stretch in stretches:
        target = folder / "normal" / stretch.name
        target.mkdir(parents=True, exist_ok=True)
        for file in stretch.files:
            place = target / file.name
            if not place.is_symlink():
                place.symlink_to(file.resolve())
            elif place.resolve() != file.resolve():
                raise DataError(place, "links to other footage", "name another --out")
    return folder


def _counts(stretches: Sequence[Stretch], spec: Any) -> dict[str, Any]:
    """What the training set is made of; a clip is a window of the network."""
    frames = sum(len(stretch.files) for stretch in stretches)
    clips = [count_clips(len(stretch.files), spec) for stretch in stretches]
    foreign = sum(count for count, stretch in zip(clips, stretches) if stretch.foreign)
    return {
        "frames": frames,
        "foreign_frames": sum(len(stretch.files) for stretch in stretches if stretch.foreign),
        "abnormal_frames": sum(stretch.abnormal for stretch in stretches),
        "clips": sum(clips),
        "foreign_clips": foreign,
    }


def _auc(numbers: dict[str, Any]) -> dict[str, Any]:
    return {key: numbers[key] for key in ("micro_auc", "interval", "macro_auc", "ap")}


def _name(share: float, mode: str) -> str:
    return f"share-{100 * share:g}-{'plain' if mode == 'none' else mode}"


def table(results: Sequence[dict[str, Any]]) -> str:
    """Markdown: one row a run; changes are against the run of the same kind on the uncontaminated set."""
    lines = [
        "| frames from half A | abnormal frames | clips from half A | training | micro AUC, clean | change "
        "| micro AUC, paper | change |",
        "|---|---|---|---|---|---|---|---|",
    ]
    start = {item["self_paced"]: item for item in results if item["share"] == 0}
    for item in results:
        shares = [item[a] / item[b] for a, b in _SHARES]
        cells = [f"{100 * share:.1f} %" for share in shares]
        cells.append("plain" if item["self_paced"] == "none" else f"self-paced ({item['self_paced']})")
        for protocol in ("clean", "paper"):
            auc, before = (one[protocol]["micro_auc"] for one in (item, start[item["self_paced"]]))
            cells += [_with_interval(item[protocol]), "" if item["share"] == 0 else f"{100 * (auc - before):+.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


_SHARES = (("foreign_frames", "frames"), ("abnormal_frames", "frames"), ("foreign_clips", "clips"))


def _with_interval(numbers: dict[str, Any]) -> str:
    text = f"{100 * numbers['micro_auc']:.1f}"
    if numbers["interval"] is None:
        return text
    low, high = numbers["interval"]
    return f"{text} [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
