"""Stack files: what faas-cli makes of them, every fault with its place, and what is hostile."""

import builtins
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidStack
from faas_cache.stack.stack_file import MAX_EXPANSION, MAX_FAULTS, MAX_SIZE, Stack

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
def test_scalars_keep_their_text(text: str, expected: dict[str, object]) -> None:
    """Every scalar is its text, as in faas-cli's string fields; null and quotes are told apart."""
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
def test_every_encoding_of_faas_cli(data: str | bytes) -> None:
    """UTF-8 with and without a mark, UTF-16, CRLF and JSON are read."""
    assert Stack.loads(data).functions["fn"].image == "é"


FAULTS: list[tuple[str, str | bytes, list[tuple[str, int, int]]]] = [
    ("empty", "", [("provider", 1, 1)]),
    ("comment-only", "# nothing\n", [("provider", 1, 1)]),
    ("list", "- a\n", [("type", 1, 1)]),
    ("text", "hello\n", [("type", 1, 1)]),
    ("tab", "a:\n\tb: c\n", [("yaml", 2, 1)]),
    ("not-utf-8", b"a: b\nc: \xff", [("yaml", 2, 4)]),
    ("nul", "a: b\nc: \0", [("yaml", 2, 4)]),
    ("surrogate", "a: \ud800", [("yaml", 1, 4)]),
    ("unclosed", "a: [b\n", [("yaml", 2, 1)]),
    ("flow-colon-and-fault", "a: [b:c, {]\n", [("yaml", 1, 11)]),
    ("no-provider", "functions: {}\n", [("provider", 1, 1)]),
    ("other-provider", "provider: {name: faas}\n", [("provider", 1, 12)]),
    ("version", "version: 2.0\nprovider: {name: openfaas}\n", [("version", 1, 1)]),
    (
        "types",
        "version: []\nprovider: x\nfunctions: []\nconfiguration: {copy: {}, templates: [x, {name: []}]}\n",
        [
            ("type", 1, 1),
            ("type", 2, 1),
            ("type", 3, 1),
            ("type", 4, 17),
            ("type", 4, 39),
            ("type", 4, 43),
        ],
    ),
    ("function-text", HEAD + "  fn: text\n", [("type", 6, 3)]),
    (
        "function-types",
        HEAD + "  fn:\n    image: [a]\n    skip_build: 'true'\n    build_args: {A: [b]}\n",
        [("type", 7, 5), ("type", 8, 5), ("type", 9, 18)],
    ),
    ("duplicate", HEAD + "  fn:\n    image: a\n    image: b\n", [("duplicate-key", 8, 5)]),
    ("duplicate-function", HEAD + "  fn: {}\n  fn: {}\n", [("duplicate-key", 7, 3)]),
    (
        "two-merges",
        HEAD + "  fn:\n    <<: {image: a}\n    <<: {lang: b}\n",
        [("duplicate-key", 8, 5)],
    ),
    ("merge-of-text", HEAD + "  fn: {<<: x}\n", [("type", 6, 12)]),
    ("key-is-a-list", HEAD + "  [a]: {}\n", [("yaml", 6, 3)]),
    ("unknown-alias", HEAD + "  fn: *x\n", [("yaml", 6, 7)]),
    ("alias-in-itself", HEAD + "  fn: &x {build_args: *x}\n", [("yaml", 6, 23)]),
    ("tag-that-lies", HEAD + "  fn: {image: !!int abc}\n", [("type", 6, 15)]),
    ("too-deep", "[" * 100000, [("yaml", 1, 65)]),
    ("too-deep-in-blocks", "- " * 100000, [("yaml", 1, 129)]),
    ("directives", "%TAG ! x\n" * 20, [("yaml", 1, 1)]),
    ("too-large", "#" * (MAX_SIZE + 1), [("yaml", 1, 1)]),
    ("garbage", "@" * 1000000, [("yaml", 1, 1)]),
    (
        "faults-before-the-end",
        HEAD + "  fn: {a: 1, a: 2}\n\tx",
        [("duplicate-key", 6, 14), ("yaml", 7, 1)],
    ),
]


