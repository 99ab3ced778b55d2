"""`oddlens import`."""

from __future__ import annotations

from pathlib import Path

import tyro

from oddlens.commands.options import Text


def import_weights(
    checkpoint: tyro.conf.Positional[Path],
    /,
    out: Path,
    data: Text = None,
    false_alarms_per_hour: float = 1.0,
) -> int:
    """Make a detector from a checkpoint of LNRA's official code; nothing pickled in it is run.

    Args:
        checkpoint: the official file, model_EE.pth.
        out: folder for the detector.
        data: normal footage to calibrate on (the training videos of a data set are used); without it scores stay raw.
        false_alarms_per_hour: alarm rate to set the threshold for.
    """
    from oddlens.commands.output import console, say_faults
    from oddlens.training.convert import import_official

    detector = import_official(checkpoint, out, data, false_alarms_per_hour)
    say_faults("warning", detector.calibration.warnings)
    console().print(f"detector: {out}\nnext: oddlens evaluate {out} --data FOLDER", markup=False)
    return 0
