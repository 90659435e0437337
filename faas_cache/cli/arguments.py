"""The flags of every command, as one table, and the parser that reads them the way pflag does for faas-cli.

A flag's value is the next word whatever it begins with, there are no abbreviations, `--flag=false` works for a boolean,
and names and flags mix.
"""

from __future__ import annotations

import re
from argparse import (
    SUPPRESS,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

from faas_cache import __version__
from faas_cache.cli.output import suggest
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.go import parse_bool
from faas_cache.model.masking import masked

__all__ = ["COMMANDS", "Command", "Flag", "parse_arguments"]

# More functions at once than any builder serves: a larger number is a slip.
MAX_PARALLEL = 999
TAG_WORDS = ("", "latest", "sha", "branch", "describe", "digest")
FORMATS = ("text", "json", "github", "gitlab", "sarif")


# Readers of values.


def read_boolean(text: str) -> bool:
    """A boolean as Go's `strconv.ParseBool` reads it."""
    value = parse_bool(text)
    if value is None:
        raise ArgumentTypeError(f"`{masked(text)}` is not a boolean: write true or false")
    return value


def read_pair(text: str) -> tuple[str, str]:
    """A `KEY=VALUE`, split at the first `=` and trimmed as faas-cli does.

    faas-cli drops all build arguments when one of them has an empty value; here that is an error.
    """
    key, _, value = (part.strip() for part in text.partition("="))
    if not key or not value:
        raise ArgumentTypeError(
            f"`{masked(text)}` is not KEY=VALUE (write an empty value in the stack file)"
        )
    return key, value


def read_count(text: str) -> int:
    """A number of functions, at least one."""
    if not re.fullmatch("[0-9]{1,3}", text, re.ASCII) or not int(text):
        raise ArgumentTypeError(f"`{masked(text)}` is not a number from 1 to {MAX_PARALLEL}")
    return int(text)


def read_timeout(text: str) -> float:
    """A time in seconds, written as Go writes durations; a bare number is in seconds."""
    pattern = r"(?:([0-9]{1,4})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s?)?"
    match = re.fullmatch(pattern, text, re.ASCII)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if not total:
        raise ArgumentTypeError(f"`{masked(text)}` is not a duration: write 90, 90s, 10m or 1h30m")
    return float(total)


def read_tag(text: str) -> str:
    """A word of `--tag`, in any case."""
    if text.lower() not in TAG_WORDS:
        raise ArgumentTypeError(f"`{masked(text)}` is not one of {', '.join(TAG_WORDS[1:])}")
    return text.lower()


# Flags.


class Flag(NamedTuple):
    """One flag: its long name, the help text, and how its value is read.

    A flag without `metavar` is a boolean. `repeat` collects the values of all occurrences.
    """

    name: str
    text: str
    metavar: str = ""
    short: str = ""
    read: Callable[[str], object] = str
    default: object = None
    choices: tuple[str, ...] = ()
    repeat: bool = False
    dest: str = ""


def switch(name: str, text: str, *, short: str = "", default: bool = False) -> Flag:
    """A boolean flag."""
    return Flag(name, text, short=short, read=read_boolean, default=default)


def option(name: str, metavar: str, text: str, **more: Any) -> Flag:  # noqa: ANN401  # the fields of Flag
    """A flag with one value."""
    return Flag(name, text, metavar, **more)


def repeated(name: str, metavar: str, text: str, **more: Any) -> Flag:  # noqa: ANN401  # the fields of Flag
    """A flag that may be given several times."""
    return Flag(name, text, metavar, repeat=True, **more)


FILES = (
    option(
        "--yaml",
        "FILE",
        "the stack file (default: stack.yaml, then stack.yml); a URL works too",
        short="-f",
        dest="file",
    ),
    option("--filter", "GLOB", "only functions whose whole name matches; `*` stands for anything"),
    option("--regex", "REGEX", "only functions whose name contains a match of this RE2 expression"),
    switch(
        "--envsubst",
        "replace `${…}` in the stack file (--envsubst=false disables it)",
        default=True,
    ),
)
ONE_FUNCTION = tuple(
    option(f"--{key}", "TEXT", f"the {what} of a single function, without a stack file", default="")
    for key, what in (
        ("image", "image"),
        ("handler", "handler"),
        ("name", "name"),
        ("lang", "template"),
    )
)
CACHE = (
    option(
        "--build-cache",
        "MODE",
        "`inline`, `max` or `none`, in place of every function's `build_cache`",
    ),
    repeated("--cache-from", "ENTRY", "import this cache, in place of `from` of every function"),
    repeated("--cache-to", "ENTRY", "export to this cache, in place of `to` of every function"),
    option("--cache-scope", "NAME", "keep the cache of `max` in a tag of its own"),
    repeated("--cache-scope-fallback", "NAME", "import the cache of this scope, too"),
    switch("--no-build-cache", "disable caching for every function"),
    switch("--no-cache-export", "import caches, and export none"),
    option(
        "--cache-export",
        "WHEN",
        "export caches: on, off, or auto (off in pull requests and outside of CI)",
        choices=("on", "off", "auto"),
    ),
    switch("--ignore-cache-errors", "do not fail a build whose cache cannot be exported"),
    switch("--no-cache", "run every step again; exports refresh the cache"),
)
BUILD = (
    repeated("--build-arg", "KEY=VALUE", "set a build argument", short="-b", read=read_pair),
    repeated("--build-option", "NAME", "use a build option of the template", short="-o"),
    repeated("--build-label", "KEY=VALUE", "add a label to the image", read=read_pair),
    repeated(
        "--copy-extra", "PATH", "copy a file or folder of the project into every build context"
    ),
    repeated("--builder-flag", "ARG", "pass one more argument to the builder, as written"),
    option("--builder", "NAME", "use this buildx builder"),
    option("--platforms", "LIST", "build for these comma-separated platforms", default=""),
    switch("--pull", "pull newer base images"),
    switch("--squash", "squash the layers of the image (not supported by BuildKit)"),
    switch("--push", "push the image"),
    switch("--allow-outside-links", "follow links that lead out of the project"),
)
TAGS = (
    option(
        "--tag",
        "WORD",
        "derive the tag from latest, sha, branch, describe or digest",
        read=read_tag,
        default="",
    ),
    repeated("--extra-tag", "TAG", "add one more tag to the image"),
)
STRICT = (switch("--strict", "treat warnings as errors"),)
CONTEXTS = (
    switch("--shrinkwrap", "write the build contexts to build/NAME, and build nothing"),
    switch("--disable-stack-pull", "pull no template named in `configuration.templates`"),
)
RUN = (
    option("--parallel", "N", "build up to N functions at once", read=read_count, default=1),
    switch("--fail-fast", "stop all builds when one fails"),
    option("--timeout", "TIME", "stop after this time: 90, 90s, 10m or 1h30m", read=read_timeout),
    switch("--quiet", "show the output of failed builds only", short="-q"),
)
REPORT = (
    switch("--bake", "build all functions with one `docker buildx bake`"),
    option("--report", "FILE", "write a report on the cache to a file"),
    option(
        "--report-format",
        "NAME",
        "the format of the report: json, or github for a job summary",
        choices=("json", "github"),
        default="json",
    ),
)
JSON = (switch("--json", "print JSON"),)


# Commands.


class Command(NamedTuple):
    """One command: its summary, its flags in groups, its positional arguments and examples."""

    name: str
    summary: str
    groups: tuple[tuple[str, tuple[Flag, ...]], ...]
    operands: str = "[FUNCTION...]"
    examples: tuple[str, ...] = ()


_PLANNING = (("Functions", FILES + ONE_FUNCTION), ("Cache", CACHE), ("Build", BUILD + TAGS))
_CHECKS = (("Checks", STRICT),)

_TABLE = (
    Command(
        "plan",
        "Print the commands that a build would run",
        (
            (
                "Output",
                (
                    switch("--inspect", "ask the builder of this machine what it supports"),
                    option(
                        "--front-end",
                        "NAME",
                        "print the commands of this front end",
                        choices=("docker_build", "buildx_build"),
                    ),
                    *JSON,
                    switch("--explain", "print the rule and the line behind each cache argument"),
                    switch("--show-secrets", "print credentials instead of ***"),
                ),
            ),
            *_PLANNING,
            *_CHECKS,
        ),
        examples=("faas-cache plan --explain", "faas-cache plan --inspect --push resize"),
    ),
    Command(
        "build",
        "Build the functions",
        (*_PLANNING, ("Contexts", CONTEXTS), ("Run", RUN + REPORT), *_CHECKS),
        examples=("faas-cache build --push", "faas-cache build --parallel 4 resize notify"),
    ),
    Command(
        "publish",
        "Build the functions for one or several platforms with buildx, and push them",
        (*_PLANNING, ("Contexts", CONTEXTS), ("Run", RUN + REPORT), *_CHECKS),
        examples=("faas-cache publish --platforms linux/amd64,linux/arm64",),
    ),
    Command(
        "push",
        "Push the images of the functions",
        (*_PLANNING, ("Run", RUN), *_CHECKS),
        examples=("faas-cache push resize",),
    ),
    Command(
        "check",
        "Report what a build would lose, overwrite or reject, and build nothing",
        (
            (
                "Output",
                (
                    switch("--inspect", "ask the builder of this machine what it supports"),
                    option(
                        "--format",
                        "NAME",
                        "the output format: text, json, github, gitlab or sarif",
                        choices=FORMATS,
                        default="text",
                    ),
                ),
            ),
            *_PLANNING,
            *_CHECKS,
        ),
        examples=("faas-cache check", "faas-cache check --format github"),
    ),
    Command(
        "doctor",
        "Describe the builder of this machine, and which functions it can build",
        (("Output", JSON), *_PLANNING),
    ),
    Command(
        "explain",
        "Explain why builds failed, from their log on standard input",
        (("Output", JSON),),
        operands="< LOG",
        examples=("faas-cache explain < build.log",),
    ),
    Command(
        "registries",
        "List what is known of registries and caches",
        (("Output", JSON),),
        operands="",
    ),
    Command(
        "rule",
        "Print the documentation of a diagnostic or a rule",
        (),
        operands="NAME",
        examples=("faas-cache rule cache-overwrites-image", "faas-cache rule E4"),
    ),
    Command(
        "completion",
        "Print the completion script of a shell",
        (),
        operands="bash | zsh",
        examples=('eval "$(faas-cache completion bash)"',),
    ),
    Command(
        "help",
        "Print the help of a command, or a topic of the documentation",
        (),
        operands="[COMMAND | TOPIC]",
        examples=("faas-cache help build", "faas-cache help ci"),
    ),
)
COMMANDS = {command.name: command for command in _TABLE}


class _Parser(ArgumentParser):
    """argparse, with errors as diagnostics: exit code 2 and nothing on standard output."""

    def error(self, message: str) -> NoReturn:
        hint = f"run `{self.prog} --help`"
        raise InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))


