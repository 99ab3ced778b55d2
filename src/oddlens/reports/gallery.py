"""One self-contained page of scored photographs: worst first, to be filtered, sorted and leafed through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.reports.colour import as_rgb
from oddlens.reports.gallery_card import PhotographCard, photograph_html
from oddlens.reports.histogram import histogram_html
from oddlens.reports.page import notice_html, plural, provenance_html, tiles_html, write_page
from oddlens.reports.panels import HeatScale, outlined
from oddlens.reports.thumbnails import data_uri, shrink
from oddlens.types import Image

_THUMBNAIL, _DRAWN = 300, 600
"""Pixels a thumbnail is wide at most, and the picture it is made of: lines drawn larger come out finer."""


@dataclass(frozen=True, kw_only=True)
class PhotographView:
    """One scored photograph, as a gallery shows it."""

    name: str
    score: float
    """Higher = odder."""
    rejected: bool
    """The verdict."""
    picture: Image
    """`uint8 (H, W, C)`, of any size."""
    heat_map: ArrayLike | None = None
    """`(h, w)`, higher = odder."""
    mask: NDArray[np.bool_] | None = None
    """`(H', W')`, true where it is known to be defective."""
    label: int | None = None
    """1 = defective, 0 = good, None = nobody said."""
    kind: str = ""
    """Name of the defect."""
    panel: str = ""
    """Where its large picture lies, relative to the page; without one the small picture is shown."""

    def thumbnail(self, scale: HeatScale) -> Image:
        """A small picture with heat, a red outline round what is odd and a violet one round what is marked."""
        small = shrink(as_rgb(self.picture), _DRAWN)
        if self.heat_map is not None or self.mask is not None:
            heat = np.full((1, 1), scale.low, np.float32) if self.heat_map is None else self.heat_map
            small = outlined(small, heat, scale, self.mask, smallest=1)
        return shrink(small, _THUMBNAIL)


class Gallery:
    """Takes scored photographs one by one, and keeps only a small picture of each, so that hundreds fit.

    Args:
        threshold: score from which a photograph is rejected.
        scale: of the maps.

    Example:
        >>> import tempfile
        >>> gallery = Gallery(2.0, HeatScale(0.0, None, 1.0))
        >>> gallery.add(PhotographView(name="a", score=3.0, rejected=True, picture=np.zeros((8, 8, 3), np.uint8)))
        >>> gallery.write(Path(tempfile.mkdtemp()) / "gallery.html", title="parts")
    """

    def __init__(self, threshold: float, scale: HeatScale) -> None:
        self.threshold, self.scale = threshold, scale
        self._cards: list[PhotographCard] = []

    def __len__(self) -> int:
        return len(self._cards)

    def add(self, view: PhotographView) -> None:
        """Take one photograph."""
        self._cards.append(
            PhotographCard(
                view.name,
                float(view.score),
                view.rejected,
                view.label,
                (view.kind or "defective") if view.label else "",
                data_uri(view.thumbnail(self.scale)),
                "./" + quote(PurePath(view.panel).as_posix().lstrip("/")) if view.panel else None,
            )
        )

    def write(
        self,
        path: Path,
        *,
        title: str,
        threshold_source: str = "",
        warnings: Sequence[str] = (),
        faults: Sequence[str] = (),
        measures: Iterable[tuple[str, str, str]] = (),
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the page.

        Args:
            path: html file to write.
            title: what was scored.
            threshold_source: a sentence on where the threshold comes from.
            warnings: one line each.
            faults: photographs that could not be read, one line each.
            measures: name, value and 95 % interval of numbers against the labels, as text.
            provenance: nested mapping of settings, versions, seeds, fingerprints.

        Raises:
            OddLensError: the file cannot be written.
        """
        ranked = sorted(range(len(self._cards)), key=lambda k: -self._cards[k].rank)
        cards = "".join(photograph_html(self._cards[k], k) for k in ranked)
        body = (
            self._head(title, threshold_source)
            + notice_html("fault", "Could not be read", faults)
            + notice_html("warning", "Please note", warnings)
            + histogram_html([(card.score, card.label) for card in self._cards], self.threshold)
            + _measures_html(list(measures))
            + self._tools()
            + f'<section class="photographs" id="photographs" data-threshold="{self.threshold!r}">\n{cards}</section>\n'
            + _VIEWER
            + provenance_html(provenance or {})
        )
        styles, scripts = ("report.css", "gallery.css"), ("gallery.js",)
        write_page(path, title=title, body=body, data={}, styles=styles, scripts=scripts)

    def _head(self, title: str, source: str) -> str:
        count, rejected = len(self._cards), sum(card.rejected for card in self._cards)
        outcomes = [card.outcome for card in self._cards]
        verdict = f"<b>{rejected:,} rejected</b> of {plural(count, 'photograph')}"
        if not rejected:
            verdict = f"<i>None rejected</i> of {plural(count, 'photograph')}"
        tiles = [(f"{count:,}", "photographs"), (f"{rejected:,}", "rejected"), (f"{self.threshold:.2f}", "threshold")]
        if any(outcomes):
            defects = sum(card.label == 1 for card in self._cards)
            good = sum(card.label == 0 for card in self._cards)
            tiles.append((f"{outcomes.count('missed'):,} of {defects:,}", "defects missed"))
            tiles.append((f"{outcomes.count('false'):,} of {good:,}", "good ones rejected"))
        told = f'<p class="source">Threshold: {escape(source)}</p>\n' if source else ""
        return f'<h1>{escape(title)}</h1>\n<p class="verdict">{verdict}</p>\n' + tiles_html(tiles) + told

    def _tools(self) -> str:
        shown = [("all", "all"), ("rejected", "rejected"), ("passed", "passed")]
        if any(card.label is not None for card in self._cards):
            shown += [("missed", "defects missed"), ("false", "good ones rejected")]
        kinds = sorted({card.kind for card in self._cards if card.kind})
        kinds_html = ""
        if kinds:
            choices = [("", "every kind"), ("good", "good"), *((f"defect {kind}", kind) for kind in kinds)]
            kinds_html = f"<label>Truth {_select('kind', choices)}</label>"
        orders = [("worst", "oddest first"), ("best", "least odd first"), ("close", "closest to the threshold")]
        orders += [("name", "name"), ("given", "as given")]
        truth = '<span class="ring" style="--swatch:var(--label)">known defect</span>' if kinds else ""
        return (
            '<div class="tools"><h2>Photographs</h2>'
            f"<label>Show {_select('verdict', shown)}</label>{kinds_html}"
            f"<label>Order {_select('order', orders)}</label>"
            '<label><span>Name</span> <input type="search" id="search" placeholder="part of a name"></label></div>\n'
            '<div class="legend"><span class="ring" style="--swatch:var(--alarm)">found odd</span>'
            f'{truth}<span style="--swatch:var(--alarm)">rejected</span>'
            '<span style="--swatch:var(--good)">passed</span>'
            "<em>Arrow keys move, Enter enlarges, Escape closes.</em>"
            '<output id="count" aria-live="polite"></output></div>\n'
        )


def write_gallery(
    path: Path,
    views: Iterable[PhotographView],
    *,
    title: str,
    threshold: float,
    scale: HeatScale,
    **more: Any,
) -> None:
    """Write the page of some photographs at once; `more` as in `Gallery.write`."""
    gallery = Gallery(threshold, scale)
    for view in views:
        gallery.add(view)
    gallery.write(path, title=title, **more)


_VIEWER = (
    '<dialog id="viewer" aria-label="Photograph"><form method="dialog"><h2></h2><span class="facts"></span>'
    '<button type="button" data-step="-1" aria-label="previous">‹</button>'
    '<button type="button" data-step="1" aria-label="next">›</button><button aria-label="close">×</button></form>'
    '<img alt=""></dialog>\n'
)


def _select(name: str, choices: Sequence[tuple[str, str]]) -> str:
    options = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in choices)
    return f'<select id="{name}">{options}</select>'


def _measures_html(measures: Sequence[tuple[str, str, str]]) -> str:
    if not measures:
        return ""
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in measures)
    head = "<tr><th></th><th>value</th><th>95 % interval</th></tr>"
    return (
        '<section class="card"><h3>Against the labels</h3><div class="measures">'
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table></div></section>\n"
    )
