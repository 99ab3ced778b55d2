"""LBR-SPR's losses, training statistics and scores, against the formulas of the paper and its code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from oddlens.errors import SettingsError
from oddlens.methods.lbr_spr.method import LbrSpr
from oddlens.methods.lbr_spr.settings import LbrSprSettings
from oddlens.types import SamplingSpec

Patches = dict[str, torch.Tensor]


def method(**changes: Any) -> LbrSpr:
    torch.manual_seed(0)
    return LbrSpr(LbrSprSettings(width=2, **changes))


def patches(count: int, block: int | list[int] = 0, channels: int = 3, seed: int = 0) -> Patches:
    rng = np.random.default_rng(seed)
    return {
        "raw": torch.from_numpy(rng.integers(0, 256, (count, 32, 32, 5 * channels), np.uint8)),
        "flow": torch.from_numpy(rng.normal(size=(count, 32, 32, 10)).astype(np.float16)),
        "block": torch.as_tensor(np.broadcast_to(block, count).astype(np.int64)),
    }


class Stored:
    """Patches as a run's samples."""

    def __init__(self, batch: Patches, blocks: int = 1) -> None:
        self.batch = batch
        self.parts = np.bincount(batch["block"].numpy(), minlength=blocks).tolist()

    def __len__(self) -> int:
        return len(self.batch["block"])

    def __getitems__(self, keys: list[tuple[int, int]]) -> Patches:
        return {name: value[[index for _, index in keys]] for name, value in self.batch.items()}

    def validation_batches(self, count: int, batch_size: int) -> list[Patches]:
        return []


def squared_errors(trained: LbrSpr, batch: Patches) -> np.ndarray:
    """Raw and flow errors `(2, N)` of each patch, summed over all its values, written out plane by plane."""
    found = np.zeros((2, len(batch["raw"])))
    for block, branches in enumerate(trained.blocks):
        rows = np.flatnonzero(batch["block"].numpy() == block)
        if not len(rows):
            continue
        planes = torch.stack([batch["raw"][rows][..., k] / 255 for k in range(15)], dim=1)
        with torch.no_grad():
            raw, flow = branches(planes)
        found[0, rows] = (raw - planes).double().square().sum(dim=(1, 2, 3)).numpy()
        if flow is not None:
            truth = torch.stack([batch["flow"][rows][..., k].float() for k in range(10)], dim=1)
            found[1, rows] = (flow - truth).double().square().sum(dim=(1, 2, 3)).numpy()
    return found


def concluded(trained: LbrSpr, batch: Patches) -> LbrSpr:
    trained.eval()
    trained.conclude_training(Stored(batch, len(trained.blocks)), 4)
    return trained


def scored(trained: LbrSpr, batch: Patches) -> dict[str, np.ndarray]:
    scores = trained.score_patches(batch["raw"], batch["flow"] if trained.settings.motion else None, batch["block"])
    return {name: value.numpy() for name, value in {"score": scores.score, **scores.components}.items()}


def test_loss_divides_by_all_values_of_the_whole_batch() -> None:
    trained, batch = method(motion=True, loss_weights=(2.0, 3.0)).train(), patches(5)
    raw, flow = squared_errors(trained, batch)
    losses = trained.training_step(batch, 1, "main")
    assert losses.terms["raw"].item() == pytest.approx(raw.sum() / (5 * 15 * 32 * 32), rel=1e-5)
    assert losses.terms["flow"].item() == pytest.approx(flow.sum() / (5 * 10 * 32 * 32), rel=1e-5)
    weights = np.array([1.0, 0.5, 0.0, 0.25, 1.0])  # as self-paced training lays them over `per_sample`
    expected = 2 * (weights @ raw) / (5 * 15 * 32 * 32) + 3 * (weights @ flow) / (5 * 10 * 32 * 32)
    assert losses.per_sample is not None
    assert (weights @ losses.per_sample.detach().numpy()) / 5 == pytest.approx(expected, rel=1e-5)
    assert losses.total.item() == pytest.approx(losses.per_sample.mean().item(), rel=1e-6)


def test_without_motion_the_loss_is_the_raw_one_whatever_its_weight() -> None:
    batch = patches(3)
    losses = method(loss_weights=(7.0, 1.0)).train().training_step(batch, 1, "main")
    raw = squared_errors(method().train(), batch)[0]
    assert set(losses.terms) == {"raw"}
    assert losses.total.item() == pytest.approx(raw.sum() / (3 * 15 * 32 * 32), rel=1e-5)


def test_a_step_trains_the_block_of_its_patches_alone() -> None:
    trained = method(rows=2).train()
    trained.training_step(patches(3, block=1), 1, "main").total.backward()
    first, second = (list(block.parameters()) for block in trained.blocks)
    assert all(parameter.grad is None for parameter in first)
    assert all(parameter.grad is not None for parameter in second)


