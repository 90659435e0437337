"""`faas-cache set`: writes `build_cache` into the stack file, and changes nothing else."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode, print_result, warn
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.project import Project

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Prints the change as a diff and, without `--dry-run`, writes it."""
    if not arguments.operands:
        message = "no mode was given"
        hint = "write `faas-cache set max`, `inline` or `none`"
        raise InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))
    mode, *names = arguments.operands
    edit = Project.load(*arguments.files).set_cache(
        mode,
        *names,
        default=arguments.default,
        force=arguments.force,
        dry_run=arguments.dry_run,
    )
    print_result(edit.diff())
    if not edit.changed:
        warn(f"{edit.file}: nothing to change")
    elif not arguments.dry_run:
        warn(f"{edit.file}: updated")
    return ExitCode.DONE
