"""MNIST's file format: idx, packed by gzip or not."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oddlens.errors import DataError

_BYTES = 0x08
"""The format's number for unsigned bytes."""
_AGAIN = "fetch it again"


def read_idx(file: Path, axes: int) -> NDArray[np.uint8]:
    """The array of unsigned bytes in `file`, which must have so many axes.

    Layout: two bytes 0, one for the kind of number, one for the count of axes; four bytes for the length of each axis,
    high byte first; the numbers, the last axis fastest.

    Raises:
        DataError: the file is missing, damaged, or holds something else.
    """
    content = _content(file)
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataError(file, f"ends after {len(content)} bytes, before its data begins", _AGAIN)
    if content[:3] != bytes([0, 0, _BYTES]):
        fault = f"is no idx file of bytes (it begins with {content[:4].hex(' ')})"
        raise DataError(file, fault, "give MNIST's files as they are published")
    if content[3] != axes:
        raise DataError(file, f"has {content[3]} axes, not {axes}", "check that images and labels are not mixed up")
    sides = np.frombuffer(content, ">u4", axes, offset=4).tolist()
    announced, there = math.prod(sides), len(content) - start
    if there != announced:
        fault = f"announces {' x '.join(map(str, sides))} = {announced} bytes of data and holds {there}"
        raise DataError(file, fault, _AGAIN)
    return np.frombuffer(content, np.uint8, offset=start).reshape(sides)


def _content(file: Path) -> bytes:
    """All bytes of the file, unpacked where they are packed, whatever its name."""
    try:
        packed = file.read_bytes()
        return gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    except FileNotFoundError as error:
        raise DataError(file, "there is no such file", "check the path") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(file, f"is a damaged gzip file ({error})", _AGAIN) from error
    except OSError as error:
        raise DataError(file, f"cannot be read ({error.strerror or error})", "check path and permissions") from error
