"""Coverage-guided fuzzing of all that reads a stranger's text: stack files, logs, answers of docker.

    python tests/fuzz/fuzz_parsers.py -max_total_time=60

Any text either parses or raises `FaasCacheError`, and takes neither much time nor much memory, repeated to 16 KiB as it
may be; what is shown of it has no control characters, no command for a CI system that is not ours, and no secret.

The flags are libFuzzer's: an input that takes 10 s or 2 GiB is a failure. Modules are instrumented as they are
imported, so nothing of the package is imported before.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

SECRET = "hunter2"
# How long an input becomes where it is repeated: instrumented code is slow.
LONG = 2**14
# First bytes from this one on repeat the text.
REPEATED = 240
TOKENS = (
    "ghcr.io/a/b:c@sha256:0",
    "type=registry,ref=a/b,mode=max",
    'type=local,"dest=/a,b"',
    "type=gha,token=",
    "type=azblob,account_url=https://u:",
    "BUILDKIT_INLINE_CACHE",
    "provider: {name: openfaas}\n",
    "functions: {fn: {image: a}}",
    "build_cache: ",
    "<<: *a",
    "FROM ",
    "<<EOF",
    "${X:-",
    "$$",
    "ERROR: failed to solve: ",
    "#1 [2/3] RUN a\n",
    "#1 ERROR: ",
    '{"vertexes":[{"digest":"sha256:a","name":"[1/2] COPY a b"}]}',
    "importing cache manifest from ",
    "\nNodes:\nName: a\nStatus: inactive\n",
    "::set-output name=a::",
    "##vso[",
    "\x1b[31m",
    "\u202e",
    "\u2028",
)


def reference(text: str) -> None:
    """What parses as a reference is written as it was read."""
    from faas_cache import Reference

    parsed = Reference.parse(text)
    assert str(parsed) == text


def entries(text: str) -> None:
    """What parses as entries is read again from what was written, and means the same."""
    from faas_cache import parse_entries

    parsed = parse_entries(text)
    assert parse_entries([str(entry) for entry in parsed if entry.text]) == parsed


def plan(text: str) -> None:
    """A plan is made, checked and rendered; a secret beside the text is in nothing that is shown."""
    from faas_cache import CacheFlags, FaasCacheError, FunctionSpec, check, render, resolve

    lines = [f"{text},secret_access_key={SECRET}", *text.split("\t")]
    spec = FunctionSpec(
        name="fn", image="a/b", build_cache={"from" if len(text) % 2 else "to": lines}
    )
    try:
        made = resolve(spec, CacheFlags(scope=text[:50] or None))
        messages = "".join(map(str, check([made], environ={}, dockerfiles={"fn": text})))
        assert SECRET not in messages + repr(made) + render.buildx_build(made).masked().shell()
    except FaasCacheError as fault:
        assert SECRET not in str(fault)
        raise


def stack(text: str) -> None:
    """A stack file and a Dockerfile, whatever they hold, are read."""
    from faas_cache import Stack
    from faas_cache.model.dockerfiles import uncached_stages

    uncached_stages(text)
    read = Stack.loads(text)
    read.with_locations(read.diagnostics)


def check_shown(text: str, *, commands: int = 0) -> None:
    """What a terminal, a log or a CI system gets: lines of printable text, without a secret."""
    assert SECRET not in text
    assert all(line.isprintable() for line in text.replace("\t", " ").split("\n"))
    assert sum(line.lstrip().startswith("::") for line in text.split("\n")) == commands
    assert "##vso[" not in text


def log(text: str) -> None:
    """What a builder prints, beside a URL with a password, is explained and reported."""
    from faas_cache import BuildResult, CacheReport, explain
    from faas_cache.buildkit.lines import LineFormatter
    from faas_cache.buildkit.logs import stream_log
    from faas_cache.model.text import display
    from faas_cache.runner.results import FunctionResult
    from faas_cache.runner.tables import format_markdown, format_table

    text = f"{text}\nERROR: http://u:{SECRET}@h/ {text}\n"
    data = text.encode("utf-8", "surrogateescape")
    events = [event for _, event in stream_log(data)]
    report = CacheReport.from_events("", events)
    function = FunctionResult(name="fn", status="built", report=report)
    result = BuildResult(functions=[function])
    lines = (format_table(result), format_markdown(result), *map(str, explain(data, 1)))
    check_shown("".join(map(display, lines)))
    formatter = LineFormatter()
    for event in events:
        formatter.format(event)


def builder(text: str) -> None:
    """The answers of docker and buildx, whatever they are."""
    from faas_cache.runner.inspection import parse_nodes
    from faas_cache.runner.records import parse_json, parse_metadata, text_at

    parse_nodes(text)
    text_at(parse_json(text), "Client", "Version")
    parse_metadata(text.encode("utf-8", "surrogateescape"))


def output(text: str) -> None:
    """A stranger's text in each part of a diagnostic, in each format of `check`."""
    from faas_cache.cli.formats import FORMATTERS
    from faas_cache.model.diagnostics import Diagnostic, Location
    from faas_cache.model.text import printable

    url = f"http://u:{SECRET}@h/"
    location = Location(file=f"{text} {url}", line=1, column=1, path=("functions", text, url))
    diagnostic = Diagnostic(
        name="build-failed",
        location=location,
        message=f"{printable(text)} {url}",
        hint=f"{url} {printable(text)}",
    )
    for name, formatter in FORMATTERS.items():
        check_shown(formatter([diagnostic]), commands=name == "github")


PARSERS = (reference, entries, plan, stack, log, builder, output)


def one_input(data: bytes) -> None:
    """Gives one text to the parser that the first byte names; some of these repeat the text."""
    from faas_cache import FaasCacheError

    first = data[0] if data else 0
    text = data[1:].decode("utf-8", "surrogateescape")
    if first >= REPEATED and text:
        text *= LONG // len(text) + 1
    parser = PARSERS[first % 16 % len(PARSERS)]
    try:
        parser(text)
    except FaasCacheError as fault:
        str(fault)


def main() -> None:
    """Fuzzes until libFuzzer's limits are reached; a broken invariant ends the run and leaves its input in a file."""
    import atheris

    with atheris.instrument_imports(include=["faas_cache"]):
        import faas_cache.buildkit.explanations
        import faas_cache.buildkit.lines
        import faas_cache.cli.formats
        import faas_cache.model.dockerfiles
        import faas_cache.planning.checks
        import faas_cache.render.commands
        import faas_cache.runner.inspection
        import faas_cache.runner.tables
        import faas_cache.stack.stack_file  # noqa: F401  # imported to be instrumented
    with tempfile.TemporaryDirectory() as folder:
        corpus, dictionary = Path(folder) / "corpus", Path(folder) / "dictionary"
        corpus.mkdir()
        for number, token in enumerate(TOKENS):
            for parser in (*range(len(PARSERS)), *range(REPEATED, REPEATED + len(PARSERS))):
                (corpus / f"{parser}-{number}").write_bytes(bytes([parser]) + token.encode())
        escaped = ("".join(rf"\x{byte:02x}" for byte in token.encode()) for token in TOKENS)
        dictionary.write_text("".join(f'"{token}"\n' for token in escaped))
        defaults = (f"-dict={dictionary}", "-timeout=10", "-max_len=512", "-len_control=0")
        atheris.Setup([sys.argv[0], *defaults, *sys.argv[1:], str(corpus)], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
