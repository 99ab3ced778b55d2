"""The figure: its size, what its tiles show, arrows that point where ink goes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from oddlens.nn.warp import warp
from oddlens.toy.data import ToyData
from oddlens.toy.experiment import Outcome
from oddlens.toy.figure import COLUMNS, WIDTH, Row, composed, draw_figure, figure_rows

TILE, LEFT, TOP, STEP = 140, 150, 30, 148


@pytest.fixture(scope="module")
def rows(data: ToyData, outcome: Outcome) -> list[Row]:
    return figure_rows(data, outcome, 0.5, torch.device("cpu"))


def tile(picture: np.ndarray, row: int, column: str) -> np.ndarray:
    left = LEFT + COLUMNS.index(column) * STEP
    return picture[TOP + row * STEP : TOP + row * STEP + TILE, left : left + TILE]


def test_size_and_input(rows: list[Row], data: ToyData, outcome: Outcome) -> None:
    picture = draw_figure(rows)
    assert picture.dtype == np.uint8 and picture.shape == (TOP + 3 * STEP + 52, WIDTH, 3)
    for number, example in enumerate(outcome.examples):
        shown = tile(picture, number, "input")[2::5, 2::5, 0]
        np.testing.assert_array_equal(shown, data.test.pictures[example.index])


def test_rows_say_what_was_measured(rows: list[Row], data: ToyData, outcome: Outcome) -> None:
    for row, example in zip(rows, outcome.examples):
        assert row.title == f"{example.title}: {data.test.labels[example.index]}"
        scores = {name: (value, below) for name, value, below in row.scores}
        trial, index = outcome.trials[0], example.index
        pdm = trial.scores["pdm"]
        assert scores["memory only"][0] == trial.scores["memory"].error[index]
        assert scores["PDM, error + 0.5 diversity"][0] == pdm.error[index] + 0.5 * pdm.diversity[index]
        assert row.error.sum() == pytest.approx(pdm.error[index], rel=1e-3)
        assert row.diversity.sum() == pytest.approx(pdm.diversity[index], rel=1e-3)
    by_memory = [{name: below for name, _, below in row.scores}["memory only"] for row in rows]
    assert by_memory[0] == 0.5 and by_memory[1] == 0.95  # of twenty odd digits: ten, and all but itself


def test_colours_have_one_scale(rows: list[Row]) -> None:
    alone = draw_figure([rows[0]])
    beside = draw_figure([rows[0], replace(rows[1], error=10 * rows[0].error + 1)])
    assert tile(alone, 0, "error").max() > tile(beside, 0, "error").max()
    np.testing.assert_array_equal(tile(alone, 0, "input"), tile(beside, 0, "input"))


def test_arrows_and_colours_follow_the_ink(rows: list[Row]) -> None:
    still = np.zeros((28, 28, 2), np.float32)
    moved = still.copy()
    moved[..., 0] = -3  # ink comes from three pixels further left: it moves right, which is red
    row = replace(rows[0], reference=np.zeros((28, 28), np.float32), movement=moved)
    picture = draw_figure([row, replace(row, movement=still)])
    assert (tile(picture, 0, "its colours") == [255, 0, 0]).all()
    assert (tile(picture, 1, "its colours") == 255).all()
    single = still.copy()
    single[14, 14, 0] = -5
    arrows = tile(draw_figure([replace(row, movement=single)]), 0, "deformation")
    heights = (arrows[62:84, 46:78].min(axis=2) < 128).sum(axis=0)
    head = 46 + int(heights.argmax())
    assert heights[3:22].min() >= 1 and 66 <= head <= 73  # a line from pixel 9 to 14, with its point at the right


def test_composed_fields_are_one_warp_after_another() -> None:
    torch.manual_seed(0)
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 28), torch.linspace(-1, 1, 28), indexing="ij")
    ramp = (3 * columns + rows)[None, None]
    inside = (1 - rows.abs()) * (1 - columns.abs())
    fields = [inside[None, ..., None] * torch.rand(2) * 0.3 for _ in range(2)]
    one_by_one = warp(warp(ramp, fields[0]), fields[1])
    torch.testing.assert_close(warp(ramp, composed(fields)), one_by_one, atol=2e-2, rtol=0)
    torch.testing.assert_close(composed(fields[:1]), fields[0])
