"""The documentation is true: its examples run, its links lead somewhere, its tables name everything there is."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from oddlens.cli import main
from oddlens.config import Settings
from oddlens.labels.settings import LabelSettings
from oddlens.methods.destroyer.damage import DamageSettings
from oddlens.methods.destroyer.settings import DestroyerSettings
from oddlens.methods.dmad_pdm.backgrounds import BackgroundSettings as PdmBackgroundSettings
from oddlens.methods.dmad_pdm.settings import DmadPdmSettings
from oddlens.methods.dmad_pdm.static_anomalies import StaticSettings
from oddlens.methods.dmad_ppdm.augment import AugmentSettings
from oddlens.methods.dmad_ppdm.settings import DmadPpdmSettings
from oddlens.methods.f2lm.settings import F2lmSettings
from oddlens.methods.lbr_spr.settings import LbrSprSettings
from oddlens.methods.lnra.method import LnraSettings
from oddlens.methods.lnra.pseudo import PseudoAnomaly
from oddlens.motion.settings import FlowSettings, MotionSettings
from oddlens.objects.background_settings import BackgroundSettings
from oddlens.objects.settings import ObjectSettings
from oddlens.training.settings import DataSettings, ScoringSettings, SelfPacedSettings, TrainingSettings

_ROOT = Path(__file__).resolve().parents[1]
_PAGES = sorted([*(_ROOT / "docs").rglob("*.md"), *_ROOT.glob("*.md"), *(_ROOT / "src").rglob("*.md")])
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"# (\w+)\.py\n")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def _text(page: str) -> str:
    return (_ROOT / "docs" / page).read_text(encoding="utf-8")


def _prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["python.md", "architecture.md"])
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks run in order in an empty folder; one that begins with `# NAME.py` is that file instead."""
    import oddlens.methods

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(oddlens.methods, "METHODS", dict(oddlens.methods.METHODS))
    blocks = _BLOCK.findall(_text(page))
    assert blocks
    shared: dict[str, object] = {"__name__": "__main__"}
    modules = []
    for number, block in enumerate(blocks, 1):
        if named := _MODULE.match(block):
            (tmp_path / f"{named[1]}.py").write_text(block, encoding="utf-8")
            modules.append(named[1])
        else:
            exec(compile(block, f"{page}, block {number}", "exec"), shared)
    for name in modules:
        assert sys.modules.pop(name, None), f"{name}.py is never used"


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(_ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(_prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in _anchors(file), f"{target}: no such heading"


def _anchors(page: Path) -> set[str]:
    """Anchors of the headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _rows(text: str) -> set[str]:
    """First cells of all table rows, as far as they are set as code."""
    cells = re.findall(r"^\| ([^|]*)\|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("methods/lnra.md", LnraSettings),
        ("methods/lnra.md", PseudoAnomaly),
        ("methods/lbr-spr.md", LbrSprSettings),
        ("methods/dmad-pdm.md", DmadPdmSettings),
        ("methods/dmad-pdm.md", PdmBackgroundSettings),
        ("methods/dmad-pdm.md", StaticSettings),
        ("methods/dmad-ppdm.md", DmadPpdmSettings),
        ("methods/dmad-ppdm.md", AugmentSettings),
        ("methods/f2lm.md", F2lmSettings),
        ("methods/f2lm.md", MotionSettings),
        ("methods/f2lm.md", LabelSettings),
        ("methods/f2lm.md", DestroyerSettings),
        ("methods/f2lm.md", DamageSettings),
        ("motion.md", FlowSettings),
        ("objects.md", ObjectSettings),
        ("objects.md", BackgroundSettings),
        ("command-line.md", DataSettings),
        ("command-line.md", TrainingSettings),
        ("command-line.md", SelfPacedSettings),
        ("command-line.md", ScoringSettings),
    ],
)
def test_every_setting_has_a_row(page: str, kind: type[Settings]) -> None:
    assert {field.name for field in fields(kind)} <= _rows(_text(page))


def test_every_command_and_option_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    page = _text("command-line.md")
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out.partition("\n\nusage")[2]
    commands = re.findall(r"^  (\w+(?: \w+)?)  +", overview, re.MULTILINE)
    assert "train" in commands and "data check" in commands
    for command in commands:
        assert f"## oddlens {command}\n" in page
        section = page.partition(f"## oddlens {command}\n")[2].partition("\n## ")[0]
        assert main([*command.split(), "--help"]) == 0
        options = set(re.findall(r"^│ (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
        assert {option for option in options if f"`{option}" not in section} == set(), command


@pytest.mark.parametrize(
    "page",
    [
        *("command-line.md", "data-sets.md", "objects.md"),
        *("methods/lnra.md", "methods/lbr-spr.md", "methods/dmad-pdm.md", "methods/dmad-ppdm.md", "methods/f2lm.md"),
    ],
)
def test_recipes_that_are_named_exist(page: str) -> None:
    from oddlens.recipes import recipe_names

    named = set(re.findall(r"\b(?:lnra|lbr-spr|dmad-pdm|dmad-ppdm|f2lm|destroyer)/[a-z0-9-]+\b(?![./])", _text(page)))
    assert named <= set(recipe_names())
