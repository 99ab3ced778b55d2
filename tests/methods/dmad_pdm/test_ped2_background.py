"""The network for Ped2 before the real background: the specification's numbers, as near as the background is.

The authors' picture is the mean of the training frames, saved as JPEG (1.25 grey levels off on average).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from oddlens.datasets.open import open_dataset
from oddlens.media.open import open_source
from oddlens.media.template import make_template
from oddlens.methods.dmad_pdm.method import DmadPdm
from oddlens.methods.dmad_pdm.settings import DmadPdmSettings


def near(value: float) -> Any:
    return pytest.approx(value, rel=0.01)


@pytest.mark.real
def test_a_training_step_and_a_score(
    real_data: Path, clip: Callable[..., Tensor], fill: Callable[[nn.Module], Any]
) -> None:
    sources = [open_source(video.path, colour="grey") for video in open_dataset(real_data / "ped2").train]
    template = make_template(sources, size=(256, 256))
    assert template.frames == 2550 and template.levels.mean() == pytest.approx(113.37, abs=0.5)
    method = DmadPdm(DmadPdmSettings(channels=3)).eval()
    method.set_background({"ped2": template.levels.repeat(3, axis=2)})
    fill(method.network)
    frames = clip(2, 15, 256, 256).reshape(2, 5, 3, 256, 256).transpose(1, 2)

    scores = method.score(frames[:1], [4])
    assert scores.pictures["reconstruction"].mean().item() == near(0.1797414)
    components = [value.item() for value in scores.components.values()]
    assert components == [near(0.00930636), near(0.53505963), near(0.39626384)]

    losses = method.train().training_step({"clip": frames}, 1, "main")
    terms = {name: term.item() for name, term in losses.terms.items()}
    assert losses.total.item() == near(3.174995)
    assert (terms["first_error"], terms["second_error"]) == (near(0.48971009), near(0.47467399))
    assert (terms["gradient"], terms["background"]) == (near(0.56013757), near(0.44269505))
