"""Several processes keep one memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = """
import sys
import torch
from torch import distributed
from oddlens.nn.quantiser import VectorQuantiser

rank, folder = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
for decay in (0.0, 0.9):
    torch.manual_seed(0)
    memory = VectorQuantiser(12, 3, start="k-means", restart_after=2, decay=decay)
    torch.manual_seed(rank)  # every process sees samples of its own, and draws on its own
    for _ in range(5):
        memory(torch.randn(2, 3, 4, 4) + 3 * rank)
    torch.save(memory.state_dict(), f"{folder}/{rank}-{decay}.pt")
distributed.destroy_process_group()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="gloo meets in a file")
def test_prototypes_and_counts_are_the_same(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [[sys.executable, "-c", SCRIPT, str(rank), str(tmp_path)] for rank in range(2)]
    processes = [subprocess.Popen(word, env=environment, stderr=subprocess.PIPE, text=True) for word in words]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    for decay in ("0.0", "0.9"):
        first, second = (torch.load(tmp_path / f"{rank}-{decay}.pt", weights_only=True) for rank in range(2))
        assert [name for name in first if not torch.equal(first[name], second[name])] == []
        assert (first["idle"] == 0).sum() > 2
