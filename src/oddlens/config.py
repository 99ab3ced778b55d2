"""Configuration: strict dataclasses from YAML, with one clear line for every mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from oddlens.errors import SettingsError

T = TypeVar("T", bound="Settings")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of every settings dataclass: keys that do not exist are refused, values are checked by type."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for YAML; reading them back gives equal settings."""
        return {key: _plain(value) for key, value in asdict(self).items()}


def build(kind: type[T], values: Mapping[str, Any] | None, where: str) -> T:
    """Build settings of `kind` from `values`; `where` names the file or option in messages.

    Raises:
        SettingsError: an unknown key (the nearest known one is suggested) or a value of the wrong type.
    """
    if not isinstance(values, Mapping | None):
        raise SettingsError(where, "does not hold 'key: value' pairs", f"known keys: {_names(kind)}")
    try:
        return TypeAdapter(kind).validate_python(dict(values or {}))
    except ValidationError as error:
        raise _explain(kind, error, where) from None


def _explain(kind: type[Settings], error: ValidationError, where: str) -> SettingsError:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"] if str(part) not in {"tuple", "list"}]
    key = ".".join(path) or kind.__name__
    if first["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        holder = _kind_at(kind, first["loc"][:-1])
        near = difflib.get_close_matches(path[-1], [field.name for field in fields(holder)], n=1)
        remedy = f"did you mean '{near[0]}'?" if near else f"known keys: {_names(holder)}"
        return SettingsError(where, f"unknown key '{key}'", remedy)
    if first["type"] in {"missing", "missing_keyword_only_argument"}:
        return SettingsError(where, f"'{key}' is missing", "give it a value")
    shown = repr(first.get("input"))
    remedy = first["msg"][0].lower() + first["msg"][1:].replace("tuple", "list")
    return SettingsError(where, f"'{key}' is {shown[:60]}", remedy)


def _names(kind: type[Settings]) -> str:
    return ", ".join(field.name for field in fields(kind))


def _kind_at(kind: type[Settings], path: Sequence[Any]) -> type[Settings]:
    """The settings class that lies at `path` inside `kind`."""
    for part in path:
        if isinstance(part, str):
            hint = get_type_hints(kind).get(part)
            # tuple[int, ...] passes for a type before Python 3.11, so generic types are left out first
            inside = [item for item in (hint, *get_args(hint)) if get_origin(item) is None]
            kind = next((item for item in inside if isinstance(item, type) and issubclass(item, Settings)), kind)
    return kind


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        SettingsError: the file is missing, is not YAML or holds something else.
    """
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(path, f"cannot be read ({error.strerror})", "check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(path, f"is not valid YAML ({error})", "mend the file") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(path, "does not hold 'key: value' pairs", "see recipes/ for examples")
    return values


def to_yaml(values: Mapping[str, Any]) -> str:
    """YAML text in the order given."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over` laid over it, mapping by mapping.

    Example:
        >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
        {'a': {'b': 3, 'c': 2}}
    """
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def apply_assignments(values: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Lay `key.sub=value` assignments (values in YAML) over `values`.

    Example:
        >>> apply_assignments({"training": {"seed": 0}}, ["training.seed=3"])
        {'training': {'seed': 3}}

    Raises:
        SettingsError: an assignment without `=`, or one that descends into a plain value.
    """
    merged: dict[str, Any] = dict(values)
    for assignment in assignments:
        key, sign, text = assignment.partition("=")
        path = [part.strip() for part in key.split(".")]
        if not sign or not all(path):
            raise SettingsError(f"--set {assignment}", "is not KEY=VALUE", "write e.g. --set training.seed=1")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SettingsError(f"--set {assignment}", "has a value that is not YAML", "quote it") from error
        merged = _assign(merged, path, value, assignment)
    return merged


def _assign(node: Any, path: list[str], value: Any, assignment: str) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(node, list) and head.isdecimal() and int(head) < len(node):
        copy = list(node)
        copy[int(head)] = _assign(copy[int(head)], rest, value, assignment) if rest else value
        return copy
    if isinstance(node, list):
        fault = f"'{head}' is no place in a list of {len(node)}"
        raise SettingsError(f"--set {assignment}", fault, "give a number, counted from 0")
    if node is not None and not isinstance(node, Mapping):
        raise SettingsError(f"--set {assignment}", f"'{head}' lies inside a plain value", "check the key")
    copy_map = dict(node or {})
    copy_map[head] = _assign(copy_map.get(head), rest, value, assignment) if rest else value
    return copy_map


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
