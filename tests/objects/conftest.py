"""Detectors made by hand, shared by the tests of objects: ONNX files whose output is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

MakeOnnx = Callable[..., Path]


def _field(number: int, kind: int, value: bytes | int) -> bytes:
    """One field of a protocol buffer: a number (kind 0) or bytes (kind 2)."""
    head = _varint(number << 3 | kind)
    return head + (_varint(value) if isinstance(value, int) else _varint(len(value)) + value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _tensor(name: str, array: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    kind = 1 if array.dtype == np.float32 else 7
    sides = b"".join(_field(1, 0, side) for side in array.shape)
    return sides + _field(2, 0, kind) + _field(8, 2, name.encode()) + _field(9, 2, array.tobytes())


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sides = [_field(2, 2, s.encode()) if isinstance(s, str) else _field(1, 0, s) for s in shape]
    dimensions = b"".join(_field(1, 2, side) for side in sides)
    kind = _field(1, 2, _field(1, 0, 1) + _field(2, 2, dimensions))
    return _field(1, 2, name.encode()) + _field(2, 2, kind)


def _node(operator: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    names = b"".join(_field(1, 2, name.encode()) for name in inputs)
    return names + _field(2, 2, output.encode()) + _field(4, 2, operator.encode()) + attributes


def _axes(values: Sequence[int]) -> bytes:
    attribute = _field(1, 2, b"axes") + b"".join(_field(8, 0, v) for v in values) + _field(20, 0, 7)
    keep = _field(1, 2, b"keepdims") + _field(3, 0, 0) + _field(20, 0, 2)
    return _field(5, 2, attribute) + _field(5, 2, keep)


@pytest.fixture(scope="session")
def make_onnx(tmp_path_factory: pytest.TempPathFactory) -> MakeOnnx:
    """Maker of an ONNX file that gives `output` for every picture, however it looks.

    The graph is `output + probe * peak`, where peak is the highest value of the picture's first plane: so tests see
    which values the network was given.
    """

    def make(
        output: NDArray[np.float32],
        probe: NDArray[np.float32] | None = None,
        shape: Sequence[int | str] = (1, 3, 64, 96),
    ) -> Path:
        output = np.asarray(output, np.float32)[None]
        weights = np.zeros_like(output) if probe is None else np.asarray(probe, np.float32)[None]
        nodes = [
            _node("ReduceMax", ["images"], "peak", _axes([2, 3])),  # (B, 3): the brightest value of each plane
            _node("Slice", ["peak", "zero", "one", "axis"], "plane"),  # (B, 1): the first plane's
            _node("Reshape", ["plane", "sides"], "factor"),
            _node("Mul", ["factor", "weights"], "extra"),
            _node("Add", ["extra", "base"], "output"),
        ]
        constants = [
            _tensor("zero", np.array([0], np.int64)),
            _tensor("one", np.array([1], np.int64)),
            _tensor("axis", np.array([1], np.int64)),
            _tensor("sides", np.array([-1] + [1] * (output.ndim - 1), np.int64)),
            _tensor("weights", weights),
            _tensor("base", output),
        ]
        graph = b"".join(
            [
                *(_field(1, 2, node) for node in nodes),
                _field(2, 2, b"detector"),
                *(_field(5, 2, constant) for constant in constants),
                _field(11, 2, _value("images", shape)),
                _field(12, 2, _value("output", ["batch", *output.shape[1:]])),
            ]
        )
        model = _field(1, 0, 8) + _field(7, 2, graph) + _field(8, 2, _field(2, 0, 13))
        file = tmp_path_factory.mktemp("onnx") / "detector.onnx"
        file.write_bytes(model)
        return file

    return make
