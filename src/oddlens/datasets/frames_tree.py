"""The layout most code bases share: `training/frames/NAME/*.jpg` and `testing/frames/NAME/*.jpg`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from oddlens.datasets.base import DataSet, Labels, MaskReader, Video
from oddlens.datasets.identity import FPS, scene_of
from oddlens.datasets.labels import LabelSource, as_labels, attach_labels, mask_source, read_label_file
from oddlens.datasets.marker import read_marker
from oddlens.datasets.masks import find_masks, load_array
from oddlens.datasets.probe import count_frames
from oddlens.datasets.trees import sequences, unique_names
from oddlens.errors import DataError


def recognise_frames(root: Path) -> bool:
    """Whether `root` holds training or test videos in this layout, of whatever origin."""
    return any(sequences(root / split / kind) for split, kind in _places())


def open_frames(root: Path, labels: str = "default") -> DataSet:
    """Open a tree of no published set, or one that `data prepare` wrote.

    Labels come from `testing/test_frame_mask/NAME.npy` or a file `frame_labels.npy` in `root` or `testing/`
    (version `frames`), or from `testing/masks/NAME/*.png` or `testing/test_pixel_mask/NAME.npy` (`masks`).
    """
    marker = read_marker(root)
    if marker is None:
        return open_tree(root, "own", labels)
    return open_tree(root, marker.name, labels, fps=marker.fps)


def open_tree(
    root: Path,
    name: str,
    labels: str,
    *,
    fps: float | None = None,
    preferred: Callable[[Sequence[Video]], Sequence[LabelSource]] = lambda videos: (),
    masks_first: bool = False,
) -> DataSet:
    """Open the layout as data set `name`.

    Args:
        root: folder that holds `training/` and `testing/`.
        name: of the data set.
        labels: wanted version (`attach_labels`).
        fps: customary frame rate; by default the one of the published set `name`.
        preferred: sources of labels to try before those in the tree.
        masks_first: whether masks come before frame labels.

    Raises:
        DataError: no videos, or labels that do not fit.
    """
    found = {
        split: [p for s, kind in _places() if s == split for p in sequences(root / s / kind)]
        for split in ("training", "testing")
    }
    scene = scene_of if name == "shanghai" else lambda video: ""
    if not any(found.values()):
        raise DataError(
            root,
            "holds no videos in the frames layout",
            "looked for " + ", ".join("/".join(p) for p in _places()),
        )
    train = tuple(Video(n, p, "train", scene(n)) for n, p in _named(found["training"]))
    test = [Video(n, p, "test", scene(n), masks=_masks(root, n)) for n, p in _named(found["testing"])]
    sources = [
        *preferred(test),
        *_frame_sources(root, name, test),
        mask_source(test, "testing/masks or testing/test_pixel_mask"),
    ]
    if masks_first:
        sources.sort(key=lambda source: source.version != "masks")
    labelled, label_version = attach_labels(test, sources, labels, root)
    return DataSet(name, root, train, labelled, label_version, fps if fps is not None else FPS.get(name))


def _places() -> list[tuple[str, str]]:
    return [(split, kind) for split in ("training", "testing") for kind in ("frames", "videos")]


def _named(paths: list[Path]) -> list[tuple[str, Path]]:
    return list(zip(unique_names(paths), paths))


def _masks(root: Path, name: str) -> MaskReader | None:
    testing = root / "testing"
    # `or` would take an empty reader for none.
    found = find_masks(testing / "masks", name)
    return found if found is not None else find_masks(testing / "test_pixel_mask", name)


def _frame_sources(root: Path, name: str, videos: Sequence[Video]) -> list[LabelSource]:
    folder = root / "testing" / "test_frame_mask"
    files = [f"frame_labels_{name}.npy", "frame_labels.npy", f"{name}.mat"]

    def per_video() -> list[Labels | None] | None:
        paths = [folder / f"{video.name}.npy" for video in videos]
        return [as_labels(load_array(p), p) if p.is_file() else None for p in paths]

    return [
        LabelSource("frames", "testing/test_frame_mask", per_video),
        LabelSource("frames", " or ".join(files), lambda: read_whole(root, files, videos)),
    ]


def read_whole(root: Path, names: Sequence[str], videos: Sequence[Video]) -> list[Labels] | None:
    """Labels of all `videos` from the file that `find_label_file` finds."""
    path = find_label_file(root, names)
    return None if path is None else read_label_file(path, [count_frames(video.path) for video in videos])


def find_label_file(root: Path, names: Sequence[str]) -> Path | None:
    """First of the files `names` in `root`, in its `testing/` or in the folder above it."""
    places = [folder / name for folder in (root, root / "testing", root.parent) for name in names]
    return next((path for path in places if path.is_file()), None)
