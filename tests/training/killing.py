"""Trains in processes that get killed: run by `test_kill.py` in a process that has never trained itself.

A fork of such a process starts at once, where a new Python would import for seconds, so ten kills are cheap.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

PATIENCE = 60.0


def main(request: dict[str, Any]) -> dict[str, Any]:
    """An uninterrupted run, then one that is killed at random moments and begun again until it ends."""
    import torch

    for late in ("oddlens.training.run", "oddlens.methods.lnra.method", "torch._dynamo", "torch.utils.tensorboard"):
        with suppress(ImportError):  # what each child would else import by itself
            import_module(late)
    torch.set_num_threads(1)
    root = Path(request["root"])
    generator = random.Random(request["seed"])
    _wait(_sitting(request, "straight"))
    kills: dict[str, int] = {}
    for moment, times in (("store", 2), ("steps", request["kills"]), ("calibration", 1), ("detector", 1)):
        kills[moment] = sum(_killed(request, root, moment, generator) for _ in range(times))
    _wait(_sitting(request, "killed"))
    return kills


def _sitting(request: dict[str, Any], folder: str) -> int:
    """Start a training in a child process; its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        from oddlens.training.run import train

        root = Path(request["root"])
        settings = request["settings"] | {"data": {"cache_dir": str(root / f"{folder}-cache")}}
        train(data=request["data"], out=root / folder, settings=settings)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _wait(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"a training that nobody killed ended with {status}")


def _killed(request: dict[str, Any], root: Path, moment: str, generator: random.Random) -> bool:
    """Start a sitting and kill it a little after `moment`; False where it ended before."""
    child = _sitting(request, "killed")
    reached = _watch(request, root, moment, generator)
    deadline = time.monotonic() + PATIENCE
    while not reached():
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            if status:
                raise SystemExit(f"a sitting ended with {status} before it was killed")
            return False
        if time.monotonic() > deadline:
            raise SystemExit(f"the moment '{moment}' never came")
        time.sleep(0.0005)
    time.sleep(generator.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _watch(request: dict[str, Any], root: Path, moment: str, generator: random.Random) -> Callable[[], bool]:
    """A check whether the moment has come."""
    run = root / "killed"
    last, log = run / "checkpoints" / "last.pt", run / "logs" / "metrics.csv"
    if moment == "store":
        return lambda: any((root / "killed-cache").glob("*.part")) or last.exists()
    if moment == "calibration":
        final = f"\n{request['settings']['training']['iterations']},"
        return lambda: log.exists() and final in log.read_text()
    if moment == "detector":
        return lambda: any(run.glob(".detector.*.part")) or (run / "detector").exists()
    seen, wanted = [_stamp(last)], generator.randint(1, 5)

    def enough() -> bool:
        stamp = _stamp(last)
        if stamp != seen[-1]:
            seen.append(stamp)
        return len(seen) > wanted

    return enough


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_ino, status.st_mtime_ns)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
