"""Every mistake in a configuration is told in one line that names the place and, where there is one, the way out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.config import Settings, apply_assignments, build, merge, read_yaml, to_yaml
from oddlens.errors import SettingsError
from oddlens.training.settings import DataSettings, RunSettings, ScoringSettings, TrainingSettings


@dataclass(frozen=True, kw_only=True)
class Part(Settings):
    kind: Literal["round", "square"]
    sizes: tuple[int, ...] = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Whole(Settings):
    rate: float = 0.5
    steps: int = 3
    name: str | None = None
    on: bool = False
    part: Part = field(default_factory=lambda: Part(kind="round"))
    parts: tuple[Part, ...] = ()
    free: dict[str, Any] = field(default_factory=dict)


def fault(values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        build(Whole, values, "recipe.yaml")
    message = str(caught.value)
    assert message.startswith("recipe.yaml: ") and "\n" not in message
    return message.removeprefix("recipe.yaml: ")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"ratte": 1}, "unknown key 'ratte'; did you mean 'rate'?"),
        ({"zzz": 1}, "unknown key 'zzz'; known keys: rate, steps, name, on, part, parts, free"),
        ({"part": {"kind": "round", "size": [1]}}, "unknown key 'part.size'; did you mean 'sizes'?"),
        ({"part": {"kind": "round", "zzz": 1}}, "unknown key 'part.zzz'; known keys: kind, sizes"),
        ({"parts": [{"kind": "round"}, {"knd": "round", "kind": "round"}]}, "unknown key 'parts.1.knd'; did you mean"),
        ({"part": {}}, "'part.kind' is missing; give it a value"),
        ({"rate": "fast"}, "'rate' is 'fast'; input should be a valid number"),
        ({"steps": 2.5}, "'steps' is 2.5; input should be a valid integer"),
        ({"steps": None}, "'steps' is None; input should be a valid integer"),
        ({"steps": [1]}, "'steps' is [1]; input should be a valid integer"),
        ({"on": "perhaps"}, "'on' is 'perhaps'; input should be a valid boolean"),
        ({"name": 3}, "'name' is 3; input should be a valid string"),
        ({"part": {"kind": "oval"}}, "'part.kind' is 'oval'; input should be 'round' or 'square'"),
        ({"part": {"kind": "round", "sizes": [1, "x"]}}, "'part.sizes.1' is 'x'; input should be a valid integer"),
        ({"parts": {"kind": "round"}}, "'parts' is {'kind': 'round'}; input should be a valid list"),
        ({"parts": "round"}, "'parts' is 'round'; input should be a valid list"),
        ({"part": 3}, "'part' is 3; input should be"),
        ({3: 4}, "'3' is 3; keys should be strings"),
        ([1, 2], "does not hold 'key: value' pairs; known keys: rate"),
        ("rate", "does not hold 'key: value' pairs"),
    ],
)
def test_mistakes_are_named(values: Any, told: str) -> None:
    assert told in fault(values)


def test_a_long_value_is_cut() -> None:
    assert len(fault({"steps": "x" * 10_000})) < 200


@pytest.mark.parametrize("values", [None, {}])
def test_no_values_are_the_defaults(values: Any) -> None:
    assert build(Whole, values, "") == Whole()


def test_values_are_converted_where_nothing_is_lost() -> None:
    # YAML 1.1 takes 1e-4 for text
    whole = build(Whole, {"rate": "1e-4", "steps": 4.0, "part": {"kind": "square", "sizes": [5]}}, "")
    assert (whole.rate, whole.steps, whole.part) == (1e-4, 4, Part(kind="square", sizes=(5,)))


WHOLES = st.builds(
    Whole,
    rate=st.floats(allow_nan=False, allow_infinity=False),
    steps=st.integers(-(2**40), 2**40),
    name=st.none() | st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=9),
    on=st.booleans(),
    part=st.builds(Part, kind=st.sampled_from(["round", "square"])),
    parts=st.lists(
        st.builds(Part, kind=st.just("round"), sizes=st.lists(st.integers(0, 9)).map(tuple)), max_size=3
    ).map(tuple),
    free=st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers() | st.booleans() | st.none(), max_size=3),
)


@settings(max_examples=40, deadline=None)
@given(WHOLES)
def test_settings_survive_yaml(whole: Whole) -> None:
    text = to_yaml(whole.to_dict())
    assert build(Whole, yaml.safe_load(text), "") == whole


def test_yaml_keeps_the_order_and_paths(tmp_path: Path) -> None:
    assert to_yaml({"b": 1, "a": "ü"}) == "b: 1\na: ü\n"

    @dataclass(frozen=True, kw_only=True)
    class Located(Settings):
        place: Path = tmp_path

    assert Located().to_dict() == {"place": str(tmp_path)}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_holds_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert read_yaml(tmp_path / "a.yaml") == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a: [1, 2", "is not valid YAML"),
        (b"a: b: c", "is not valid YAML"),
        (b"a: 1\n\tb: 2", "is not valid YAML"),
        (b"\xff\xfe\x00", "is not valid YAML"),
        (b"a: \x00", "is not valid YAML"),
        (b"a: !!python/object/apply:os.getcwd []", "is not valid YAML"),
        (b"- 1\n- 2", "does not hold 'key: value' pairs; see recipes/"),
        (b"just text", "does not hold 'key: value' pairs"),
        (b"3", "does not hold 'key: value' pairs"),
    ],
)
def test_files_that_hold_no_settings(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_yaml(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: {told}") and "\n" not in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for place in (tmp_path / "gone.yaml", tmp_path):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_yaml(place)


VALUES = st.recursive(
    st.integers(0, 9), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@settings(max_examples=40, deadline=None)
@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_merging(first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]) -> None:
    kept = yaml.safe_load(to_yaml(first))
    assert merge(first, {}) == merge({}, first) == merge(first, first) == first
    merged = merge(first, second)
    assert set(merged) == {*first, *second}
    assert merge(merged, second) == merged
    assert first == kept
    for key, value in second.items():
        if not isinstance(value, dict) or not isinstance(first.get(key), dict):
            assert merged[key] == value


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        (["a=1"], {"a": 1, "list": [{"p": 0.2}, {"p": 0.3}], "deep": {"x": {"y": 1}}}),
        (["a="], {"a": None}),
        (["a=b=c"], {"a": "b=c"}),
        (["a=[1, 2]", "a.1=5"], {"a": [1, 5]}),
        (["a={b: 1}"], {"a": {"b": 1}}),
        (["a='3'"], {"a": "3"}),
        (["a=true"], {"a": True}),
        ([" a =  x "], {"a": "x"}),
        (["a=1", "a=2"], {"a": 2}),
        (["list.0.p=0.5"], {"list": [{"p": 0.5}, {"p": 0.3}]}),
        (["list.1={p: 1}"], {"list": [{"p": 0.2}, {"p": 1}]}),
        (["list.0.new.deep=7"], {"list": [{"p": 0.2, "new": {"deep": 7}}, {"p": 0.3}]}),
        (["deep.x.z=2"], {"deep": {"x": {"y": 1, "z": 2}}}),
        (["new.a.b=2"], {"new": {"a": {"b": 2}}}),
    ],
)
def test_assignments(assignments: list[str], expected: dict[str, Any]) -> None:
    base = {"list": [{"p": 0.2}, {"p": 0.3}], "deep": {"x": {"y": 1}}}
    copy = yaml.safe_load(to_yaml(base))
    found = apply_assignments(base, assignments)
    assert found == {**base, **expected}
    assert base == copy


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("a", "is not KEY=VALUE; write e.g. --set training.seed=1"),
        ("=3", "is not KEY=VALUE"),
        (" =3", "is not KEY=VALUE"),
        ("", "is not KEY=VALUE"),
        ("a=[1", "has a value that is not YAML; quote it"),
        ("a=\t", "has a value that is not YAML"),
        ("number.x=3", "'x' lies inside a plain value; check the key"),
        ("text.0=3", "'0' lies inside a plain value"),
        ("list.2.p=1", "'2' is no place in a list of 2; give a number, counted from 0"),
        ("list.first=1", "'first' is no place in a list of 2"),
        ("list.-1=1", "'-1' is no place in a list of 2"),
        ("list.²=1", "'²' is no place in a list of 2"),
        ("a..b=1", "is not KEY=VALUE"),
        ("a.=1", "is not KEY=VALUE"),
    ],
)
def test_assignments_that_go_nowhere(assignment: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        apply_assignments({"number": 3, "text": "abc", "list": [{"p": 1}, {"p": 2}]}, [assignment])
    message = str(caught.value)
    assert message.startswith(f"--set {assignment}: ") and told in message and "\n" not in message


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"training": {"epoch": 3}}, "unknown key 'training.epoch'; did you mean 'epochs'?"),
        ({"trainign": {}}, "unknown key 'trainign'; did you mean 'training'?"),
        ({"training": {"iterations": 1, "epochs": 1}}, "iterations is 1 and epochs is 1; give exactly one of them"),
        ({"training": {}}, "iterations is 0 and epochs is 0"),
        ({"training": {"epochs": -1, "iterations": 5}}, "negative"),
        ({"training": {"epochs": 1, "batch_size": 0}}, "batch_size, log_every or validation_clips is below 1"),
        ({"training": {"epochs": 1, "holdout": 1}}, "training.holdout: is 1.0; give a share from 0 to below 1"),
        ({"training": {"epochs": 1, "workers": -1}}, "training.workers: is -1"),
        ({"training": {"epochs": 1, "device": "gpu"}}, "'training.device' is 'gpu'; input should be 'auto', 'cpu'"),
        ({"data": {"cache_gb": 0}}, "data.cache_gb: is 0.0; give a size above 0"),
        ({"scoring": {"mode": "quick"}}, "'scoring.mode' is 'quick'"),
        ({"scoring": {"false_alarms_per_hour": 0}}, "false_alarms_per_hour: is 0.0; give a rate above 0"),
        ({"scoring": {"batch_size": 0}}, "batch_size or open_frames is below 1"),
        ({"scoring": {"hysteresis": -1}}, "close_seconds or hysteresis is negative"),
        ({"training": None}, "'training' is None"),
        ({"method": "lnra"}, "'method' is 'lnra'"),
    ],
)
def test_mistakes_in_a_run(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build(RunSettings, values, "run.yaml")
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_survives_yaml() -> None:
    run = RunSettings(
        method={"name": "lnra", "widths": [1, 2, 3]},
        data=DataSettings(root="footage"),
        training=TrainingSettings(iterations=5),
        scoring=ScoringSettings(mode="fast"),
    )
    assert build(RunSettings, yaml.safe_load(to_yaml(run.to_dict())), "") == run
