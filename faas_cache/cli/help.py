"""`faas-cache help`: prints the help of a command, or a topic of the documentation."""

from __future__ import annotations

from faas_cache.cli.arguments import COMMANDS, Arguments, command_help, overview
from faas_cache.cli.documentation import read_topic, topics
from faas_cache.cli.output import ExitCode, print_result, suggest
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Prints the overview without a word, else what the word names."""
    word = arguments.operands[0] if arguments.operands else ""
    if not word:
        print_result(f"{overview()}\nTopics for `faas-cache help TOPIC`: {', '.join(topics())}\n")
    elif word in COMMANDS:
        print_result(command_help(COMMANDS[word]))
    elif word in topics():
        print_result(read_topic(word))
    else:
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                message=f"no command or topic is named `{masked(word)[:60]}`",
                hint=suggest(word, (*COMMANDS, *topics())) or f"choose from {', '.join(topics())}",
            )
        )
    return ExitCode.DONE
