"""Progress where there is no terminal: plain lines, or none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oddlens.training import progress as module
from oddlens.training.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Time in seconds that the test sets."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    yield now
    monkeypatch.undo()


def test_a_line_every_half_minute_with_rate_and_time_left(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress()
    with progress.training():
        for step in range(1, 101):
            clock[0] = float(step)
            progress.step(step, 160, 0.25)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0] == "training steps: 31 of 160, 1.0/s, 2.1 min left  loss 0.25000"


def test_unknown_total(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with progress.decoding() as advance:
        for step in (0, 40):
            clock[0] = float(step)
            advance("gate", 16 + 10 * step, None)
    assert capsys.readouterr().err.strip() == "decoding frames: 416, 10.0/s  gate"


def test_quiet_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(quiet=True)
    with progress.training(), progress.message("calibrating"):
        for step in range(200):
            clock[0] = float(step)
            progress.step(step, 200, 1.0)
    assert capsys.readouterr() == ("", "")
