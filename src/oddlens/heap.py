"""Memory that every training step, or batch of photographs, gives back and takes again."""

from __future__ import annotations

import ctypes
import os
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Of `mallopt`, from glibc's malloc.h."""
_NEVER = -1
_GROWTH = 64 * 2**20
"""Bytes by which the heap grows at once."""


def keep_freed_memory() -> bool:
    """Let the process keep what it frees, from now to its end; whether that could be had.

    By itself glibc takes every large array from the system and gives it back when it is freed, and the system fills
    it with zeros each time: up to a third of a training step on a CPU. Needs glibc; elsewhere nothing is done, nor
    where the environment says how memory is to be handled (`MALLOC_...` or `GLIBC_TUNABLES`).
    """
    chosen = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if chosen or not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return False
    wanted = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _GROWTH))
    return all(mallopt(option, value) == 1 for option, value in wanted)