@pytest.mark.parametrize("motion", [False, True])
def test_pace_goes_by_the_sum_of_the_raw_errors(motion: bool) -> None:
    trained, batch = method(motion=motion).eval(), patches(4)
    raw = squared_errors(trained, batch)[0]
    with torch.no_grad():
        np.testing.assert_allclose(trained.pace_scores(batch).numpy(), raw, rtol=1e-5)


def test_pace_by_the_weighted_sum_of_both_losses() -> None:
    trained, batch = method(motion=True, pace_by="sum", loss_weights=(1.0, 0.5)).eval(), patches(4)
    raw, flow = squared_errors(trained, batch)
    with torch.no_grad():
        found = trained.pace_scores(batch).numpy()
    np.testing.assert_allclose(found, raw / 15360 + 0.5 * flow / 10240, rtol=1e-5)


def test_network_sees_raw_levels_by_255_frame_after_frame() -> None:
    stored = torch.tensor([10 * t + c for t in range(5) for c in range(3)], dtype=torch.uint8).expand(1, 32, 32, 15)
    planes = method().network_values(stored)
    assert planes.shape == (1, 15, 32, 32)
    expected = [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42]
    np.testing.assert_allclose(planes[0, :, 3, 4].numpy() * 255, expected, rtol=1e-6)


def test_grey_is_three_equal_planes() -> None:
    grey = patches(2, channels=1)["raw"]
    colour = grey.repeat_interleave(3, dim=3)
    assert torch.equal(method().network_values(grey), method().network_values(colour))


def test_flow_is_compared_as_stored() -> None:
    trained, batch = method(motion=True).eval(), patches(2)
    silent = {**batch, "flow": torch.zeros_like(batch["flow"])}
    with torch.no_grad():
        predicted = trained.blocks[0](trained.network_values(batch["raw"]))[1]
        loss = trained.training_step(silent, 1, "main").terms["flow"]
    assert loss.item() == pytest.approx(predicted.square().mean().item(), rel=1e-5)


@pytest.mark.parametrize("motion", [False, True])
def test_training_statistics_are_those_of_the_population_of_each_block(motion: bool) -> None:
    batch = patches(9, [0, 1, 1, 0, 1, 0, 0, 1, 1])
    trained = concluded(method(motion=motion, rows=2), batch)
    errors = squared_errors(trained, batch)[: 1 + motion]
    for block in range(2):
        mine = errors[:, batch["block"].numpy() == block]
        np.testing.assert_allclose(
            trained.official_scale.mean[: 1 + motion, block, 0].numpy(), mine.mean(axis=1), rtol=1e-5
        )
        np.testing.assert_allclose(
            trained.official_scale.deviation[: 1 + motion, block, 0].numpy(), mine.std(axis=1), rtol=1e-3
        )
    assert trained.counts.tolist() == [4, 5]


def test_score_without_motion_is_the_standardised_raw_error() -> None:
    batch = patches(8)
    trained = concluded(method(score_weights=(0.1, 1.0)), batch)
    raw = squared_errors(trained, batch)[0]
    found = scored(trained, batch)
    np.testing.assert_allclose(found["score"], (raw - raw.mean()) / raw.std(), atol=2e-3)
    assert set(found) == {"score", "appearance", "official"}
    np.testing.assert_array_equal(found["score"], found["appearance"])
    np.testing.assert_array_equal(found["score"], found["official"])


def test_score_with_motion_weighs_both_standardised_errors() -> None:
    batch, other = patches(8), patches(6, seed=1)
    trained = concluded(method(motion=True, score_weights=(0.5, 2.0)), batch)
    known, new = squared_errors(trained, batch), squared_errors(trained, other)
    r, o = (new - known.mean(axis=1, keepdims=True)) / known.std(axis=1, keepdims=True)
    found = scored(trained, other)
    np.testing.assert_allclose(found["appearance"], r, atol=2e-3)
    np.testing.assert_allclose(found["motion"], o, atol=2e-3)
    np.testing.assert_allclose(found["score"], 0.5 * r + 2 * o, atol=5e-3)


def test_the_official_score_has_one_scale_for_all_contrasts() -> None:
    batch = patches(160)
    batch["raw"] = (batch["raw"].float() * torch.linspace(0.1, 1, 160)[:, None, None, None]).to(torch.uint8)
    trained = concluded(method(contrast_bands=2), batch)
    raw, found = squared_errors(trained, batch)[0], scored(trained, batch)
    np.testing.assert_allclose(found["official"], (raw - raw.mean()) / raw.std(), atol=2e-3)
    assert abs(found["score"] - found["official"]).max() > 0.5
    paper = concluded(method(contrast_bands=2, paper=True), batch)
    np.testing.assert_array_equal(scored(paper, batch)["score"], found["official"])


