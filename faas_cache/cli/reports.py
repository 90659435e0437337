"""`--report`: the results of the functions and of their caches; `--compare`: what changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import warn
from faas_cache.cli.streams import write_stdout
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked
from faas_cache.runner.results import BuildResult

if TYPE_CHECKING:
    from faas_cache.model.inputs import Comparison

__all__ = [
    "check_report_path",
    "compare_reports",
    "read_earlier_report",
    "read_report",
    "write_report",
]

# A report of 100 functions with 10,000 files each has 200 MB.
MAX_REPORT = 2**28


def check_report_path(path: str | None) -> None:
    """Raises `InvalidInput`, before anything runs, where a report cannot be written."""
    if not path or path == "-":
        return
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not os.path.isdir(folder):
        raise InvalidInput(
            Diagnostic(
                name="report-not-written",
                message=f"`--report {masked(path)}` is not a file in an existing folder",
                hint="name a file in a folder that exists",
            )
        )


def read_earlier_report(arguments: Arguments) -> dict[str, Any] | None:
    """The data of the report that `--compare` names; raises `InvalidInput` before anything runs.

    `None` without that flag, and on the first run that writes and compares with one file.
    """
    path = arguments.compare
    if not path:
        return None
    if path == arguments.report and not os.path.lexists(path):
        warn(f"no earlier report in `{masked(path)}`: nothing to compare with")
        return None
    data = read_report(path)
    from faas_cache.comparison import compare

    compare(data, data)  # raises for what is not a report
    return data


def read_report(path: str) -> dict[str, Any]:
    """The JSON data in a file that `--report` wrote; raises `InvalidInput` for any other file."""
    import json

    shown = f"`{masked(path)}`"
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_REPORT + 1)
        data: object = json.loads(text) if len(text) <= MAX_REPORT else None
    except OSError as error:
        message = f"cannot read the report {shown}: {(error.strerror or str(error)).lower()}"
        hint = "name a file that `--report` wrote"
        raise InvalidInput(
            Diagnostic(name="invalid-argument", message=message, hint=hint)
        ) from None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        message = f"{shown} is not a report in JSON"
        hint = "name a file that `--report` wrote"
        raise InvalidInput(Diagnostic(name="invalid-data", message=message, hint=hint))
    return data


def compare_reports(old: dict[str, Any] | None, new: BuildResult) -> tuple[Comparison, ...]:
    """What there is to say about the functions that changed, or that missed their cache."""
    if old is None:
        return ()
    from faas_cache.comparison import compare

    return tuple(c for c in compare(old, new) if c.changes or c.missed)


def write_report(
    result: BuildResult, arguments: Arguments, comparisons: tuple[Comparison, ...] = ()
) -> bool:
    """Writes the report that the arguments ask for; returns whether it could be written.

    A run that started no build leaves an earlier report alone.
    """
    path, kind = arguments.report, arguments.report_format
    if not any(function.attempts for function in result.functions):
        return True
    if kind == "github":
        from faas_cache.runner.tables import format_markdown

        path = path or os.environ.get("GITHUB_STEP_SUMMARY") or "-"
        text = format_markdown(result, comparisons)
    elif path or kind:
        import json

        from faas_cache.serialization import to_dict

        path = path or "-"
        text = json.dumps(to_dict(result), indent=2) + "\n"
    else:
        return True
    if path == "-":
        write_stdout(text)
        return True
    try:
        _write(path, text, append=kind == "github")
    except OSError as error:
        warn(
            Diagnostic(
                name="report-not-written",
                message=f"cannot write the report to `{masked(path)}` ({error.strerror})",
                hint="check the permissions and the free space of the folder",
            )
        )
        return False
    return True


def _write(path: str, text: str, *, append: bool) -> None:
    """Appends to a summary; replaces another report as a whole."""
    if append:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
        return
    from faas_cache.contexts.replacement import replace_file

    replace_file(path, text.encode())
