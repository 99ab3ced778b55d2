"""The one exception a user ever sees: what is wrong, with which file, and what to do about it."""

from __future__ import annotations

from pathlib import Path


class OddLensError(Exception):
    """A fault the user can mend; the command line prints it as one line and exits with code 2.

    Args:
        subject: the file, folder, option or key that is at fault.
        fault: what is wrong with it.
        remedy: what to do about it.

    Example:
        >>> print(OddLensError("clip.mp4", "it has no video stream", "give a file with a picture track"))
        clip.mp4: it has no video stream; give a file with a picture track
    """

    def __init__(self, subject: str | Path, fault: str, remedy: str) -> None:
        self.subject, self.fault, self.remedy = str(subject), _one_line(fault), _one_line(remedy)
        super().__init__(f"{self.subject}: {self.fault}; {self.remedy}")


class MediaError(OddLensError):
    """A video, image or folder of images that cannot be read or written."""


class DataError(OddLensError):
    """A data set whose layout, labels or masks do not fit together."""


class SettingsError(OddLensError):
    """A configuration, option or key that makes no sense."""


class DetectorError(OddLensError):
    """A detector, run folder or checkpoint that cannot be loaded."""


def _one_line(text: str) -> str:
    return " ".join(text.split())
