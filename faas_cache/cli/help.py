"""`faas-cache help`: prints the help of a command, or a topic of the documentation."""

from __future__ import annotations

from faas_cache.cli.arguments import COMMANDS, Arguments, command_help, overview
from faas_cache.cli.documentation import read_topic, topics
from faas_cache.cli.output import ExitCode, suggest
from faas_cache.cli.streams import write_stdout
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Prints the overview without a word, else what the word names."""
    word = arguments.operands[0] if arguments.operands else ""
    if not word:
        write_stdout(f"{overview()}\nTopics for `faas-cache help TOPIC`: {', '.join(topics())}\n")
    elif word in COMMANDS:
        write_stdout(command_help(COMMANDS[word]))
    elif word in topics():
        write_stdout(read_topic(word))
    else:
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                url="",
                message=f"no command or topic is named `{masked(word)[:60]}`",
                hint=suggest(word, (*COMMANDS, *topics())) or f"choose from {', '.join(topics())}",
            )
        )
    return ExitCode.DONE
