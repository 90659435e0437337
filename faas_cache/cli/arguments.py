"""Words as the arguments of a command, read the way pflag does for faas-cli.

A flag's value is the next word whatever it begins with, there are no abbreviations, `--flag=false`
works for a boolean, and names and flags mix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import NoReturn

from faas_cache import __version__
from faas_cache.cli.commands import COMMANDS, EXAMPLES, GROUPS, Command
from faas_cache.cli.flags import GENERAL, Flag
from faas_cache.cli.output import suggest
from faas_cache.cli.refusals import refused_flag
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked

__all__ = [
    "COMMANDS",
    "Arguments",
    "check_several_files",
    "command_help",
    "overview",
    "parse_arguments",
]

_HELP = ("-h", "--help")
(_COLOR,) = GENERAL
_SHOWN = 60


class Arguments(SimpleNamespace):
    """The arguments of a command: a value for each of its flags, and `operands`.

    `command` is its name, `has_flags` whether a flag was given.
    """


def parse_arguments(words: Sequence[str]) -> tuple[str, Arguments] | str:
    """The command and its arguments, or the text to print in its place (help or version).

    Raises `InvalidInput` for words that are not valid.
    """
    if not words or words[0] in _HELP:
        return overview()
    if words[0] == "--version":
        return f"{__version__}\n"
    name, *rest = _command_first(words)
    command = COMMANDS.get(name)
    if command is None:
        _refuse(
            f"unknown command `{masked(name)[:_SHOWN]}`",
            suggest(name, COMMANDS) or "run `faas-cache --help` for the list of commands",
        )
    return _parse(command, rest)


def _parse(command: Command, words: Sequence[str]) -> tuple[str, Arguments] | str:
    flags = {flag.name: flag for flag in _flags(command)}
    arguments = Arguments(command=command.name, has_flags=False, operands=[], **_defaults(command))
    by_name = flags | {flag.short: flag for flag in flags.values() if flag.short}
    faults = FaultCollector()
    rest = iter(words)
    for word in rest:
        if word == "--":
            arguments.operands += rest
        elif not word.startswith("-") or word == "-":
            arguments.operands.append(word)
        elif word in _HELP:
            return command_help(command)
        else:
            flag, text = _with_value(command, by_name, word, rest)
            arguments.has_flags = True
            with faults.catch(flag.name):
                _store(arguments, flag, flag.parse(text))
    faults.raise_errors(InvalidInput)
    if len(getattr(arguments, "files", ())) > 1:
        check_several_files(command)
    return command.name, arguments


def check_several_files(command: Command) -> None:
    """Raises `InvalidInput` where a command that got several stack files accepts one only."""
    if command.several_files:
        return
    *first, last = (f"`{c.name}`" for c in COMMANDS.values() if c.several_files)
    _refuse(
        f"`faas-cache {command.name}` accepts one stack file",
        f"run it once for each file (only {', '.join(first)} and {last} accept several)",
    )


def _command_first(words: Sequence[str]) -> Sequence[str]:
    """The words with a `--color` that comes before the command behind it."""
    name = _COLOR.name
    size = 1 if words[0].startswith(f"{name}=") else 2 if words[0] == name else 0
    return (*words[size:], *words[:size]) if len(words) > size else words


def _flags(command: Command) -> Iterator[Flag]:
    return (flag for _, group in command.groups for flag in group)


def _defaults(command: Command) -> dict[str, object]:
    """The defaults of every flag: a command shares code with others that have more of them."""
    every = (flag for other in (*COMMANDS.values(), command) for flag in _flags(other))
    return {flag.key: _default(flag) for flag in every}


def _default(flag: Flag) -> object:
    return [] if flag.repeat else flag.default


def _store(arguments: Arguments, flag: Flag, value: object) -> None:
    if flag.repeat:
        getattr(arguments, flag.key).append(value)
    else:
        setattr(arguments, flag.key, value)


def _with_value(
    command: Command, flags: Mapping[str, Flag], word: str, rest: Iterator[str]
) -> tuple[Flag, str]:
    """One flag with its value: its own, `true` for a boolean without one, else the next word."""
    name, equals, value = word.partition("=")
    if not name.startswith("--") and len(name) > 2:  # noqa: PLR2004  # -fFILE
        name, equals, value = word[:2], "=", word[2:].removeprefix("=")
    flag = flags.get(name)
    if flag is None:
        if refused := refused_flag(name):
            raise InvalidInput(refused)
        known = [known for known in flags if known.startswith("--")]
        _refuse(
            f"unknown flag `{masked(name)[:_SHOWN]}`",
            suggest(name, known) or f"run `faas-cache {command.name} --help`",
        )
    if equals:
        return flag, value
    if not flag.metavar:
        return flag, "true"
    following = next(rest, None)
    if following is None:
        _refuse(f"the flag `{name}` needs a value", f"write `{name} {flag.metavar}`")
    return flag, following


def _refuse(message: str, hint: str) -> NoReturn:
    raise InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint, url=""))


# Help.


def overview() -> str:
    """The help of the program: every command with its summary, in groups, and examples."""
    width = max(map(len, COMMANDS))
    lines = ["usage: faas-cache COMMAND [flags] [FUNCTION...]", ""]
    lines += ["A shared Docker layer cache for OpenFaaS functions.", ""]
    listed = {name for _, names in GROUPS for name in names}
    others = tuple(name for name in COMMANDS if name not in listed)
    for title, names in (*GROUPS, ("Others", others)):
        if not names:
            continue
        lines += [f"{title}:"]
        lines += [f"  {name.ljust(width)}  {COMMANDS[name].summary}" for name in names]
        lines += [""]
    lines += ["Examples:", *(f"  {line}" for line in EXAMPLES), ""]
    lines += ["Run `faas-cache COMMAND --help` for the flags of a command.", ""]
    return "\n".join(lines)


def command_help(command: Command) -> str:
    """The help of one command: its flags in groups, and examples."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    examples = "\n".join(("Examples:", *(f"  {line}" for line in command.examples)))
    parser = ArgumentParser(
        prog=f"faas-cache {command.name}",
        usage=" ".join(filter(None, (f"faas-cache {command.name} [flags]", command.operands))),
        description=f"{command.summary}.",
        epilog=examples if command.examples else None,
        formatter_class=RawDescriptionHelpFormatter,
    )
    for title, flags in command.groups:
        group = parser.add_argument_group(title)
        for flag in flags:
            names = (flag.short, flag.name) if flag.short else (flag.name,)
            text = flag.text.replace("%", "%%")
            if flag.metavar:
                group.add_argument(*names, metavar=flag.metavar, help=text)
            else:
                group.add_argument(*names, action="store_true", help=text)
    return parser.format_help()