def build_parser(command: Command) -> ArgumentParser:
    """The parser of one command."""
    parser = _Parser(
        prog=f"faas-cache {command.name}",
        usage=" ".join(filter(None, (f"faas-cache {command.name} [flags]", command.operands))),
        description=f"{command.summary}.",
        epilog="\n".join(("Examples:", *(f"  {line}" for line in command.examples)))
        if command.examples
        else None,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for title, flags in command.groups:
        group = parser.add_argument_group(title)
        for flag in flags:
            names = (flag.short, flag.name) if flag.short else (flag.name,)
            given: dict[str, Any] = {"dest": flag.dest} if flag.dest else {}
            if flag.choices:
                given["choices"] = flag.choices
            if flag.repeat:
                given |= {"action": "append", "default": []}
            else:
                given["default"] = flag.default
            group.add_argument(
                *names, metavar=flag.metavar, type=flag.read, help=flag.text, **given
            )
    return parser


def overview() -> str:
    """The help of the program: every command with its summary."""
    width = max(map(len, COMMANDS))
    commands = (f"  {name.ljust(width)}  {command.summary}" for name, command in COMMANDS.items())
    return "\n".join(
        (
            "usage: faas-cache COMMAND [flags] [FUNCTION...]",
            "",
            "A shared Docker layer cache for OpenFaaS functions.",
            "",
            "Commands:",
            *commands,
            "",
            "Run `faas-cache COMMAND --help` for the flags of a command.",
            "",
        )
    )


def parse_arguments(words: Sequence[str]) -> tuple[str, Namespace] | str:
    """The command and its arguments, or the text to print in its place (help or version).

    Raises `InvalidInput` for words that are not valid.
    """
    if not words or words[0] in ("-h", "--help"):
        return overview()
    if words[0] in ("--version", "version"):
        return f"{__version__}\n"
    name, *rest = words
    if name not in COMMANDS:
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                message=f"unknown command `{masked(name)[:60]}`",
                hint=suggest(name, COMMANDS) or "run `faas-cache --help` for the list of commands",
            )
        )
    parser = build_parser(COMMANDS[name])
    flags, operands = normalize_argv(parser, rest)
    if {"-h", "--help"} & set(flags):
        return parser.format_help()
    return name, parser.parse_args(flags, Namespace(operands=operands))


