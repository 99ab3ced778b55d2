"""What a benchmark consists of: one training and one evaluation for each data set, entry and seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from oddlens.config import read_yaml
from oddlens.errors import SettingsError
from oddlens.methods import known_methods, method_class
from oddlens.recipes import find_recipe, recipe_names
from oddlens.training.second_stage import FIRST_STAGES

Subject = Literal["video", "photographs"]

ABLATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "reverse-distillation": ("dmad-ppdm", ("method.deformation=false",)),
}
"""Methods that are another one with something switched off: name -> method, settings."""
DEFAULTS = "defaults"
"""In place of a recipe: the settings that a method has by itself."""


@dataclass(frozen=True)
class Entry:
    """One row of the tables: a method with its settings."""

    name: str
    """As the tables call it: `lnra/cpu`, `reverse-distillation/cpu`."""
    method: str
    recipe: str | None
    """A shipped recipe or a file; None: the method's own defaults."""
    assignments: tuple[str, ...] = ()
    first_stage: Entry | None = None


@dataclass(frozen=True)
class Target:
    """One data set, or one category of photographs."""

    name: str
    path: Path


@dataclass(frozen=True)
class Job:
    """Train an entry on a target with a seed, then evaluate it."""

    target: Target
    entry: Entry
    seed: int
    settings: dict[str, Any] = field(default_factory=dict)
    """What this target changes in the recipe."""
    assignments: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Where it lies in the benchmark's folder: `ped2/lnra-cpu/seed-0`."""
        return f"{self.target.name}/{_slug(self.entry.name)}/seed-{self.seed}"


def make_entries(methods: Sequence[str], recipes: Sequence[str], subject: Subject) -> list[Entry]:
    """The rows that are asked for.

    Args:
        methods: methods, ablations (`ABLATIONS`), or either with a recipe of its own (`lnra/ped2-skip`); none: all
            methods of this subject that have one of the recipes.
        recipes: for methods named without one: recipes by the part after the slash (`cpu`), whole names, files, or
            `defaults` for the method's own settings.
        subject: of the methods.

    Raises:
        SettingsError: a method or recipe is not known or looks at something else, or nothing is left.
    """
    wanted = list(methods) or _with_recipe(recipes, subject)
    entries = {entry.name: entry for name in wanted for entry in _entries(name, recipes, subject)}
    if not entries:
        raise SettingsError(f"--recipes {' '.join(recipes)}", f"fits no method of {subject}", "see 'oddlens list'")
    return [_with_first_stage(entry, list(entries.values())) for entry in entries.values()]


def make_jobs(
    targets: Iterable[Target], entries: Sequence[Entry], seeds: Sequence[int], assignments: Sequence[str] = ()
) -> list[Job]:
    """All jobs, target by target; a detector that another begins with comes before it, as an entry of its own.

    Raises:
        SettingsError: no seed, a negative one, or one twice.
    """
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise SettingsError("--seeds", "are none, negative or named twice", "give whole numbers from 0, each once")
    jobs: dict[str, Job] = {}
    for target in targets:
        for seed in seeds:
            for entry in entries:
                for each in (entry.first_stage, entry):
                    if each is not None:
                        job = Job(target, each, seed, target_settings(each, target.name), tuple(assignments))
                        jobs.setdefault(job.key, job)
    return list(jobs.values())


def target_settings(entry: Entry, target: str) -> dict[str, Any]:
    """What a recipe of the same name with `-TARGET` behind it changes, nothing where there is none."""
    own = f"{entry.recipe}-{target}"
    return read_yaml(find_recipe(own)) if own in recipe_names() else {}


def _with_recipe(recipes: Sequence[str], subject: Subject) -> list[str]:
    """Methods of a subject that have one of the recipes."""
    have = [name for name in known_methods() if any(_recipe_of(name, recipe) for recipe in recipes)]
    return [name for name in have if method_class(name).subject == subject]


def _entries(name: str, recipes: Sequence[str], subject: Subject) -> list[Entry]:
    head, _, own = name.partition("/")
    method, switched = ABLATIONS.get(head, (head, ()))
    looks_at = method_class(method).subject
    if looks_at != subject:
        raise SettingsError(f"--methods {name}", f"looks at {looks_at}", f"name methods that look at {subject}")
    asked = [own] if own else list(recipes)
    found = [_recipe_of(method, recipe) for recipe in asked]
    chosen: list[str | None] = [recipe for recipe in dict.fromkeys(found) if recipe]
    if DEFAULTS in asked:
        chosen.append(None)
    if not chosen:
        fault = f"{method} has no recipe '{' '.join(asked)}'"
        raise SettingsError(f"--methods {name}", fault, f"name another as {head}/RECIPE, see 'oddlens list'")
    return [Entry(_label(head, recipe), method, recipe, switched) for recipe in chosen]


def _label(method: str, recipe: str | None) -> str:
    """What tables call a method with a recipe or file: `reverse-distillation/cpu`."""
    if recipe is None:
        return method
    return f"{method}/{recipe.split('/', 1)[1] if recipe in recipe_names() else Path(recipe).stem}"


def _recipe_of(method: str, recipe: str) -> str | None:
    """The recipe or file that is meant, None where the method has none of this name."""
    for name in (recipe, f"{method}/{recipe}"):
        if name in recipe_names():
            return name if name.startswith(f"{method}/") else None
    if not Path(recipe).is_file():
        return None
    named = read_yaml(Path(recipe)).get("method")
    return recipe if isinstance(named, dict) and named.get("name") == method else None


def _with_first_stage(entry: Entry, others: Sequence[Entry]) -> Entry:
    """The entry with the one that it begins with: of those asked for, else that of the recipe's name."""
    if entry.method not in FIRST_STAGES:
        return entry
    method = FIRST_STAGES[entry.method][0]
    same = entry.name.partition("/")[2]
    asked = [other for other in others if other.method == method]
    first = next((other for other in asked if other.name == f"{method}/{same}"), None) or next(iter(asked), None)
    recipe = _recipe_of(method, same) if same else None
    return replace(entry, first_stage=first or Entry(_label(method, recipe), method, recipe))


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
