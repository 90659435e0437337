"""`faas-cache caches`: lists the caches that the functions read and write."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.loading import exit_code_of, load_project, plan_functions
from faas_cache.cli.output import print_json, print_result, warn
from faas_cache.stack_plan import CacheUse

__all__ = ["run"]

_HEAD = ("function", "side", "type", "cache")


def run(arguments: Arguments) -> int:
    """Prints each cache, whether or not a build of this machine would export it.

    The exit code is 2 for a function with an error, which is not listed.
    """
    arguments.push, arguments.cache_export = True, "on"
    arguments.no_cache = arguments.no_cache_export = False
    plan = plan_functions(load_project(arguments), arguments)
    warn(*plan.errors)
    if arguments.json:
        from faas_cache.serialization import to_dict

        print_json([to_dict(use) for use in plan.caches])
    else:
        print_result(_table(plan.caches))
    return exit_code_of(plan)


def _table(uses: tuple[CacheUse, ...]) -> str:
    rows = [
        (use.function, use.direction, use.entry.type, name) for use in uses for name in use.names
    ]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (_HEAD, *rows)
    )
    return "".join(f"{line}\n" for line in lines)