@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_every_fault_has_its_place(text: str | bytes, expected: list[tuple[str, int, int]]) -> None:
    """All faults of a file are raised together, each with line and column."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(text, envsubst=False)
    assert [
        (d.name, d.location.line, d.location.column) for d in caught.value.diagnostics
    ] == expected
    assert len(str(caught.value)) < 3000


def test_a_duplicate_names_both_lines() -> None:
    """A key that is written twice: faas-cli refuses it, and so do we, with both lines."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(HEAD + "  fn:\n    image: a\n    image: b\n", file="stack.yaml")
    assert str(caught.value).splitlines()[0] == (
        "stack.yaml:8:5: error: the key 'image' was written before, in line 7 [duplicate-key]"
    )


def test_a_tab_is_named() -> None:
    """The commonest fault has its own advice."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads("a:\n\tb: c\n")
    assert caught.value.diagnostics[0].hint == "indent with spaces: YAML takes no tabs there"


def test_aliases_that_multiply_are_refused() -> None:
    """A few lines that stand for millions of values end in one fault."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    text = "\n".join(lines)
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(text)
    limit = MAX_EXPANSION + len(text)
    assert [d.message for d in caught.value.diagnostics] == [
        f"aliases and merges add up to more than {limit} values"
    ]


def test_thousands_of_functions_may_share_a_mapping() -> None:
    """What a text stands for may grow with the text."""
    shared = "".join(f"  K{i}: v\n" for i in range(20))
    functions = "".join(f"  f{i}: {{image: a/b, environment: *e}}\n" for i in range(6000))
    assert len(Stack.loads(f"x-env: &e\n{shared}{HEAD}{functions}").functions) == 6000


MANY = MAX_FAULTS + 2
FAULTS_WITHOUT_END = {
    "duplicates": "a: 1\n" * (MANY + 1),
    "types": HEAD + "".join(f"  f{i}: {{image: [x]}}\n" for i in range(MANY)),
    "settings": f"{HEAD}  f: {{image: a}}\nconfiguration:\n  copy:\n" + "    - [x]\n" * MANY,
}


@pytest.mark.parametrize("name", FAULTS_WITHOUT_END)
def test_faults_without_end_end(name: str) -> None:
    """A text of nothing but faults costs no more than a list of them that nobody would read to its end."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(FAULTS_WITHOUT_END[name])
    assert len(caught.value.diagnostics) == MAX_FAULTS + 1
    assert (
        caught.value.diagnostics[-1].message
        == f"there are more than {MAX_FAULTS} faults: no more are shown"
    )


ODD_SCALARS = [
    (r'build_cache: {from: [a:b], x: "\UFFFFFFFF"}', [("yaml", 7)]),
    (r'build_cache: {from: [a:b], x: "\ud83d"}', [("yaml", 7)]),
    ("image: !!binary '*'", [("type", 7)]),
    ("image: !!int x", [("type", 7)]),
    ("image: !!timestamp yesterday", [("type", 7)]),
    ("<<: x", [("type", 7)]),
    ("*zz : x", [("yaml", 7)]),
    ("build_cache: &a {x: 1, y: {<<: *a}}", [("yaml", 7)]),
    ("{? *b : c}", [("yaml", 7)]),
    ("{a: b}: c", [("yaml", 7)]),
    ("image: *zz", [("yaml", 7)]),
]


@pytest.mark.parametrize(("line", "expected"), ODD_SCALARS, ids=[line for line, _ in ODD_SCALARS])
def test_odd_scalars_are_faults_at_their_line(
    parser: str, line: str, expected: list[tuple[str, int]]
) -> None:
    """What yaml.v3 refuses is refused here, at the line it stands in, by either parser."""
    assert parser
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(f"{HEAD}  fn:\n    {line}\n")
    assert [(d.name, d.location.line) for d in caught.value.diagnostics] == expected


def test_binary_is_the_text_that_it_stands_for() -> None:
    """`!!binary` is base64; what it stands for is text to faas-cli."""
    text = f"{HEAD}  a: {{image: !!binary YS9i}}\n  b: {{image: !!binary dHJ1ZQ==}}\n"
    assert [spec.image for spec in Stack.loads(text).functions.values()] == ["a/b", "true"]


def test_a_nul_is_refused_outside_functions_too() -> None:
    """No path can hold a NUL."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(f'{HEAD}  fn: {{image: a}}\nconfiguration: {{copy: ["a\\0b"]}}\n')
    assert [(d.name, d.location.line) for d in caught.value.diagnostics] == [("type", 7)]


