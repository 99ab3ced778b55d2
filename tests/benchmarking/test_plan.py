"""Plans of benchmarks: which jobs, in which order, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from oddlens.benchmarking import plan
from oddlens.benchmarking.plan import Entry, Target, make_entries, make_jobs, target_settings
from oddlens.errors import SettingsError


def test_a_bare_recipe_means_every_method_that_has_it():
    names = {entry.name for entry in make_entries((), ("cpu",), "video")}
    assert {"lnra/cpu", "lbr-spr/cpu", "dmad-pdm/cpu", "f2lm/cpu", "destroyer/cpu"} <= names
    assert not any(name.startswith("dmad-ppdm") for name in names)


def test_methods_may_bring_their_recipe_and_files_name_their_method(tmp_path: Path):
    entries = make_entries(("lnra/ped2-skip", "dmad-pdm"), ("cpu",), "video")
    assert [(entry.name, entry.recipe) for entry in entries] == [
        ("lnra/ped2-skip", "lnra/ped2-skip"),
        ("dmad-pdm/cpu", "dmad-pdm/cpu"),
    ]
    file = tmp_path / "mine.yaml"
    file.write_text("method: {name: lnra, height: 32}\n", encoding="utf-8")
    assert make_entries((), (str(file),), "video") == [Entry("lnra/mine", "lnra", str(file))]
    assert make_entries(("lnra",), ("defaults",), "video") == [Entry("lnra", "lnra", None)]


def test_an_ablation_is_a_method_with_something_switched_off():
    entry = make_entries(("reverse-distillation",), ("defaults",), "photographs")[0]
    assert (entry.name, entry.method) == ("reverse-distillation", "dmad-ppdm")
    assert entry.assignments == ("method.deformation=false",)


def test_a_second_stage_brings_its_first_before_it():
    entries = make_entries(("destroyer",), ("cpu",), "video")
    jobs = make_jobs([Target("ped2", Path("ped2"))], entries, (0, 1))
    assert [job.key for job in jobs] == [
        "ped2/f2lm-cpu/seed-0",
        "ped2/destroyer-cpu/seed-0",
        "ped2/f2lm-cpu/seed-1",
        "ped2/destroyer-cpu/seed-1",
    ]
    both = make_jobs([Target("ped2", Path("ped2"))], make_entries(("destroyer", "f2lm"), ("cpu",), "video"), (0,))
    assert [job.key for job in both] == ["ped2/f2lm-cpu/seed-0", "ped2/destroyer-cpu/seed-0"]


def test_a_recipe_of_a_target_is_laid_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "screw.yaml").write_text("method: {deformation_weight: 0.2}\n", encoding="utf-8")
    monkeypatch.setattr(plan, "recipe_names", lambda: ["dmad-ppdm/mvtec-image-screw"])
    monkeypatch.setattr(plan, "find_recipe", lambda name: tmp_path / "screw.yaml")
    entry = Entry("dmad-ppdm/mvtec-image", "dmad-ppdm", "dmad-ppdm/mvtec-image")
    assert target_settings(entry, "screw") == {"method": {"deformation_weight": 0.2}}
    assert target_settings(entry, "pill") == {}


@pytest.mark.parametrize(
    ("methods", "recipes", "says"),
    [
        (("lnrra",), ("cpu",), "did you mean 'lnra'"),
        (("lnra",), ("cpuu",), "lnra has no recipe 'cpuu'"),
        (("lnra/nothing",), ("cpu",), "lnra has no recipe 'nothing'"),
        (("dmad-ppdm",), ("cpu",), "looks at photographs"),
        ((), ("nothing",), "fits no method of video"),
    ],
)
def test_what_is_not_there_is_refused(methods: tuple[str, ...], recipes: tuple[str, ...], says: str):
    with pytest.raises(SettingsError, match=says):
        make_entries(methods, recipes, "video")


@pytest.mark.parametrize("seeds", [(), (0, 0), (-1,)])
def test_seeds_are_whole_numbers_and_each_once(seeds: tuple[int, ...]):
    with pytest.raises(SettingsError, match="--seeds"):
        make_jobs([Target("a", Path("a"))], [Entry("lnra", "lnra", None)], seeds)
