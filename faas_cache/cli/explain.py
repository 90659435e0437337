"""`faas-cache explain`: explains why builds failed, from their log."""

from __future__ import annotations

import sys

from faas_cache.buildkit.explanations import explain
from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode, print_json, print_result

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Prints what failed, then what went wrong without failing a build."""
    explanations = explain(sys.stdin.buffer.read() if sys.stdin else b"")
    failures = [item for item in explanations if item.severity == "error"]
    notes = [item for item in explanations if item.severity != "error"]
    if arguments.json:
        from faas_cache.serialization import to_dict

        print_json(
            {
                "failures": [to_dict(item) for item in failures],
                "notes": [to_dict(item) for item in notes],
            }
        )
        return ExitCode.DONE
    for item in (*failures, *notes):
        print_result(f"{item.diagnostic()}\n")
    if not failures:
        print_result("no failed build in the log\n")
    return ExitCode.DONE
