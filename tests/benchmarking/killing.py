"""A benchmark that is killed while its second job trains, then begun again; run by `test_run.py` in a fresh process.

A fork of a process that has never trained starts at once, where a new Python would import for seconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Kill the first sitting once the second job has a checkpoint; what the folder held then, and in the end."""
    import torch

    for late in ("oddlens.benchmarking.run", "oddlens.methods.lnra.method"):  # what each child would else import
        import_module(late)
    torch.set_num_threads(1)
    out = Path(request["out"])
    checkpoint = out / "runs" / request["second"] / "checkpoints" / "last.pt"
    child = _sitting(request)
    deadline = time.monotonic() + 120
    while not checkpoint.exists():
        if time.monotonic() > deadline or os.waitpid(child, os.WNOHANG)[0]:
            raise SystemExit("the second job never came to a checkpoint")
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    killed = {
        "signalled": os.WIFSIGNALED(status),
        "results": sorted(str(path.relative_to(out)) for path in (out / "results").rglob("*.json")),
        "tables": (out / "tables.md").exists(),
        "first": (out / "runs" / request["first"] / "provenance.json").stat().st_mtime_ns,
    }
    _, status = os.waitpid(_sitting(request), 0)
    killed["first_again"] = (out / "runs" / request["first"] / "provenance.json").stat().st_mtime_ns
    killed["ended"] = status
    return killed


def _sitting(request: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    from oddlens.cli import main as oddlens

    os._exit(oddlens(request["arguments"]))


if __name__ == "__main__":
    told = main(json.loads(sys.argv[1]))
    print(json.dumps(told))
