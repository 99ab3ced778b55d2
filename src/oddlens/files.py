"""Writing that is never half done, and fingerprints of what was read."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from oddlens.errors import OddLensError

_CHUNK = 1 << 20
_WHOLE_FILE_BYTES = 64 << 20
_SAMPLES = 16
_STALE_SECONDS = 24 * 3600
_DISK_FAULTS = {errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.ENOSPC, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it onto `target` on success, remove it on failure.

    The temporary name keeps the suffix, so writers that choose a format by suffix work. Works for files and,
    when `target` does not exist yet, for folders.

    Raises:
        OddLensError: the folder cannot be written, or the disk is full.
    """
    target = Path(target)
    temporary = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}.part{target.suffix}")
    try:
        with _explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with _explained(target):
            temporary.replace(target)
    except OSError as error:
        if error.errno in _DISK_FAULTS:  # other faults are about something else than this file
            raise _unwritable(target, error) from error
        raise
    finally:
        with suppress(OSError):
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)


def check_writable(target: Path) -> None:
    """Make sure, before the work, that `target` can be written after it; nothing stays behind.

    Raises:
        OddLensError: it is a folder, or its folder cannot be written or made.
    """
    target = Path(target).absolute()
    if target.is_dir():
        raise OddLensError(target, "is a folder", "name a file")
    there = next(folder for folder in target.parents if folder.exists())
    probe = there / f".{uuid.uuid4().hex[:8]}.part"
    with _explained(target):
        probe.touch(exist_ok=False)
        probe.unlink()


def is_leftover(path: Path) -> bool:
    """Whether `path` is what a killed process left of a file it was writing."""
    return path.name.startswith(".") and ".part" in path.name


def sweep_stores(folder: Path) -> None:
    """Remove stores that a killed process was building in `folder` a day ago or longer."""
    for leftover in folder.glob("*.part"):
        with suppress(OSError):  # its builder may finish just now
            newest = max(item.stat().st_mtime for item in (leftover, *leftover.iterdir()))
            if time.time() - newest > _STALE_SECONDS:
                shutil.rmtree(leftover, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the leftovers of killed processes from `folder` and the folders in it."""
    for item in sorted(folder.rglob(".*.part*")):
        if is_leftover(item):
            if item.is_dir():
                shutil.rmtree(item, ignore_errors=True)
            else:
                item.unlink(missing_ok=True)


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(target: Path, error: OSError) -> OddLensError:
    return OddLensError(target, f"cannot be written ({error.strerror or error})", "check permissions and free space")


def write_text(target: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(target: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all; NaN is refused."""
    write_text(target, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        OddLensError: the file is missing or not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise OddLensError(path, f"cannot be read ({error.strerror})", "check the path") from error
    except ValueError as error:
        raise OddLensError(path, f"is not valid JSON ({error})", "restore the file from where it came") from error


def fingerprint_file(path: Path) -> str:
    """SHA-256 of a file's size and content; files over 64 MiB are read at 16 evenly spaced places."""
    size = Path(path).stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as stream:
        if size <= _WHOLE_FILE_BYTES:
            while block := stream.read(_CHUNK):
                digest.update(block)
        else:
            for k in range(_SAMPLES):
                stream.seek(k * (size - _CHUNK) // (_SAMPLES - 1))
                digest.update(stream.read(_CHUNK))
    return digest.hexdigest()


def fingerprint_files(paths: Iterable[Path]) -> str:
    """SHA-256 over the fingerprints of `paths`, in the order given (names do not count).

    Example:
        >>> fingerprint_files([])[:8]
        'e3b0c442'
    """
    digest = hashlib.sha256()
    for path in paths:
        digest.update(fingerprint_file(path).encode())
    return digest.hexdigest()
