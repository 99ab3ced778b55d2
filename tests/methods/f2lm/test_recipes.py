"""What the recipes of both stages say (specification, sections 5 and 6.1)."""

from __future__ import annotations

import pytest

from oddlens.recipes import recipe_names
from oddlens.training.run import resolve_settings

SETS = ("ped2", "avenue", "shanghai")


def test_every_recipe_has_its_second_stage() -> None:
    names = {stage: {n.split("/")[1] for n in recipe_names() if n.startswith(stage)} for stage in ("f2lm", "destroyer")}
    assert names["f2lm"] == names["destroyer"] == {*SETS, "cpu"}


@pytest.mark.parametrize("data", SETS)
def test_the_papers_settings(data: str) -> None:
    rate = 1e-4 if data == "ped2" else 2e-4
    first, second = (resolve_settings(None, "footage", f"{stage}/{data}", {}, []) for stage in ("f2lm", "destroyer"))
    for run, steps, frozen in ((first, 60_000, 1001), (second, 15_000, 101)):
        training, method = run.training, run.method
        assert (training.iterations, training.batch_size, training.sampling) == (steps, 4, "videos")
        assert (training.schedule, training.holdout, training.select) == ("constant", 0, "last")
        assert (method["learning_rate"], method["weight_decay"], method["features"]) == (rate, rate, 64)
        assert method["freeze_normalisation_after"] == frozen
    generator, destroyer = first.method, second.method
    assert (generator["height"], generator["width"], generator["discriminator_rate"]) == (256, 256, rate / 10)
    assert generator["triplet_axis"] == "width" and tuple(generator["loss_weights"]) == (1, 1, 0.05, 1)
    assert generator["channels"] == (1 if data == "ped2" else 3)
    assert (destroyer["background"], destroyer["steepness"]) == ("paper", 4)
    damage = destroyer["damage"]
    assert (damage["kind"], damage["where"], damage["clip"]) == ("channel-dropout", "patches", False)
    assert tuple(damage["share"]) == tuple(damage["dropout"]) == (0.05, 0.5)


def test_an_ordinary_computer_needs_no_weights() -> None:
    run = resolve_settings(None, "footage", "f2lm/cpu", {}, [])
    assert run.method["motion"]["method"].startswith("dis") and run.method["labels"]["source"] == "appearance"