def test_aliases_and_merges_are_found_where_they_are_written() -> None:
    """A path through an anchor leads to the text behind it."""
    head = "x: &e\n  image: a\n  build_cache: &c\n    to: [a, b]\n"
    stack = Stack.loads(f"{head}{HEAD}  f:\n    <<: *e\n  g: {{build_cache: *c}}\n")
    assert [
        stack.locate(path)
        for path in ("functions.f.image", "functions.g.build_cache.to[1]", "functions.g.zzz")
    ] == [
        (2, 3),
        (4, 13),
        (12, 3),
    ]


def test_merges_that_multiply_are_refused() -> None:
    """So do merges of merges."""
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
def test_what_follows_the_first_document_is_a_warning(tail: str, line: int | None) -> None:
    """faas-cli reads the first document; what follows is named and not parsed."""
    found = [
        d
        for d in Stack.loads(f"{HEAD}  fn: {{image: a}}\n{tail}").diagnostics
        if d.name == "second-document"
    ]
    assert [(d.severity, d.location.line) for d in found] == ([("warning", line)] if line else [])


def test_a_second_document_is_not_parsed() -> None:
    """Broken YAML behind the first document does no harm."""
    assert list(Stack.loads(f"{HEAD}  fn: {{image: a}}\n---\n{{[\n").functions) == ["fn"]


def test_without_the_c_parser_all_works_and_is_said(parser: str) -> None:
    """G10: the slow parser is a note that says how to get the fast one."""
    codes = [d.name for d in Stack.loads(f"{HEAD}  fn: {{image: a}}").diagnostics]
    assert codes == ([] if parser == "c" else ["slow-parser"])


def test_odd_functions_are_what_faas_cli_makes_of_them() -> None:
    """A null key is dropped, a null function is empty, and the order of the file is kept."""
    stack = Stack.loads(HEAD + "  b:\n  a: {image: x}\n  ~: {image: y}\n  1.0: {image: z}\n")
    assert [(name, spec.image) for name, spec in stack.functions.items()] == [
        ("b", ""),
        ("a", "x"),
        ("1.0", "z"),
    ]


def test_configuration() -> None:
    """Extra paths and template sources are read; the first source of a name counts."""
    text = (
        HEAD
        + "configuration:\n  copy: [a, b]\n  templates:\n    - {name: t, source: s}\n    - {name: t, source: u}\n"
    )
    stack = Stack.loads(text)
    assert (stack.copy_extra_paths, dict(stack.templates)) == (("a", "b"), {"t": "s"})


def test_own_contexts() -> None:
    """The functions that give their own context are known."""
    text = HEAD + "  a: {context: .}\n  b: {image: x}\n  c: {context: }\n"
    assert Stack.loads(text).own_contexts == {"a"}


FILTERS = [
    ("a", "a"),
    ("*", "a ab abc b"),
    ("a*", "a ab abc"),
    ("*b*", "ab abc b"),
    ("a*c", "abc"),
    ("", "a ab abc b"),
    ("*b", "ab b"),
    ("a*b*c", "abc"),
]


@pytest.mark.parametrize(("pattern", "expected"), FILTERS)
def test_filter(pattern: str, expected: str) -> None:
    """Only `*` is special, and the whole name must match."""
    text = HEAD + "  a: {}\n  ab: {}\n  abc: {}\n  b: {}\n"
    assert " ".join(Stack.loads(text, filter=pattern).functions) == expected


