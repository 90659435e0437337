"""From YAML text to values: scalars, encodings, aliases, merges, and every fault with its location."""

import builtins
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.errors import InvalidStack
from faas_cache.stack.reading import MAX_SIZE
from faas_cache.stack.stack_file import Stack
from faas_cache.stack.values import MAX_EXPANSION, kind_of

HEAD = "version: 1.0\nprovider:\n  name: openfaas\n  gateway: http://127.0.0.1:8080\nfunctions:\n"


@pytest.fixture(params=["c", "pure"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test that asks for it runs with and without the C parser."""
    if request.param == "pure":
        real = builtins.__import__

        def without_c(name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # __import__'s own
            if name == "_ruamel_yaml":
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without_c)
    return str(request.param)


SEMANTICS = [
    ("plain", "    image: a/b:1\n", {"image": "a/b:1"}),
    (
        "number",
        "    build_args: {V: 1.10, H: 0x1F, O: 017, D: 2021-01-02, U: 1_000}\n",
        {"build_args": {"V": "1.10", "H": "0x1F", "O": "017", "D": "2021-01-02", "U": "1_000"}},
    ),
    (
        "words",
        "    build_args: {A: on, B: yes, C: True, D: =}\n",
        {"build_args": {"A": "on", "B": "yes", "C": "True", "D": "="}},
    ),
    (
        "null-value",
        "    build_args: {A: , B: ~, C: null, D: ''}\n",
        {"build_args": {"A": "", "B": "", "C": "", "D": ""}},
    ),
    ("null-setting", "    build_cache:\n", {"build_cache": None}),
    ("empty-setting", "    build_cache: ''\n", {"build_cache": ""}),
    ("null-entry", "    build_cache: {from: [~, '']}\n", {"build_cache": {"from": (None, "")}}),
    ("booleans", "    skip_build: yes\n", {"skip_build": True}),
    ("quoted-yes", "    skip_build: 'on'\n", {"skip_build": True}),
    ("quoted-true-is-text", "    image: 'true'\n", {"image": "true"}),
    (
        "flow-reference",
        "    build_cache: {from: [ghcr.io/a/b:tag, localhost:5000/x:y]}\n",
        {"build_cache": {"from": ("ghcr.io/a/b:tag", "localhost:5000/x:y")}},
    ),
    ("merge", "    <<: &m {image: a, lang: x}\n    lang: y\n", {"image": "a", "lang": "y"}),
    ("merge-list", "    <<: [{image: a}, {image: b, lang: c}]\n", {"image": "a", "lang": "c"}),
    ("alias", "    image: &i a/b\n    handler: *i\n", {"image": "a/b", "handler": "a/b"}),
    ("anchor-again-inside", "    build_args: &x {A: &x b}\n    lang: *x\n", {"lang": "b"}),
    (
        "flow-reference-and-escape",
        '    build_cache: {from: [a:b, "\\u0061"]}\n',
        {"build_cache": {"from": ("a:b", "a")}},
    ),
    ("anchor-twice", "    image: &i a\n    handler: &i b\n    lang: *i\n", {"lang": "b"}),
    ("folded", "    image: >-\n      a/b\n", {"image": "a/b"}),
    (
        "tagged",
        "    image: !!str 1.0\n    lang: !mine x\n    handler: ! y\n    skip_build: !!bool true\n    platforms: !!null ''\n",
        {"image": "1.0", "lang": "x", "handler": "y", "skip_build": True, "platforms": ()},
    ),
    ("tagged-text", "    image: !!str true\n", {"image": "true"}),
    ("escapes", '    image: "\\x61/b"\n', {"image": "a/b"}),
    ("merge-text-key", "    build_args: {'<<': x}\n", {"build_args": {"<<": "x"}}),
    ("deep-list", "    build_cache: {from: [[[a]]]}\n", {"build_cache": {"from": ((("a",),),)}}),
    ("dashes-in-text", "    image: |-\n      a\n      ---\n", {"image": "a\n---"}),
]


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in SEMANTICS], ids=[row[0] for row in SEMANTICS]
)
def test_a_scalar_is_its_text(text: str, expected: dict[str, object]) -> None:
    """Every scalar keeps its spelling; null, quoted and plain scalars differ."""
    spec = Stack.loads(f"{HEAD}  fn:\n{text}").functions["fn"]
    assert {key: getattr(spec, key) for key in expected} == expected


@pytest.mark.parametrize(
    "data",
    [
        f"\ufeff{HEAD}  fn: {{image: é}}".encode(),
        f"{HEAD}  fn: {{image: é}}".encode("utf-16"),
        f"{HEAD}  fn: {{image: é}}".replace("\n", "\r\n").encode(),
        (HEAD + "  fn: {image: é}").encode(),
        '{"version": "1.0", "provider": {"name": "openfaas"}, "functions": {"fn": {"image": "\\u00e9"}}}',
    ],
    ids=["bom", "utf-16", "crlf", "bytes", "json"],
)
def test_encodings(data: str | bytes) -> None:
    """UTF-8 with and without a mark, UTF-16, CRLF and JSON are read."""
    assert Stack.loads(data).functions["fn"].image == "é"


FAULTS: list[tuple[str, str | bytes, list[tuple[str, int, int]]]] = [
    ("empty", "", [("unsupported-provider", 1, 1)]),
    ("comment-only", "# nothing\n", [("unsupported-provider", 1, 1)]),
    ("list", "- a\n", [("invalid-type", 1, 1)]),
    ("text", "hello\n", [("invalid-type", 1, 1)]),
    ("tab", "a:\n\tb: c\n", [("invalid-yaml", 2, 1)]),
    ("not-utf-8", b"a: b\nc: \xff", [("invalid-yaml", 2, 4)]),
    ("nul", "a: b\nc: \0", [("invalid-yaml", 2, 4)]),
    ("surrogate", "a: \ud800", [("invalid-yaml", 1, 4)]),
    ("unclosed", "a: [b\n", [("invalid-yaml", 2, 1)]),
    ("flow-colon-and-fault", "a: [b:c, {]\n", [("invalid-yaml", 1, 11)]),
    ("no-provider", "functions: {}\n", [("unsupported-provider", 1, 1)]),
    ("other-provider", "provider: {name: faas}\n", [("unsupported-provider", 1, 12)]),
    ("version", "version: 2.0\nprovider: {name: openfaas}\n", [("unsupported-version", 1, 1)]),
    (
        "types",
        "version: []\nprovider: x\nfunctions: []\nconfiguration: {copy: {}, templates: [x, {name: []}]}\n",
        [
            ("invalid-type", 1, 1),
            ("invalid-type", 2, 1),
            ("invalid-type", 3, 1),
            ("invalid-type", 4, 17),
            ("invalid-type", 4, 39),
            ("invalid-type", 4, 43),
        ],
    ),
    ("function-text", HEAD + "  fn: text\n", [("invalid-type", 6, 3)]),
    (
        "function-types",
        HEAD + "  fn:\n    image: [a]\n    skip_build: 'true'\n    build_args: {A: [b]}\n",
        [("invalid-type", 7, 5), ("invalid-type", 8, 5), ("invalid-type", 9, 18)],
    ),
    ("duplicate", HEAD + "  fn:\n    image: a\n    image: b\n", [("duplicate-key", 8, 5)]),
    ("duplicate-function", HEAD + "  fn: {}\n  fn: {}\n", [("duplicate-key", 7, 3)]),
    (
        "two-merges",
        HEAD + "  fn:\n    <<: {image: a}\n    <<: {lang: b}\n",
        [("duplicate-key", 8, 5)],
    ),
    ("merge-of-text", HEAD + "  fn: {<<: x}\n", [("invalid-type", 6, 12)]),
    ("key-is-a-list", HEAD + "  [a]: {}\n", [("invalid-yaml", 6, 3)]),
    ("unknown-alias", HEAD + "  fn: *x\n", [("invalid-yaml", 6, 7)]),
    ("alias-in-itself", HEAD + "  fn: &x {build_args: *x}\n", [("invalid-yaml", 6, 23)]),
    ("tag-that-lies", HEAD + "  fn: {image: !!int abc}\n", [("invalid-type", 6, 15)]),
    ("too-deep", "[" * 100000, [("invalid-yaml", 1, 65)]),
    ("too-deep-in-blocks", "- " * 100000, [("invalid-yaml", 1, 129)]),
    ("directives", "%TAG ! x\n" * 20, [("invalid-yaml", 1, 1)]),
    ("too-large", "#" * (MAX_SIZE + 1), [("unreadable-stack-file", 1, 1)]),
    ("garbage", "@" * 1000000, [("invalid-yaml", 1, 1)]),
    (
        "faults-before-the-end",
        HEAD + "  fn: {a: 1, a: 2}\n\tx",
        [("duplicate-key", 6, 14), ("invalid-yaml", 7, 1)],
    ),
]


@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_every_fault_has_a_location(
    text: str | bytes, expected: list[tuple[str, int, int]]
) -> None:
    """All faults of a file are raised together, each with line and column."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(text, envsubst=False)
    assert [
        (d.name, d.location.line, d.location.column) for d in caught.value.diagnostics
    ] == expected
    assert len(str(caught.value)) < 3000


def test_a_duplicate_key_shows_both_lines() -> None:
    """The second key is the location, and the message has the line of the first."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(HEAD + "  fn:\n    image: a\n    image: b\n", file="stack.yaml")
    assert str(caught.value).splitlines()[:2] == [
        (
            "stack.yaml:8:5: functions.fn.image: error: duplicate key `image` (first in line 7)"
            " [duplicate-key]"
        ),
        "    remove one of the two",
    ]


def test_a_tab_has_its_own_hint() -> None:
    """The most common fault."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads("a:\n\tb: c\n")
    assert (
        caught.value.diagnostics[0].hint
        == "indent with spaces, because YAML does not allow tabs there"
    )


def test_aliases_that_multiply_are_rejected() -> None:
    """A few lines that expand to millions of values end in one fault."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    text = "\n".join(lines)
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(text)
    limit = MAX_EXPANSION + len(text)
    assert [d.message for d in caught.value.diagnostics] == [
        f"aliases and merges expand to more than {limit} values"
    ]


def test_thousands_of_functions_may_share_a_mapping() -> None:
    """The limit of aliases grows with the text."""
    shared = "".join(f"  K{i}: v\n" for i in range(20))
    functions = "".join(f"  f{i}: {{image: a/b, environment: *e}}\n" for i in range(6000))
    assert len(Stack.loads(f"x-env: &e\n{shared}{HEAD}{functions}").functions) == 6000


ODD_SCALARS = [
    (r'build_cache: {from: [a:b], x: "\UFFFFFFFF"}', [("invalid-yaml", 7)]),
    (r'build_cache: {from: [a:b], x: "\ud83d"}', [("invalid-yaml", 7)]),
    ("image: !!binary '*'", [("invalid-type", 7)]),
    ("image: !!int x", [("invalid-type", 7)]),
    ("image: !!timestamp yesterday", [("invalid-type", 7)]),
    ("<<: x", [("invalid-type", 7)]),
    ("*zz : x", [("invalid-yaml", 7)]),
    ("build_cache: &a {x: 1, y: {<<: *a}}", [("invalid-yaml", 7)]),
    ("{? *b : c}", [("invalid-yaml", 7)]),
    ("{a: b}: c", [("invalid-yaml", 7)]),
    ("image: *zz", [("invalid-yaml", 7)]),
]


@pytest.mark.parametrize(("line", "expected"), ODD_SCALARS, ids=[line for line, _ in ODD_SCALARS])
def test_an_invalid_scalar_is_a_fault_at_its_line(
    parser: str, line: str, expected: list[tuple[str, int]]
) -> None:
    """What yaml.v3 rejects is rejected here, at its line, by either parser."""
    assert parser
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(f"{HEAD}  fn:\n    {line}\n")
    assert [(d.name, d.location.line) for d in caught.value.diagnostics] == expected


def test_binary_is_decoded() -> None:
    """`!!binary` is base64 of the text that faas-cli decodes."""
    text = f"{HEAD}  a: {{image: !!binary YS9i}}\n  b: {{image: !!binary dHJ1ZQ==}}\n"
    assert [spec.image for spec in Stack.loads(text).functions.values()] == ["a/b", "true"]


def test_merges_that_multiply_are_rejected() -> None:
    """Merges of merges end in one fault, too."""
    keys = ", ".join(f"k{i}: v" for i in range(1000))
    text = f"a: &a {{{keys}}}\n" + "".join(
        f"b{i}: {{<<: [{', '.join(['*a'] * 20)}]}}\n" for i in range(10)
    )
    with pytest.raises(InvalidStack):
        Stack.loads(text)


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("tail", "line"),
    [
        ("---\nfunctions: {}\n", 7),
        ("--- {a: b}\n", 7),
        ("---\n", None),
        ("...\n# the end\n", None),
        ("...\n---\n# nothing\nx: 1\n", 8),
    ],
    ids=["second", "on-the-marker", "marker-alone", "end-alone", "after-the-end"],
)
def test_a_second_document_is_a_warning(tail: str, line: int | None) -> None:
    """faas-cli reads the first document and ignores the rest."""
    warnings = [
        d
        for d in Stack.loads(f"{HEAD}  fn: {{image: a}}\n{tail}").diagnostics
        if d.name == "ignored-document"
    ]
    assert [(d.severity, d.location.line) for d in warnings] == (
        [("warning", line)] if line else []
    )


def test_a_second_document_is_not_parsed() -> None:
    """Invalid YAML behind the first document is not read."""
    assert list(Stack.loads(f"{HEAD}  fn: {{image: a}}\n---\n{{[\n").functions) == ["fn"]


def test_without_the_c_parser_there_is_a_note(parser: str) -> None:
    """The note says how to install the C parser."""
    names = [d.name for d in Stack.loads(f"{HEAD}  fn: {{image: a}}").diagnostics]
    assert names == ([] if parser == "c" else ["slow-parser"])


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
references = st.from_regex(r"[a-z]{1,5}(:[0-9]{1,4})?/[a-z]{1,5}(:[a-z0-9]{1,5})?", fullmatch=True)


@given(st.dictionaries(names, st.lists(references, min_size=1, max_size=3), min_size=1, max_size=3))
def test_flow_and_block_lists_are_equal(functions: dict[str, list[str]]) -> None:
    """References in flow lists, which libyaml 0.1.7 rejects, are those of block lists."""
    flow = HEAD + "".join(
        f"  {n}: {{image: {r[0]}, build_cache: {{from: [{', '.join(r)}]}}}}\n"
        for n, r in functions.items()
    )
    block = HEAD + "".join(
        f"  {n}:\n    image: {r[0]}\n    build_cache:\n      from:\n"
        + "".join(f"      - {x}\n" for x in r)
        for n, r in functions.items()
    )
    assert Stack.loads(flow).functions == Stack.loads(block).functions


def test_a_parser_error_without_details(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the parser that no character explains is shown in its first line."""
    from ruamel.yaml.error import YAMLError

    from faas_cache.stack import yaml

    def broken(_: bytes) -> None:
        raise YAMLError("cause\nmore")

    monkeypatch.setattr(yaml, "_c_parser", lambda: broken)
    with pytest.raises(InvalidStack) as caught:
        Stack.loads("a: b\n")
    assert [(d.message, d.location.line) for d in caught.value.diagnostics] == [
        ("invalid YAML: cause", 1)
    ]


VALUES: tuple[object, ...] = ({}, [], None, "a")


def test_kinds_of_values() -> None:
    """Each kind has its words."""
    assert [kind_of(value) for value in VALUES] == [
        "a mapping",
        "a list",
        "null",
        "a string",
    ]


UNDECODED = [
    ("unknown-key", "  fn: {zz: {a: 1, a: 2}}\n", []),
    ("unknown-tag", "  fn: {zz: !!int x, image: a}\n", []),
    ("unknown-in-list", "  fn: {zz: [!!int x, {a: 1, a: 2}]}\n", []),
    ("known-key", "  fn: {environment: {a: 1, a: 2}}\n", ["fn"]),
    ("known-tag", "  fn: {image: !!int x}\n", ["fn"]),
    ("tag-of-a-key", "  fn: {!!int zz: x}\n", ["fn"]),
    ("resources", "  fn: {limits: {cpu: 1, cpu: 2}}\n", ["fn"]),
    ("alias", "  fn: {environment: *e}\n  g: {environment: *e}\n  h: {}\n", ["fn", "g"]),
    ("merge", "  fn: {<<: *e}\n  g: {<<: [{a: b}, *e]}\n  h: {}\n", ["fn", "g"]),
    ("deep", "  fn: {build_cache: {from: [[{a: 1, a: 2}]]}}\n", ["fn"]),
    ("shared", "  fn: {build_cache: [*e, *e]}\n", ["fn"]),
    ("function-twice", "  fn: {}\n  fn: {}\n  g: {}\n", ["fn"]),
    ("number-as-name", "  1: {image: a, image: b}\n", ["1"]),
    ("text", "  fn: {image: a}\n  h: text\n  <<: x\n", ["h"]),
    ("configuration", "  fn: {image: a}\nconfiguration: {copy: [!!int x], zz: !!int x}\n", ...),
    ("template", "  fn: {}\nconfiguration: {templates: [{name: !!int x, zz: !!int x}, a]}\n", ...),
    ("provider-twice", "  fn: {image: a}\nversion: 1.0\n", ...),
]


@pytest.mark.parametrize(
    ("text", "invalid"), [row[1:] for row in UNDECODED], ids=[row[0] for row in UNDECODED]
)
def test_faults_count_where_faas_cli_decodes(text: str, invalid: Any) -> None:  # noqa: ANN401  # a list, or `...` for a fault outside of functions
    """yaml.v3 checks only what it decodes; a fault belongs to the functions that use its value."""
    try:
        stack = Stack.loads(f"x-e: &e {{a: 1, a: 2}}\n{HEAD}{text}")
    except InvalidStack as error:
        stack = error.stack
        assert invalid != []
    assert stack.invalid_functions == (() if invalid is ... else tuple(invalid))