def test_each_patch_is_scored_by_the_model_of_its_block() -> None:
    batch = patches(10, [0, 1] * 5)
    trained = concluded(method(columns=2), batch)
    whole = scored(trained, batch)["score"]
    for block in range(2):
        rows = np.flatnonzero(batch["block"].numpy() == block)
        alone = scored(trained, {name: value[rows] for name, value in batch.items()})["score"]
        np.testing.assert_allclose(alone, whole[rows], atol=1e-4)
        assert alone.mean() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("motion", [False, True])
def test_a_block_without_training_patches_is_odd_by_twenty(motion: bool) -> None:
    trained = concluded(method(rows=3, motion=motion), patches(6, [0, 2, 0, 2, 0, 2]))
    found = scored(trained, patches(3, [1, 0, 1], seed=1))
    assert found["score"][[0, 2]].tolist() == [20, 20]
    assert found["score"][1] < 20
    assert np.isfinite(found["score"]).all()


@pytest.mark.parametrize("count", [1, 4])
def test_a_block_of_one_patch_or_of_equal_ones_gives_finite_scores(count: int) -> None:
    batch = patches(1)
    alike = {name: value.repeat_interleave(count, dim=0) for name, value in batch.items()}
    trained = concluded(method(motion=True), alike)
    assert scored(trained, alike)["score"] == pytest.approx(np.zeros(count), abs=1e-3)
    assert np.isfinite(scored(trained, patches(5, seed=2))["score"]).all()
    assert np.isfinite(trained.empty_score)


def test_an_empty_frame_scores_as_the_least_odd_training_patch_and_official_minus_twenty() -> None:
    batch = patches(8)
    trained = concluded(method(), batch)
    assert trained.empty_score == pytest.approx(scored(trained, batch)["score"].min(), rel=1e-5)
    assert trained.official_empty_score == -20
    paper = concluded(method(paper=True), batch)
    assert paper.empty_score == paper.official_empty_score == -20


def test_no_patch_at_all_has_no_score() -> None:
    trained = concluded(method(motion=True), patches(4))
    assert scored(trained, patches(0))["score"].shape == (0,)


def test_statistics_are_part_of_the_weights() -> None:
    trained, other = concluded(method(), patches(6)), method()
    other.load_state_dict(trained.state_dict())
    other.eval()
    np.testing.assert_array_equal(
        scored(other, patches(3, seed=4))["score"], scored(trained, patches(3, seed=4))["score"]
    )
    assert other.empty_score == trained.empty_score


def test_what_a_patch_is() -> None:
    spec = method(motion=True, rows=4, context=1, side=16).patches
    assert (spec.side, spec.length, spec.flow, spec.units, spec.blocks) == (16, 3, True, "flownet512", 4)
    assert spec.first_flow == "next"
    assert method(paper=True).patches.first_flow == "zero"
    assert not method().patches.flow
    window = method().sampling
    assert isinstance(window, SamplingSpec)
    assert (window.height, window.width, window.channels, window.length, window.target) == (32, 32, 3, 5, 2)


def test_paper_protocol_is_a_mean_of_ten_of_the_official_scores() -> None:
    protocol = method().paper_protocol()
    assert (protocol.moving_mean, protocol.normalise, protocol.component) == (10, "none", "official")
    assert (protocol.head, protocol.tail) == (0, 0)


def test_optimiser_is_adam_over_all_blocks() -> None:
    trained = method(rows=2, learning_rate=0.01)
    optimizer = trained.configure_optimizers()["main"]
    assert isinstance(optimizer, torch.optim.Adam)
    assert optimizer.defaults["lr"] == 0.01
    assert optimizer.defaults["betas"] == (0.9, 0.999)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(trained.parameters()))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"side": 20}, "side is 20"),
        ({"side": 0}, "side is 0"),
        ({"width": 0}, "width is 0"),
        ({"rows": 0}, "rows is 0"),
        ({"smoothing": 0}, "smoothing is 0"),
        ({"every": 0}, "every is 0"),
        ({"context": -1}, "context is -1"),
        ({"context": 21}, "context is 21; give 0 to 20"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"loss_weights": (0.0, 0.0)}, r"loss_weights are \[0.0, 0.0\]"),
        ({"score_weights": (-1.0, 2.0)}, r"score_weights are \[-1.0, 2.0\]"),
        ({"score_weights": (float("inf"), 1.0)}, "score_weights are"),
    ],
)
def test_settings_that_make_no_method_are_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsError, match=f"lbr-spr: {fault}"):
        LbrSprSettings(**changes)