@pytest.mark.parametrize("pattern", ["?", "[a]", "A", "ab*ab", "b*b", "x*", "*z*b", "abcd*"])
def test_a_filter_without_a_match_is_a_fault(pattern: str) -> None:
    """A filter that keeps nothing says what there is."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(HEAD + "  ab: {}\n  a: {}\n", filter=pattern)
    assert [(d.name, d.hint) for d in caught.value.diagnostics] == [
        ("no-function", "the file has: ab, a")
    ]


def test_locate() -> None:
    """A path is found by reading again; one that is not there gives its nearest parent's place."""
    stack = Stack.loads(
        HEAD
        + "  fn:\n    image: a\n    build_cache:\n      from:\n        - x\n        - y\n  my.fn: {build_args: {A: b}, build_cache: {to: [[z]]}}\n"
    )
    paths: dict[str | tuple[str | int, ...], tuple[int, int]] = {
        ("functions", "fn"): (6, 3),
        ("functions", "fn", "build_cache", "from", 1): (11, 11),
        "functions.fn.build_cache.from[0]": (10, 11),
        ("functions", "fn", "image", 0): (7, 5),
        ("functions", "fn", "lang"): (6, 3),
        "functions['my.fn'].build_args.A": (12, 24),
        ("functions", "my.fn", "build_cache", "to", 0, 0): (12, 51),
        ("nothing",): (1, 1),
        "nothing": (1, 1),
    }
    assert {path: stack.locate(path) for path in paths} == paths


def test_placed_fills_in_what_speaks_of_the_file() -> None:
    """Diagnostics get file, line and column, unless they have them or speak of a flag."""
    stack = Stack.loads(HEAD + "  fn:\n    image: a\n", file="stack.yaml")
    given_diagnostics = [
        Diagnostic(name="x", message="m", location=Location(path=("functions", "fn", "image"))),
        Diagnostic(name="x", message="m", location=Location(path=("--cache-from", 0))),
    ]
    placed = stack.placed(given_diagnostics)
    assert [str(d.location) for d in placed] == [
        "stack.yaml:7:5: functions.fn.image",
        "--cache-from[0]",
    ]
    assert stack.placed(placed) == placed


def test_load(tmp_path: Path) -> None:
    """A file is read as bytes, and its name is kept for messages."""
    path = tmp_path / "stack.yaml"
    path.write_text(HEAD + "  fn: {image: a, zz: 1}\n")
    stack = Stack.load(path)
    assert (list(stack.functions), stack.file, [d.name for d in stack.diagnostics]) == (
        ["fn"],
        str(path),
        ["unknown-key"],
    )
    assert pickle.loads(pickle.dumps(stack)) == stack
    assert hash(stack) == hash(attrs.evolve(stack))
    assert "provider" not in repr(stack)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("gone.yaml", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, cause: str) -> None:
    """The file is named, and why it cannot be read."""
    path = f"{tmp_path}/{name}"
    with pytest.raises(InvalidStack) as caught:
        Stack.load(path)
    assert [(d.name, d.message) for d in caught.value.diagnostics] == [
        ("stack-file", f"the stack file {path!r} cannot be read: {cause}")
    ]


# Laws.

pieces = st.sampled_from(
    ["provider: {name: openfaas}\n", "functions:\n", "  fn:\n", "    image: a/b\n", "    build_cache: max\n", "- ", "? ", ": ", "[", "]", "{", "}", ",", "a", "a:b", "&x ", "*x", "<<: ", "!!int ", "!t ", "'", '"', "\n", "\t", "#", "---\n", "...\n", "|\n", "%YAML 1.1\n", "\\u", "~", "\ue000", "\0", "\ud800"]
)  # fmt: skip


@given(st.text() | st.binary() | st.lists(pieces, max_size=20).map("".join))
def test_any_input_is_a_stack_or_our_error(text: str | bytes) -> None:
    """Whatever the input, a stack comes of it, or our error and no other."""
    try:
        stack = Stack.loads(text)
    except InvalidStack as fault:
        assert fault.diagnostics
        assert all(d.location.line is not None for d in fault.diagnostics)
        return
    for name in stack.functions:
        assert stack.locate(("functions", name)) >= (1, 1)


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
references = st.from_regex(r"[a-z]{1,5}(:[0-9]{1,4})?/[a-z]{1,5}(:[a-z0-9]{1,5})?", fullmatch=True)


@given(st.dictionaries(names, st.lists(references, min_size=1, max_size=3), min_size=1, max_size=3))
def test_flow_and_block_say_the_same(functions: dict[str, list[str]]) -> None:
    """References in flow lists, which libyaml 0.1.7 refuses, read as those in block lists."""
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
