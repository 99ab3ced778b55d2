"""The run folder: going on, starting afresh, and what is refused."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oddlens.config import merge, read_yaml, to_yaml
from oddlens.errors import DataError, OddLensError, SettingsError
from oddlens.files import read_json
from oddlens.training import run as module
from oddlens.training.loop import Interrupted

Train = Callable[..., Any]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(kind: type[OddLensError], start: Callable[[], Any]) -> str:
    with pytest.raises(kind) as caught:
        start()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_run_holds_settings_seed_versions_fingerprint_and_logs(
    run: Train, lnra: dict[str, Any], tmp_path: Path
) -> None:
    result = run(lnra, tmp_path / "run")
    provenance = read_json(tmp_path / "run" / "provenance.json")
    assert {"date", "seed", "data_fingerprint", "oddlens", "torch", "steps"} <= set(provenance)
    assert provenance == result.detector.provenance
    assert (provenance["frames"], provenance["frames_seen"], provenance["footage"]) == (72, 72, "72 frames, all kept")
    visible = {path.name for path in (tmp_path / "run").iterdir()}
    assert visible == {"run.yaml", "provenance.json", "logs", "checkpoints", "detector"}


def test_finished_run_is_not_trained_again(
    run: Train, lnra: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(lnra, tmp_path / "run")
    before = snapshot(tmp_path / "run")
    monkeypatch.setattr(module, "fit", None)
    monkeypatch.setattr(module, "clip_feed", None)
    again = run(lnra, tmp_path / "run")
    assert snapshot(tmp_path / "run") == before
    assert again.resumed and again.footage == first.footage and again.fit.steps == first.fit.steps
    assert again.detector.calibration == first.detector.calibration


def test_other_settings_are_refused(run: Train, lnra: dict[str, Any], tmp_path: Path) -> None:
    run(lnra, tmp_path / "run")
    before = snapshot(tmp_path / "run")
    for part, key, value in (("training", "seed", 5), ("method", "learning_rate", 0.5)):
        text = refused(SettingsError, lambda: run(lnra, tmp_path / "run", **{part: {key: value}}))  # noqa: B023
        assert f"({part}.{key}: " in text and f" there, {value} here)" in text and "--overwrite" in text
    assert snapshot(tmp_path / "run") == before


def test_run_of_a_version_that_did_not_know_a_setting_yet_goes_on(
    run: Train, lnra: dict[str, Any], tmp_path: Path
) -> None:
    first, file = run(lnra, tmp_path / "run"), tmp_path / "run" / "run.yaml"
    settings = read_yaml(file)
    del settings["training"]["self_paced"]["narrowest_at"], settings["method"]["window"]
    file.write_text(to_yaml(settings))
    assert run(lnra, tmp_path / "run").fit.steps == first.fit.steps
    text = refused(SettingsError, lambda: run(lnra, tmp_path / "run", method={"window": 0.5}))
    assert "(method.window: " in text and " there, 0.5 here)" in text


def test_run_of_a_version_with_a_setting_that_is_gone_is_refused(
    run: Train, lnra: dict[str, Any], tmp_path: Path
) -> None:
    run(lnra, tmp_path / "run")
    file = tmp_path / "run" / "run.yaml"
    file.write_text(to_yaml(merge(read_yaml(file), {"method": {"flavour": "sweet"}})))
    text = refused(SettingsError, lambda: run(lnra, tmp_path / "run"))
    assert "(method.flavour: sweet there, not set here)" in text


def test_overwrite_starts_afresh(
    run: Train, lnra: dict[str, Any], tmp_path: Path, metrics: Callable[[Path], list[dict[str, float | None]]]
) -> None:
    run(lnra, tmp_path / "run")
    result = run(lnra, tmp_path / "run", overwrite=True, training={"iterations": 4, "seed": 5})
    assert (result.resumed, result.fit.steps) == (False, 4)
    assert [row["step"] for row in metrics(tmp_path / "run")] == [1, 2, 3, 4]
    assert read_json(tmp_path / "run" / "provenance.json")["seed"] == 5
    fresh = run(lnra, tmp_path / "fresh", training={"iterations": 4, "seed": 5})
    weights = [(r.folder / "detector" / "weights.safetensors").read_bytes() for r in (result, fresh)]
    assert weights[0] == weights[1]


def test_overwrite_that_cannot_begin_leaves_the_old_run(run: Train, lnra: dict[str, Any], tmp_path: Path) -> None:
    run(lnra, tmp_path / "run")
    before = snapshot(tmp_path / "run")
    text = refused(DataError, lambda: run(lnra, tmp_path / "run", overwrite=True, method={"length": 64}))
    assert "64 frames" in text
    assert snapshot(tmp_path / "run") == before


def test_changed_footage_is_refused(
    run: Train, lnra: dict[str, Any], footage: Path, tmp_path: Path, press_ctrl_c: Callable[[int], None]
) -> None:
    own = tmp_path / "own"
    shutil.copytree(footage, own)
    settings = {**lnra, "data": {**lnra["data"], "root": str(own)}}

    def start(folder: str, overwrite: bool = False) -> Any:
        return module.train(out=tmp_path / folder, settings=settings, overwrite=overwrite)

    start("finished")
    press_ctrl_c(3)
    with pytest.raises(Interrupted):
        start("cut")
    press_ctrl_c(0)
    shutil.copy(own / "normal" / "gate0.mp4", own / "normal" / "gate2.mp4")
    for folder in ("finished", "cut"):
        text = refused(DataError, lambda: start(folder))  # noqa: B023
        assert "the footage has changed" in text and "--overwrite" in text
    assert start("finished", overwrite=True).fit.steps == 10
    (own / "normal" / "gate2.mp4").unlink()
    assert start("cut").resumed


def test_out_is_a_file(run: Train, lnra: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    assert "is a file" in refused(SettingsError, lambda: run(lnra, tmp_path / "run"))
    assert "is a file" in refused(SettingsError, lambda: run(lnra, tmp_path / "run", overwrite=True))
    assert (tmp_path / "run").read_text() == "mine"


@pytest.mark.parametrize("overwrite", [False, True])
def test_foreign_folder_is_left_alone(run: Train, lnra: dict[str, Any], tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "holiday.jpg").write_text("mine")
    assert "holds no run" in refused(SettingsError, lambda: run(lnra, tmp_path, overwrite=overwrite))
    assert snapshot(tmp_path) == {"holiday.jpg": b"mine"}


def test_out_below_a_file(run: Train, lnra: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(OddLensError, lambda: run(lnra, tmp_path / "file" / "run"))


def test_out_that_cannot_be_written(
    run: Train, lnra: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *args: Any, **kwargs: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "run").mkdir()
    monkeypatch.setattr(Path, "touch", refuse)
    text = refused(OddLensError, lambda: run(lnra, tmp_path / "run"))
    assert "cannot be written (Permission denied)" in text and "--out" in text


def test_leftovers_of_a_killed_run_are_no_foreign_files(run: Train, lnra: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (".run.0123abcd.part.yaml", ".writable.part"):
        (folder / name).write_text("method: {na")
    run(lnra, folder)
    assert not list(folder.rglob(".*"))


def test_unreadable_settings_of_the_run(run: Train, lnra: dict[str, Any], tmp_path: Path) -> None:
    run(lnra, tmp_path / "run")
    (tmp_path / "run" / "run.yaml").write_text("{")
    assert "run.yaml" in refused(SettingsError, lambda: run(lnra, tmp_path / "run"))
    assert run(lnra, tmp_path / "run", overwrite=True).fit.steps == 10


def test_no_footage_to_train_on(run: Train, lnra: dict[str, Any], tmp_path: Path, footage: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copytree(footage / "normal", tmp_path / "data" / "test")
    settings = {**lnra, "data": {**lnra["data"], "root": str(tmp_path / "data")}}
    text = refused(DataError, lambda: module.train(out=tmp_path / "run", settings=settings))
    assert "holds no training videos" in text
    assert not (tmp_path / "run").exists(), "nothing half-written"
