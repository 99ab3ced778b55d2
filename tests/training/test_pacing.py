"""Self-paced refinement: the oracles 10.2 and 10.3 of the LBR-SPR specification, laws, and the wrapper in the loop."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from levels import Level, Values, mostly
from torch import Tensor

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.methods.base import Batch
from oddlens.methods.lnra.method import Lnra, LnraSettings
from oddlens.sampling.order import Place
from oddlens.training.loop import FitResult, Interrupted
from oddlens.training.pacing import SelfPacing, pace_weights, width
from oddlens.training.settings import PaceMode, SelfPacedSettings, TrainingSettings

S = torch.tensor([*range(10, 21), 30, 45, 60], dtype=torch.float64)
MODES: list[PaceMode] = ["hard", "linear", "huber", "mixture"]
SCORES = st.lists(st.floats(0, 1e4), min_size=2, max_size=40)
WIDTHS = st.floats(1, 4)
Fit = Callable[..., FitResult]


def weights(scores: Any, mode: PaceMode, k: float) -> list[float]:
    return pace_weights(torch.as_tensor(scores, dtype=torch.float64), mode, k).tolist()


@pytest.mark.parametrize(
    ("t", "threshold", "hard", "huber", "mixture", "linear"),
    [
        (0, 78.87611, (1, 1), (1, 1), (0.625339, 0.261334), (0.873219, 0.619657, 0.429485, 0.239313)),
        (200, 64.51423, (1, 1), (1, 1), (0.540337, 0.093747), (0.844995, 0.534986, 0.302479, 0.069973)),
        (400, 50.15234, (1, 0), (1, 0.835872), (0.285330, 0), (0.800608, 0.401823, 0.102734, 0)),
        (600, 35.79046, (0, 0), (0.795344, 0.596508), (0, 0), (0.720596, 0.161788, 0, 0)),
        (800, 35.79046, (0, 0), (0.795344, 0.596508), (0, 0), (0.720596, 0.161788, 0, 0)),
    ],
)
def test_weights_of_fourteen_scores(
    t: int, threshold: float, hard: tuple[float, ...], huber: tuple[float, ...], mixture: tuple[float, ...], linear: Any
) -> None:
    k = width(t, 4, 0.005)
    assert float(S.mean() + k * S.std()) == pytest.approx(threshold, abs=5e-6)
    for mode, expected in (("hard", hard), ("huber", huber), ("mixture", mixture)):
        found = pace_weights(S, mode, k).tolist()  # type: ignore[arg-type]
        assert found[:12] == [1.0] * 12
        assert found[12:] == pytest.approx(expected, abs=1e-6)  # printed digits of float32
    found = pace_weights(S, "linear", k)[[0, 11, 12, 13]].tolist()
    assert found == pytest.approx(linear, abs=1e-6)


def test_weights_of_one_outlier_among_twenty() -> None:
    scores = [1.0] * 20 + [50.0]
    for mode, alike, outlier in (("hard", 1, 0), ("linear", 0.978310, 0), ("mixture", 1, 0), ("huber", 1, 0.922081)):
        found = weights(scores, mode, 4)  # type: ignore[arg-type]
        assert found == pytest.approx([alike] * 20 + [outlier], abs=5e-7)


@pytest.mark.parametrize("mode", MODES)
def test_degenerate_batches(mode: PaceMode) -> None:
    assert weights([5.0], mode, 4) == [1.0]
    assert weights([5.0] * 4, mode, 4) == [float(mode == "huber")] * 4
    assert weights([0.1] * 7, mode, 1) == [float(mode == "huber")] * 7  # whose mean is not 0.1 when rounded
    assert weights([0.0] * 3, mode, 1) == [float(mode == "huber")] * 3


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0.005, {0: 4.0, 1: 3.995, 100: 3.5, 500: 1.5, 599: 1.005, 600: 1.0, 9999: 1.0}),
        (0.0001, {0: 4.0, 100: 3.99, 600: 3.94, 10000: 3.0, 29999: 1.0001, 30000: 1.0, 10**6: 1.0}),
    ],
)
def test_width_shrinks_to_one(rate: float, expected: dict[int, float]) -> None:
    assert {t: width(t, 4, rate) for t in expected} == pytest.approx(expected, abs=1e-9)


@given(SCORES, st.sampled_from(MODES), WIDTHS)
def test_weights_lie_in_0_to_1_and_fall_with_the_score(scores: list[float], mode: PaceMode, k: float) -> None:
    found = np.array(weights(scores, mode, k))
    assert np.all((found >= 0) & (found <= 1))
    assert np.all(np.diff(found[np.argsort(scores, kind="stable")]) <= 1e-9)


@given(SCORES, st.sampled_from(MODES), WIDTHS, st.floats(0.01, 100))
def test_the_unit_of_the_scores_does_not_matter(scores: list[float], mode: PaceMode, k: float, unit: float) -> None:
    spread = np.ptp(scores) / max(1.0, max(scores))
    if spread < 1e-6:
        return
    found, scaled = (np.array(weights(np.array(scores) * factor, mode, k)) for factor in (1.0, unit))
    # a score exactly at a threshold may fall to either side
    assert np.mean(np.abs(found - scaled) > 1e-6) <= (0.5 if mode in ("hard", "linear") or k == 1 else 0)


@given(st.floats(1.05, 4))
def test_mixture_is_continuous(k: float) -> None:
    inner, outer = float(S.mean() + S.std()), float(S.mean() + k * S.std())
    grid = torch.linspace(inner - 1, outer + 1, 4001, dtype=torch.float64)
    found = pace_weights(grid, "mixture", k, over=S)
    steepest = outer / (inner * (outer - inner))
    assert float(found.diff().abs().max()) <= 1.01 * steepest * float(grid.diff().max())
    assert found[0] == 1 and found[-1] == 0


def paced(training: dict[str, Any] | None = None, **changes: Any) -> TrainingSettings:
    values = {"iterations": 100, "batch_size": 64, "device": "cpu", "precision": "float32", **(training or {})}
    return build(TrainingSettings, {**values, "self_paced": {"mode": "mixture", **changes}}, "")


def place(step: int, steps: int = 100, per_epoch: int = 10) -> Place:
    return Place(0, step, steps, per_epoch)


def test_warm_up_in_epochs_or_as_a_share_of_the_steps() -> None:
    by_steps, by_epochs = SelfPacing(paced()), SelfPacing(paced({"iterations": 0, "epochs": 10}, warm_up_epochs=3))
    assert (by_steps.warm_up(place(1)), by_epochs.warm_up(place(1))) == (20, 30)
    assert by_steps.width(place(20)) is None and by_steps.width(place(21)) == 4
    assert by_epochs.width(place(30)) is None and by_epochs.width(place(31)) == 4
    assert by_epochs.width(place(33)) == pytest.approx(3.99)


def test_width_by_share_does_not_depend_on_the_number_of_steps() -> None:
    for steps in (100, 1000):
        pacing = SelfPacing(paced(schedule="share", narrowest_at=0.6))
        widths = [pacing.width(place(int(share * steps) + 1, steps)) for share in (0.1, 0.2, 0.3, 0.4, 0.6, 0.9)]
        assert widths == [None, *(pytest.approx(k) for k in (4, 3.25, 2.5, 1, 1))]
    assert SelfPacing(paced(schedule="share", narrowest_at=0.1)).width(place(30)) == 1


@pytest.mark.parametrize("statistics", ["batch", "recent"])
@pytest.mark.parametrize("one_pass", [False, True])
@pytest.mark.parametrize("mode", ["none", "hard", "mixture"])
def test_planted_outliers_are_ignored(train: Fit, mode: str, one_pass: bool, statistics: str) -> None:
    method = Level()
    schedule = {"shrink_rate": 0.05, "one_pass": one_pass, "statistics": statistics}
    result = train(method, Values(mostly(1.0, outliers=20)), paced({"iterations": 400}, mode=mode, **schedule))
    if mode == "none":
        assert method.levels[0] > 2
        assert result.pace_widths is None and result.pace_lessened is None
    else:
        assert float(method.levels[0].detach()) == pytest.approx(1.0, abs=0.05)
        assert result.pace_widths == (4.0, 1.0)
        assert result.pace_lessened is not None and 0.05 < result.pace_lessened < 0.5


def test_total_is_the_weighted_sum_by_the_number_of_samples() -> None:
    method, pacing = Level(), SelfPacing(paced(warm_up=0))
    batch = Values(mostly(1.0, outliers=4, count=64)).__getitems__([(0, index) for index in range(64)])
    method.pacing = pacing
    pacing.enter(place(50))
    losses = method.train()(batch, 50, "main")
    scores = batch["value"].square()
    w = pace_weights(scores, "mixture", width(49, 4, 0.005))
    assert float(losses.total.detach()) == pytest.approx(float((w * scores).sum() / 64), rel=1e-6)
    assert losses.terms["pace_weight"] == w.mean() and losses.terms["pace_dropped"] == 4 / 64
    assert float(losses.terms["pace_width"]) == pytest.approx(4 - 49 * 0.005)
    assert [training for _, _, training in method.seen] == [False, True]
    assert method.training
    assert method.eval()(batch, 50, "main").total == scores.mean()


def test_warm_up_weights_nothing_and_scores_nothing() -> None:
    method, pacing = Level(), SelfPacing(paced())
    batch = Values(mostly(1.0, outliers=4, count=64)).__getitems__([(0, index) for index in range(64)])
    method.pacing = pacing
    pacing.enter(place(20))
    losses = method.train()(batch, 20, "main")
    assert losses.total == batch["value"].square().mean()
    assert (losses.terms["pace_weight"], losses.terms["pace_dropped"]) == (1, 0)
    assert losses.terms["pace_width"].isnan() and method.seen == [(0, 20, True)]


@pytest.mark.parametrize(("paper", "total"), [(False, 4.0), (True, 0.0)])
def test_a_batch_of_equal_scores_is_ignored_under_paper_alone(paper: bool, total: float) -> None:
    method, pacing = Level(), SelfPacing(paced(warm_up=0, paper=paper))
    method.pacing = pacing
    pacing.enter(place(1))
    batch = Values([2.0] * 64).__getitems__([(0, index) for index in range(64)])
    assert float(method.train()(batch, 1, "main").total.detach()) == total


def test_small_batches_are_judged_by_the_last_scores() -> None:
    method, pacing = Level(), SelfPacing(paced({"batch_size": 4}, warm_up=0))
    method.pacing = pacing
    samples = Values(mostly(1.0, count=128) + [20.0] * 4)
    seen = []
    for step in range(1, 34):
        pacing.enter(place(step))
        keys = [(0, 4 * (step - 1) + index) for index in range(4)]
        seen.append(float(method.train()(samples.__getitems__(keys), step, "main").terms["pace_weight"]))
    assert seen[:15] == [1.0] * 15  # fewer than 64 scores are known
    assert seen[-1] == 0  # a whole batch of outliers, whose own mean says nothing
    assert int(pacing.known) == 132
    pacing.enter(place(1))
    assert int(pacing.known) == 0


@pytest.mark.parametrize("warm_up", [0.0, 0.5])
def test_a_method_without_losses_of_samples_is_refused(train: Fit, warm_up: float) -> None:
    method = Level()
    method.per_sample = False
    with pytest.raises(SettingsError, match=r"training.self_paced: method 'level' does not say") as caught:
        train(method, Values(mostly(1.0)), paced(warm_up=warm_up))
    assert "self_paced.mode: none" in caught.value.remedy and "\n" not in str(caught.value)
    assert method.pacing is None


def test_negative_scores_are_refused_but_by_hard() -> None:
    class Odd(Level):
        def pace_scores(self, batch: Batch) -> Tensor:
            return batch["value"] - 10

    batch = Values(mostly(1.0, count=64)).__getitems__([(0, index) for index in range(64)])
    for mode in MODES:
        method, pacing = Odd(), SelfPacing(paced(mode=mode, warm_up=0))
        method.pacing = pacing
        pacing.enter(place(1))
        if mode == "hard":
            method.train()(batch, 1, "main")
            continue
        with pytest.raises(SettingsError, match=rf"self_paced.mode: is {mode}, but .* negative; set it to hard"):
            method.train()(batch, 1, "main")


@pytest.mark.parametrize("batch_size", [4, 64])
def test_an_interrupted_run_ends_as_one_that_was_not(train: Fit, batch_size: int) -> None:
    samples = Values(mostly(1.0, outliers=20), mostly(-2.0, outliers=9, count=90))
    settings = paced({"batch_size": batch_size, "iterations": 120, "last_batch": "keep"}, shrink_rate=0.05)
    straight = Level()
    expected = train(straight, samples, settings, name="straight")
    cuts = iter((40, 80, 97))
    cut = next(cuts)

    def stop(step: int, steps: int, loss: float) -> None:
        if step == cut:
            os.kill(os.getpid(), signal.SIGINT)

    for _ in range(3):
        with pytest.raises(Interrupted):
            train(Level(), samples, settings, stop, name="cut")
        cut = next(cuts, 0)
    resumed = Level()
    again = train(resumed, samples, settings, name="cut")
    assert (again.pace_widths, again.pace_lessened) == (expected.pace_widths, expected.pace_lessened)
    assert torch.equal(resumed.levels, straight.levels)
    assert set(resumed.state_dict()) == {"levels", "concluded"} and resumed.pacing is None


def test_a_run_is_paced_and_its_detector_knows_nothing_of_it(
    run: Callable[..., Any], lnra: dict[str, Any], tmp_path: Path, metrics: Callable[[Path], list[dict[str, Any]]]
) -> None:
    changes = {"iterations": 40, "self_paced": {"mode": "mixture", "warm_up": 0.25, "shrink_rate": 0.1}}
    result = run(lnra, tmp_path / "run", training=changes)
    assert result.fit.pace_widths == pytest.approx((4.0, 1.1))
    assert result.fit.pace_lessened is not None and 0 <= result.fit.pace_lessened < 1
    assert not any("pacing" in name for name in result.detector.method.state_dict())
    rows = metrics(tmp_path / "run")
    assert [row["pace_width"] for row in rows[:10]] == [None] * 10 and rows[10]["pace_width"] == 4
    assert {row["pace_weight"] for row in rows[:10]} == {1.0}
    # batches of 2: from the 32nd weighted batch on there are 64 scores
    assert rows[-1]["pace_weight"] <= 1 and all(0 <= row["pace_dropped"] <= 1 for row in rows)


def test_lnra_judges_the_normal_clip_of_a_pseudo_anomaly() -> None:
    torch.manual_seed(0)
    method = Lnra(LnraSettings(height=16, width=16, length=8, widths=(2, 2, 4), window=0.0)).eval()
    clean, corrupted = torch.rand(3, 1, 8, 16, 16), torch.rand(3, 1, 8, 16, 16)
    with torch.no_grad():
        found = method.pace_scores({"input": corrupted, "target": clean, "pseudo": torch.ones(3)})
        plain = method.training_step({"input": clean, "target": clean, "pseudo": torch.zeros(3)}, 1, "main")
    assert plain.per_sample is not None
    torch.testing.assert_close(found, plain.per_sample)


def test_lnra_judges_a_clip_by_its_worst_window() -> None:
    torch.manual_seed(0)
    method = Lnra(LnraSettings(height=16, width=16, length=8, widths=(2, 2, 4), window=0.25)).eval()
    even = torch.zeros(1, 1, 8, 16, 16)
    spot, spread = even.clone(), even.clone()
    spot[..., 4:8, 4:8] = 2.0
    spread += 0.75
    with torch.no_grad():
        method.network.eval()
        scores = [float(method.pace_scores({"target": clip})) for clip in (spot, spread)]
        means = [float((method._reconstruct(clip).float() - clip).square().mean()) for clip in (spot, spread)]
    assert scores[0] > scores[1] and means[0] < means[1]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"warm_up_epochs": -1}, "self_paced.warm_up_epochs"),
        ({"warm_up": 1.0}, "self_paced.warm_up"),
        ({"initial_width": 0.5}, "self_paced.initial_width"),
        ({"shrink_rate": float("nan")}, "self_paced.shrink_rate"),
        ({"narrowest_at": 0}, "self_paced.narrowest_at"),
        ({"mode": "soft"}, "self_paced.mode"),
        ({"shrinkrate": 1}, "did you mean 'shrink_rate'"),
    ],
)
def test_settings_that_make_no_schedule(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as caught:
        paced(**changes)
    assert "\n" not in str(caught.value)


def test_a_warm_up_as_long_as_the_training_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"warm_up_epochs: is 5 of 5 epochs"):
        TrainingSettings(epochs=5, self_paced=SelfPacedSettings(mode="hard"))
    TrainingSettings(epochs=5)
