"""`faas-cache completion`: the scripts of bash and zsh, and the words that they offer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import pairwise

from faas_cache.cli.arguments import COMMANDS, Arguments
from faas_cache.cli.flags import Flag
from faas_cache.cli.output import ExitCode, print_result, suggest
from faas_cache.cli.schema import SCHEMAS
from faas_cache.cli.streams import write_stdout
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError, InvalidInput
from faas_cache.model.masking import masked

__all__ = ["candidates", "run"]

# Both ask this program for the words: it alone knows its flags and the functions of the stack file.
BASH = """\
# bash completion of faas-cache: eval "$(faas-cache completion bash)"
_faas_cache() {
    local IFS=$'\\n'
    COMPREPLY=($(faas-cache completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _faas_cache faas-cache
"""
ZSH = """\
#compdef faas-cache
# zsh completion of faas-cache: eval "$(faas-cache completion zsh)"
_faas_cache() {
    local -a candidates
    candidates=("${(@f)$(faas-cache completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    [[ -n $candidates ]] && compadd -a candidates || _files
}
compdef _faas_cache faas-cache
"""
_SCRIPTS = {"bash": BASH, "zsh": ZSH}
_OPERANDS = {"completion": tuple(_SCRIPTS), "schema": SCHEMAS}
# The modes of `faas-cache set`.
MODES = ("inline", "max", "none")
# Usual values of flags that accept others, too.
_VALUES = {
    "--build-cache": MODES,
    "--tag": ("latest", "sha", "branch", "describe", "digest"),
    "--provenance": ("true", "false", "mode=min", "mode=max"),
    "--sbom": ("true", "false"),
}


def run(arguments: Arguments) -> int:
    """Prints a script, or for `words` what completes the last of the words that follow."""
    kind, *words = arguments.operands or [""]
    if kind == "words":
        print_result("".join(f"{word}\n" for word in candidates(words)))
    elif kind in _SCRIPTS:
        write_stdout(_SCRIPTS[kind])
    else:
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                message=f"no completion for `{masked(kind)[:60]}`",
                hint=suggest(kind, _SCRIPTS) or "write `faas-cache completion bash` or `zsh`",
            )
        )
    return ExitCode.DONE


def candidates(words: Sequence[str]) -> list[str]:
    """The words that complete the last of `words`, which may be empty.

    bash splits `--format=json` into three words, zsh does not: both forms are understood.
    """
    *before, current = words or [""]
    if not before:
        return _starting(current, COMMANDS)
    command = COMMANDS.get(before[0])
    if command is None:
        return []
    flags = {flag.name: flag for _, group in command.groups for flag in group}
    flags |= {flag.short: flag for flag in flags.values() if flag.short}
    if current == "=" and before[-1] in flags:
        before, current = [*before, current], ""
    name, equals, value = current.partition("=")
    if equals and name in flags:
        return [f"{name}={choice}" for choice in _starting(value, _values(flags[name]))]
    flag = flags.get(before[-2] if before[-1] == "=" else before[-1])
    if flag is not None and (flag.metavar or before[-1] == "="):
        return _starting(current, _values(flag))
    if current.startswith("-"):
        return _starting(current, (name for name in flags if name.startswith("--")))
    return _operands(command.name, before, current)


def _operands(command: str, before: Sequence[str], start: str) -> list[str]:
    """The operands of a command: functions of the stack file, topics, names of rules."""
    if command in _OPERANDS:
        return _starting(start, _OPERANDS[command])
    if command in ("help", "rule"):
        from faas_cache.cli.documentation import read_topic, sections, topics

        if command == "help":
            return _starting(start, (*COMMANDS, *topics()))
        return _starting(start, sections(read_topic("rules")) | sections(read_topic("diagnostics")))
    modes = () if command != "set" or _has_operand(before) else MODES
    functions = _functions(before) if "[FUNCTION" in COMMANDS[command].operands else ()
    return _starting(start, (*modes, *functions))


def _values(flag: Flag) -> Iterable[str]:
    return flag.choices or _VALUES.get(flag.name, ())


def _has_operand(before: Sequence[str]) -> bool:
    """Whether a mode is among the words of `faas-cache set`."""
    return any(
        word in MODES and previous not in ("-f", "--yaml") for previous, word in pairwise(before)
    )


def _functions(before: Sequence[str]) -> Iterable[str]:
    """The functions of the stack file that the words before name, or of the default one."""
    from faas_cache.project import Project

    named = [file for word, file in pairwise(before) if word in ("-f", "--yaml")]
    if named and "://" in named[-1]:
        return ()  # a key press does not reach out to the network
    try:
        stack = Project.load(*map(os.path.expanduser, named[-1:])).stack
    except FaasCacheError:
        return ()
    return (*stack.functions, *stack.invalid_functions)


def _starting(start: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(start)]
