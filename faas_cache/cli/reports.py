"""`--report`: what became of the functions and what the cache did, in a file or on stdout."""

from __future__ import annotations

import os

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import warn
from faas_cache.cli.streams import write_stdout
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked
from faas_cache.runner.results import BuildResult

__all__ = ["check_report_path", "write_report"]


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


def write_report(result: BuildResult, arguments: Arguments) -> bool:
    """Writes the report that the arguments ask for; returns whether it could be written."""
    path, kind = arguments.report, arguments.report_format
    if kind == "github":
        from faas_cache.runner.tables import format_markdown

        path = path or os.environ.get("GITHUB_STEP_SUMMARY") or "-"
        text = format_markdown(result)
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
