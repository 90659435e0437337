"""`faas-cache bake`: prints the functions as a file for `docker buildx bake`."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.loading import is_empty, load_project, nothing_to_do, plan_functions
from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.streams import write_stdout
from faas_cache.model.text import escape_json
from faas_cache.render.bake_file import mask_file

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Prints the file that `faas-cache build --bake` passes to buildx."""
    plan = plan_functions(load_project(arguments), arguments)
    if skipped := nothing_to_do(plan, "build"):
        warn(*plan.diagnostics, skipped)
        return ExitCode.INVALID_INPUT if is_empty(plan) else ExitCode.DONE
    (command,) = plan.commands(bake=True)  # raises the errors
    shown = command.stdin if arguments.show_secrets else mask_file(command.stdin)
    write_stdout(f"{escape_json(shown)}\n")
    warn(*plan.diagnostics)
    if shown != command.stdin:
        warn("secrets are masked with ***: --show-secrets prints the file as it is built")
    return ExitCode.DONE
