"""Pickles are read without running anything they name."""

from __future__ import annotations

import io
import os
import pickle
import resource
import subprocess
from collections import Counter, OrderedDict, deque
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oddlens import safe_pickle
from oddlens.safe_pickle import Inert

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Call:
    """Calls something when unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


class Holder:
    """A class of the file's own; loading it for real would be noticed."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise AssertionError("the real class was used")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_commands_are_not_run(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "run"
    command = f"touch '{mark}'"
    baits = [
        Call(os.system, command),
        Call(subprocess.call, command, 0),
        Call(eval, f"open({str(mark)!r}, 'w')"),
        Call(exec, f"open({str(mark)!r}, 'w')"),
        Call(open, str(mark), "w"),
        Call(Path.touch, mark),
    ]
    for bait in baits:
        content = pickle.dumps({"data": 1, "bait": [bait]}, protocol)
        loaded = safe_pickle.loads(content)
        assert loaded["data"] == 1
        assert isinstance(loaded["bait"][0], Inert)
        assert not mark.exists()
    pickle.loads(pickle.dumps(baits[0], protocol))  # the bait does bite
    assert mark.exists()


@pytest.mark.parametrize(
    "opcodes",
    [
        b"cos\nsystem\n(S'touch %s'\ntR.",
        b"(S'touch %s'\nios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93(S'touch %s'\ntR.",
        b"\x80\x04\x8c\x05torch\x8c\x09os.system\x93(S'touch %s'\ntR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0eos.path.exists\x93(S'touch %s'\ntR.",
        b'\x80\x04\x8c\x08builtins\x8c\x04eval\x93(S\'__import__("os").system("touch %s")\'\ntR.',
    ],
)
def test_hand_made_opcodes_are_not_run(tmp_path: Path, opcodes: bytes) -> None:
    mark = tmp_path / "run"
    assert isinstance(safe_pickle.loads(opcodes.replace(b"%s", str(mark).encode())), Inert)
    assert not mark.exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_values_come_back(protocol: int) -> None:
    values = {
        "numbers": [1, -2.5, 3 + 4j, True, None, 10**30],
        "texts": ("a", "ü", b"bytes", b"", bytearray(b"mutable")),
        "sets": ({1, 2}, frozenset({3})),
        "ordered": OrderedDict(b=1, a=2),
        "slice": slice(1, 5, 2),
    }
    assert safe_pickle.loads(pickle.dumps(values, protocol)) == values
    assert safe_pickle.load(io.BytesIO(pickle.dumps(values, protocol))) == values


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64", "bool", "complex128", "<U3"])
def test_arrays_come_back(protocol: int, dtype: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    for shaped in (array, np.asfortranarray(array), array[:, ::2], array[:0]):
        loaded = safe_pickle.loads(pickle.dumps(shaped, protocol))
        assert loaded.dtype == shaped.dtype
        np.testing.assert_array_equal(loaded, shaped)


def test_arrays_of_older_numpy_come_back() -> None:
    content = pickle.dumps(np.arange(5, dtype=np.uint8), 2)
    assert b"numpy._core.multiarray" in content or b"numpy.core.multiarray" in content
    for module in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        old = content.replace(b"numpy._core.multiarray", module).replace(b"numpy.core.multiarray", module)
        np.testing.assert_array_equal(safe_pickle.loads(old), np.arange(5))


def test_tensors_come_back() -> None:
    tensors = {
        "half": torch.rand(2, 3).half(),
        "view": torch.arange(12).reshape(3, 4).T[1:],
        "flag": torch.tensor(True),
    }
    tensors["parameter"] = torch.nn.Parameter(torch.rand(3))
    for zipped in (True, False):
        file = io.BytesIO()
        torch.save(tensors, file, _use_new_zipfile_serialization=zipped)
        file.seek(0)
        loaded = torch.load(file, weights_only=False, pickle_module=safe_pickle)
        assert loaded.keys() == tensors.keys()
        assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_objects_keep_their_state_alone(protocol: int) -> None:
    array = np.ones(3)
    loaded: Any = safe_pickle.loads(pickle.dumps(Holder(inside=Holder(array=array), words=["a"]), protocol))
    assert {type(loaded), type(loaded.inside)} == {Inert}
    assert loaded.words == ["a"]
    np.testing.assert_array_equal(loaded.inside.array, array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_containers_are_passed_over(protocol: int) -> None:
    values = [Counter("abca"), deque([1, 2]), frozenset({3}), Fraction(1, 3), Path("a"), range(4), "still here"]
    loaded = safe_pickle.loads(pickle.dumps(values, protocol))
    assert len(loaded) == len(values) and loaded[-1] == "still here"
    assert isinstance(loaded[0], Inert) and isinstance(loaded[1], Inert)


def test_text_of_python_2_is_read_as_asked() -> None:
    content = b"(dp0\nS'data'\np1\nS'\\xff'\np2\ns."
    assert safe_pickle.loads(content, encoding="latin1") == {"data": "ÿ"}
    assert safe_pickle.loads(content, encoding="bytes") == {b"data": b"\xff"}


@pytest.mark.parametrize(
    "claim",
    [b"}r\xff\xff\xff\x7f.", b"}p4294967295\n.", b"\x96\x00\x00\x00\x00\x08\x00\x00\x00ab."],
    ids=["memo", "written memo", "byte array"],
)
def test_memory_follows_what_is_there_not_what_is_claimed(claim: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(Exception):
        safe_pickle.loads(b"\x80\x05" + claim)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # kibibytes: the claims are of 16 GB
