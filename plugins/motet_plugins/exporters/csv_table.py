"""Comma-separated values (RFC 4180)."""

import csv
from collections.abc import Iterable
from typing import TextIO

from motet.contracts.declarations import NoOptions
from motet.contracts.results import Row


class CsvTable:
    """A table with a header, for spreadsheets and data frames; empty cells where there is nothing.

    Lines end in CR LF and cells with commas, quotes or line breaks are quoted, as RFC 4180 (section 2) says;
    open `out` with `newline=""`. The columns are those of the first row: without rows nothing is written.
    """

    def __init__(self, options: NoOptions) -> None:
        """There are no options."""

    def write(self, rows: Iterable[Row], out: TextIO) -> None:
        """Raises ValueError when a row has columns that the first one has not."""
        writer: csv.DictWriter[str] | None = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(out, fieldnames=list(row), lineterminator="\r\n")
                writer.writeheader()
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: object) -> object:
    """Truth values as the words that data frames and YAML read."""
    return str(value).lower() if isinstance(value, bool) else value
