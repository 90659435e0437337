"""Coverage-guided fuzzing of the parsers: any text either parses or raises `FaasCacheError`, and shows no secret.

    python tests/fuzz/fuzz_parsers.py -max_total_time=60

The flags are libFuzzer's. Modules are instrumented as they are imported, so nothing of the package is imported before.
"""

from __future__ import annotations

import sys
import tempfile

SECRET = "hunter2"
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
    from faas_cache.model.dockerfile_inputs import context_copies, step_inputs
    from faas_cache.model.dockerfiles import Dockerfile, uncached_stages

    uncached_stages(text)
    dockerfile = Dockerfile.parse(text, {"A": "a"})
    tuple(context_copies(dockerfile))
    for step in dockerfile.steps()[:10]:
        step_inputs(dockerfile, step)
    read = Stack.loads(text)
    read.with_locations(read.diagnostics)


def one_input(data: bytes) -> None:
    """Gives one text to the parser that the first byte names."""
    from faas_cache import FaasCacheError

    parser = (reference, entries, plan, stack)[data[0] % 4 if data else 0]
    try:
        parser(data[1:].decode("utf-8", "surrogateescape"))
    except FaasCacheError as fault:
        str(fault)


def main() -> None:
    """Fuzzes until libFuzzer's limits are reached; a broken invariant ends the run and leaves its input in a file."""
    import atheris

    with atheris.instrument_imports(include=["faas_cache"]):
        import faas_cache.model.dockerfile_inputs
        import faas_cache.model.dockerfiles
        import faas_cache.planning.checks
        import faas_cache.render.commands
        import faas_cache.stack.stack_file  # noqa: F401  # imported to be instrumented
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as dictionary:
        for token in TOKENS:
            escaped = "".join(rf"\x{byte:02x}" for byte in token.encode())
            dictionary.write(f'"{escaped}"\n')
        dictionary.flush()
        atheris.Setup([*sys.argv, f"-dict={dictionary.name}", "-timeout=10"], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
