"""What `score` has to do with photographs: inputs expanded, each under a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePosixPath

from oddlens.datasets.mvtec import categories
from oddlens.datasets.open_photographs import open_photographs, recognise_photographs
from oddlens.datasets.own_photographs import image_tree
from oddlens.datasets.photographs import Photograph
from oddlens.errors import DataError, MediaError
from oddlens.media.formats import IMAGE_SUFFIXES, is_image, is_pattern, is_video, matching


def find_photographs(inputs: Sequence[str | Path]) -> list[Photograph]:
    """Photographs behind `inputs`, each under a name of its own.

    A category of MVTec AD (or its kin) gives its test photographs; any other folder all photographs in it and in its
    folders, of the kinds that its layout says; files and globs give what they name.

    Raises:
        OddLensError: nothing to score, or something that is no photograph.
    """
    if not inputs:
        raise MediaError("input", "nothing was named", "name a photograph, a folder of them or a glob")
    found = [item for where in inputs for item in _behind(Path(where))]
    names = distinct_names([item.name for item in found])
    return [replace(item, name=name) for item, name in zip(found, names)]


def distinct_names(names: Sequence[str]) -> list[str]:
    """`names` with a number before the suffix of those that came before.

    Example:
        >>> distinct_names(["a.png", "b/a.png", "a.png"])
        ['a.png', 'b/a.png', 'a-2.png']
    """
    taken = set(names)
    seen: set[str] = set()
    distinct = []
    for name in names:
        if name in seen:
            path = PurePosixPath(name)
            name = next(n for k in count(2) if (n := str(path.with_stem(f"{path.stem}-{k}"))) not in taken)
            taken.add(name)
        seen.add(name)
        distinct.append(name)
    return distinct


def _behind(where: Path) -> list[Photograph]:
    if where.is_dir():
        return _in_folder(where)
    if not where.exists() and not is_pattern(where):
        raise MediaError(where, "there is no such file or folder", "check the path")
    if where.exists() and not is_image(where):
        fault = "is a video, and this detector looks at photographs" if is_video(where) else "is no photograph"
        raise MediaError(where, fault, f"give {', '.join(sorted(IMAGE_SUFFIXES))} files")
    found = [where] if where.exists() else matching(str(where))
    folders = [path for place in found if place.is_dir() for path in image_tree(place)]
    files = [place for place in found if place.is_file() and is_image(place)] + folders
    if not files:
        raise MediaError(where, "no photograph matches", "check the pattern")
    return [_unknown(path, path.name) for path in files]


def _in_folder(folder: Path) -> list[Photograph]:
    layout = recognise_photographs(folder)
    if layout == "mvtec" or (layout is None and categories(folder)):
        test = open_photographs(folder).test
        if not test:
            raise DataError(folder, "holds no test photographs", "name the folder of those to score")
        return list(test)
    kinds = {}
    if layout == "folders":
        known = open_photographs(folder)
        kinds = {item.path: item.kind for item in (*known.train, *known.test)}
    files = image_tree(folder)
    if not files:
        raise MediaError(folder, "holds no photographs", "name the folder that does")
    return [replace(_unknown(path, path.relative_to(folder).as_posix()), kind=kinds.get(path, "")) for path in files]


def _unknown(path: Path, name: str) -> Photograph:
    return Photograph(name, path, "test")
