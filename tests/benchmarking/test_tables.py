"""Tables of made-up results: means, spreads, published numbers, and what is missing."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from oddlens.benchmarking.folder import EDITION, BenchmarkFolder
from oddlens.benchmarking.photograph_tables import category_rows
from oddlens.benchmarking.plan import Entry, Job, Target
from oddlens.benchmarking.published import MVTEC, PHOTOGRAPHS
from oddlens.benchmarking.spread import Spread, mean_interval
from oddlens.benchmarking.tables import write_tables
from oddlens.errors import SettingsError

MACHINE = {"processor": "chip", "threads": 2, "python": "3", "torch": "2"}


def result(target: str, entry: str, seed: int, protocols: dict[str, Any], **more: Any) -> dict[str, Any]:
    evaluation = {
        "method": entry.split("/")[0],
        "dataset": target,
        "frames": 2010,
        "protocols": protocols,
        "provenance": {"test_fingerprint": "0123456789abcdef"},
        **more,
    }
    return {
        "edition": EDITION,
        "target": target,
        "entry": entry,
        "method": entry.split("/")[0],
        "seed": seed,
        "machine": MACHINE,
        "training_minutes": 2.0 + seed,
        "parameters": 1234567,
        "speed": {"frames_per_second": 25.0},
        "settings": {"seed": seed},
        "evaluation": evaluation,
    }


def kept(folder: BenchmarkFolder, results: list[dict[str, Any]]) -> None:
    with folder.open():
        for each in results:
            job = Job(Target(each["target"], Path("x")), Entry(each["entry"], each["method"], None), each["seed"])
            folder.keep(job, each)


@pytest.fixture
def photographs(tmp_path: Path) -> BenchmarkFolder:
    folder = BenchmarkFolder(tmp_path / "out", "photographs")
    found = []
    for seed, screw in ((0, 0.90), (1, 0.94)):
        for target, value in (("screw", screw), ("pill", 0.8)):
            clean = {"image_auroc": value, "aupro": 0.5, "intervals": {"image_auroc": [value - 0.1, value + 0.05]}}
            protocols = {"clean": clean, "paper": {"image_auroc": value + 0.01, "optimistic": True}}
            floors = {"brightness": {"image_auroc": 0.7 if target == "screw" else 0.5}}
            found.append(result(target, "dmad-ppdm/cpu", seed, protocols, baselines=floors))
    kept(folder, found)
    return folder


def test_categories_have_all_fifteen_columns_and_a_mean(photographs: BenchmarkFolder):
    write_tables(photographs, ["cable: no such category in root"], "oddlens benchmark mvtec")
    text = (photographs.path / "tables.md").read_text(encoding="utf-8")
    heads = next(line for line in text.splitlines() if line.startswith("| method | protocol"))
    assert [cell.strip() for cell in heads.strip("|").split("|")] == ["method", "protocol", "seeds", *MVTEC, "mean"]
    rows = [line for line in text.splitlines() if line.startswith("| dmad-ppdm/cpu | clean | 0 1")]
    assert "| 92.0 (90.0 - 94.0) |" in rows[0]
    assert rows[0].endswith("| 86.0 (85.0 - 87.0) of 2 |")
    assert "| dmad-ppdm/cpu | paper (optimistic) |" in text
    assert "| without learning: brightness | clean | - |" in text
    assert "| DMAD-PPDM, paper (1) | published |" in text
    assert "| Reverse Distillation, paper (3) | published |" in text
    assert "\n(3) recalled from the paper, not checked against it again\n" in text
    assert "99.5 of 15" in text
    assert "- cable: no such category in root" in text
    assert "`oddlens benchmark mvtec`" in text


def test_the_same_numbers_stand_in_csv_and_json(photographs: BenchmarkFolder):
    write_tables(photographs, [])
    with open(photographs.path / "categories.csv", encoding="utf-8") as stream:
        wide = list(csv.DictReader(stream))
    ours = next(row for row in wide if row["method"] == "dmad-ppdm/cpu" and row["protocol"] == "clean")
    assert (float(ours["screw"]), float(ours["mean"]), ours["cable"]) == (0.92, 0.86, "")
    assert ours["note"] == ""
    assert all("recalled" in row["note"] for row in wide if row["method"].startswith("Reverse"))
    user = next(row for row in wide if "user" in row["method"])
    assert (float(user["screw"]), float(user["mean"])) == (0.935, 0.982)
    with open(photographs.path / "results.csv", encoding="utf-8") as stream:
        long = list(csv.DictReader(stream))
    first = [row for row in long if (row["target"], row["seed"], row["metric"]) == ("screw", "0", "image_auroc")]
    assert [(row["protocol"], row["value"], row["low"]) for row in first] == [
        ("clean", "0.9", "0.8"),
        ("paper", "0.91", ""),
    ]
    everything = json.loads((photographs.path / "results.json").read_text(encoding="utf-8"))
    assert len(everything["results"]) == 4


def test_a_seed_that_lacks_a_category_does_not_count_in_the_mean(photographs: BenchmarkFolder):
    results = [each for each in photographs.results() if (each["target"], each["seed"]) != ("pill", 1)]
    row = category_rows(results)[0]
    assert row.mean == pytest.approx(Spread(0.85, 0.85, 0.85, 1))


def test_footage_has_methods_baselines_and_published_numbers(tmp_path: Path):
    folder = BenchmarkFolder(tmp_path / "out", "video")
    found = []
    for seed, value in ((0, 0.8), (1, 0.9)):
        clean = {"micro_auc": value, "interval": [value - 0.1, value + 0.1], "macro_auc": 0.7, "videos": 12}
        baselines = {"clock": {"micro_auc": 0.7415, "interval": None, "macro_auc": 0.5, "paper": {"micro_auc": 0.7767}}}
        recalls = {"lnra": {"1": 0.25 + seed / 2}, "clock": {"1": None}}
        protocols = {"clean": clean, "paper": {"micro_auc": 0.95, "interval": None, "optimistic": True}}
        found.append(result("ped2", "lnra/cpu", seed, protocols, baselines=baselines, event_recall_at=recalls))
    kept(folder, found)
    write_tables(folder, [])
    text = (folder.path / "tables.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| lnra/cpu | 0 1"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2:5] == ["85.0 (80.0 - 90.0)", "75.0 - 95.0", "70.0 (70.0 - 70.0)"]
    assert cells[5:7] == ["95.0 (95.0 - 95.0) (optimistic)", "-"]
    assert cells[8].startswith("96.5 (skip-frame)")
    assert cells[9:] == ["50.0 (25.0 - 75.0)", "2.5", "25.0", "1,234,567"]
    assert "| without learning: clock | - | 74.2 |" in text or "| without learning: clock | - | 74.1 |" in text
    assert "| lnra/cpu | 77.7 |" in text
    assert "Missing" not in text
    assert not (folder.path / "categories.csv").exists()


def test_published_means_are_those_of_their_categories():
    for row in PHOTOGRAPHS:
        if row.categories:
            assert list(row.categories) == list(MVTEC)
            assert sum(row.categories.values()) / 15 == pytest.approx(row.mean, abs=0.06)


def test_nothing_yet_is_a_table_too(tmp_path: Path):
    folder = BenchmarkFolder(tmp_path / "out", "video")
    with folder.open():
        assert write_tables(folder, ["a: b"]) == []
    assert "- a: b" in (folder.path / "tables.md").read_text(encoding="utf-8")


def test_spreads_and_intervals_of_the_unknown():
    assert Spread.of([None, None]) is None
    assert mean_interval([[0.1, 0.2], None]) == mean_interval([]) == "-"


def test_a_folder_belongs_to_one_benchmark_and_one_process(tmp_path: Path):
    folder = BenchmarkFolder(tmp_path / "out", "video")
    with folder.open(), pytest.raises(SettingsError, match="another benchmark is at work"), folder.open():
        pass
    with (
        pytest.raises(SettingsError, match="holds a benchmark of video"),
        BenchmarkFolder(folder.path, "photographs").open(),
    ):
        pass
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").touch()
    with pytest.raises(SettingsError, match="something else"), BenchmarkFolder(tmp_path / "other", "video").open():
        pass
    with (
        pytest.raises(SettingsError, match="is a file"),
        BenchmarkFolder(tmp_path / "other" / "letter.txt", "video").open(),
    ):
        pass


def test_results_of_other_settings_are_not_taken_for_these(photographs: BenchmarkFolder):
    job = Job(Target("screw", Path("x")), Entry("dmad-ppdm/cpu", "dmad-ppdm", None), 0)
    assert photographs.result_of(job, {"seed": 0})
    with pytest.raises(SettingsError, match=r"other settings \(seed: 0 there, 3 here\)"):
        photographs.result_of(job, {"seed": 3})
    assert photographs.result_of(Job(job.target, job.entry, 7), {}) is None
