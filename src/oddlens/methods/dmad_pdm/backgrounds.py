"""Still backgrounds that DMAD-PDM begins with: from the training footage, or from pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from oddlens.config import Settings
from oddlens.errors import DataError
from oddlens.sampling.clips import FrameRun

if TYPE_CHECKING:
    from oddlens.media.source import Source
    from oddlens.media.template import TemplateKind

Levels = NDArray[Any]
"""A picture `(H, W, C)`, 0..255, whole numbers or not."""
ViewKind = Literal["video", "scene"]
_SHOWN = 5
ONE_VIEW = "footage"
"""Name of the only view of models that know one."""


@dataclass(frozen=True, kw_only=True)
class BackgroundSettings(Settings):
    """Where the background comes from; it learns on from there."""

    kind: Literal["auto", "mean", "mode", "median"] = "auto"
    """Over the frames trained on: `auto` is the mean, and for `shanghai` the mode, as officially. See
    `oddlens background`."""
    views: ViewKind = "video"
    """`shanghai`: a background for each `video` (official), or for each `scene`, the part of a video's name before its
    first underscore."""
    file: str = ""
    """A picture of the method's frame size instead (`oddlens background` makes them); for `shanghai` a folder of
    pictures, each named after its view."""


def view_name(video: str, kind: ViewKind) -> str:
    """Name of the view that a video shows.

    Example:
        >>> view_name("01_0014", "scene"), view_name("01_0014", "video")
        ('01', '01_0014')
    """
    return video.partition("_")[0] if kind == "scene" else video


def learn_backgrounds(runs: Sequence[FrameRun], settings: BackgroundSettings, scenes: bool) -> dict[str, Levels]:
    """A background for each view of `runs`, or a single one, by name.

    Args:
        runs: training footage, resized.
        settings: which kind.
        scenes: whether views count.
    """
    from oddlens.media.template import TemplateBuilder

    views: dict[str, list[FrameRun]] = {}
    for run in runs:
        views.setdefault(view_name(run.video, settings.views) if scenes else ONE_VIEW, []).append(run)
    kind = _kind(settings, scenes)
    backgrounds: dict[str, Levels] = {}
    for name, mine in views.items():
        height, width, channels = mine[0].frames.shape[1:]
        builder = TemplateBuilder(height, width, channels, kind, sum(len(run) for run in mine))
        for run in mine:
            for frame in run.frames:
                builder.add(frame)
        backgrounds[name] = builder.template().levels
    return backgrounds


def clip_background(source: Source, settings: BackgroundSettings, size: tuple[int, int]) -> Levels:
    """The background of one view from all frames of a video, of `size` (height, width); `paper` for `shanghai`.

    Raises:
        MediaError: the video cannot be decoded.
    """
    from oddlens.media.template import make_template

    return make_template([source], _kind(settings, scenes=True), size=size).levels


def _kind(settings: BackgroundSettings, scenes: bool) -> TemplateKind:
    if settings.kind != "auto":
        return settings.kind
    return "mode" if scenes else "mean"


def check_views(runs: Sequence[FrameRun], known: Mapping[str, int], settings: BackgroundSettings) -> None:
    """Refuse footage of a view that has no picture.

    Raises:
        DataError: a view is not known.
    """
    for run in runs:
        name = view_name(run.video, settings.views)
        if name not in known:
            has = ", ".join(sorted(known)[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
            fault = f"holds no picture called '{name}' for video '{run.video}', but {has}"
            raise DataError(settings.file, fault, "add it, or choose other names with method.background.views")


def strange_backgrounds(
    runs: Sequence[FrameRun],
    pictures: NDArray[np.float32],
    known: Mapping[str, int],
    settings: BackgroundSettings,
    scenes: bool,
) -> list[str]:
    """A line for each picture that fits the footage of its view worse than plain grey does: of another scene, likely.

    Args:
        runs: training footage, resized.
        pictures: named for the views, `(V, C, H, W)`, -1..1.
        known: their numbers by name.
        settings: where they come from.
        scenes: whether views count.
    """
    views: dict[int, list[FrameRun]] = {}
    for run in runs:
        views.setdefault(known[view_name(run.video, settings.views)] if scenes else 0, []).append(run)
    names = {number: name for name, number in known.items()}
    told = []
    for number, mine in views.items():
        frames = np.stack([run.frames[place] for run in mine for place in (0, len(run) // 2, len(run) - 1)])
        usual = frames.mean(axis=0).transpose(2, 0, 1) / 127.5 - 1
        off, grey = np.abs(pictures[number] - usual).mean(), np.abs(usual - usual.mean()).mean()
        if off > grey:
            away = f"{off * 127.5:.0f} levels from the footage on average, plain grey {grey * 127.5:.0f}"
            told.append(
                f"background {names[number]} is {away}: it seems to be of another scene; name one of this camera"
            )
    return told
