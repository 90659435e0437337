"""`faas-cache schema`: prints the JSON Schema of a stack file, or of a report."""

from __future__ import annotations

from importlib.resources import files

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode, print_json, suggest
from faas_cache.cli.streams import write_stdout
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked

__all__ = ["SCHEMAS", "run"]

SCHEMAS = ("stack", "report")


def run(arguments: Arguments) -> int:
    """Prints the schema that is shipped with the package, or for `report` that of `--report`."""
    word = arguments.operands[0] if arguments.operands else "stack"
    if word == "stack":
        page = files("faas_cache").joinpath("docs", "stack.schema.json")
        write_stdout(page.read_text(encoding="utf-8"))
    elif word == "report":
        from faas_cache.serialization.conversion import json_schema

        schema = {"title": "A report of faas-cache", "description": "What `--report` writes."}
        print_json(json_schema("BuildResult") | schema)
    else:
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                url="",
                message=f"unknown schema `{masked(word)[:60]}`",
                hint=suggest(word, SCHEMAS) or "write `faas-cache schema stack` or `report`",
            )
        )
    return ExitCode.DONE
