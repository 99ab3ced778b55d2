"""Progress on the terminal: rates and time left; plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.status import Status
from rich.text import Text

_PLAIN_SECONDS = 30.0


class RateColumn(ProgressColumn):
    """Things a second."""

    def render(self, task: object) -> Text:
        """Rate of the task, or nothing yet."""
        speed = getattr(task, "finished_speed", None) or getattr(task, "speed", None)
        return Text("" if not speed else f"{speed:.1f}/s", style="cyan")


class Progress:
    """Bars on a terminal, a line every half minute elsewhere, nothing when `quiet`."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.console = Console(stderr=True, quiet=quiet)
        self.live = not quiet and sys.stderr.isatty()
        self._bars: Bars | None = None
        self._task: int | None = None
        self._plain_at = time.monotonic()
        self._first: tuple[float, int] | None = None
        self._status: Status | None = None

    @contextmanager
    def bar(self, text: str, total: int | None = None) -> Iterator[Callable[[int, int | None, str], None]]:
        """A bar; the function it yields takes (done, total, remark)."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[remark]}"),
        )
        self._first = None
        if not self.live:
            yield lambda done, total, remark: self._plain(text, done, total, remark)
            return
        if self._status:  # a terminal shows one of them at a time
            self._status.stop()
        with Bars(*columns, console=self.console, transient=True) as bars:
            task = bars.add_task(text, total=total, remark="")
            yield lambda done, total, remark: bars.update(task, completed=done, total=total, remark=remark)

    @contextmanager
    def decoding(self, what: str = "decoding frames") -> Iterator[Callable[[str, int, int | None], None]]:
        """A bar for a store of frames or patches; yields what building it calls."""
        with self.bar(what) as update:
            yield lambda video, done, total: update(done, total, video)

    @contextmanager
    def training(self) -> Iterator[None]:
        """A bar for the steps that `step` reports."""
        with self.bar("training steps") as update:
            self._update = update
            yield

    def step(self, done: int, total: int, loss: float) -> None:
        """One step is done."""
        self._update(done, total, f"loss {loss:.5f}")

    @contextmanager
    def message(self, text: str) -> Iterator[None]:
        """A line while something without a measure goes on."""
        if self.live:
            with self.console.status(text) as self._status:
                yield
            self._status = None
        else:
            yield

    def _plain(self, text: str, done: int, total: int | None, remark: str) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first, self._plain_at = (now, done), now
        if self.quiet or now - self._plain_at < _PLAIN_SECONDS:
            return
        self._plain_at = now
        began, start = self._first
        rate = (done - start) / max(now - began, 1e-9)
        left = f", {(total - done) / rate / 60:.1f} min left" if total and rate else ""
        of = f" of {total}" if total else ""
        self.console.print(f"{text}: {done}{of}, {rate:.1f}/s{left}  {remark}", highlight=False)
