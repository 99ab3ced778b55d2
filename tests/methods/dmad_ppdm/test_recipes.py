"""The recipes of the paper say what the paper says."""

from __future__ import annotations

import pytest

from oddlens.methods.dmad_ppdm.settings import DmadPpdmSettings
from oddlens.recipes import recipe_names
from oddlens.training.run import resolve_settings
from oddlens.training.settings import RunSettings

OWN_WEIGHT = ("screw", "carpet", "metal_nut")


def settings_of(name: str) -> tuple[DmadPpdmSettings, RunSettings]:
    run = resolve_settings(None, "photographs", f"dmad-ppdm/{name}", {}, [])
    return DmadPpdmSettings(**{key: value for key, value in run.method.items() if key not in ("name", "augment")}), run


@pytest.mark.parametrize("mode", ["image", "pixel"])
@pytest.mark.parametrize("category", ["", *OWN_WEIGHT])
def test_paper_settings(mode: str, category: str) -> None:
    settings, run = settings_of(f"mvtec-{mode}{category and f'-{category}'}")
    weight = 0.2 if category else 0.05
    expected = DmadPpdmSettings(mode=mode, deformation_weight=weight)  # type: ignore[arg-type]
    assert settings == expected, "the method's defaults are the paper's"
    training = run.training
    assert (training.epochs, training.batch_size, training.last_batch) == (400, 8, "keep")
    assert (training.schedule, training.holdout, training.select) == ("cosine", 0, "last")


def test_recipes_there_are() -> None:
    expected = {
        f"dmad-ppdm/mvtec-{mode}{end}" for mode in ("image", "pixel") for end in ("", *map("-{}".format, OWN_WEIGHT))
    }
    assert {name for name in recipe_names() if name.startswith("dmad-ppdm/")} == {*expected, "dmad-ppdm/cpu"}


def test_the_small_recipe_chooses_no_weight_by_category() -> None:
    """What the paper chose for three categories it chose on their test labels."""
    settings, run = settings_of("cpu")
    assert settings.deformation_weight == DmadPpdmSettings().deformation_weight
    assert settings.teacher == "mobilenet_v2" and run.training.holdout > 0
