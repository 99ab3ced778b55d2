from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from oddlens.reports.tables import baseline_rows, evaluation_markdown, evaluation_table, measure_rows

RESULT: dict[str, Any] = {
    "method": "lnra",
    "dataset": "ped2",
    "frames": 2010,
    "protocols": {
        "clean": {"micro_auc": 0.86123, "macro_auc": None, "interval": [0.81, 0.9], "time_to_detect": 75.0},
        "paper": {"micro_auc": 0.93, "macro_auc": 0.95, "interval": None, "false_alarms_per_hour": 1.25},
    },
    "baselines": {
        "random": {"micro_auc": 0.51, "paper": {"micro_auc": 0.52, "ap": 0.8}},
        "previous [frame] | <x>": {
            "micro_auc": 0.803,
            "interval": [0.78, 0.82],
            "paper": {"micro_auc": 0.908},
        },
    },
    "provenance": {"seed": 1, "versions": {"torch": "2.4"}},
}


def printed(result: dict[str, Any]) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(evaluation_table(result))
    return capture.get()


def test_protocols_stand_side_by_side_with_a_dash_where_nothing_is_known() -> None:
    rows = dict(measure_rows(RESULT["protocols"]))
    assert rows["micro AUC"] == ["86.12 %", "93.00 %"]
    assert rows["macro AUC"] == ["-", "95.00 %"]
    assert rows["95 % interval"] == ["81.00 - 90.00 %", "-"]
    assert rows["false alarms per hour"] == ["-", "1.25"]
    assert rows["time to detect (median)"] == ["01:15", "-"]
    assert "pixel-level AUC" not in rows


def test_baselines_come_highest_first() -> None:
    assert [name for name, _ in baseline_rows(RESULT["baselines"])][-1] == "random"


def test_terminal_table_shows_measures_and_baselines() -> None:
    text = printed(RESULT)
    for part in (
        "lnra on ped2 (2,010 frames)",
        "86.12 %",
        "previous [frame]",
        "80.30 % (78.0 - 82.0)",
        "90.80 %",
    ):
        assert part in text


def test_markdown_has_rows_of_equal_width_and_escapes_names() -> None:
    lines = evaluation_markdown(RESULT).splitlines()
    tables = [line.replace("\\|", "") for line in lines if line.startswith("|")]
    assert {line.count("|") for line in tables} == {4, 7}
    assert any("previous [frame] \\| &lt;x>" in line for line in lines)
    assert "- versions.torch: 2.4" in lines


@pytest.mark.parametrize("protocols", [{}, {"clean": {}}, {"paper": {"micro_auc": float("nan")}}])
def test_bare_results_still_render(protocols: dict[str, Any]) -> None:
    bare = {"method": "m", "dataset": "d", "protocols": protocols}
    assert evaluation_markdown(bare).startswith("## m on d")
    assert "m on d" in printed(bare)


def test_training_frames_that_count_too_give_a_third_column() -> None:
    protocols = {**RESULT["protocols"], "paper_test_only": {"micro_auc": 0.9, "rbdc": 0.25}}
    baselines = {"clock": {"micro_auc": 0.7, "paper": {"micro_auc": 0.6}, "paper_test_only": {"micro_auc": 0.65}}}
    result = {**RESULT, "protocols": protocols, "baselines": baselines}
    rows = dict(measure_rows(protocols))
    assert rows["micro AUC"] == ["86.12 %", "93.00 %", "90.00 %"]
    assert rows["RBDC"] == ["-", "-", "25.00 %"]
    assert baseline_rows(baselines, protocols) == [("clock", ["70.00 %", "60.00 %", "65.00 %"])]
    text = evaluation_markdown(result)
    assert "| measure | clean | paper | paper (test frames only) |" in text
    assert "| clock | 70.00 % / 60.00 % / 65.00 % |" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {5, 7}
    assert "65.00 %" in printed(result)
    assert "test frames" not in evaluation_markdown(RESULT)


def test_measures_of_places_have_rows() -> None:
    rows = dict(measure_rows({"clean": {"rbdc": 0.1, "tbdc": 0.2}, "paper": {"pixel_level_auc": 0.5}}))
    assert rows["RBDC"] == ["10.00 %", "-"]
    assert rows["TBDC"] == ["20.00 %", "-"]
    assert rows["pixel criterion, legacy"] == ["-", "50.00 %"]
