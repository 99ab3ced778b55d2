"""The Destroyer as a method: its settings, training step, scale and scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from oddlens.config import build
from oddlens.errors import DataError, SettingsError
from oddlens.methods.destroyer.damage import damage
from oddlens.methods.destroyer.gate import destroyer_loss, gate
from oddlens.methods.destroyer.method import Destroyer
from oddlens.methods.destroyer.settings import DestroyerSettings
from oddlens.methods.f2lm.method import F2lm
from oddlens.methods.f2lm.settings import F2lmSettings
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.order import ClipSet
from oddlens.scoring.windows import WindowScorer, score_run

TINY = F2lmSettings(height=32, width=48, features=4)


def noise_run(name: str = "noise", frames: int = 12, seed: int = 0) -> FrameRun:
    rng = np.random.default_rng(seed)
    return FrameRun(name, 0, rng.integers(0, 256, (frames, 32, 48, 1), dtype=np.uint8))


class Shelf:
    """What a run lends a method: one generator, one picture."""

    def __init__(self, generator: Any = None, picture: Any = None) -> None:
        self.generator, self.picture = generator, picture

    def open_method(self, path: str) -> Any:
        assert path == "first"
        return self.generator

    def open_pictures(self, path: str, colour: str) -> Any:
        return {"picture": self.picture}


def generator_of(**settings: Any) -> F2lm:
    torch.manual_seed(5)
    method = F2lm(F2lmSettings(**{"height": 32, "width": 48, "features": 4, **settings})).eval()
    if method.predictor.classes is not None:
        method.predictor.classes.learn([noise_run()])
    return method


def method_of(seed: int = 0, **settings: Any) -> Destroyer:
    torch.manual_seed(seed)
    values = {"generator": "first", "generator_method": TINY.to_dict(), "features": 4, **settings}
    method = Destroyer(build(DestroyerSettings, values, "test"))
    method.prepare_training(Shelf(generator_of(), np.zeros((32, 48, 1), np.uint8)))  # type: ignore[arg-type]
    return method


def batch_of(method: Destroyer, count: int = 3) -> dict[str, torch.Tensor]:
    return ClipSet([noise_run()], method, 0).__getitems__([(0, number) for number in range(count)])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"generator_method": {"height": 100}},
            "the generator's frames are 256x100; train a generator with sides that",
        ),
        ({"features": 0}, "features is 0"),
        ({"freeze_normalisation_after": -1}, "freeze_normalisation_after -1"),
        ({"steepness": 0}, "steepness is 0"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"weights": [1, 1, 1]}, "'weights.3' is missing"),
        ({"score": "pixels", "weights": [1, 1, 0, 0]}, "weights are [0.0, 0.0]"),
        ({"generator_method": {"score": "pixels", "loss_weights": [1, 1, 1, 0]}}, "the generator imitates nothing"),
        ({"background": "white"}, "'background' is 'white'"),
        ({"damage": {"kinds": "blur"}}, "unknown key 'damage.kinds'; did you mean 'kind'?"),
        ({"paper_smoothing": -1}, "paper_smoothing is -1"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build(DestroyerSettings, values, "recipe.yaml")
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_frame_size_and_colours_are_the_generators() -> None:
    generator = generator_of(height=64, channels=3)
    settings = DestroyerSettings(generator="first", features=4)
    found = Destroyer.complete(settings, Shelf(generator).open_method)
    assert isinstance(found, DestroyerSettings) and found.generator_method == generator.settings
    spec = Destroyer(found).sampling
    assert (spec.height, spec.width, spec.channels, spec.length) == (64, 48, 3, 5)
    assert build(DestroyerSettings, found.to_dict(), "detector.yaml") == found


def test_the_generator_is_taken_over_and_never_learns() -> None:
    method, generator = method_of().train(), generator_of()
    state = generator.predictor.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in method.predictor.state_dict().items())
    assert method.training and method.network.training
    assert not any(module.training for module in method.predictor.modules())
    method.training_step(batch_of(method), 1, "main").total.backward()
    assert all(parameter.grad is None for parameter in method.predictor.parameters())
    optimised = {id(p) for group in method.configure_optimizers()["main"].param_groups for p in group["params"]}
    assert optimised == {id(parameter) for parameter in method.network.parameters()}
    after = method.predictor.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in after.items())


def test_the_training_step_is_damage_gate_and_loss() -> None:
    method = method_of().train()
    batch = batch_of(method)
    torch.manual_seed(3)
    losses = method.training_step(batch, 1, "main")
    torch.manual_seed(3)
    with torch.no_grad():
        generated, true = method.predictor({"clip": batch["clip"]})
        damaged = damage(generated.frame, method.settings.damage)
        made = method.network(damaged)
        sums = destroyer_loss(made, generated.frame, method.background, gate(damaged, true))
    assert losses.total.item() == pytest.approx(sums.sum().item(), rel=1e-4), "officially a sum over the batch"
    assert losses.per_sample is not None
    assert losses.total.item() == pytest.approx(losses.per_sample.mean().item(), rel=1e-6)
    assert losses.terms["gate"].item() == pytest.approx(gate(damaged, true).mean().item(), rel=1e-4)
    for name, frames in (("psnr", generated.frame), ("destroyed_psnr", made)):
        errors = ((frames - true) / 2).square().mean(dim=(1, 2, 3))
        assert losses.terms[name].item() == pytest.approx((-10 * errors.log10()).mean().item(), rel=1e-4)


def test_validation_damages_alike_and_counts_samples() -> None:
    method = method_of().eval()
    batch = batch_of(method)
    first = method.training_step(batch, 0, "main").total
    torch.manual_seed(77)
    assert torch.equal(method.training_step(batch, 0, "main").total, first)
    twice = {name: torch.cat([value, value]) for name, value in batch.items()}
    assert method.training_step(twice, 0, "main").total.item() == pytest.approx(first.item(), rel=0.3)


def test_normalisation_holds_still_after_so_many_steps() -> None:
    method = method_of(freeze_normalisation_after=1)
    means = method.network.encoder.levels[0][1].running_mean
    seen = [means.clone()]
    for number in (1, 2):
        method.train().training_step(batch_of(method), number, "main")
        seen.append(means.clone())
    assert not torch.equal(seen[0], seen[1]) and torch.equal(seen[1], seen[2])


def test_backgrounds() -> None:
    assert (method_of().background == -1).all()
    bluish = method_of(background="paper").background
    assert bluish[:, 0, 0].tolist() == pytest.approx([-0.9889, -0.9938, -0.9469]) and bluish.std(dim=(1, 2)).max() == 0
    mean = method_of(background="mean")
    runs = [noise_run(), noise_run(seed=1)]
    mean.prepare_footage(runs)
    expected = np.rint(np.concatenate([run.frames for run in runs]).mean(axis=0)) / 127.5 - 1
    np.testing.assert_allclose(mean.background.numpy(), np.repeat(expected.transpose(2, 0, 1), 3, axis=0), atol=1e-6)
    file = method_of(background_file="black.png", background="mean")
    file.prepare_footage(runs)
    assert (file.background == -1).all()
    with pytest.raises(DataError, match=r"background large\.png: is 8x16, the generator's frames are 48x32"):
        method = Destroyer(DestroyerSettings(generator="first", generator_method=TINY, background_file="large.png"))
        method.prepare_training(Shelf(generator_of(), np.zeros((16, 8, 3), np.uint8)))  # type: ignore[arg-type]


def test_damage_may_be_the_background() -> None:
    method = method_of(damage={"kind": "background", "share": (1.0, 1.0)}).train()
    losses = method.training_step(batch_of(method), 1, "main")
    assert losses.terms["gate"] == 1


def learned(**settings: Any) -> Destroyer:
    method = method_of(**settings)
    method.prepare_footage([noise_run(), noise_run(seed=1)])
    method.eval().conclude_training(ClipSet([noise_run()], method, 0), 3)
    return method


def test_scores_are_parts_in_deviations_of_training_frames() -> None:
    method = learned()
    runs = [score_run(WindowScorer(method, details=True, precision="float32"), noise_run(seed=seed)) for seed in (0, 1)]
    scores = [score for run in runs for score in run[4:]]
    assert np.mean([score.score for score in scores]) == pytest.approx(0, abs=1e-3)
    assert set(scores[0].components) >= {"appearance", "motion", "object", "destroyed"}
    assert scores[0].map is not None and scores[0].map.shape == (32, 48)
    shapes = {name: picture.shape for name, picture in scores[0].pictures.items()}
    assert shapes == dict.fromkeys(("reconstruction", "destroyed", "error"), (1, 32, 48))


def test_the_score_is_the_sum_of_its_components_deviations() -> None:
    method = method_of(weights=[2, 0.5, 1, 3]).eval()
    method.scale.mean.copy_(torch.tensor([0.1, 0.2, 0.003, 0.004]))
    method.scale.deviation.copy_(torch.tensor([0.3, 0.5, 0.001, 0.002]))
    scores, scales = method.score(batch_of(method)["clip"], (4,)), method.component_scales()
    assert list(scales) == ["motion", "object", "appearance", "destroyed"]
    parts = [scale.weight * scale.deviations(scores.components[name]) for name, scale in scales.items()]
    np.testing.assert_allclose(np.sum(parts, axis=0), scores.score, rtol=1e-3)


def test_scores_by_features_of_a_stream_are_those_computed_anew() -> None:
    method = learned()
    run = noise_run(seed=3)
    by_stream = score_run(WindowScorer(method, batch_size=3, precision="float32"), run)
    windows = torch.from_numpy(np.stack([run.frames[start : start + 5] for start in range(8)])).float() / 127.5 - 1
    scores = method.score(windows.permute(0, 4, 1, 2, 3), [4]).score[:, 0].numpy()
    np.testing.assert_allclose([score.score for score in by_stream[4:]], scores, rtol=1e-3, atol=1e-4)


def test_scoring_damages_nothing() -> None:
    method = learned()
    windows = torch.rand(2, 1, 5, 32, 48) * 2 - 1
    found = method.score(windows, [4])
    with torch.no_grad():
        predicted = method.predictor({"clip": windows})[0].frame
        expected = method.network(predicted)
    torch.testing.assert_close(found.pictures["destroyed"][:, 0], expected[:, :1], rtol=1e-4, atol=1e-5)


def test_pixels_alone_need_neither_flow_nor_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    method = learned(score="pixels")
    monkeypatch.setattr(method.predictor.helpers, "stream", None)
    monkeypatch.setattr(method.predictor.helpers, "of_values", None)
    scores = score_run(WindowScorer(method, precision="float32"), noise_run(seed=3))
    assert set(scores[5].components) == {"appearance", "destroyed"}
    protocol = method.paper_protocol()
    assert protocol.components == ("appearance", "destroyed") and protocol.optimistic


def test_the_papers_protocol() -> None:
    protocol = method_of().paper_protocol()
    assert (protocol.head, protocol.tail, protocol.normalise) == (4, 0, "none")
    assert protocol.components == ("motion_hinge", "object_hinge", "appearance", "destroyed") and protocol.optimistic
    assert not method_of(paper_weights=(1, 1, 3, 0.5)).paper_protocol().optimistic
    pixels = method_of(score="pixels", paper_weights=(1, 1, 3, 0.5)).paper_protocol()
    assert pixels.pipeline is not None and pixels.pipeline.name == "f2lm, weights 3, 0.5"


def test_a_trained_method_is_its_state() -> None:
    method = learned(background="mean")
    again = Destroyer(method.settings).eval()
    again.load_state_dict(method.state_dict())
    windows = torch.rand(2, 1, 5, 32, 48) * 2 - 1
    assert torch.equal(again.score(windows, [4]).score, method.score(windows, [4]).score)


def test_it_learns_to_paint_damaged_patches_over() -> None:
    """On predictions that are true, the gate is open where damage was done, and nowhere else."""
    method = method_of(learning_rate=3e-3, damage={"share": (0.5, 0.5), "dropout": (0.45, 0.45)}).train()
    pictures = torch.rand(4, 3, 32, 48, generator=torch.Generator().manual_seed(0)) * 0.6 - 0.3
    optimizer = method.configure_optimizers()["main"]
    torch.manual_seed(0)
    for _ in range(60):
        damaged = damage(pictures, method.settings.damage)
        loss = destroyer_loss(method.network(damaged), pictures, method.background, gate(damaged, pictures)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        damaged = damage(pictures, method.settings.damage)
        gates = gate(damaged, pictures)
        found = method.network(damaged)
    bad = gates.reshape(4, 1, 8, 1, 8, 1).expand(4, 3, 8, 4, 8, 6).reshape(4, 3, 32, 48) == 1
    assert found[bad].mean() < found[~bad].mean() - 0.2
