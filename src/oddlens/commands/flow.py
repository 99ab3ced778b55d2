"""`oddlens flow`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from oddlens.commands.options import DeviceName, Number, Text
from oddlens.motion.settings import FlowMethod

Input = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="INPUT")]


def flow(
    source: Input,
    /,
    out: Path = Path("flow.mp4"),
    method: FlowMethod = "dis-medium",
    weights: Text = None,
    limit: Number = None,
    fps: Number = None,
    device: DeviceName = None,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Write optical flow as a video in colours: the hue is the direction, its strength the speed.

    Args:
        source: video, folder of images or glob.
        out: video to write.
        method: how to compute the flow; raft-* needs weights.
        weights: RAFT: file of weights, or random; default: torchvision's own.
        limit: speed of the strongest colour in pixels a frame; default: taken from the video.
        fps: frame rate of folders of images.
        device: where RAFT computes.
        quiet: no progress, no summary.
    """
    from oddlens.commands.output import console, say_faults
    from oddlens.motion.flow import FlowEstimator
    from oddlens.motion.settings import FlowSettings
    from oddlens.motion.video import write_flow_video
    from oddlens.training.progress import Progress

    estimator = FlowEstimator(FlowSettings(method=method, weights=weights or "default"), device or "auto")
    with Progress(quiet).bar("computing flow") as update:
        made = write_flow_video(source, out, estimator, limit, fps, lambda done, total: update(done, total, method))
    say_faults("fault", made.faults)
    if not quiet:
        text = (
            f"{made.path}: {made.frames} frames of {made.width}x{made.height} by {method}, "
            f"{100 * made.moving:.1f} % of the pixels move, strongest colour at {made.limit:.1f} pixels a frame"
        )
        console().print(text, markup=False)
    return 1 if made.faults else 0
