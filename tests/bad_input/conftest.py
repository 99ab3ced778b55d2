"""A good scene, a good detector, and the rule that every bad input keeps to."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from oddlens.cli import main

TINY = ["method.height=32", "method.width=32", "method.widths=[4,4,8]", "training.iterations=1", "training.epochs=0"]


@dataclass
class World:
    """A good scene, a good detector, and a folder `at` to spoil things in."""

    at: Path
    scene: Path
    run: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def out(self) -> Path:
        return self.at / "out"

    @property
    def clip(self) -> Path:
        return self.scene / "test" / "test_01.mp4"

    def score(self, *inputs: object, detector: Path | None = None, out: Path | None = None) -> list[object]:
        return ["score", detector or self.run, *inputs, "--out", out or self.out, "--mode", "fast", "--no-overlay"]

    def train(self, *more: object, data: Path | None = None, out: Path | None = None) -> list[object]:
        start = ["train", "lnra", "--data", data or self.scene, "--out", out or self.out]
        return [*start, *(word for item in TINY for word in ("--set", item)), *more]

    def configured(self, text: str) -> list[object]:
        (self.at / "mine.yaml").write_text(text)
        return ["train", "lnra", "--config", self.at / "mine.yaml", "--data", self.scene, "--out", self.out]

    def spoilt_detector(self) -> Path:
        return Path(shutil.copytree(self.run / "detector", self.at / "detector"))

    def spoilt_scene(self) -> Path:
        return Path(shutil.copytree(self.scene, self.at / "scene"))

    def file(self, name: str, content: bytes | str = b"") -> Path:
        path = self.at / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def images(self, name: str, count: int, size: tuple[int, int] = (32, 24), mode: str = "L") -> Path:
        folder = self.at / name
        folder.mkdir(exist_ok=True)
        for index in range(count):
            Image.new(mode, size, index).save(folder / f"{len(list(folder.iterdir())):03d}.png")
        return folder

    def refuses(self, arguments: list[object], named: str) -> None:
        """Assert that the command ends with code 2 and one line that names the culprit, and leaves nothing behind."""
        before, elsewhere = _listing(self.at), _listing(self.run)
        self.capsys.readouterr()
        code = main([str(word) for word in arguments])
        errors = self.capsys.readouterr().err
        assert code == 2, errors
        assert len(errors.splitlines()) == 1, errors
        assert errors.startswith("oddlens: ")
        assert "Traceback" not in errors
        assert named in errors
        assert len(errors) < 600
        assert _listing(self.at) == before
        assert _listing(self.run) == elsewhere


def _listing(folder: Path) -> dict[Path, int]:
    return {path.relative_to(folder): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def w(
    tmp_path: Path, scene: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> World:
    """The world of one bad input; commands run in its folder."""
    (tmp_path / "world").mkdir()
    monkeypatch.chdir(tmp_path / "world")
    return World(tmp_path / "world", scene, tiny_run, capsys)
