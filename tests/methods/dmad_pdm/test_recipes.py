"""The recipes of papers say what the papers say."""

from __future__ import annotations

import pytest

from oddlens.methods.dmad_pdm.method import DmadPdm
from oddlens.recipes import recipe_names
from oddlens.training.run import resolve_settings


def test_every_published_model_has_its_recipe() -> None:
    assert {name for name in recipe_names() if name.startswith("dmad-pdm/")} >= {
        "dmad-pdm/ped2",
        "dmad-pdm/avenue",
        "dmad-pdm/shanghai",
        "dmad-pdm/cpu",
    }


@pytest.mark.parametrize("name", ["ped2", "avenue", "shanghai"])
def test_paper_settings(name: str) -> None:
    run = resolve_settings(None, "footage", f"dmad-pdm/{name}", {}, [])
    training, values = run.training, dict(run.method)
    assert (training.epochs, training.batch_size, training.schedule) == ({"shanghai": 10}.get(name, 60), 8, "cosine")
    assert (training.last_batch, training.holdout, training.select) == ("drop", 0, "last")
    assert values.pop("name") == "dmad-pdm"
    settings = DmadPdm.from_values(values, name).base_settings
    assert settings == type(settings)(variant=name), "the method's defaults are the paper's"  # type: ignore[call-arg]
