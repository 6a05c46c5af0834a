"""The report: one HTML page about one campaign that needs nothing but a browser. Import it where a report is
written: it loads a template engine and a plotting library."""

from motet.report.page import write_report

__all__ = ["write_report"]
