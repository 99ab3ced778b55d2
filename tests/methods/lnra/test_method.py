"""LNRA as a method: its settings, samples and scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from oddlens.config import build
from oddlens.errors import OddLensError, SettingsError
from oddlens.methods.lnra.method import Lnra, LnraSettings
from oddlens.methods.lnra.pseudo import PseudoAnomaly, choose_kind
from oddlens.sampling.clips import Clip, FrameRun, to_network_values
from oddlens.sampling.intruders import Intruder, TextureIntruder
from oddlens.sampling.order import ClipSet
from oddlens.training.resources import TrainingResources
from oddlens.types import SamplingSpec

TINY: dict[str, Any] = {"height": 32, "width": 48, "widths": (2, 3, 4)}


def noise_run(frames: int = 100, size: tuple[int, int] = (32, 48), channels: int = 1) -> FrameRun:
    rng = np.random.default_rng(0)
    return FrameRun("noise", 0, rng.integers(0, 256, (frames, *size, channels), dtype=np.uint8))


class Opened:
    """Hands out textures and remembers what was asked for."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def open_intruder(self, name: str, spec: SamplingSpec) -> Intruder:
        self.names.append(name)
        return TextureIntruder(spec)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"height": 100}, "frame size is 256x100; give sides that are multiples of 16"),
        ({"width": 0}, "frame size is 0x256"),
        ({"height": -16}, "frame size is 256x-16"),
        ({"length": 12}, "length is 12; give a multiple of 8"),
        ({"length": 0}, "length is 0"),
        ({"channels": 2}, "channels is 2; give 1 (grey) or 3 (colour)"),
        ({"widths": [8, 0, 8]}, "widths are [8, 0, 8]"),
        ({"widths": [8, 8]}, "'widths.2' is missing"),
        ({"widths": [8, 8, 8, 8]}, "'widths' is [8, 8, 8, 8]"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"learning_rate": "fast"}, "'learning_rate' is 'fast'"),
        ({"window": 1.5}, "window is 1.5; give a share from 0 to 1"),
        ({"window": float("nan")}, "window is nan"),
        ({"pseudo": [{"kind": "cutmix", "probability": 0.6}] * 2}, "probabilities add up to more than 1; lower them"),
        ({"pseudo": [{"kind": "cutmix", "probability": 1.5}]}, "pseudo anomaly cutmix: probability is 1.5"),
        ({"pseudo": [{"kind": "cutmix", "probability": float("nan")}]}, "probability is nan"),
        ({"pseudo": [{"kind": "smoothmix-s", "alpha": 0}]}, "alpha is 0"),
        ({"pseudo": [{"kind": "smoothmix-s", "alpha": 1.01}]}, "alpha is 1.01"),
        ({"pseudo": [{"kind": "smoothmix-s", "beta": -1}]}, "beta is -1; give 0 or a number of pixels"),
        ({"pseudo": [{"kind": "skip-frame", "strides": []}]}, "strides are []"),
        ({"pseudo": [{"kind": "skip-frame", "strides": [1, 2]}]}, "strides are [1, 2]; give strides of 2 and more"),
        ({"pseudo": [{"kind": "smoothmix"}]}, "'pseudo.0.kind' is 'smoothmix'"),
        ({"pseudo": [{"kind": "cutmix", "strid": [2]}]}, "unknown key 'pseudo.0.strid'; did you mean 'strides'?"),
        ({"pseudo": [{}]}, "'pseudo.0.kind' is missing; give it a value"),
        ({"pseudo": "cutmix"}, "'pseudo' is 'cutmix'"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build(LnraSettings, values, "recipe.yaml")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_defaults_are_the_papers() -> None:
    settings = LnraSettings()
    assert (settings.height, settings.width, settings.channels, settings.length) == (256, 256, 1, 16)
    assert settings.learning_rate == 1e-4 and settings.pseudo == ()
    skip, patch = PseudoAnomaly(kind="skip-frame"), PseudoAnomaly(kind="smoothmix-s")
    assert (skip.probability, skip.strides) == (0.2, (2, 3, 4, 5))
    assert (patch.probability, patch.alpha, patch.beta) == (0.2, 0.5, 10)
    assert build(LnraSettings, LnraSettings(pseudo=(skip, patch)).to_dict(), "") == LnraSettings(pseudo=(skip, patch))


def test_the_ninth_of_sixteen_frames_is_scored() -> None:
    method = Lnra(LnraSettings(widths=(2, 3, 4)))
    spec = method.sampling
    assert (spec.length, spec.stride, spec.target, spec.latency) == (16, 1, 8, 7)
    assert spec.fast_targets == tuple(range(4, 12))
    protocol = method.paper_protocol()
    assert (protocol.head, protocol.tail, protocol.component) == (8, 7, "frame_error")
    assert protocol.smoothing is None and protocol.normalise == "per-video min-max"


class Draws:
    """A generator whose draws are known."""

    def __init__(self, draw: float) -> None:
        self.draw = draw

    def random(self) -> float:
        return self.draw


def test_kinds_take_consecutive_bands() -> None:
    kinds = [PseudoAnomaly(kind="skip-frame", probability=0.2)]
    kinds += [PseudoAnomaly(kind="cutmix", probability=share) for share in (0.0, 0.3)]
    bands = {0.0: 0, 0.1999: 0, 0.2: 2, 0.4999: 2, 0.5001: -1, 0.9999: -1}
    assert {draw: choose_kind(kinds, Draws(draw)) for draw in bands} == bands  # type: ignore[arg-type]
    assert choose_kind([], Draws(0.0)) == -1  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    drawn = np.array([choose_kind(kinds, rng) for _ in range(5000)])
    shares = [(drawn == k).mean() for k in (-1, 0, 1, 2)]
    assert shares == pytest.approx([0.5, 0.2, 0.0, 0.3], abs=0.03)


def test_only_patch_kinds_open_intruders() -> None:
    kinds = [PseudoAnomaly(kind="skip-frame", intruder="unused"), PseudoAnomaly(kind="cutmix", intruder="a")]
    kinds += [PseudoAnomaly(kind="smoothmix-s", intruder=name) for name in ("a", "b")]
    opened = Opened()
    Lnra(LnraSettings(**TINY, pseudo=tuple(kinds))).prepare_training(opened)
    assert opened.names == ["a", "b"]


@pytest.mark.parametrize("name", ["texture", "cifar10", "images:", "textures:x", "imagenet:/data", ""])
def test_an_intruder_that_is_not_known(name: str, tmp_path: Path) -> None:
    settings = LnraSettings(**TINY, pseudo=(PseudoAnomaly(kind="cutmix", intruder=name),))
    with pytest.raises(SettingsError, match=f"intruder '{name}': is not known; give textures, cifar10:DIR"):
        Lnra(settings).prepare_training(TrainingResources(tmp_path, 1 << 20))


@pytest.mark.parametrize("kind", ["cifar10", "cifar100", "images", "video"])
def test_an_intruder_folder_that_is_not_there(kind: str, tmp_path: Path) -> None:
    settings = LnraSettings(**TINY, pseudo=(PseudoAnomaly(kind="cutmix", intruder=f"{kind}:{tmp_path / 'gone'}"),))
    with pytest.raises(OddLensError, match="gone: the intruder folder does not exist"):
        Lnra(settings).prepare_training(TrainingResources(tmp_path, 1 << 20))


def sample_of(settings: LnraSettings, index: int, seed: int = 0, epoch: int = 0, run: FrameRun | None = None) -> Any:
    method = Lnra(settings)
    method.prepare_training(Opened())
    return ClipSet([run or noise_run()], method, seed)[epoch, index]


@pytest.mark.parametrize("kind", ["skip-frame", "smoothmix-s", "smoothmix-c", "cutmix", "mixup-patch"])
def test_the_target_is_the_normal_clip(kind: Any) -> None:
    settings = LnraSettings(**TINY, pseudo=(PseudoAnomaly(kind=kind, probability=1.0),))
    run = noise_run()
    sample = sample_of(settings, 7, run=run)
    clean = to_network_values(run.frames[7:23], Lnra(settings).sampling)
    assert sample["pseudo"] == 1
    assert sample["input"].shape == sample["target"].shape == (1, 16, 32, 48)
    np.testing.assert_array_equal(sample["target"].numpy(), clean)
    assert not torch.equal(sample["input"], sample["target"])
    if kind == "skip-frame":
        assert torch.equal(sample["input"][:, 0], sample["target"][:, 0])


def test_the_baseline_and_short_runs_stay_normal() -> None:
    always_skip = LnraSettings(**TINY, pseudo=(PseudoAnomaly(kind="skip-frame", probability=1.0),))
    for settings, run in ((LnraSettings(**TINY), noise_run()), (always_skip, noise_run(frames=20))):
        sample = sample_of(settings, 3, run=run)
        assert sample["pseudo"] == 0
        assert torch.equal(sample["input"], sample["target"])


def test_a_sample_depends_on_seed_epoch_and_index_alone() -> None:
    kinds = tuple(PseudoAnomaly(kind=kind, probability=0.25) for kind in ("skip-frame", "smoothmix-s", "cutmix"))
    settings = LnraSettings(**TINY, pseudo=kinds)
    for index in range(12):
        first, second = (sample_of(settings, index, seed=5, epoch=2) for _ in range(2))
        assert all(torch.equal(first[name], second[name]) for name in first)
    samples = [sample_of(settings, 3, seed, epoch)["input"] for seed in range(4) for epoch in range(4)]
    different = {sample.numpy().tobytes() for sample in samples}
    assert len(different) > 8


def test_validation_samples_have_no_randomness() -> None:
    settings = LnraSettings(**TINY, pseudo=(PseudoAnomaly(kind="cutmix", probability=1.0),))
    run = noise_run()
    sample = Lnra(settings).validation_sample(Clip(run, 11))
    expected = to_network_values(run.frames[11:27], Lnra(settings).sampling)
    assert sample["pseudo"] == 0
    np.testing.assert_array_equal(sample["input"], expected)
    np.testing.assert_array_equal(sample["target"], expected)


class Fixed(torch.nn.Module):
    """A network whose reconstruction is off by so much everywhere."""

    def __init__(self, error: float) -> None:
        super().__init__()
        self.error = error

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return clips + self.error


def scored(error: float, **settings: Any) -> Any:
    method = Lnra(LnraSettings(**{**TINY, **settings})).eval()
    method.network = Fixed(error)  # type: ignore[assignment]
    channels = method.settings.channels
    return method.score(torch.zeros(3, channels, 16, 32, 48), [8, 9])


@pytest.mark.parametrize(
    ("error", "psnr"),
    [
        (1, 0.0),
        (0.1**0.5, 10.0),
        (0.1, 20.0),
        (0.05, 26.0205999133),
        (0.01, 40.0),
        (2, -6.0205999133),
        (1 / 127.5, 42.1102036954),
        (5 / 127.5, 28.1308036087),
        (20 / 127.5, 16.0896034818),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_scores_are_minus_the_psnr(error: float, psnr: float, channels: int) -> None:
    scores = scored(error, channels=channels)
    assert scores.components["frame_error"].shape == (3, 2)
    np.testing.assert_allclose(scores.components["frame_error"], -psnr, atol=1e-4)
    np.testing.assert_allclose(scores.components["window_error"], -psnr, atol=1e-4)
    assert scores.map.shape == (3, 2, 32, 48)
    np.testing.assert_allclose(scores.map, error**2, rtol=1e-5)
    assert scores.pictures["reconstruction"].shape == (3, 2, channels, 32, 48)


def test_a_perfect_reconstruction_has_a_finite_score() -> None:
    assert scored(0.0).score.isfinite().all()


def test_without_a_window_the_score_is_the_frames() -> None:
    scores = scored(0.1, window=0)
    assert set(scores.components) == {"frame_error"}
    assert torch.equal(scores.score, scores.components["frame_error"])


def test_scores_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    method = Lnra(LnraSettings(**TINY)).eval()
    windows = torch.rand(4, 1, 16, 32, 48) * 2 - 1
    together = method.score(windows, [8])
    alone = [method.score(window[None], [8]).score for window in windows]
    torch.testing.assert_close(together.score, torch.cat(alone), atol=1e-5, rtol=1e-5)
    fast = method.score(windows, method.sampling.fast_targets)
    torch.testing.assert_close(fast.score[:, 4:5], together.score, atol=1e-5, rtol=1e-5)


def test_one_odd_place_counts_more_in_a_window() -> None:
    class Spot(torch.nn.Module):
        def forward(self, clips: torch.Tensor) -> torch.Tensor:
            off: torch.Tensor = clips.clone()
            off[:, :, :, 4:10, 20:29] += 0.5
            return off

    method = Lnra(LnraSettings(**TINY)).eval()
    method.network = Spot()  # type: ignore[assignment]
    scores = method.score(torch.zeros(1, 1, 16, 32, 48), [8])
    error: NDArray[np.float32] = scores.pictures["error"][0, 0, 0].numpy()
    assert scores.components["frame_error"].item() == pytest.approx(10 * np.log10(error.mean()), abs=1e-4)
    assert scores.components["window_error"].item() == pytest.approx(10 * np.log10(0.25), abs=1e-4)
    assert scores.score.item() == scores.components["window_error"].item()
