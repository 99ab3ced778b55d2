"""Whether a run that lies there already was begun with the settings of now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.methods import method_class
from oddlens.training.settings import RunSettings

_NOT_THERE = "not set"


def difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The first setting that is not the same, with both values; `None` where all are.

    A setting that is not in `then` came with a later version: what it was then is its default.

    Args:
        then: settings of the earlier run, as read from its file.
        now: settings of this one.

    Example:
        >>> now = RunSettings(method={"name": "lnra"}).to_dict()
        >>> difference({"method": {"name": "lnra"}, "training": {"epochs": 60, "seed": 3}}, now)
        'training.seed: 3 there, 0 here'
    """
    return _first(_completed(then), _completed(now), "")


def _completed(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings with the defaults of what they do not name; as they are where this version cannot read them."""
    try:
        run = build(RunSettings, settings, "settings")
        kind = method_class(run.method["name"]).settings_type
        values = {key: value for key, value in run.method.items() if key != "name"}
        method = {"name": run.method["name"], **build(kind, values, "method").to_dict()}
    except (SettingsError, KeyError):
        return settings
    return {**run.to_dict(), "method": method}


def _first(then: Mapping[str, Any], now: Mapping[str, Any], inside: str) -> str | None:
    for key in (*now, *(key for key in then if key not in now)):
        old, new = then.get(key, _NOT_THERE), now.get(key, _NOT_THERE)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            return _first(old, new, f"{inside}{key}.")
        return f"{inside}{key}: {_short(old)} there, {_short(new)} here"
    return None


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
