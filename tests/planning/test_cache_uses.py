"""The caches that the functions of a stack read and write."""

import pytest

from faas_cache.model.flags import CacheFlags
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import plan_stack


def uses(
    function: str,
    flags: CacheFlags = CacheFlags(),  # noqa: B008  # frozen
) -> list[tuple[str, str, tuple[str, ...], int | None]]:
    """Direction, type, names and line of each use of one function."""
    text = (
        f"provider: {{name: openfaas}}\nfunctions:\n  fn: {{image: a/fn, context: ., {function}}}\n"
    )
    plan = plan_stack(Stack.loads(text, {}), flags=flags)
    return [(u.direction, u.entry.type, u.names, u.location.line) for u in plan.caches]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("", []),
        ("build_cache: none", []),
        (
            "build_cache: max",
            [
                ("from", "registry", ("docker.io/a/fn:buildcache",), 3),
                ("to", "registry", ("docker.io/a/fn:buildcache",), 3),
            ],
        ),
        (
            "build_cache: inline",
            [
                ("from", "registry", ("docker.io/a/fn:latest",), 3),
                ("to", "inline", ("a/fn:latest",), 3),
            ],
        ),
        (
            "build_cache: {to: ['type=inline']}",
            [("to", "inline", ("a/fn:latest",), 3)],
        ),
        (
            "build_args: {BUILDKIT_INLINE_CACHE: '0'}, build_cache: {from: [x/y:1]}",
            [("from", "registry", ("docker.io/x/y:1",), 3)],
        ),
        ("build_args: {BUILDKIT_INLINE_CACHE: '1'}", []),
        # What is passed as written is a cache, too; what cannot be read is none.
        (
            "builder_flags: ['--cache-from=a/x,a/y', '--cache-to=type=gha,scope=x', '--cache-to=,=']",
            [
                ("from", "registry", ("docker.io/a/x:latest",), 3),
                ("from", "registry", ("docker.io/a/y:latest",), 3),
                ("to", "gha", ("type=gha x",), 3),
            ],
        ),
    ],
)
def test_uses(setting: str, expected: list[tuple[str, str, tuple[str, ...], int | None]]) -> None:
    """By function and direction, each at its line; an inline cache is in the image itself."""
    assert uses(setting) == expected


def test_uses_of_a_flag_have_no_line() -> None:
    """They are in no file."""
    flags = CacheFlags(cache_from=["type=gha,scope=x"])
    assert uses("", flags) == [
        ("from", "gha", ("type=gha x",), None),
        ("to", "inline", ("a/fn:latest",), None),
    ]
