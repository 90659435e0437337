"""Reports as tables, for people and for the summary of a job."""

from __future__ import annotations

from collections.abc import Iterable

from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.model.text import printable

__all__ = ["format_markdown", "format_table"]

_HEAD = ("function", "cached", "import", "export", "first step that ran")
# The longest cell in a table for people, in characters.
_WIDTH = 60


def format_table(reports: Iterable[CacheReport]) -> str:
    """The reports as a table for people, one line each; empty if there are none.

    >>> print(format_table([CacheReport(function="fn")]), end="")
    function  cached  import  export  first step that ran
    fn        -       -       -       -
    """
    rows = [tuple(map(printable, _row(report))) for report in reports]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (_HEAD, *rows)
    ]
    return "\n".join(lines) + "\n" if rows else ""


def format_markdown(reports: Iterable[CacheReport]) -> str:
    """The reports as a table in GitHub's Markdown, for the summary of a job."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    for report in reports:
        name, *cells, first = map(printable, _row(report))
        last = first if first == "-" else _code(first)
        lines.append("| " + " | ".join((_code(name), *cells, last)) + " |")
    return "\n".join(["### Cache", "", *lines, ""])


def _row(report: CacheReport) -> tuple[str, ...]:
    miss = report.first_miss
    first = " ".join(miss.name.split()) if miss else "-"
    return (
        report.function,
        f"{report.cached} of {report.total}" if report.total else "-",
        _imports(report.imports),
        ", ".join(map(_export, report.exports)) or "-",
        first if len(first) <= _WIDTH else first[: _WIDTH - 1] + "…",
    )


def _imports(steps: tuple[Step, ...]) -> str:
    imported = sum(not step.error for step in steps)
    if len(steps) > 1:
        return f"{imported} of {len(steps)} found"
    if not steps:
        return "-"
    return "found" if imported else "missing"


def _export(step: Step) -> str:
    if step.error:
        return "canceled" if step.canceled else "failed"
    return f"{step.seconds:.1f} s"


def _code(text: str) -> str:
    """A text as a cell of a Markdown table shows it."""
    return "<code>" + "".join(f"&#{ord(c)};" if c in "&<>|`" else c for c in text) + "</code>"
