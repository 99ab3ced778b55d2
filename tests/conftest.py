"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _real_data() -> Path | None:
    named = os.environ.get("ODDLENS_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets; the test is skipped where there is none."""
    folder = _real_data()
    if folder is None:
        pytest.skip("no real data: set ODDLENS_DATA to the folder that holds ped2/, avenue/, videos/ ...")
    return folder
