"""One self-contained page to open in a browser: verdict, timelines, events, metrics, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from oddlens.reports.card import QUIET, PageScale, card_html
from oddlens.reports.curve import curve_data
from oddlens.reports.lanes import lanes_data
from oddlens.reports.page import notice_html, plural, provenance_html, tiles_html, write_page
from oddlens.reports.parts import part_ranges
from oddlens.reports.series import ceiling, clock
from oddlens.reports.tables import Rows, baseline_rows, column_titles, measure_rows
from oddlens.reports.video import VideoReport

__all__ = ["VideoReport", "write_report"]

_MOST_PICTURES = 600
_MOST_STRIPS = 100


def write_report(
    path: Path,
    *,
    title: str,
    summary: Mapping[str, Any],
    videos: Sequence[VideoReport],
    provenance: Mapping[str, Any],
    metrics: Mapping[str, Mapping[str, Any]] | None = None,
    baselines: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write the report; curves are pooled to 2000 points, pictures are of the 600 highest events, strips of the 100.

    Args:
        path: html file to write.
        title: what was scored.
        summary: needs `threshold`; may hold `threshold_source` (a sentence), `alarms_per_hour`, `warnings`
            and `faults` (lists of lines); `videos`, `frames`, `hours` and `events` are counted where absent.
        videos: one entry a video that could be scored.
        provenance: nested mapping of settings, versions, seeds, fingerprints.
        metrics: protocols of an evaluation: `{"clean": {...}, "paper": {...}}`.
        baselines: baselines of an evaluation, by name.

    Raises:
        OddLensError: the file cannot be written.
    """
    threshold = float(summary["threshold"])
    top = ceiling(threshold, [video.peak for video in videos])
    ranges = part_ranges(video.parts for video in videos)
    page = PageScale(threshold, top, ranges, _pictured(videos), _explained(videos))
    order = sorted(range(len(videos)), key=lambda k: -videos[k].peak)
    cards = "".join(card_html(videos[k], k, page) for k in order)
    body = (
        _head(title, summary, videos)
        + notice_html("fault", "Could not be read", summary.get("faults") or ())
        + notice_html("warning", "Please note", summary.get("warnings") or ())
        + _metrics(metrics, baselines or {})
        + _toolbar(videos)
        + f"<section>\n{cards}</section>\n"
        + provenance_html(provenance)
    )
    data = {"videos": [curve_data(video) | {"parts": lanes_data(video)} for video in videos]}
    write_page(path, title=title, body=body, data=data, styles=("report.css",), scripts=("report.js",))


def _pictured(videos: Sequence[VideoReport]) -> set[tuple[int, int]]:
    """`(video, event)` of the highest events that have a picture."""
    candidates = [
        (float(video.events[k]["peak_score"]), index, k)
        for index, video in enumerate(videos)
        for k in video.shown_events()
        if video.picture(k) is not None
    ]
    return {(index, k) for _, index, k in sorted(candidates, reverse=True)[:_MOST_PICTURES]}


def _explained(videos: Sequence[VideoReport]) -> set[tuple[int, int]]:
    """`(video, event)` of the highest events that have a strip of pictures, and of videos without events."""
    candidates = [
        (float(video.events[k]["peak_score"]), index, k)
        for index, video in enumerate(videos)
        for k in video.shown_events()
        if video.explanation(k) is not None
    ]
    candidates += [(video.peak, index, QUIET) for index, video in enumerate(videos) if video.quiet is not None]
    return {(index, k) for _, index, k in sorted(candidates, reverse=True)[:_MOST_STRIPS]}


def _head(title: str, summary: Mapping[str, Any], videos: Sequence[VideoReport]) -> str:
    events = int(summary.get("events", sum(len(video.events) for video in videos)))
    count = int(summary.get("videos", len(videos)))
    frames = int(summary.get("frames", sum(len(video.table) for video in videos)))
    hours = float(summary.get("hours", sum(video.duration for video in videos) / 3600))
    rate = summary.get("alarms_per_hour")
    hit = sum(bool(video.events) for video in videos)
    where = f" in {hit} of {plural(count, 'video')}" if count > 1 else ""
    verdict = f"<b>{plural(events, 'event')}</b>{where}" if events else "<i>Nothing out of the ordinary</i>"
    tiles = (
        (f"{count:,}", "video" if count == 1 else "videos"),
        (f"{frames:,}", "frames"),
        (clock(hours * 3600), "of footage"),
        (f"{events:,}", "event" if events == 1 else "events"),
        ("-" if rate is None else _rate(float(rate)), "alarms per hour"),
        (f"{float(summary['threshold']):.2f}", "alarm threshold"),
    )
    source = summary.get("threshold_source")
    told = f'<p class="source">Threshold: {escape(str(source))}</p>\n' if source else ""
    heading = f'<h1>{escape(title)}</h1>\n<p class="verdict">{verdict}</p>\n'
    return heading + tiles_html(tiles) + told


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _toolbar(videos: Sequence[VideoReport]) -> str:
    if not videos:
        return ""
    labelled = any(video.labels is not None for video in videos)
    truth = '<span style="--swatch:var(--label)">labelled abnormal</span>' if labelled else ""
    tools = (
        '<label>Order <select id="order"><option value="peak">highest surprise</option>'
        '<option value="events">number of events</option><option value="name">name</option>'
        '<option value="given">as given</option></select></label>'
        '<label><input type="checkbox" id="only"> only with events</label>'
    )
    return (
        f'<div class="tools"><h2>Videos</h2>{tools if len(videos) > 1 else ""}</div>\n'
        '<div class="legend"><span class="line" style="--swatch:var(--curve)">'
        "surprise (3 = one normal frame in a thousand scores as high)</span>"
        '<span class="dashes" style="--swatch:var(--alarm)">threshold</span>'
        f'<span style="--swatch:var(--alarm)">alarm</span>{truth}{_parts_legend(videos)}'
        "<em>Drag to zoom, double-click to zoom out.</em></div>\n"
    )


def _parts_legend(videos: Sequence[VideoReport]) -> str:
    """What the low curves show, where there are any."""
    parts = [part for video in videos for part in video.parts]
    if not parts:
        return ""
    if not any(part.in_deviations for part in parts):
        return "<span class='words'>Below: the parts that the score is made of, each on its own scale</span>"
    level = " Dashed: it alone would raise the alarm." if any(part.level is not None for part in parts) else ""
    return (
        "<span class='words'>Below: the parts of the score, in deviations above the mean of training frames"
        f" (grey line), all on one scale.{level}</span>"
    )


def _metrics(protocols: Mapping[str, Mapping[str, Any]] | None, baselines: Mapping[str, Mapping[str, Any]]) -> str:
    if not protocols:
        return ""
    titles = column_titles(protocols)
    tables = _protocol_table("", titles.values(), measure_rows(protocols), lead=True)
    if baselines:
        rows = baseline_rows(baselines, titles)
        tables += _protocol_table("micro AUC without learning", titles.values(), rows)
    return f'<section class="card"><h3>Against the labels</h3><div class="measures">{tables}</div></section>\n'


def _protocol_table(heading: str, titles: Iterable[str], rows: Rows, lead: bool = False) -> str:
    heads = "".join(f"<th>{escape(title)}</th>" for title in titles)
    return f"<table><thead><tr><th>{heading}</th>{heads}</tr></thead><tbody>{_rows(rows, lead)}</tbody></table>"


def _rows(rows: Rows, lead: bool) -> str:
    return "".join(
        f"<tr{' class=main' if lead and k == 0 else ''}><td>{escape(name)}</td>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for k, (name, cells) in enumerate(rows)
    )
