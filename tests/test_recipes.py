"""Recipes: each one builds, and those of papers say what the papers say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oddlens.config import read_yaml
from oddlens.errors import SettingsError
from oddlens.methods import method_class
from oddlens.recipes import find_recipe, recipe_names
from oddlens.training.run import resolve_settings

PAPER = [name for name in recipe_names() if re.match(r"lnra/(ped2|avenue|shanghai)-", name)]


@pytest.mark.parametrize("name", recipe_names())
def test_recipe_builds_its_method_and_its_run(name: str) -> None:
    run = resolve_settings(None, "footage", name, {}, [])
    assert run.method["name"] == name.split("/")[0]
    assert run.training.iterations or run.training.epochs
    assert not read_yaml(find_recipe(name)).get("data"), "a recipe must not name anyone's folders"
    values = {key: value for key, value in run.method.items() if key != "name"}
    method = method_class(run.method["name"]).from_values(values, name)
    assert set(method.configure_optimizers()) == set(method.phases)


@pytest.mark.parametrize("name", recipe_names())
def test_recipe_survives_being_written_as_the_run(name: str) -> None:
    run = resolve_settings(None, "footage", name, {}, [])
    again = resolve_settings(None, None, None, run.to_dict(), [])
    assert again == run


@pytest.mark.parametrize(
    "name", [f"lnra/{data}-{kind}" for data in ("ped2", "avenue", "shanghai") for kind in ("baseline", "patch", "skip")]
)
def test_every_experiment_of_the_paper_has_its_recipe(name: str) -> None:
    assert name in PAPER


@pytest.mark.parametrize("name", PAPER)
def test_paper_recipes_say_the_papers_settings(name: str) -> None:
    written = read_yaml(find_recipe(name))
    assert (written["training"]["epochs"], written["training"]["batch_size"]) == (60, 4)
    run = resolve_settings(None, "footage", name, {}, [])
    assert (run.training.iterations, run.training.schedule, run.training.holdout) == (0, "constant", 0)
    assert run.training.select == "last"
    method = run.method
    assert (method["height"], method["width"], method["channels"], method["length"]) == (256, 256, 1, 16)
    assert tuple(method["widths"]) == (96, 128, 256) and method["learning_rate"] == 1e-4
    kinds = method["pseudo"]
    assert len(kinds) == (0 if name.endswith("baseline") else 1)
    for kind in kinds:
        assert (kind["probability"], kind["alpha"], kind["beta"]) == (0.2, 0.5, 10)
        assert tuple(kind["strides"]) == (2, 3, 4, 5)
        assert (kind["kind"] == "skip-frame") == name.endswith("skip")


def test_names_with_and_without_folder_and_suffix_find_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no recipes/ lies
    files = {find_recipe(name) for name in ("lnra/cpu", "recipes/lnra/cpu", "recipes/lnra/cpu.yaml", "lnra/cpu.yaml")}
    assert len(files) == 1 and files.pop().is_file()


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("method: {name: lnra}\n")
    assert find_recipe(str(tmp_path / "mine.yaml")) == tmp_path / "mine.yaml"


def test_unknown_recipe_suggests_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'lnra/cpu'"):
        find_recipe("lnra/cqu")
    with pytest.raises(SettingsError, match="oddlens list"):
        find_recipe("zzzz")
