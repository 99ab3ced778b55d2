"""Two ways of doing the same work, timed in turn, and one line about which is faster."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from oddlens.scoring.detector import runtime


@dataclass(frozen=True)
class Spent:
    """Seconds that some work took, by the clock and of all cores together."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Comparison:
    """Medians over the repetitions, in seconds; the ratios are medians of each repetition's own ratio."""

    ours: Spent
    baseline: Spent
    ratio: float
    """Ours by the baseline: below 1, ours is faster."""
    cpu_ratio: float
    """The same in processor time, which other work on the machine disturbs less."""

    @classmethod
    def of(cls, pairs: Sequence[tuple[Spent, Spent]]) -> Comparison:
        """From (ours, baseline) of each repetition."""
        return cls(
            _median([ours for ours, _ in pairs]),
            _median([baseline for _, baseline in pairs]),
            statistics.median(ours.wall / baseline.wall for ours, baseline in pairs),
            statistics.median(ours.cpu / baseline.cpu for ours, baseline in pairs),
        )


@dataclass(frozen=True)
class Result:
    """What came of one goal."""

    what: str
    ours: str
    baseline: str
    """How long the baseline took, and what it was."""
    measured: str
    """What the goal is about, mostly a ratio."""
    goal: str
    met: bool
    cpu: str = ""
    """The measured ratio in processor time."""


class Stopwatch:
    """Seconds since it was made or last read."""

    def __init__(self) -> None:
        self.read()

    def read(self) -> Spent:
        """Seconds since the last reading."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = Spent(time.perf_counter(), time.process_time())
        before = getattr(self, "_before", now)
        self._before = now
        return Spent(now.wall - before.wall, now.cpu - before.cpu)


def compare(ours: Callable[[], Any], baseline: Callable[[], Any], repetitions: int) -> Comparison:
    """Time both in turn, the order swapped each time, so that a slow drift of the machine hits both alike.

    Each is called once before, to warm caches up.
    """
    ours()
    baseline()
    pairs = []
    for repetition in range(repetitions):
        if repetition % 2:
            second, first = _time(baseline), _time(ours)
        else:
            first, second = _time(ours), _time(baseline)
        pairs.append((first, second))
    return Comparison.of(pairs)


def faster(what: str, found: Comparison, at_least: float, baseline: str, scale: float = 1.0) -> Result:
    """The goal to be `at_least` times as fast as the baseline; `scale` turns a timed call into one piece of work."""
    speed, cpu = 1 / found.ratio, 1 / found.cpu_ratio
    return Result(
        what,
        duration(found.ours.wall * scale),
        f"{duration(found.baseline.wall * scale)}: {baseline}",
        f"{speed:.1f}x faster",
        f"at least {at_least:g}x",
        speed >= at_least,
        f"{cpu:.1f}x",
    )


def no_slower(what: str, found: Comparison, at_most: float, baseline: str, scale: float = 1.0) -> Result:
    """The goal to take `at_most` times as long as the baseline."""
    return Result(
        what,
        duration(found.ours.wall * scale),
        f"{duration(found.baseline.wall * scale)}: {baseline}",
        f"{found.ratio:.3f}x the time",
        f"at most {at_most:g}x",
        found.ratio <= at_most,
        f"{found.cpu_ratio:.3f}x",
    )


def duration(seconds: float) -> str:
    """Three digits and the unit that fits: `1.23 ms`, `45.6 s`."""
    value, unit = (seconds, "s") if seconds >= 0.9995 else (seconds * 1000, "ms")
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{decimals}f} {unit}"


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux's getrusage starts with the peak of the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource  # Unix alone has it

    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def machine() -> str:
    """Where this was measured."""
    now = runtime()
    return f"{now['processor']}, {now['threads']} threads, Python {now['python']}, torch {now['torch']}"


def report(results: Sequence[Result]) -> None:
    """Print one line for each result."""
    for result in results:
        verdict = "met" if result.met else "MISSED"
        cpu = f" ({result.cpu} in processor time)" if result.cpu else ""
        line = f"{result.what}: {result.ours} against {result.baseline}; {result.measured}{cpu}"
        print(f"{line}; goal: {result.goal}: {verdict} [{machine()}]", flush=True)


def _time(work: Callable[[], Any]) -> Spent:
    watch = Stopwatch()
    work()
    return watch.read()


def _median(spent: Sequence[Spent]) -> Spent:
    return Spent(statistics.median(item.wall for item in spent), statistics.median(item.cpu for item in spent))
