"""The feature store: made once, what it is named after, and what no fault may leave behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from oddlens.errors import DataError, OddLensError
from oddlens.labels import store as module
from oddlens.labels.store import FeatureStore, build_feature_store, open_feature_store
from oddlens.media.store import FrameStore

PLENTY = 10**9


class Sums:
    """Mean of each frame and of the one before it, -1 without one; counts the frames it was asked about."""

    kind: ClassVar[str] = "sums"
    shape: tuple[int, ...] = (2, 1)

    def __init__(self, scale: float = 1, fails_after: float = float("inf")) -> None:
        self.scale, self.fails_after, self.calls = scale, fails_after, 0

    def identity(self) -> dict[str, Any]:
        return {"scale": self.scale, "kind": "mean"}

    def of_frames(self, frames: NDArray[np.uint8], before: Any, device: torch.device) -> NDArray[np.float16]:
        self.calls += len(frames)
        if self.calls > self.fails_after:
            raise OSError("the disk is on fire")
        means = [-1.0 if before is None else before.mean(), *frames.mean(axis=(1, 2, 3))]
        return (self.scale * np.stack([means[1:], means[:-1]], axis=1)[..., None]).astype(np.float16)


def expected(frames: FrameStore) -> NDArray[np.float16]:
    """What `Sums` says of each run as a whole."""
    return np.concatenate([Sums().of_frames(run.frames, None, torch.device("cpu")) for run in frames.runs()])


def built(frames: FrameStore, cache: Path, source: Any = None, **options: Any) -> FeatureStore:
    found = build_feature_store(frames, source or Sums(), cache, PLENTY, **options)
    assert found is not None
    return found


@pytest.mark.parametrize("chunk", [16, 3])
def test_rows_in_the_order_of_the_frame_store(
    frames: FrameStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(module, "_CHUNK", chunk)
    calls: list[tuple[str, int, int | None]] = []
    store = built(frames, tmp_path / "cache", progress=lambda *call: calls.append(call))
    assert (store.frames, store.shape, store.frame_store) == (36, (2, 1), frames.key)
    np.testing.assert_array_equal(store.rows(0, 36), expected(frames))
    for run in frames.runs():
        assert run.row is not None
        np.testing.assert_array_equal(store.rows(run.row, 3), Sums().of_frames(run.frames[:3], None, None))  # type: ignore[arg-type]
    assert calls[-1] == ("01", 36, 36) and {name for name, _, _ in calls} == {"01", "02"}
    files = sorted(path.name for path in store.folder.iterdir())
    assert files == ["index.json", "rows.f16"]
    assert (store.folder / "rows.f16").stat().st_size == store.total_bytes == 36 * 2 * 2


def test_it_is_made_once_for_each_setting_and_footage(frames: FrameStore, tmp_path: Path) -> None:
    cache, source = tmp_path / "cache", Sums()
    first = built(frames, cache, source)
    assert source.calls == 36
    assert built(frames, cache, source) == first and source.calls == 36
    other = built(frames, cache, Sums(scale=2))
    assert other.folder != first.folder
    elsewhere = built(replace(frames, key="another"), cache)
    assert elsewhere.folder not in {first.folder, other.folder}
    assert {path.suffix for path in cache.iterdir()} == {"", ".lock"}


@pytest.mark.parametrize("damage", ["short", "no index", "old", "not json"])
def test_a_damaged_one_is_made_anew(frames: FrameStore, tmp_path: Path, damage: str) -> None:
    store = built(frames, tmp_path / "cache")
    index = store.folder / "index.json"
    if damage == "short":
        (store.folder / "rows.f16").write_bytes(b"ab")
    elif damage == "no index":
        index.unlink()
    elif damage == "old":
        index.write_text(json.dumps(json.loads(index.read_text()) | {"version": 0}))
    else:
        index.write_text("{")
    with pytest.raises(DataError, match="is no store of sums, or a damaged one; remove it"):
        open_feature_store(store.folder, frames, Sums())
    np.testing.assert_array_equal(built(frames, tmp_path / "cache").rows(0, 36), expected(frames))


def test_one_of_other_settings_is_refused(frames: FrameStore, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    one, other = built(frames, cache), built(frames, cache, Sums(scale=2))
    with pytest.raises(
        DataError, match=r"sums-\w+: holds sums of other settings \(scale: 2, not 1\); remove it"
    ) as caught:
        open_feature_store(other.folder, frames, Sums())
    assert "\n" not in str(caught.value)
    (one.folder / "index.json").write_bytes((other.folder / "index.json").read_bytes())
    with pytest.raises(DataError, match="other settings"):  # under its own name too: nobody's file is thrown away
        built(frames, cache)


def test_one_of_another_size_or_other_frames_is_refused(frames: FrameStore, tmp_path: Path) -> None:
    store, wider = built(frames, tmp_path / "cache"), Sums()
    wider.shape = (3, 1)
    with pytest.raises(DataError, match=r"size: \(2, 1\), not \(3, 1\)"):
        open_feature_store(store.folder, frames, wider)
    with pytest.raises(DataError, match="holds sums of other frames"):
        open_feature_store(store.folder, replace(frames, key="another"), Sums())


def test_over_the_budget_there_is_none(frames: FrameStore, tmp_path: Path) -> None:
    source = Sums()
    assert build_feature_store(frames, source, tmp_path / "cache", 36 * 4 - 1) is None
    assert source.calls == 0
    assert build_feature_store(frames, source, tmp_path / "cache", 36 * 4) is not None


def test_a_fault_leaves_nothing_behind(frames: FrameStore, tmp_path: Path) -> None:
    cache = tmp_path / "features"
    with pytest.raises(OddLensError, match="the cache of sums cannot be written"):
        built(frames, cache, Sums(fails_after=20))
    assert [path.suffix for path in cache.iterdir()] == [".lock"]
    np.testing.assert_array_equal(built(frames, cache).rows(0, 36), expected(frames))


def test_a_cache_that_is_a_file(frames: FrameStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OddLensError, match="the cache of sums cannot be written") as caught:
        built(frames, tmp_path / "file")
    assert "--cache-dir" in caught.value.remedy
