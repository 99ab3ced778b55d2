"""Reading pickled files without running anything they name.

Only array and tensor rebuilding and plain containers are real; every other class in the file becomes an
`Inert` object that merely keeps its state, so foreign modules can be searched for their tensors.
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

_REAL = {
    ("collections", "OrderedDict"),
    ("_codecs", "encode"),
    ("builtins", "bytes"),
    ("builtins", "bytearray"),
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("builtins", "slice"),
    ("builtins", "complex"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("torch", "Size"),
    ("torch", "device"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch._tensor", "_rebuild_from_type_v2"),
}
_STORAGES = {"Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float", "Double", "Bool"}


class Inert:
    """Stands for an object of a class that is not loaded; its attributes are the pickled state."""

    dump_patches = False
    """Read by torch from the classes of modules in old files."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.arguments = args

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)

    def __call__(self, *args: Any, **kwargs: Any) -> Inert:
        """What a function of the file would have made: another inert object."""
        return Inert()

    def __setitem__(self, key: Any, value: Any) -> None:
        """Forget the items of a mapping."""

    def extend(self, items: Any) -> None:
        """Forget the items of a sequence."""

    append = add = extend


class Unpickler(pickle._Unpickler):
    """Unpickler that resolves nothing but the names needed for arrays, tensors and containers.

    The one written in Python: it keeps its memo in a dictionary, where the one in C makes a table as long as the
    largest index, so that one damaged byte of a file would ask for tens of gigabytes.
    """

    def find_class(self, module: str, name: str) -> Any:
        """The real object for an allowed name, `Inert` for any other."""
        if module == "collections" and name == "OrderedDict":
            return OrderedDict
        # names of Python 2 and of NumPy 1
        module = "builtins" if module == "__builtin__" else module.replace("numpy.core.", "numpy._core.")
        storage = module == "torch" and name.endswith("Storage") and name.removesuffix("Storage") in _STORAGES
        return super().find_class(module, name) if (module, name) in _REAL or storage else Inert

    def load_bytearray8(self) -> None:
        """Take the bytes that are there; the standard way first clears as many as a damaged file may claim."""
        (length,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(length)))

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }

    if TYPE_CHECKING:  # set by `load` of the class above
        read: Callable[[int], bytes]
        append: Callable[[Any], None]


def load(file: Any, **options: Any) -> Any:
    """`pickle.load` with the unpickler above (the name `torch.load` asks of a pickle module)."""
    return Unpickler(file, **options).load()


def loads(data: bytes, **options: Any) -> Any:
    """`pickle.loads` with the unpickler above."""
    import io

    return load(io.BytesIO(data), **options)
