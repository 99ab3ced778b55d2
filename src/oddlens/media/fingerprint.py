"""One short name for the content of a source, to tell whether footage has changed."""

from __future__ import annotations

from pathlib import Path

from oddlens.files import fingerprint_files
from oddlens.media.locate import underlying_files
from oddlens.media.source import Source


def fingerprint_source(source: Source | str | Path) -> str:
    """SHA-256 over the content of the files behind a source; names do not count, the order of images does.

    Raises:
        MediaError: the files are not there.
    """
    where = source if isinstance(source, str | Path) else source.info.path
    return fingerprint_files(underlying_files(where))
