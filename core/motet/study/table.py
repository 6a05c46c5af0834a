"""The combinations as a table for the terminal."""

from typing import TYPE_CHECKING

from motet.study.cells import columns
from motet.study.summary import StudySummary

if TYPE_CHECKING:
    from rich.table import Table


def table(summary: StudySummary) -> "Table":
    """One row for each combination, the quickest first; medians over its trials."""
    from rich.table import Column, Table
    from rich.text import Text

    shown = columns(summary, brief=True)
    made = Table(
        *(
            Column(
                Text(column.head),
                justify="right" if column.numeric else "left",
                overflow="fold",
                no_wrap=not column.numeric,
            )
            for column in shown
        )
    )
    for one in summary.combinations:
        made.add_row(*(Text(column.cell(one)) for column in shown))
    return made
