"""The table of methods. A new one adds one package and one line here, or an entry point `oddlens.methods`."""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from oddlens.errors import SettingsError

if TYPE_CHECKING:
    from oddlens.methods.base import Method

METHODS: dict[str, tuple[str, str]] = {
    "lnra": (
        "oddlens.methods.lnra.method:Lnra",
        "reconstructs clips, trained on pseudo anomalies not to (BMVC 2021)",
    ),
    "lbr-spr": (
        "oddlens.methods.lbr_spr.method:LbrSpr",
        "reconstructs patches round moving objects, learns from unlabelled video (CVPR 2022)",
    ),
    "dmad-pdm": (
        "oddlens.methods.dmad_pdm.method:DmadPdm",
        "predicts frames from a memory and a bounded deformation (CVPR 2023)",
    ),
    "dmad-ppdm": (
        "oddlens.methods.dmad_ppdm.method:DmadPpdm",
        "has a student recall a teacher's features of a deformed photograph (CVPR 2023)",
    ),
    "f2lm": (
        "oddlens.methods.f2lm.method:F2lm",
        "predicts frames by way of imitated motion and labels (IEEE Access 2024)",
    ),
    "destroyer": (
        "oddlens.methods.destroyer.method:Destroyer",
        "paints what an f2lm detector predicts badly over, its second stage (IEEE Access 2024)",
    ),
}
"""Name -> (`module:class`, one line about it)."""


def register(name: str, target: str, summary: str = "") -> None:
    """Make the method class at `target` (`module:class`) known as `name`."""
    METHODS[name] = (target, summary)


def known_methods() -> dict[str, tuple[str, str]]:
    """All methods, those of other installed packages included."""
    others = {point.name: (point.value, f"from {point.module}") for point in entry_points(group="oddlens.methods")}
    return {**others, **METHODS}


def method_class(name: str) -> type[Method]:
    """The class of method `name`.

    Raises:
        SettingsError: no method has that name.
    """
    table = known_methods()
    if name not in table:
        near = difflib.get_close_matches(name, table, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else f"known methods: {', '.join(sorted(table))}"
        raise SettingsError(f"method '{name}'", "is not known", remedy)
    module, _, attribute = table[name][0].partition(":")
    found: type[Method] = getattr(import_module(module), attribute)
    return found
