"""Card of one video in the HTML report: timeline, overlay video, events."""

from __future__ import annotations

from collections.abc import Container, Sequence
from html import escape
from pathlib import PurePath
from urllib.parse import quote

from oddlens.reports.curve import timeline_html
from oddlens.reports.series import clock, rarity
from oddlens.reports.thumbnails import data_uri
from oddlens.reports.video import VideoReport

_OPEN_ROWS = 6


def card_html(
    video: VideoReport, index: int, threshold: float, top: float, pictured: Container[tuple[int, int]]
) -> str:
    """Card of one video.

    Args:
        video: what to show.
        index: its number in the page.
        threshold: alarm threshold.
        top: surprise at the upper edge of every curve of the page.
        pictured: `(index, event)` of the events whose picture is embedded.
    """
    events = len(video.events)
    count = f"{events:,} event{'s' if events != 1 else ''}" if events else "no event"
    chip = f'<span class="chip{" alarm" if events else ""}">{count}</span>'
    facts = f"{len(video.table):,} frames · {clock(video.duration)} · highest surprise {video.peak:.2f}"
    return (
        f'<article class="card video" data-index="{index}" data-peak="{video.peak:.4f}"'
        f' data-events="{events}" data-name="{escape(video.name)}">\n'
        f'<header><h2>{escape(video.name)}</h2><span class="facts">{facts}</span>{chip}</header>\n'
        + timeline_html(video, threshold, top)
        + _notes(video.notes)
        + _player(video)
        + _event_table(video, index, pictured)
        + "</article>\n"
    )


def _notes(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<ul class="notes">{items}</ul>\n' if notes else ""


def _player(video: VideoReport) -> str:
    if video.overlay is None:
        return ""
    address = "./" + quote(PurePath(video.overlay).as_posix().lstrip("/"))
    return (
        '<details class="player"><summary>Overlay video</summary>'
        f'<video controls preload="none" src="{address}"></video>'
        f'<a href="{address}">{escape(PurePath(video.overlay).name)}</a></details>\n'
    )


def _event_table(video: VideoReport, index: int, pictured: Container[tuple[int, int]]) -> str:
    shown = video.shown_events()
    if not shown:
        return ""
    rows = "".join(_event_row(video, row, k, (index, k) in pictured) for row, k in enumerate(shown))
    hidden = len(video.events) - len(shown)
    more = f'<p class="facts">{hidden:,} lower events are left out here.</p>' if hidden else ""
    return (
        f"<details{' open' if len(shown) <= _OPEN_ROWS else ''}><summary>Events</summary>"
        '<div class="scroll"><table class="events"><thead><tr><th>At the peak</th><th>Start</th><th>End</th>'
        "<th>Duration</th><th>Peak</th><th>Surprise</th><th>Normal frames as high</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{more}</details>\n"
    )


def _event_row(video: VideoReport, row: int, k: int, pictured: bool) -> str:
    event = video.events[k]
    start, end = float(event["start_time"]), float(event["end_time"])
    picture = video.picture(k) if pictured else None
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
    return f'<tr data-event="{row}" tabindex="0">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
