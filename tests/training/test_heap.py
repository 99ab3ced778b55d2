"""Memory that a training process keeps."""

from __future__ import annotations

import subprocess
import sys

import pytest

from oddlens.training.heap import keep_freed_memory

FAULTS = """
import resource
import numpy as np
from oddlens.training.heap import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(8_000_000, np.float32)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults()
if keep_freed_memory():
    np.ones(8_000_000, np.float32)
    print(usual, faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone can be asked")
def test_pages_are_no_longer_asked_for_again() -> None:
    told = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True).stdout
    if not told:
        pytest.skip("the C library is not glibc")
    usual, kept = map(int, told.split())
    assert kept * 10 < usual


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
