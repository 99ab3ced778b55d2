"""`oddlens info` and `oddlens list`."""

from __future__ import annotations

from oddlens.commands.options import DetectorFolder


def info(detector: DetectorFolder, /) -> int:
    """Show what a detector is, what it was trained on and when it raises an alarm.

    Args:
        detector: detector folder, or the run folder that made it.
    """
    from rich.table import Table

    from oddlens.commands.output import console, say_faults
    from oddlens.reports.tables import flattened
    from oddlens.scoring.detector import Detector, find_detector
    from oddlens.scoring.session import threshold_source

    model = Detector.load(detector, "cpu")
    spec, calibration = model.method.sampling, model.calibration
    parameters = sum(p.numel() for p in model.method.parameters())
    table = Table("", "", show_header=False, title=f"{model.name} detector in {find_detector(detector)}")
    photographs = model.method.subject == "photographs"
    what = "photographs" if photographs else f"{spec.length} frames"
    table.add_row("input", f"{what} of {spec.width}x{spec.height}, {'grey' if spec.channels == 1 else 'colour'}")
    table.add_row("parameters", f"{parameters:,}")
    if not photographs:
        table.add_row("latency", f"{model.method.latency} frames")
    decision = f"surprise >= {calibration.threshold:.2f}, {threshold_source(calibration)}"
    table.add_row("reject" if photographs else "alarm", decision)
    for part, values in (
        ("method", model.method.base_settings.to_dict()),
        ("scoring", model.scoring.to_dict()),
        ("provenance", model.provenance),
    ):
        for name, value in flattened(values):
            table.add_row(f"{part} · {name}", value)
    console().print(table)
    say_faults("warning", calibration.warnings)
    return 0


def _command(recipe: str) -> str:
    """What to type to train by a recipe."""
    from oddlens.training.second_stage import FIRST_STAGES

    method = recipe.split("/")[0]
    if method not in FIRST_STAGES:
        return f"oddlens train {method} --config {recipe} --data FOLDER --out RUN"
    _, setting = FIRST_STAGES[method]
    return f"oddlens train {method} --config {recipe} --{setting.split('.')[-1]} RUN --data FOLDER --out SECOND"


def list_all() -> int:
    """List methods, data set layouts and recipes."""
    from rich.table import Table

    from oddlens.commands.output import console
    from oddlens.datasets.open import LAYOUTS
    from oddlens.datasets.open_photographs import PHOTOGRAPH_LAYOUTS
    from oddlens.methods import known_methods
    from oddlens.recipes import recipe_names

    screen = console()
    methods = Table("method", "what it does")
    for name, (_, summary) in sorted(known_methods().items()):
        methods.add_row(name, summary)
    layouts = Table("data set layout", "recognised by")
    for name, layout in LAYOUTS.items():
        layouts.add_row(name, layout.wanted)
    photographs = Table("layout of photographs", "recognised by")
    for name, kind in PHOTOGRAPH_LAYOUTS.items():
        photographs.add_row(name, kind.wanted)
    recipes = Table("recipe", "use it with")
    for name in recipe_names():
        recipes.add_row(name, _command(name))
    for table in (methods, layouts, photographs, recipes):
        screen.print(table)
    return 0
