"""The folder of a benchmark: runs, results, tables; whose it is, and one process at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from oddlens.benchmarking.plan import Job, Subject
from oddlens.errors import OddLensError, SettingsError
from oddlens.files import is_leftover, read_json, remove_leftovers, write_json
from oddlens.training.compare import difference

EDITION = 1
"""Raised when the numbers of a result or their names change."""
_MARKER, _LOCK, _RUNS, _RESULTS = "benchmark.json", ".lock", "runs", "results"


class BenchmarkFolder:
    """Knows where everything lies.

    Args:
        path: of the folder.
        subject: what it compares.
    """

    def __init__(self, path: Path, subject: Subject) -> None:
        self.path, self.subject = Path(path), subject

    @contextmanager
    def open(self) -> Iterator[None]:
        """Make the folder, or go on with it, while no other process does.

        Raises:
            SettingsError: it holds something else, or another process works in it.
            OddLensError: it cannot be written.
        """
        if self.path.is_file():
            raise SettingsError(self.path, "is a file", "name a folder with --out")
        self._check()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OddLensError(self.path, f"cannot be made ({error.strerror})", "name another --out") from error
        try:
            with FileLock(self.path / _LOCK, timeout=0):
                if not (self.path / _MARKER).exists():
                    write_json(self.path / _MARKER, {"subject": self.subject})
                if (self.path / _RESULTS).is_dir():
                    remove_leftovers(self.path / _RESULTS)
                yield
        except Timeout as error:
            fault = "another benchmark is at work here"
            raise SettingsError(self.path, fault, "wait for it, or name another --out") from error

    def run_of(self, job: Job) -> Path:
        """Run folder of a job."""
        return self.path / _RUNS / job.key

    def result_of(self, job: Job, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """The result of a job that is done, None of one that is not.

        Args:
            job: which.
            settings: the run's settings as resolved now.

        Raises:
            SettingsError: it was done with other settings.
        """
        file = self._file(job)
        if not file.exists():
            return None
        result: dict[str, Any] = read_json(file)
        remedy = "name another --out, or remove it and its run"
        if result.get("edition") != EDITION:
            raise SettingsError(file, "is the result of another version", remedy)
        changed = difference(result.get("settings") or {}, json.loads(json.dumps(settings)))
        if changed:
            raise SettingsError(file, f"is the result of other settings ({changed})", remedy)
        return result

    def keep(self, job: Job, result: Mapping[str, Any]) -> None:
        """Write the result of a job, whole or not at all."""
        write_json(self._file(job), dict(result))

    def results(self) -> list[dict[str, Any]]:
        """All results there are, in order of target, entry and seed."""
        files = sorted((self.path / _RESULTS).rglob("*.json"))
        found = [read_json(file) for file in files if not is_leftover(file)]
        return [result for result in found if result.get("edition") == EDITION]

    def _file(self, job: Job) -> Path:
        return self.path / _RESULTS / f"{job.key}.json"

    def _check(self) -> None:
        marker = self.path / _MARKER
        if marker.exists():
            subject = read_json(marker).get("subject")
            if subject != self.subject:
                raise SettingsError(self.path, f"holds a benchmark of {subject}", "name another --out")
        elif self.path.exists() and any(item.name != _LOCK and not is_leftover(item) for item in self.path.iterdir()):
            raise SettingsError(self.path, "holds something else than a benchmark", "name another --out")
