"""DMAD-PDM as a method: its settings, samples, rates, scale and scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from oddlens.config import build
from oddlens.errors import DataError, SettingsError
from oddlens.evaluation.protocols import apply_paper
from oddlens.methods.dmad_pdm.method import DmadPdm
from oddlens.methods.dmad_pdm.settings import DmadPdmSettings
from oddlens.methods.dmad_pdm.views import nearest_view
from oddlens.sampling.clips import Clip, FrameRun, to_network_values
from oddlens.sampling.order import ClipSet
from oddlens.scoring.windows import WindowScorer, score_run
from oddlens.training.plan import Plan
from oddlens.training.settings import TrainingSettings

TINY: dict[str, Any] = {"height": 32, "width": 48, "features": 4, "deformation_features": 4, "codes": 6}
VARIANTS = ("ped2", "avenue", "shanghai")


def method_of(seed: int = 0, **settings: Any) -> DmadPdm:
    torch.manual_seed(seed)
    return DmadPdm(DmadPdmSettings(**{**TINY, **settings}))


def noise_run(name: str = "noise", frames: int = 12, channels: int = 1, seed: int = 0) -> FrameRun:
    rng = np.random.default_rng(seed)
    return FrameRun(name, 0, rng.integers(0, 256, (frames, 32, 48, channels), dtype=np.uint8))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"height": 100}, "frame size is 256x100; give sides that are multiples of 16"),
        ({"width": 0}, "frame size is 0x256"),
        ({"channels": 2}, "channels is 2; give 1 (grey) or 3 (colour)"),
        ({"variant": "ped1"}, "'variant' is 'ped1'"),
        ({"features": 0}, "features is 0; give 1 or more"),
        ({"variant": "shanghai", "features": 3}, "features is 3; give 4 or more for 'shanghai'"),
        ({"deformation_features": 0}, "deformation_features is 0"),
        ({"codes": 0}, "codes is 0"),
        ({"memory_restart": -1}, "memory_restart is -1"),
        ({"memory_decay": 1.0}, "memory_decay is 1.0; give a number from 0 to below 1"),
        ({"memory_decay": float("nan")}, "memory_decay is nan"),
        ({"memory_start": "kmeans"}, "'memory_start' is 'kmeans'"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"weights": [0, 0, 0]}, "weights are [0.0, 0.0, 0.0]; give three numbers from 0, not all 0"),
        ({"weights": [1, -1, 1]}, "weights are [1.0, -1.0, 1.0]"),
        ({"weights": [1, 1]}, "'weights.2' is missing"),
        ({"code": 5}, "unknown key 'code'; did you mean 'codes'?"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build(DmadPdmSettings, values, "recipe.yaml")
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_five_frames_of_which_the_last_is_scored() -> None:
    method = method_of()
    spec = method.sampling
    assert (spec.length, spec.stride, spec.target, spec.latency, spec.fast_targets) == (5, 1, 4, 0, (4,))
    assert (spec.low, spec.high, method.colour, method.shortest) == (-1, 1, "grey", 5)
    assert method_of(channels=3).colour == "rgb"


def test_grey_is_three_times_the_same_and_frames_follow_each_other() -> None:
    windows = torch.arange(5.0).reshape(1, 1, 5, 1, 1).expand(2, 1, 5, 32, 48)
    past, target = method_of()._pictures(windows)
    assert past[0, :, 0, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert target.shape == (2, 3, 32, 48) and (target == 4).all()
    colours = torch.stack([windows[:, 0] + shift for shift in (0.0, 0.1, 0.2)], dim=1)
    past, target = method_of(channels=3)._pictures(colours)
    assert past[1, :6, 3, 3].tolist() == pytest.approx([0, 0.1, 0.2, 1, 1.1, 1.2])
    assert target[0, :, 5, 5].tolist() == pytest.approx([4, 4.1, 4.2])


def rates(variant: Any, epoch: int, epochs: int, **settings: Any) -> list[float]:
    method = method_of(variant=variant, **settings)
    plan = Plan.of(
        TrainingSettings(epochs=epochs, batch_size=8, schedule="cosine"),
        ClipSet([noise_run(frames=20)], method, 0),
        method.configure_optimizers(),
        method.adjust_rates,
    )
    first, last = (plan.rates("main", plan.timetable.place(epoch * 2 + step)) for step in (1, 2))
    assert first == last
    return first


@pytest.mark.parametrize(
    ("variant", "epochs", "epoch", "main", "background"),
    [
        ("ped2", 60, 0, 2.0e-4, 1.0e-2),
        ("ped2", 60, 1, 1.99863e-4, 9.99315e-3),
        ("avenue", 60, 5, 1.965926e-4, 9.829629e-3),
        ("avenue", 60, 6, 1.951057e-4, 4.0e-3),
        ("ped2", 60, 30, 1.0e-4, 4.0e-3),
        ("ped2", 60, 59, 1.370465e-7, 4.0e-3),
        ("shanghai", 10, 0, 2.0e-4, 2.0e-3),
        ("shanghai", 10, 1, 1.951057e-4, 1.951057e-3),
        ("shanghai", 10, 9, 4.894348e-6, 4.894348e-5),
    ],
)
def test_rates_of_the_paper(variant: Any, epochs: int, epoch: int, main: float, background: float) -> None:
    assert rates(variant, epoch, epochs) == pytest.approx([main, background], rel=1e-6)


def test_the_backgrounds_late_rate_can_be_left_out() -> None:
    assert rates("ped2", 30, 60, background_late_rate=False) == pytest.approx([1e-4, 5e-3])


def test_the_optimiser_is_the_papers() -> None:
    method = method_of()
    optimizer = method.configure_optimizers()["main"]
    assert isinstance(optimizer, torch.optim.AdamW)
    assert optimizer.defaults["betas"] == (0.9, 0.999) and optimizer.defaults["weight_decay"] == 0.01
    assert optimizer.param_groups[1]["params"] == [method.background]
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(method.parameters()))


def level(value: float, channels: int = 1) -> np.ndarray[Any, Any]:
    return np.full((32, 48, channels), value, np.float32)


def test_a_background_begins_as_the_picture() -> None:
    method = method_of()
    method.set_background({"camera": level(255)})
    assert method.background.shape == (1, 3, 32, 48) and (method.background == 1).all()
    picture = level(0, 3)
    picture[..., 2] = 127.5
    method = method_of(channels=3)
    method.set_background({"camera": picture})
    assert method.background[0, :, 4, 4].tolist() == [-1, -1, 0]


@pytest.mark.parametrize(
    ("variant", "pictures", "told"),
    [
        ("ped2", {}, "background: there are 0 backgrounds, 'ped2' takes one; give one"),
        ("avenue", {"a": level(0), "b": level(0)}, "there are 2 backgrounds, 'avenue' takes one"),
        ("shanghai", {"01": np.zeros((48, 32, 1))}, "background 01: is 32x48, the method's frames are 48x32"),
    ],
)
def test_backgrounds_that_do_not_fit(variant: Any, pictures: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError) as caught:
        method_of(variant=variant).set_background(pictures)
    assert told in str(caught.value)


def test_each_view_has_its_background() -> None:
    method = method_of(variant="shanghai")
    method.set_background({"01": level(0), "02": level(200)})
    assert method.background.shape == (2, 3, 32, 48)
    for name, view in (("01", 0), ("02", 1), ("03", -1)):
        assert method.validation_sample(Clip(noise_run(name), 2))["view"] == view
    dark, light = (torch.full((1, 12, 32, 48), value) for value in (-0.9, 0.8))
    past = torch.cat([light, dark])
    found = method._background_of(past, None)
    assert torch.equal(found, method.background[[1, 0]])
    told = method._background_of(past, torch.tensor([0, -1]))
    assert torch.equal(told, method.background[[0, 0]])


def test_the_nearest_view_is_the_one_that_differs_least() -> None:
    generator = torch.Generator().manual_seed(0)
    backgrounds = torch.rand(7, 3, 48, 80, generator=generator)
    chosen = torch.tensor([3, 0, 6, 6])
    frames = backgrounds[chosen] + 0.05 * torch.randn(4, 3, 48, 80, generator=generator)
    assert torch.equal(nearest_view(frames, backgrounds), chosen)
    assert nearest_view(frames, backgrounds[:1]).tolist() == [0, 0, 0, 0]


def trained(variant: Any, **settings: Any) -> DmadPdm:
    """A method after a few steps on noise, in evaluation mode, with its scale."""
    method = method_of(variant=variant, learning_rate=1e-3, **settings)
    samples = ClipSet([noise_run(channels=method.settings.channels)], method, 0)
    optimizer = method.configure_optimizers()["main"]
    for step in range(3):
        losses = method(samples.__getitems__([(0, 2 * step), (0, 2 * step + 1)]), step + 1, "main")
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
        assert losses.total.isfinite()
    method.eval().conclude_training(samples, 3)
    return method


@pytest.mark.parametrize("variant", VARIANTS)
def test_scores(variant: Any) -> None:
    method = trained(variant)
    windows = torch.rand(3, 1, 5, 32, 48) * 2 - 1
    scores = method.score(windows, [4])
    third = "object" if variant == "shanghai" else "gradient"
    assert list(scores.components) == ["deformation", "reconstruction", third]
    assert scores.score.shape == (3, 1) and scores.score.isfinite().all()
    assert scores.map is not None and scores.map.shape == (3, 1, 32, 48)
    shapes = {name: tuple(picture.shape[2:]) for name, picture in scores.pictures.items()}
    assert shapes == {
        "reconstruction": (1, 32, 48),
        "error": (1, 32, 48),
        "difference": (3, 32, 48),
        "coarse_offset": (2, 32, 48),
        "offset": (2, 32, 48),
    }
    assert scores.pictures["coarse_offset"].abs().max() <= 3
    alone = [method.score(window[None], [4]) for window in windows]
    torch.testing.assert_close(torch.cat([one.score for one in alone]), scores.score, rtol=1e-4, atol=1e-4)


def test_the_score_is_in_deviations_of_the_training_errors() -> None:
    method = trained("ped2")
    samples = ClipSet([noise_run()], method, 0)
    clips = samples.__getitems__([(0, number) for number in range(len(samples))])["clip"]
    scores = method.score(clips, [4])
    errors = torch.stack(list(scores.components.values()))[:, :, 0]
    torch.testing.assert_close(method.scale.mean, errors.mean(dim=1), rtol=1e-4, atol=1e-6)
    scaled = (errors - errors.mean(dim=1, keepdim=True)) / errors.std(dim=1, correction=0, keepdim=True)
    expected = (scaled * torch.tensor([[0.2], [0.4], [0.6]])).sum(dim=0)
    torch.testing.assert_close(scores.score[:, 0], expected, rtol=1e-3, atol=1e-3)
    assert scores.map is not None
    assert scores.map.mean().item() == pytest.approx(1.2, rel=1e-3), "each map in multiples of its mean"


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_deformation_the_other_errors_remain(variant: Any) -> None:
    scores = trained(variant, deformation=False).score(torch.rand(2, 1, 5, 32, 48), [4])
    assert scores.score.isfinite().all() and scores.components["deformation"].abs().max() < 1e-5
    assert (scores.pictures["offset"] == 0).all()


@pytest.mark.parametrize(
    ("settings", "name", "static"),
    [
        ({"variant": "ped2"}, "dmad-pdm ped2", False),
        ({"variant": "avenue"}, "dmad-pdm avenue-static", True),
        ({"variant": "avenue", "remove_static": False}, "dmad-pdm avenue", False),
        ({"variant": "shanghai"}, "dmad-pdm shanghai", False),
    ],
)
def test_under_paper_the_components_are_ranked_as_published(settings: Any, name: str, static: bool) -> None:
    method = trained(**settings)
    protocol = method.paper_protocol()
    assert (protocol.head, protocol.tail, protocol.normalise) == (4, 0, "none")
    assert protocol.pipeline is not None and protocol.pipeline.name == name
    assert (method.open_stage() is not None) == static
    scores = score_run(WindowScorer(method, batch_size=3), noise_run(frames=90, seed=3))
    components = {key: np.array([score.components[key] for score in scores]) for key in protocol.components}
    ranked = apply_paper(protocol, [components], [np.arange(90) > 50])
    assert ranked.scores[0].shape == (86,) and np.isfinite(ranked.scores[0]).all()


def test_colour_frames() -> None:
    scores = trained("ped2", channels=3).score(torch.rand(1, 3, 5, 32, 48), [4])
    assert scores.pictures["reconstruction"].shape == (1, 1, 3, 32, 48)


def test_a_trained_method_is_its_state(tmp_path: Any) -> None:
    method = method_of(variant="shanghai", memory_start="k-means", memory_restart=2)
    method.set_background({"a": level(10), "b": level(20), "c": level(30)})
    samples = ClipSet([noise_run("b")], method, 0)
    method(samples.__getitems__([(0, 0), (0, 1)]), 1, "main")
    method.eval().conclude_training(samples, 4)
    again = method_of(seed=9, variant="shanghai", memory_start="k-means", memory_restart=2).eval()
    again.load_state_dict(method.state_dict())
    windows = torch.rand(2, 1, 5, 32, 48)
    assert torch.equal(again.score(windows, [4]).score, method.score(windows, [4]).score)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("count", [1, 3])
def test_the_losses_of_samples_have_the_total_as_their_mean(variant: Any, count: int) -> None:
    method = method_of(variant=variant)
    if variant == "shanghai":
        method.set_background({"bright": level(200), "dark": level(20)})
    batch = {"clip": torch.rand(count, 1, 5, 32, 48) * 2 - 1, "view": torch.arange(count) % len(method.background)}
    losses = method.train().training_step(batch, 1, "main")
    assert losses.per_sample is not None and losses.per_sample.shape == (count,)
    total = losses.total.item()
    assert losses.per_sample.mean().item() == pytest.approx(total, rel=1e-6)
    watched = ("codes_in_use", "coarse_pixels", "fine_pixels")
    terms = sum(term.item() for name, term in losses.terms.items() if name not in watched)
    assert total == pytest.approx(terms, rel=1e-6)
    assert all(term.ndim == 0 for term in losses.terms.values())


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_sample_unlike_the_others_has_the_largest_loss(variant: Any) -> None:
    method = method_of(variant=variant).eval()
    clips = torch.zeros(4, 1, 5, 32, 48)
    clips[2, :, 4, 8:24, 8:24] = 1.0
    scores = method.pace_scores({"clip": clips, "view": torch.zeros(4, dtype=torch.int64)})
    assert scores.argmax() == 2 and (scores >= 0).all()
    torch.testing.assert_close(scores[[0, 1]], scores[[3, 3]])


def test_the_logs_tell_of_memory_and_deformation() -> None:
    method = method_of()
    clips = to_network_values(noise_run().frames[:5], method.sampling)
    batch = {"clip": torch.from_numpy(clips)[None].expand(2, -1, -1, -1, -1)}
    losses = method.training_step(batch, 1, "main")
    assert 1 <= losses.terms["codes_in_use"] <= 6
    assert 0 < losses.terms["coarse_pixels"] < 3 and 0 < losses.terms["fine_pixels"] < 4.3
    watched = {"codes_in_use", "coarse_pixels", "fine_pixels"}
    total = sum(term for name, term in losses.terms.items() if name not in watched)
    torch.testing.assert_close(losses.total, total)


@pytest.mark.parametrize("variant", VARIANTS)
def test_large_batches_are_scored_part_by_part(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method = method_of(variant=variant).eval()
    spec = method.sampling
    windows = torch.rand(5, spec.channels, spec.length, spec.height, spec.width) * 2 - 1
    whole = method.score(windows, spec.fast_targets)
    monkeypatch.setattr("oddlens.methods.dmad_pdm.parts._CPU_VALUES", 2 * 4 * spec.height * spec.width)
    parts = method.score(windows, spec.fast_targets)
    torch.testing.assert_close(vars(parts), vars(whole))
