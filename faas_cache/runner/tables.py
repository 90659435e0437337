"""Results as text: a line, a table, and the summary of a job on GitHub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.model.inputs import Comparison
from faas_cache.model.text import printable
from faas_cache.runner.results import BuildResult, FunctionResult

__all__ = ["Paint", "Style", "duration", "format_line", "format_markdown", "format_table", "total"]

Style: TypeAlias = Literal["good", "fair", "bad", "dim"]
# Colors a text that is already printable.
Paint: TypeAlias = Callable[[str, Style], str]

_HEAD = ("function", "outcome", "time", "cached", "import", "export", "reason")
_PLAIN: tuple[Style | None, ...] = (None,) * len(_HEAD)
# The longest reason in a table without a terminal, and the shortest on one, in characters.
_MAX_REASON, _MIN_REASON = 240, 20
_STYLES: dict[str, Style] = {
    "built": "good",
    "pushed": "good",
    "failed": "bad",
    "timed out": "bad",
}
_MINUTE, _HOUR = 60, 3600
# The characters that are special in Markdown or HTML.
_MARKUP = frozenset("&<>|`*_[]\\~@#:")


def plain(text: str, _: Style) -> str:
    """The text without colors."""
    return text


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(4.12), duration(83), duration(3725)
    ('4.1 s', '1 min 23 s', '1 h 2 min')
    """
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def total(result: BuildResult) -> str:
    """The number of functions with each status, and the total time; equal builds count once (E8).

    >>> functions = [FunctionResult(name="a", status="built"),
    ...              FunctionResult(name="b", status="built", same_as="a")]
    >>> total(BuildResult(functions=functions, seconds=4.1))
    '2 functions in 4.1 s: 1 built, 1 the same build'
    """
    count = len(result.functions)
    outcomes = Counter(f.status if not f.same_as else "the same build" for f in result.functions)
    parts = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
    return f"{count} function{'s' * (count != 1)} in {duration(result.seconds)}: {parts}"


def format_line(
    function: FunctionResult, width: int = 0, paint: Paint = plain, *, before: str = ""
) -> str:
    """One function that has ended, in one line.

    Its name with the text `before` it takes at least `width` characters.

    >>> format_line(FunctionResult(name="fn", status="pushed", seconds=4.12), before="[3/16] ")
    '[3/16] fn  4.1 s  pushed'
    """
    cached = _cached(function)
    parts = (
        f"{before}{printable(function.name)}".ljust(width),
        duration(function.seconds),
        "" if cached == "-" else paint(f"{cached} cached", _cached_style(function.report)),
        paint(function.status, _STYLES.get(function.status, "fair")),
    )
    return "  ".join(filter(None, parts))


def format_table(result: BuildResult, width: int = 0, paint: Paint = plain) -> str:
    """The functions as a table for people, one line each; empty if there are none.

    The last column is cut so that a line has `width` characters, if that is given.

    >>> function = FunctionResult(name="fn", status="built", attempts=1, seconds=4.1)
    >>> print(format_table(BuildResult(functions=[function])), end="")
    function  outcome  time   cached  import  export  reason
    fn        built    4.1 s  -       -       -       the builder did not print its steps
    """
    if not result.functions:
        return ""
    rows = [tuple(map(printable, _row(function))) for function in result.functions]
    styles = [_row_styles(function) for function in result.functions]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    rest = width - sum(widths[:-1]) - 2 * (len(widths) - 1)
    widths[-1] = max(rest, _MIN_REASON) if width else _MAX_REASON
    lines = zip((_HEAD, *rows), (_PLAIN, *styles), strict=True)
    return "".join(f"{_line(row, row_styles, widths, paint)}\n" for row, row_styles in lines)


def _line(
    row: tuple[str, ...], styles: tuple[Style | None, ...], widths: list[int], paint: Paint
) -> str:
    *cells, last = [
        paint(text, style) + " " * (width - len(text)) if style else text.ljust(width)
        for text, style, width in zip(row, styles, widths, strict=True)
    ]
    reason = last.rstrip()
    limit = widths[-1]
    return "  ".join((*cells, reason if len(reason) <= limit else f"{reason[: limit - 1]}…"))


def format_markdown(result: BuildResult, comparisons: Iterable[Comparison] = ()) -> str:
    """The functions as a table in GitHub's Markdown, for the summary of a job.

    Below it, there is a list of what changed since an earlier build.
    """
    head = (*_HEAD, "image")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for function in result.functions:
        name, *cells = map(printable, _row(function))
        image = _code(printable(function.image)) if function.status == "pushed" else "-"
        parts = (_code(name), *map(_with_code, cells), image)
        lines.append("| " + " | ".join(parts) + " |")
    changed = [
        f"- {_code(printable(comparison.function))}: {_with_code(printable(line))}"
        for comparison in comparisons
        for line in comparison.lines()
    ]
    below = ["#### Since the earlier build", "", *changed, ""] if changed else []
    return "\n".join(["### faas-cache", "", *lines, "", total(result), "", *below])


def _row(function: FunctionResult) -> tuple[str, ...]:
    report = function.report
    return (
        function.name,
        function.status,
        duration(function.seconds) if function.attempts else "-",
        _cached(function),
        ", ".join(report.import_statuses) or "-",
        ", ".join(map(_export, report.exports)) or "-",
        " ".join(function.reason.split()),
    )


def _row_styles(function: FunctionResult) -> tuple[Style | None, ...]:
    return (
        None,
        _STYLES.get(function.status, "fair"),
        None,
        None if _cached(function) == "-" else _cached_style(function.report),
        *_PLAIN[4:],
    )


def _cached(function: FunctionResult) -> str:
    """How much of a function is cached; of one that failed, that is not known."""
    report = function.report
    known = function.ok and report.hit_ratio is not None
    return f"{report.cached}/{report.total}" if known else "-"


def _cached_style(report: CacheReport) -> Style:
    return "good" if report.cached == report.total else "fair"


def _export(step: Step) -> str:
    if step.error:
        return "canceled" if step.canceled else "failed"
    return duration(step.seconds)


def _with_code(text: str) -> str:
    """A sentence with its values, which are in backticks, in a typewriter font."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a value contains a backtick
        return _escape(text)
    return "".join(_code(part) if index % 2 else _escape(part) for index, part in enumerate(parts))


def _code(text: str) -> str:
    """A text as a cell of a Markdown table shows it, in a typewriter font."""
    return f"<code>{_escape(text)}</code>"


def _escape(text: str) -> str:
    """A text in which nothing is markup."""
    return "".join(f"&#{ord(c)};" if c in _MARKUP else c for c in text)
