"""Card of one video in the HTML report: timeline, overlay video, events."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePath
from urllib.parse import quote

from oddlens.reports.curve import plot_html, timeline_html
from oddlens.reports.explanation import explanation_html
from oddlens.reports.lanes import lanes_html
from oddlens.reports.series import clock, rarity
from oddlens.reports.thumbnails import data_uri
from oddlens.reports.video import VideoReport

_OPEN_ROWS = 6


QUIET = -1
"""In place of an event's number: the highest frame of a video without events."""


@dataclass(frozen=True)
class PageScale:
    """What all cards of a page share."""

    threshold: float
    """Alarm threshold."""
    top: float
    """Surprise at the upper edge of every curve."""
    ranges: Mapping[str, tuple[float, float]]
    """Lower and upper edge of the curves of each part."""
    pictured: Container[tuple[int, int]]
    """`(video, event)` of the events whose picture is embedded."""
    explained: Container[tuple[int, int]]
    """`(video, event)` of the events whose strip of pictures is; `QUIET` in place of an event."""


def card_html(video: VideoReport, index: int, page: PageScale) -> str:
    """Card of one video.

    Args:
        video: what to show.
        index: its number in the page.
        page: what all cards share.
    """
    events = len(video.events)
    count = f"{events:,} event{'s' if events != 1 else ''}" if events else "no event"
    chip = f'<span class="chip{" alarm" if events else ""}">{count}</span>'
    facts = f"{len(video.table):,} frames · {clock(video.duration)} · highest surprise {video.peak:.2f}"
    return (
        f'<article class="card video" data-index="{index}" data-peak="{video.peak:.4f}"'
        f' data-events="{events}" data-name="{escape(video.name)}">\n'
        f'<header><h2>{escape(video.name)}</h2><span class="facts">{facts}</span>{chip}</header>\n'
        + timeline_html(plot_html(video, page.threshold, page.top), lanes_html(video, page.ranges))
        + _notes(video.notes)
        + _quiet(video, index, page)
        + _players(video)
        + _event_table(video, index, page)
        + "</article>\n"
    )


def _notes(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<ul class="notes">{items}</ul>\n' if notes else ""


def _players(video: VideoReport) -> str:
    films = (("Overlay video", video.overlay), ("Pictures side by side", video.pictures))
    return "".join(_player(title, film) for title, film in films if film is not None)


def _player(title: str, film: str | PurePath) -> str:
    address = "./" + quote(PurePath(film).as_posix().lstrip("/"))
    return (
        f'<details class="player"><summary>{title}</summary>'
        f'<video controls preload="none" src="{address}"></video>'
        f'<a href="{address}">{escape(PurePath(film).name)}</a></details>\n'
    )


def _quiet(video: VideoReport, index: int, page: PageScale) -> str:
    if video.quiet is None or (index, QUIET) not in page.explained:
        return ""
    lead = f"highest frame, {video.quiet.frame}"
    lead += ": " if video.quiet.sentence else ""
    return f'<div class="why">{explanation_html(video.quiet, lead)}</div>\n'


def _event_table(video: VideoReport, index: int, page: PageScale) -> str:
    shown = video.shown_events()
    if not shown:
        return ""
    rows = "".join(_event_row(video, row, k, index, page) for row, k in enumerate(shown))
    hidden = len(video.events) - len(shown)
    more = f'<p class="facts">{hidden:,} lower events are left out here.</p>' if hidden else ""
    return (
        f"<details{' open' if len(shown) <= _OPEN_ROWS else ''}><summary>Events</summary>"
        '<div class="scroll"><table class="events"><thead><tr><th>At the peak</th><th>Start</th><th>End</th>'
        "<th>Duration</th><th>Peak</th><th>Surprise</th><th>Normal frames as high</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{more}</details>\n"
    )


def _event_row(video: VideoReport, row: int, k: int, index: int, page: PageScale) -> str:
    event = video.events[k]
    start, end = float(event["start_time"]), float(event["end_time"])
    picture = video.picture(k) if (index, k) in page.pictured else None
    image = f'<img alt="frame {int(event["peak_frame"])}" src="{data_uri(picture)}">' if picture is not None else ""
    cells = (
        image,
        clock(start, 1),
        clock(end, 1),
        f"{end - start:.1f} s" if end - start < 60 else clock(end - start),
        clock(video.peak_time(k), 1),
        f'<span class="rank">{video.peak_score(k):.2f}</span>',
        rarity(video.peak_score(k)),
    )
    line = f'<tr data-event="{row}" tabindex="0">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    explanation = video.explanation(k)
    if explanation is None or (index, k) not in page.explained:
        return line
    lead = "at the peak, " if explanation.sentence else ""
    return line + f'<tr class="why"><td colspan="{len(cells)}">{explanation_html(explanation, lead)}</td></tr>'
