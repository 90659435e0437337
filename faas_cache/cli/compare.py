"""`faas-cache compare`: prints what changed between two runs, from their reports."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode, print_json, print_result
from faas_cache.cli.reports import read_report
from faas_cache.comparison import compare
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput

__all__ = ["run"]

_OLD_AND_NEW = 2


def run(arguments: Arguments) -> int:
    """Prints a line for each change of each function of the new report."""
    if len(arguments.operands) != _OLD_AND_NEW:
        message = f"expected two reports, got {len(arguments.operands)}"
        hint = "run `faas-cache compare OLD NEW`"
        raise InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))
    comparisons = compare(*map(read_report, arguments.operands))
    if arguments.json:
        from faas_cache.serialization import to_dict

        print_json([to_dict(comparison) for comparison in comparisons])
        return ExitCode.DONE
    for comparison in comparisons:
        print_result(f"{comparison}\n")
    return ExitCode.DONE