def normalize_argv(parser: ArgumentParser, words: Iterable[str]) -> tuple[list[str], list[str]]:
    """The flags, each with its value in one word, and the operands."""
    flags: list[str] = []
    operands: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            operands += rest
        elif not word.startswith("-") or word == "-":
            operands.append(word)
        else:
            flags.append(_with_value(parser, word, rest))
    return flags, operands


def _with_value(parser: ArgumentParser, word: str, rest: Iterable[str]) -> str:
    """One flag with its value: its own, `true` for a boolean without one, else the next word."""
    flag, equals, value = word.partition("=")
    if not flag.startswith("--") and len(flag) > 2:  # noqa: PLR2004  # -fFILE
        flag, equals, value = word[:2], "=", word[2:].removeprefix("=")
    actions = parser._actions  # noqa: SLF001  # argparse has no public look-up
    action = next((a for a in actions if flag in a.option_strings), None)
    if action is None:
        known = [name for a in actions for name in a.option_strings if name.startswith("--")]
        message = f"unknown flag `{flag[:60]}`"
        parser.error(message) if not (hint := suggest(flag, known)) else _refuse(message, hint)
    if action.nargs == 0:
        return word  # --help
    if not equals:
        value = "true" if action.type is read_boolean else next(iter(rest), SUPPRESS)
    if value is SUPPRESS:
        _refuse(f"the flag `{flag}` needs a value", f"write `{flag} {action.metavar}`")
    return f"{action.option_strings[-1]}={value}"


def _refuse(message: str, hint: str) -> NoReturn:
    raise InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))
