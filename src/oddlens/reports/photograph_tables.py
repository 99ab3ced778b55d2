"""Results on photographs as tables: what was rejected, and the numbers of an evaluation."""

from __future__ import annotations

import pandas as pd
from rich.table import Table


def kinds_table(scores: pd.DataFrame) -> Table:
    """Photographs and rejects of each kind, from the table of `score_photographs_to_folder`."""
    table = Table("kind", *("photographs", "rejected", "highest surprise"))
    for column in table.columns[1:]:
        column.justify = "right"
    groups = list(scores.groupby("kind", sort=False))
    for kind, rows in [*groups, ("all", scores)] if len(groups) > 1 else groups:
        rejected = int(rows["reject"].sum())
        share = f"{rejected} ({100 * rejected / len(rows):.0f} %)"
        table.add_row(str(kind) or "not known", str(len(rows)), share, f"{rows['calibrated'].max():.2f}")
    return table
