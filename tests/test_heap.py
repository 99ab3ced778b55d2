"""Memory that a training process keeps."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from oddlens.heap import keep_freed_memory

FAULTS = """
import resource
import numpy as np
from oddlens.heap import keep_freed_memory

def faults(values):
    np.ones(values, np.float32)  # memory that was never used has to be asked for
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(3):
        np.ones(values, np.float32)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults(12_000_000)
print(keep_freed_memory(), usual, faults(12_000_000), faults(600_000_000))
"""
glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone can be asked")


def tell(**environment: str) -> list[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", FAULTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=own | environment)
    return done.stdout.split()


@glibc
def test_pages_are_no_longer_asked_for_again() -> None:
    done, usual, kept, kept_of_large = tell()
    assert done == "True"
    assert max(int(kept), int(kept_of_large)) * 10 < int(usual)


@glibc
@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_what_the_environment_says_about_memory_stands(name: str) -> None:
    value = "glibc.malloc.arena_max=4" if name == "GLIBC_TUNABLES" else "131072"
    done, usual, unchanged, _ = tell(**{name: value})
    assert done == "False" and int(unchanged) * 2 > int(usual)


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
