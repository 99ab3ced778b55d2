"""What all pages of a report share: one self-contained file, its colours, notices and provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from oddlens.files import write_text
from oddlens.reports import style
from oddlens.reports.tables import flattened


def write_page(path: Path, *, title: str, body: str, data: Any, styles: Sequence[str], scripts: Sequence[str]) -> None:
    """Write one page that needs nothing else.

    Args:
        path: html file to write.
        title: plain text.
        body: HTML of what is in `main`.
        data: what the scripts find as JSON in the element `data`.
        styles: names of the package's style sheets.
        scripts: names of the package's scripts.

    Raises:
        OddLensError: the file cannot be written.
    """
    page = Template(_part("report.html")).substitute(
        title=escape(title),
        colours=_colours(),
        css="".join(_part(name) for name in styles),
        js="".join(_part(name) for name in scripts),
        body=body,
        data=_script_json(data),
    )
    write_text(Path(path), page)


def notice_html(kind: str, heading: str, lines: Sequence[str]) -> str:
    """Card with a list of `lines`, nothing without any; `kind` is `fault` or `warning`."""
    if not lines:
        return ""
    items = "".join(f"<li>{escape(str(line))}</li>" for line in lines)
    return f'<section class="card notice {kind}"><h3>{heading}</h3><ul>{items}</ul></section>\n'


def provenance_html(provenance: Mapping[str, Any]) -> str:
    """Folded table of nested settings, versions, seeds; nothing where it is empty."""
    rows = "".join(f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>" for key, value in flattened(provenance))
    if not rows:
        return ""
    return (
        '<details class="card"><summary>How this was made</summary>'
        f'<table class="provenance"><tbody>{rows}</tbody></table></details>\n'
    )


def tiles_html(tiles: Sequence[tuple[str, str]]) -> str:
    """A row of numbers, each with what it counts below it."""
    cells = "".join(f'<div class="tile"><strong>{value}</strong><span>{name}</span></div>' for value, name in tiles)
    return f'<div class="tiles">{cells}</div>\n'


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    Example:
        >>> plural(1, "video"), plural(1200, "video")
        ('1 video', '1,200 videos')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _part(name: str) -> str:
    return files("oddlens.reports").joinpath(name).read_text(encoding="utf-8")


def _script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _colours() -> str:
    light = {"ink": style.INK, "muted": style.MUTED, "rule": style.RULE, "paper": style.WHITE}
    light |= {"curve": style.CURVE, "alarm": style.ALARM, "label": style.LABEL}
    light |= {"ground": style.GROUND, "wash": style.GROUND, "alarm-wash": style.ALARM_WASH}
    light |= {"good": style.GOOD, "warn": style.WARN}
    night = {"ink": style.NIGHT_TEXT, "muted": style.NIGHT_MUTED, "rule": style.NIGHT_RULE}
    night |= {"paper": style.NIGHT_PAPER, "ground": style.NIGHT, "wash": style.NIGHT_RULE}
    night |= {"curve": style.NIGHT_CURVE, "alarm": style.NIGHT_ALARM, "label": style.NIGHT_LABEL}
    night |= {"alarm-wash": style.NIGHT_ALARM_WASH, "good": style.NIGHT_GOOD}

    def rules(colours: Mapping[str, style.Rgb]) -> str:
        return " ".join(f"--{name}: {style.hex_colour(colour)};" for name, colour in colours.items())

    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {rules(night)} }} }}"
    return f":root {{ {rules(light)} }}\n{dark}"
