"""The command line: parse, call, print. Heavy imports happen inside the commands."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from oddlens.errors import OddLensError

EXIT_PARTIAL, EXIT_FAULT, EXIT_INTERRUPTED = 1, 2, 130

_COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("oddlens.commands.train:train", "train a detector on normal footage or photographs"),
    "score": ("oddlens.commands.score:score", "score footage or photographs: table, events, overlays, report"),
    "evaluate": ("oddlens.commands.evaluate:evaluate", "measure a detector on labelled footage or photographs"),
    "benchmark mvtec": ("oddlens.commands.benchmark:mvtec", "train and compare methods on categories of photographs"),
    "benchmark video": ("oddlens.commands.benchmark:video", "train and compare methods on labelled footage"),
    "flow": ("oddlens.commands.flow:flow", "show optical flow as a video in colours"),
    "boxes": ("oddlens.commands.boxes:boxes", "find foreground boxes and show them"),
    "background": ("oddlens.commands.background:background", "make a picture of what a fixed camera mostly sees"),
    "data check": ("oddlens.commands.data:check", "recognise a data set and list its faults"),
    "data prepare": ("oddlens.commands.data:prepare", "convert videos to frame folders and back"),
    "data walkway": ("oddlens.commands.data:walkway", "generate the sample scene"),
    "data parts": ("oddlens.commands.data:parts", "generate the sample photographs"),
    "toy": ("oddlens.commands.toy:toy", "show on digits what a measurable deformation is good for"),
    "import": ("oddlens.commands.convert:import_weights", "make a detector from an official checkpoint"),
    "info": ("oddlens.commands.info:info", "show what a detector is and where it comes from"),
    "list": ("oddlens.commands.info:list_all", "list methods, data set layouts and recipes"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 done in part, 2 a fault, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(words)
    except OddLensError as error:
        print(f"oddlens: {error}", file=sys.stderr)
        return EXIT_FAULT
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("oddlens: interrupted; repeat the command", file=sys.stderr)
        return EXIT_INTERRUPTED


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        print(_overview())
        return 0
    if words[0] in {"-V", "--version"}:
        from oddlens import __version__

        print(f"oddlens {__version__}")
        return 0
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in _COMMANDS and len(words) >= length:
            return _run(name, words[length:])
    if any(name.startswith(f"{words[0]} ") for name in _COMMANDS):
        print(_overview(words[0]))
        return 0 if len(words) == 1 or words[1] in {"-h", "--help"} else _unknown(words[:2])
    return _unknown(words[:1])


def _unknown(words: Sequence[str]) -> int:
    import difflib

    name = " ".join(words)
    near = difflib.get_close_matches(name, _COMMANDS, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else "see 'oddlens --help'"
    raise OddLensError(f"command '{name}'", "is not known", remedy)


def _run(name: str, words: list[str]) -> int:
    from importlib import import_module

    import tyro

    module, _, function = _COMMANDS[name][0].partition(":")
    command: Callable[..., int] = getattr(import_module(module), function)
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(_Tee(complaint)):
            call = tyro.cli(_deferred(command), prog=f"oddlens {name}", args=words)
    except SystemExit as stop:
        if stop.code in (0, None):
            return 0
        raise OddLensError(name, _first_fault(complaint.getvalue()), f"see 'oddlens {name} --help'") from None
    return call()


def _deferred(command: Callable[..., int]) -> Callable[..., Callable[[], int]]:
    """`command` with its signature, returning the call instead of making it: parsing and running stay apart."""
    import functools

    @functools.wraps(command)
    def parse(*args: Any, **kwargs: Any) -> Callable[[], int]:
        return lambda: command(*args, **kwargs)

    return parse


class _Tee(io.TextIOBase):
    """Keeps what the parser prints, so that a mistake becomes one line."""

    def __init__(self, keep: io.StringIO) -> None:
        self.keep = keep

    def write(self, text: str) -> int:
        return self.keep.write(text)


_ASIDES = ("For full helptext", "Argument helptext", "Perhaps you meant", "Got errors")
_HELP_INDENT = 8
"""Spaces before the explanation of an option, which the line leaves out."""


def _first_fault(text: str) -> str:
    """The parser's framed complaint as one line: what stands between its title and its asides."""
    framed = [line.strip("│╭╮╰╯├┤─").rstrip() for line in text.splitlines()]
    lines = [line for line in framed if line.strip(" ─-")]
    told: list[str] = []
    for line in lines[1:]:
        words = line.strip()
        if words.startswith(_ASIDES):
            break
        if words.startswith("Missing from"):
            told.append("missing:")
        elif len(line) - len(words) < _HELP_INDENT:
            told.append(words.rstrip("."))
    if "Perhaps you meant" in text:
        told += [f"(perhaps {line.split()[0]})" for line in lines if line.strip().startswith("--")][:1]
    return " ".join(told) or "the options do not fit"


def _overview(group: str = "") -> str:
    names = [name for name in _COMMANDS if name.startswith(group)]
    width = max(len(name) for name in names) + 2
    lines = [f"  {name:<{width}}{_COMMANDS[name][1]}" for name in names]
    head = "oddlens learns what normal looks like from video or photographs, then shows what departs from it."
    start = "oddlens train lnra --config lnra/cpu --data FOLDER --out RUN"
    tail = ["'oddlens COMMAND --help' explains a command.", f"Start with: {start}"]
    return "\n".join([head, "", "usage: oddlens COMMAND ...", "", *lines, "", *tail])


def entry() -> None:
    """The installed program."""
    warnings.showwarning = _say
    sys.exit(main())


def _say(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning as one line, without the place in the program that it comes from."""
    print(f"warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    entry()
