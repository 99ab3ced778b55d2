"""The benchmarks run; how fast anything is, no test asks."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
_OTHERS = {"__init__", "measure", "footage", "run", "contamination", "unlabelled", "drawn_defects"}
NAMES = (
    "clip_feeding",
    "helper_features",
    "pseudo_masks",
    "training_step",
    "scoring",
    "scoring_memory",
    "start_up",
    "optical_flow",
    "foreground_recall",
    "patches",
    "live_scoring",
    "template",
    "photographs",
    "ssim_gate",
    "deformation",
    "aupro",
)


@pytest.fixture(autouse=True)
def _without_real_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setenv("ODDLENS_DATA", str(tmp_path))


def _module(name: str) -> Any:
    return importlib.import_module(f"benchmarks.{name}")


@pytest.mark.parametrize("name", NAMES)
def test_runs_in_tiny_sizes(name: str) -> None:
    results = _module(name).run(quick=True)
    assert results
    for result in results:
        assert all((result.what, result.ours, result.baseline, result.measured, result.goal))
        assert isinstance(result.met, bool)


def test_run_knows_every_benchmark() -> None:
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert set(_module("run").BENCHMARKS) == set(NAMES) == files - _OTHERS


def test_run_writes_one_row_a_goal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results.md"
    _module("run").main(["pseudo_masks", "--quick", "--out", str(out)])
    rows = [line for line in out.read_text(encoding="utf-8").splitlines() if line.startswith("| pseudo")]
    assert len(rows) == len(capsys.readouterr().out.splitlines()) == 4
    assert {row.count("|") for row in rows} == {8}


def test_run_refuses_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _module("run").main(["nothing"])
    assert ended.value.code == 2
    assert "no benchmark is called nothing" in capsys.readouterr().err


def test_ratios_come_from_pairs_not_from_medians() -> None:
    measure = _module("measure")
    # the machine is twice as slow in the second repetition: each pair still says a half
    times = [(1.0, 2.0), (2.0, 4.0), (1.0, 2.0)]
    found = measure.Comparison.of([(measure.Spent(a, a), measure.Spent(b, b)) for a, b in times])
    assert found.ratio == found.cpu_ratio == 0.5
    assert measure.faster("work", found, 2.0, "slow way").met
    assert not measure.faster("work", found, 2.1, "slow way").met
    assert measure.no_slower("work", found, 0.5, "slow way").met
    assert not measure.no_slower("work", found, 0.4, "slow way").met


def test_order_is_swapped_each_repetition() -> None:
    calls: list[str] = []
    _module("measure").compare(lambda: calls.append("ours"), lambda: calls.append("baseline"), 2)
    assert calls == ["ours", "baseline", "ours", "baseline", "baseline", "ours"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00123, "1.23 ms"), (0.0456, "45.6 ms"), (0.5, "500 ms"), (0.9999, "1.00 s"), (2.5, "2.50 s"), (123.4, "123 s")],
)
def test_durations_have_three_digits(seconds: float, text: str) -> None:
    assert _module("measure").duration(seconds) == text
