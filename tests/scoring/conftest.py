"""Fixtures of the scoring tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oddlens import methods

PLUGIN = Path(__file__).parents[1] / "training" / "plugin"


@pytest.fixture(scope="module")
def mean_picture() -> Iterator[None]:
    """The small method of photographs is known by its name, while a module's tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUGIN))
        patch.setattr(methods, "METHODS", dict(methods.METHODS))
        methods.register("mean-picture", "mean_picture:MeanPicture")
        yield
