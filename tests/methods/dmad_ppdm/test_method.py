"""DMAD-PPDM as a method: its settings, samples, rates, scale and scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.methods.dmad_ppdm.method import DmadPpdm
from oddlens.methods.dmad_ppdm.settings import DmadPpdmSettings
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.order import ClipSet
from oddlens.scoring.windows import WindowScorer
from oddlens.training.plan import Plan
from oddlens.training.settings import TrainingSettings

TINY: dict[str, Any] = {
    "height": 32,
    "width": 64,
    "teacher": "mobilenet_v3_small",
    "weights": "random",
    "deformation_features": 4,
    "thin_features": 4,
    "codes": 6,
}
MODES = ("image", "pixel", "both")


def method_of(seed: int = 0, **settings: Any) -> DmadPpdm:
    torch.manual_seed(seed)
    return DmadPpdm(build(DmadPpdmSettings, {**TINY, **settings}, "test"))


def pictures(count: int = 9, seed: int = 0) -> FrameRun:
    rng = np.random.default_rng(seed)
    return FrameRun("parts", 0, rng.integers(0, 256, (count, 32, 64, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"height": 100}, "picture size is 256x100; give sides that are multiples of 32"),
        ({"width": 0}, "picture size is 0x256"),
        ({"mode": "images"}, "'mode' is 'images'"),
        ({"weights": ""}, "weights is empty; give default, random, or the path of a file"),
        ({"codes": 0}, "codes is 0; give 1 or more"),
        ({"thin_features": 0}, "thin_features is 0"),
        ({"student_features": 0}, "student_features is 0"),
        ({"deformation_features": 0}, "deformation_features is 0"),
        ({"deformation_shrink": 8}, "deformation_shrink is 8; give a number from 1 to 4"),
        ({"deformation_every": 0}, "deformation_every is 0; give 1 or more"),
        ({"memory_restart": -1}, "memory_restart is -1"),
        ({"memory_decay": 1.0}, "memory_decay is 1.0; give a number from 0 to below 1"),
        ({"memory_weight": -1}, "memory_weight is -1"),
        ({"deformation_weight": float("nan")}, "deformation_weight is nan; give a number from 0"),
        ({"smoothing": -4}, "smoothing is -4"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"augment": {"turns": 5}}, "unknown key 'augment.turns'; did you mean 'turn'?"),
        ({"code": 5}, "unknown key 'code'; did you mean 'codes'?"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build(DmadPpdmSettings, values, "recipe.yaml")
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_single_colour_photographs() -> None:
    method = method_of()
    spec = method.sampling
    assert (spec.height, spec.width, spec.channels, spec.length, spec.target) == (32, 64, 3, 1, 0)
    assert (spec.low, spec.high, method.colour, method.latency) == (0, 1, "rgb", 0)
    assert method.subject == "photographs"


def test_colours_are_those_of_imagenet() -> None:
    window = torch.tensor([0.485, 0.456, 1.0]).reshape(1, 3, 1, 1, 1).expand(2, 3, 1, 32, 64)
    found = method_of()._pictures(window)
    assert found.shape == (2, 3, 32, 64)
    assert found[1, :, 5, 5].tolist() == pytest.approx([0, 0, (1 - 0.406) / 0.225], abs=1e-6)


@pytest.mark.parametrize(("epoch", "rate"), [(0, 5e-3), (1, 4.9999229e-3), (200, 2.5e-3), (399, 7.71e-8)])
def test_rates_of_the_paper(epoch: int, rate: float) -> None:
    method = method_of()
    training = TrainingSettings(epochs=400, batch_size=8, schedule="cosine", last_batch="keep")
    plan = Plan.of(training, ClipSet([pictures(20)], method, 0), method.configure_optimizers(), method.adjust_rates)
    place = plan.timetable.place(3 * epoch + 1)
    assert plan.rates("main", place) == [pytest.approx(rate, rel=1e-4)]


def test_the_optimiser_is_the_papers_and_leaves_the_teacher_alone() -> None:
    method = method_of()
    optimizer = method.configure_optimizers()["main"]
    assert isinstance(optimizer, torch.optim.AdamW)
    assert optimizer.defaults["betas"] == (0.5, 0.999) and optimizer.defaults["weight_decay"] == 0.01
    own = {id(p) for group in optimizer.param_groups for p in group["params"]}
    teacher = {id(p) for p in method.network.teacher.parameters()}
    assert own == {id(p) for p in method.parameters()} - teacher


def test_random_weights_are_told_of() -> None:
    with pytest.warns(UserWarning, match="the teacher has random weights"):
        method_of().prepare_training(None)  # type: ignore[arg-type]


def trained(**settings: Any) -> DmadPpdm:
    """A method after a few steps on noise, in evaluation mode, with its scale."""
    method = method_of(learning_rate=1e-3, **settings)
    samples = ClipSet([pictures()], method, 0)
    optimizer = method.configure_optimizers()["main"]
    for step in range(3):
        losses = method.train()(samples.__getitems__([(0, 2 * step), (0, 2 * step + 1)]), step + 1, "main")
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
        assert losses.total.isfinite()
    method.eval().conclude_training(samples, 4)
    return method


def test_the_deformation_learns_in_every_nth_step_only() -> None:
    method, batch = method_of(deformation_every=3).train(), {"clip": torch.rand(2, 3, 1, 32, 64)}
    assert method.learns_in_parts and not method_of().learns_in_parts
    assert not method_of(deformation_every=3, deformation=False).learns_in_parts
    estimator, student = method.network.deformation, method.network.student
    assert estimator is not None
    learned = []
    for step in range(1, 7):
        method.zero_grad()
        method(batch, step, "main").total.backward()
        assert all(p.grad is not None for p in student.parameters())
        learned.append([p.grad is not None for p in estimator.parameters()])
    assert [all(which) for which in learned] == [any(which) for which in learned] == [False, False, True] * 2


def test_a_step_in_which_the_deformation_rests_has_the_same_losses() -> None:
    batch = {"clip": torch.rand(2, 3, 1, 32, 64)}
    found = [method_of(deformation_every=2).train()(batch, step, "main").terms for step in (1, 2)]
    assert found[0].keys() == found[1].keys()
    for name, value in found[0].items():
        torch.testing.assert_close(value, found[1][name])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("deformation", [True, False])
def test_scores(mode: str, deformation: bool) -> None:
    method = trained(mode=mode, deformation=deformation)
    windows = torch.rand(3, 3, 1, 32, 64)
    scores = method.score(windows, [0])
    assert list(scores.components) == ["reconstruction", "deformation"][: 1 + deformation]
    assert scores.score.shape == (3, 1) and scores.score.isfinite().all()
    assert scores.map is not None and scores.map.shape == (3, 1, 32, 64)
    shapes = {name: tuple(picture.shape[2:]) for name, picture in scores.pictures.items()}
    of_deformation = {"deformation_map": (1, 32, 64), "offset": (2, 32, 64)} if deformation else {}
    assert shapes == {"error_map": (1, 32, 64), "deformed": (3, 32, 64), **of_deformation}
    assert scores.pictures["deformed"].min() >= -1e-5 and scores.pictures["deformed"].max() <= 1 + 1e-5
    alone = [method.score(window[None], [0]) for window in windows]
    torch.testing.assert_close(torch.cat([one.score for one in alone]), scores.score, rtol=1e-3, atol=1e-3)


def test_scores_are_in_deviations_of_training_photographs() -> None:
    method = trained(deformation_weight=0.2)
    clips = ClipSet([pictures()], method, 0).validation_batches(9, 9)[0]["clip"]
    scores = method.score(clips, [0])
    errors = torch.stack(list(scores.components.values()))[:, :, 0]
    torch.testing.assert_close(method.scale.mean, errors.mean(dim=1), rtol=1e-4, atol=1e-6)
    scaled = (errors - errors.mean(dim=1, keepdim=True)) / errors.std(dim=1, correction=0, keepdim=True)
    expected = (scaled * torch.tensor([[1.0], [0.2]])).sum(dim=0)
    torch.testing.assert_close(scores.score[:, 0], expected, rtol=1e-3, atol=1e-3)
    assert scores.map is not None and scores.map.mean().item() == pytest.approx(0, abs=1e-3)
    maps = [scores.pictures[name].flatten() for name in ("error_map", "deformation_map")]
    parts = [(map_ - map_.mean()) / map_.std(correction=0) for map_ in maps]
    torch.testing.assert_close(scores.map.flatten(), parts[0] + 0.2 * parts[1], rtol=1e-3, atol=5e-3)


def test_smoothing_covers_the_same_share_of_any_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []

    def smooth(maps: Tensor, sigma: tuple[float, float]) -> Tensor:
        seen.append(sigma)
        return maps

    monkeypatch.setattr("oddlens.methods.dmad_ppdm.errors.gaussian_smooth", smooth)
    method_of().eval().score(torch.rand(1, 3, 1, 32, 64), [0])
    assert set(seen) == {(0.5, 1.0)}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", [2, 3])
def test_the_losses_of_samples_have_the_total_as_their_mean(mode: str, count: int) -> None:
    method = method_of(mode=mode, memory_weight=0.5)
    losses = method.train().training_step({"clip": torch.rand(count, 3, 1, 32, 64)}, 1, "main")
    assert losses.per_sample is not None and losses.per_sample.shape == (count,)
    total = losses.total.item()
    assert losses.per_sample.mean().item() == pytest.approx(total, rel=1e-6)
    watched = ("codes_in_use", "coarse_pixels", "fine_pixels")
    terms = {name: term.item() for name, term in losses.terms.items() if name not in watched}
    assert total == pytest.approx(sum(terms.values()), rel=1e-6)
    if mode != "pixel":
        assert terms["commit"] == pytest.approx(0.25 * terms["embed"], rel=1e-5)


def test_a_sample_unlike_the_others_has_the_largest_loss() -> None:
    method = trained()
    clips = torch.full((4, 3, 1, 32, 64), 0.5)
    clips[2, :, :, 8:24, 8:40] = torch.rand(3, 1, 16, 32)
    scores = method.pace_scores({"clip": clips})
    assert scores.shape == (4,)
    torch.testing.assert_close(scores[[0, 1]], scores[[3, 3]])
    assert scores[2] != scores[0]


def test_training_photographs_are_changed_and_held_out_ones_are_not() -> None:
    method = method_of(augment={"turn": 30, "mirror": "both"})
    samples = ClipSet([pictures()], method, 0)
    plain = samples.validation_batches(9, 9)[0]["clip"]
    first, again, later = (samples.__getitems__([(epoch, 4)])["clip"] for epoch in (0, 0, 1))
    assert first.shape == (1, 3, 1, 32, 64) and torch.equal(first, again)
    assert not torch.equal(first, later) and not torch.equal(first[0], plain[4])
    assert torch.equal(ClipSet([pictures()], method_of(), 0).__getitems__([(5, 4)])["clip"][0], plain[4])


def test_a_trained_method_is_its_state_with_the_teacher() -> None:
    method = trained(memory_start="k-means", memory_restart=2)
    again = method_of(seed=9, memory_start="k-means", memory_restart=2, weights="lost.pth").eval()
    again.load_state_dict(method.state_dict())
    windows = torch.rand(2, 3, 1, 32, 64)
    assert torch.equal(again.score(windows, [0]).score, method.score(windows, [0]).score)


def test_photographs_are_scored_one_by_one_or_in_batches() -> None:
    method, run = trained(), pictures(5)
    found = []
    for size in (1, 4):
        scorer = WindowScorer(method, batch_size=size, precision="float32", details=True)
        scored = [score for frame in run.frames for score in scorer.push(frame)] + scorer.finish()
        found.append([score.score for score in scored])
    assert len(found[0]) == 5
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-3)


def test_a_dying_memory_is_told_of() -> None:
    method = trained(codes=60)
    assert any("memory has died out" in fault for fault in method.training_faults())
    assert trained(mode="pixel").training_faults() == ()


def test_under_paper_both_scorings_are_tried() -> None:
    assert method_of().photograph_protocol().components == ("reconstruction", "deformation")
    assert method_of(deformation=False).photograph_protocol().components == ("reconstruction",)
