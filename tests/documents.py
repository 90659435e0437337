"""The documentation as data: pages, sections, fenced blocks, anchors, links and command lines.

`parse_command` and `diagnose` are the only parts that know the rest of the package.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from faas_cache.cli.arguments import Arguments, parse_arguments
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.flags import CacheFlags
from faas_cache.planning.options import BuildOptions
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import PlanInputs, plan_stack

if TYPE_CHECKING:
    from faas_cache.model.diagnostics import Diagnostic

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "faas_cache" / "docs"
PAGES: Mapping[str, Path] = {
    "README.md": ROOT / "README.md",
    **{path.name: path for path in sorted(DOCS.glob("*.md"))},
}

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
# A word with a space before it ends a command: a pipe, a redirection, the next command.
_ENDS = frozenset({"|", "||", "&&", ";", "<", ">", ">>", "&", ")", "#"})


class Fence(NamedTuple):
    """One fenced block: its info string, its text without the indentation of the fence, and its first line."""

    info: str
    text: str
    line: int


def fences(text: str) -> list[Fence]:
    r"""The fenced blocks of a page, in order.

    >>> fences("a\n```yaml good\nx: 1\n```\n")
    [Fence(info='yaml good', text='x: 1\n', line=3)]
    """
    return [
        Fence(
            match["info"],
            re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE),
            text.count("\n", 0, match.start("text")) + 1,
        )
        for match in _FENCE.finditer(text)
    ]


def completed(example: str) -> str:
    r"""A stack file of an example, with the provider and the `lang` that it leaves out.

    >>> completed("functions:\n  fn:\n    image: a/fn\n")
    'provider: {name: openfaas}\nfunctions:\n  fn:\n    lang: dockerfile\n    image: a/fn\n'
    """
    if "lang:" not in example:
        line = r"\1    lang: dockerfile\n"
        example = re.sub(r"^(  \S+:\n)(?=    \w)", line, example, flags=re.MULTILINE)
    if re.search(r"^provider:", example, re.MULTILINE):
        return example
    return f"provider: {{name: openfaas}}\n{example}"


def prose(text: str) -> str:
    """The page without its fenced blocks; lines keep their numbers."""
    return _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)


def headings(text: str) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    return [
        (len(level), title)
        for level, title in re.findall(r"^(#+) (.+?)\s*$", prose(text), re.MULTILINE)
    ]


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading.

    >>> anchor("C2 `from` without `to`")
    'c2-from-without-to'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections(text: str) -> dict[str, str]:
    """The text under each heading of the second level; a heading that appears twice is an error."""
    starts = [
        match
        for match in re.finditer(r"^## (.+?)\s*$", text, re.MULTILINE)
        if not any(f.start() < match.start() < f.end() for f in _FENCE.finditer(text))
    ]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    titled: dict[str, str] = {}
    for match, end in zip(starts, ends, strict=True):
        assert match[1] not in titled, f"two sections `{match[1]}`"
        titled[match[1]] = text[match.end() : end]
    return titled


def links(text: str) -> list[str]:
    """The targets of the links of a page."""
    return re.findall(r"\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)", prose(text))


def command_lines(text: str) -> list[str]:
    r"""Every `faas-cache …` command line of a page: in console, shell and YAML blocks, and in code spans.

    >>> command_lines("Run `faas-cache check`.\n```console\n$ A=1 faas-cache plan \\\n    fn | cat\n```\n")
    ['faas-cache plan fn', 'faas-cache check']
    """
    blocks = [f.text for f in fences(text) if f.info.split()[:1] in (["console"], ["sh"], ["yaml"])]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(text))
    return [
        command
        for line in [*lines, *(span for span in spans if span.startswith("faas-cache "))]
        for command in _commands(line)
    ]


def _commands(line: str) -> Iterator[str]:
    for match in re.finditer(r"(?<![\w/.-])(?:\.venv/bin/)?faas-cache (?=[a-z-])", line):
        lexer = shlex.shlex(line[match.end() :], posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words = []
        for word in lexer:
            if word in _ENDS:
                break
            words.append(word)
        yield shlex.join(["faas-cache", *words])


def parse_command(words: Sequence[str]) -> Arguments:
    """The arguments after `faas-cache`, as the command line reads them; raises `InvalidInput` for wrong ones."""
    parsed = parse_arguments(words)
    return Arguments() if isinstance(parsed, str) else parsed[1]


def diagnose(
    stack_file: str, options: Arguments, environ: Mapping[str, str], dockerfile: str = ""
) -> tuple[Diagnostic, ...]:
    """All diagnostics of a stack file under the flags of a command line, in a given environment."""
    try:
        stack = Stack.loads(stack_file, environ)
    except FaasCacheError as error:
        return error.diagnostics
    plan = plan_stack(
        stack,
        names=options.operands,
        filter=options.filter,
        regex=options.regex,
        flags=CacheFlags(
            build_cache=options.build_cache,
            cache_from=options.cache_from,
            cache_to=options.cache_to,
            export=False if options.no_cache_export else options.cache_export,
            ignore_export_errors=options.ignore_cache_errors,
            scope=options.cache_scope,
            fallback_scopes=options.cache_scope_fallback,
        ),
        options=BuildOptions(platforms=options.platforms or (), push=options.push),
        inputs=PlanInputs(
            environ=environ,
            dockerfiles=dict.fromkeys(stack.functions, dockerfile) if dockerfile else {},
        ),
    )
    return plan.diagnostics
