"""`faas-cache rule`: prints the documentation of a diagnostic or a rule."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.documentation import read_topic, sections
from faas_cache.cli.output import ExitCode, print_result, suggest
from faas_cache.cli.streams import write_stdout
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Prints the section of each name: a diagnostic's name, or a rule's number in any case."""
    known = sections(read_topic("rules")) | sections(read_topic("diagnostics"))
    by_name = {name.lower(): text for name, text in known.items()}
    if not arguments.operands:
        print_result("".join(f"{name}\n" for name in known))
        return ExitCode.DONE
    unknown = [word for word in arguments.operands if word.lower() not in by_name]
    if unknown:
        raise InvalidInput(
            *(
                Diagnostic(
                    name="invalid-argument",
                    message=f"no rule or diagnostic is named `{masked(word)[:60]}`",
                    hint=suggest(word, known) or "run `faas-cache rule` for the list of names",
                )
                for word in unknown
            )
        )
    write_stdout("\n".join(by_name[word.lower()] for word in arguments.operands))
    return ExitCode.DONE
