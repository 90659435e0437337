"""`faas-cache schema`: prints the JSON Schema of a stack file."""

from __future__ import annotations

from importlib.resources import files

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode
from faas_cache.cli.streams import write_stdout

__all__ = ["run"]


def run(_: Arguments) -> int:
    """Prints the schema that is shipped with the package."""
    page = files("faas_cache").joinpath("docs", "stack.schema.json")
    write_stdout(page.read_text(encoding="utf-8"))
    return ExitCode.DONE
