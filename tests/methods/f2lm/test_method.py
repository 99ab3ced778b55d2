"""F2LM as a method: its settings, samples, phases, scale and scores."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.evaluation.protocols import apply_paper
from oddlens.methods.f2lm.losses import discriminator_loss
from oddlens.methods.f2lm.method import F2lm
from oddlens.methods.f2lm.scale import PartScale
from oddlens.methods.f2lm.settings import F2lmSettings
from oddlens.sampling.clips import Clip, FrameRun
from oddlens.sampling.order import ClipSet
from oddlens.scoring.windows import WindowScorer, score_run

TINY: dict[str, Any] = {"height": 32, "width": 48, "features": 4}


def noise_run(name: str = "noise", frames: int = 12, channels: int = 1, seed: int = 0) -> FrameRun:
    rng = np.random.default_rng(seed)
    return FrameRun(name, 0, rng.integers(0, 256, (frames, 32, 48, channels), dtype=np.uint8))


def method_of(seed: int = 0, **settings: Any) -> F2lm:
    """A method that knows the classes of noise."""
    torch.manual_seed(seed)
    method = F2lm(F2lmSettings(**{**TINY, **settings}))
    if method.predictor.classes is not None:
        method.predictor.classes.learn([noise_run()])
    return method


def batch_of(method: F2lm, starts: tuple[int, ...] = (0, 3), channels: int = 1) -> dict[str, torch.Tensor]:
    run = noise_run(channels=channels)
    samples = [method.training_sample(Clip(run, start), np.random.default_rng(0)) for start in starts]
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def step(method: F2lm, batch: dict[str, torch.Tensor], number: int = 1) -> dict[str, float]:
    """A training step of both phases, as the loop takes it."""
    optimizers = method.configure_optimizers()
    values = {}
    for phase in method.phases:
        losses = method(batch, number, phase)
        optimizers[phase].zero_grad()
        losses.total.backward()
        optimizers[phase].step()
        values |= {name: float(term.detach()) for name, term in losses.terms.items()}
        values[phase] = float(losses.total.detach())
    return values


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"height": 8}, "frame size is 256x8; give sides of 16 pixels or more"),
        ({"channels": 2}, "channels is 2; give 1 (grey) or 3 (colour)"),
        ({"features": 0}, "features is 0"),
        ({"freeze_normalisation_after": -1}, "freeze_normalisation_after -1"),
        ({"triplet_axis": "height"}, "'triplet_axis' is 'height'"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"discriminator_rate": float("nan")}, "discriminator_rate is nan"),
        ({"weight_decay": -1}, "weight_decay is -1"),
        ({"loss_weights": [0, 0, 0, 0]}, "loss_weights are [0.0, 0.0, 0.0, 0.0]"),
        ({"loss_weights": [1, 1, 1, 0]}, "nothing is imitated: the triplets' weight is 0; set score: pixels"),
        ({"weights": [1, -1, 1]}, "weights are [1.0, -1.0, 1.0]; give numbers from 0, not all 0"),
        ({"paper_weights": [1, 1]}, "paper_weights"),
        ({"paper_smoothing": -1}, "paper_smoothing is -1"),
        ({"feature": 5}, "unknown key 'feature'; did you mean 'features'?"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build(F2lmSettings, values, "recipe.yaml")
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_five_frames_of_which_the_last_is_scored() -> None:
    method = method_of()
    spec = method.sampling
    assert (spec.length, spec.stride, spec.target, spec.latency, spec.fast_targets) == (5, 1, 4, 0, (4,))
    assert (spec.low, spec.high, method.colour, method.shortest) == (-1, 1, "grey", 5)
    assert method_of(channels=3).colour == "rgb"


def test_frames_follow_each_other_colour_by_colour() -> None:
    windows = torch.arange(5.0).reshape(1, 1, 5, 1, 1).expand(2, 1, 5, 32, 48)
    past, true = method_of().predictor.pictures(windows)
    assert past[0, :, 0, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert true.shape == (2, 3, 32, 48) and (true == 4).all()
    colours = torch.stack([windows[:, 0] + shift for shift in (0.0, 0.1, 0.2)], dim=1)
    past, true = method_of(channels=3).predictor.pictures(colours)
    assert past[1, :6, 3, 3].tolist() == pytest.approx([0, 0.1, 0.2, 1, 1.1, 1.2])
    assert true[0, :, 5, 5].tolist() == pytest.approx([4, 4.1, 4.2])


def test_samples_hold_flow_and_classes_of_the_first_four_frames() -> None:
    method = method_of()
    sample = method.validation_sample(Clip(noise_run(), 2))
    assert sample["clip"].shape == (1, 5, 32, 48)
    assert sample["motion"].shape == (3, 2, 32, 48) and sample["labels"].shape == (4, 21, 8, 12)
    assert set(method_of(score="pixels", loss_weights=(1, 1, 0.05, 0)).validation_sample(Clip(noise_run(), 2))) == {
        "clip"
    }


def test_a_step_has_all_the_terms_and_moves_both_networks() -> None:
    method = method_of()
    batch = batch_of(method)
    before = {name: value.clone() for name, value in method.state_dict().items()}
    values = step(method, batch)
    terms = ("intensity", "gradient", "adversarial", "motion_triplet", "object_triplet")
    assert values["generator"] == pytest.approx(sum(values[name] for name in terms), rel=1e-5)
    assert values["adversarial"] == pytest.approx(0.05 * 0.125, rel=0.05), "an untaught discriminator says a half"
    assert values["discriminator"] == pytest.approx(0.25, rel=0.05)
    moved = {name for name, value in method.state_dict().items() if not torch.equal(value, before[name])}
    for part in ("network.frames", "network.motion", "network.labels", "network.to_motion", "network.decoder"):
        assert any(name.startswith(f"predictor.{part}") for name in moved)
    assert any(name.startswith("discriminator") for name in moved)
    assert not any(name.startswith(("predictor.classes", "scale")) for name in moved)


def test_the_discriminator_judges_the_frames_of_its_step() -> None:
    """Those that the generator made before it learned from them."""
    method = method_of().train()
    batch = batch_of(method)
    frames = method.predictor.train()(batch)[0].frame.detach()
    with torch.no_grad():
        true = method.predictor.pictures(batch["clip"])[1]
        expected = discriminator_loss(method.discriminator(true), method.discriminator(frames)).mean()
    assert step(method, batch)["discriminator"] == pytest.approx(expected.item(), rel=1e-4)
    with pytest.raises(RuntimeError, match="the generator's phase comes first"):
        method.training_step(batch, 1, "discriminator")


def test_the_generator_teaches_the_discriminator_nothing() -> None:
    method = method_of().train()
    method.training_step(batch_of(method), 1, "generator").total.backward()
    assert all(parameter.grad is None for parameter in method.discriminator.parameters())


def test_the_losses_of_samples_have_the_total_as_their_mean() -> None:
    method = method_of().eval()
    both = method.training_step(batch_of(method), 1, "generator")
    single = [method.training_step(batch_of(method, (start,)), 1, "generator").total for start in (0, 3)]
    assert both.per_sample is not None
    torch.testing.assert_close(both.per_sample, torch.stack(single), rtol=1e-4, atol=1e-6)
    assert both.total.item() == pytest.approx(both.per_sample.mean().item())


def test_the_triplets_axis_is_a_setting() -> None:
    terms = []
    for axis in ("width", "channel"):
        method = method_of(triplet_axis=axis).eval()
        losses = method.training_step(batch_of(method), 1, "generator")
        terms.append({name: float(term.detach()) for name, term in losses.terms.items()})
    assert terms[0]["intensity"] == terms[1]["intensity"]
    assert terms[0]["motion_triplet"] != terms[1]["motion_triplet"]


def test_normalisation_holds_still_after_so_many_steps() -> None:
    method = method_of(freeze_normalisation_after=2)
    batch = batch_of(method)
    means = method.predictor.network.fusion[1].running_mean
    seen = [means.clone()]
    for number in (1, 2, 3, 4):
        method.train()
        step(method, batch, number)
        seen.append(means.clone())
    assert [torch.equal(a, b) for a, b in pairwise(seen)] == [False, False, True, True]
    weight = method.predictor.network.fusion[1].weight
    assert weight.grad is not None and weight.grad.abs().sum() > 0, "what it multiplies by is learned on"
    assert method.train().predictor.network.fusion[1].training


def learned(**settings: Any) -> F2lm:
    method = method_of(**settings)
    channels = method.sampling.channels
    method.prepare_footage([noise_run(channels=channels), noise_run(seed=1, channels=channels)])
    method.eval().conclude_training(ClipSet([noise_run(channels=channels)], method, 0), 3)
    return method


def test_training_frames_score_nothing_on_average() -> None:
    method = learned()
    scores = [
        score
        for seed in (0, 1)
        for score in score_run(WindowScorer(method, precision="float32"), noise_run(seed=seed))[4:]
    ]
    assert np.mean([score.score for score in scores]) == pytest.approx(0, abs=1e-3)
    assert np.std([score.components["appearance"] for score in scores]) > 0
    assert set(scores[0].components) == {"appearance", "motion", "object", "motion_hinge", "object_hinge"}


@pytest.mark.parametrize("channels", [1, 3])
def test_scores_by_features_of_a_stream_are_those_computed_anew(channels: int) -> None:
    method = learned(channels=channels)
    run = noise_run(seed=3, channels=channels)
    by_stream = score_run(WindowScorer(method, batch_size=3, details=True, precision="float32"), run)
    windows = torch.from_numpy(np.stack([run.frames[start : start + 5] for start in range(8)])).float() / 127.5 - 1
    scores = method.score(windows.permute(0, 4, 1, 2, 3), [4])
    np.testing.assert_allclose(
        [score.score for score in by_stream[4:]], scores.score[:, 0].numpy(), rtol=1e-3, atol=1e-4
    )
    assert scores.map is not None and scores.map.shape == (8, 1, 32, 48)
    assert scores.pictures["reconstruction"].shape == (8, 1, channels, 32, 48)
    assert scores.pictures["error"].shape == (8, 1, 1, 32, 48)
    assert by_stream[5].map is not None and by_stream[5].map.shape == (32, 48)


def test_pixels_alone_need_neither_flow_nor_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    method = learned(score="pixels")
    whole = learned()
    monkeypatch.setattr(method.predictor.helpers, "stream", None)
    monkeypatch.setattr(method.predictor.helpers, "of_values", None)
    assert method.open_features() is None
    method.predictor.network.motion.register_forward_hook(lambda *_: pytest.fail("the motion encoder runs"))
    run = noise_run(seed=3)
    scores, others = (score_run(WindowScorer(m, details=True, precision="float32"), run) for m in (method, whole))
    assert set(scores[5].components) == {"appearance"}
    assert scores[5].components["appearance"] == pytest.approx(others[5].components["appearance"])
    np.testing.assert_array_equal(scores[5].pictures["reconstruction"], others[5].pictures["reconstruction"])


def test_an_odd_region_is_found_and_located() -> None:
    frames = np.full((12, 32, 48, 1), 100, np.uint8)
    frames[:, ::3] += 20
    method = method_of()
    method.prepare_footage([FrameRun("still", 0, frames)])
    method.eval().conclude_training(ClipSet([FrameRun("still", 0, frames)], method, 0), 3)
    odd = frames.copy()
    odd[8:, 8:16, 16:24] = 255
    scores = score_run(WindowScorer(method, details=True, precision="float32"), FrameRun("odd", 0, odd))
    assert scores[9].score > scores[5].score
    place = scores[9].map
    assert place is not None and place[8:16, 16:24].mean() > 2 * place[20:].mean()


def test_the_papers_protocol() -> None:
    protocol = method_of().paper_protocol()
    assert (protocol.head, protocol.tail, protocol.normalise, protocol.optimistic) == (4, 0, "none", True)
    assert protocol.components == ("motion_hinge", "object_hinge", "appearance")
    fixed = method_of(paper_weights=(1, 1, 3), paper_smoothing=10).paper_protocol()
    assert not fixed.optimistic and fixed.pipeline is not None and "smoothed over 10" in fixed.pipeline.name
    alone = method_of(score="pixels").paper_protocol()
    assert alone.components == ("appearance",) and not alone.optimistic
    scores = score_run(WindowScorer(learned(), precision="float32"), noise_run(frames=30, seed=3))
    components = {key: np.array([score.components[key] for score in scores]) for key in protocol.components}
    ranked = apply_paper(protocol, [components], [np.arange(30) > 20])
    assert ranked.scores[0].shape == (26,) and np.isfinite(ranked.scores[0]).all()


def test_a_trained_method_is_its_state() -> None:
    method = learned()
    again = method_of(seed=9).eval()
    again.load_state_dict(method.state_dict())
    windows = torch.rand(2, 1, 5, 32, 48) * 2 - 1
    assert torch.equal(again.score(windows, [4]).score, method.score(windows, [4]).score)


def test_the_scale_counts_in_deviations_of_training_frames() -> None:
    scale = PartScale({"a": 1.0, "b": 2.0, "c": 1.0}, ("a",))
    parts = {"a": torch.tensor([1.0, 3.0]), "b": torch.tensor([10.0, 30.0]), "c": torch.zeros(2)}
    scale.learn([(parts, {"a": torch.full((2, 4, 4), 0.5)})])
    assert scale.score(parts).tolist() == pytest.approx([-3, 3])
    odder = scale.score({"a": torch.tensor([2.0]), "b": torch.tensor([20.0]), "c": torch.tensor([1e-9])})
    assert odder.item() == pytest.approx(1)
    assert scale.map({"a": torch.ones(1, 2, 2)}).unique().tolist() == [2.0]
