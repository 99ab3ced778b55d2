"""Recipes: configurations that are known to work, shipped with the package."""

from __future__ import annotations

import difflib
from pathlib import Path

from oddlens.errors import SettingsError

_FOLDER = Path(__file__).parent


def recipe_names() -> list[str]:
    """Names of all recipes, `method/recipe`."""
    return sorted(file.relative_to(_FOLDER).with_suffix("").as_posix() for file in _FOLDER.rglob("*.yaml"))


def find_recipe(name: str) -> Path:
    """The file of a configuration: a path, or the name of a shipped recipe (`lnra/cpu`).

    Raises:
        SettingsError: neither exists.

    Example:
        >>> find_recipe("lnra/cpu").name
        'cpu.yaml'
    """
    if Path(name).is_file():
        return Path(name)
    wanted = name.removeprefix("recipes/").removesuffix(".yaml")
    if wanted in recipe_names():
        return _FOLDER / f"{wanted}.yaml"
    near = difflib.get_close_matches(wanted, recipe_names(), n=1)
    remedy = f"did you mean '{near[0]}'?" if near else "see 'oddlens list' for the recipes there are"
    raise SettingsError(name, "is neither a file nor a recipe", remedy)
