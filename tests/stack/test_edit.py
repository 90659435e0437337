"""Edits of stack files: the setting changes, and every other byte stays."""

import codecs
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from documents import PAGES, fences
from hypothesis import given, settings
from hypothesis import strategies as st

from faas_cache.model.errors import FaasCacheError, InvalidInput, InvalidStack
from faas_cache.stack.edit import Edit, edit_setting
from faas_cache.stack.stack_file import Stack

HEAD = "provider: {name: openfaas}\nfunctions:\n"
MODES = ("inline", "max", "none")
ENVIRON = {"NAME": "x", "LONG": "a-much-longer-value", "EMPTY": ""}
ENCODINGS: dict[str, tuple[bytes, str]] = {
    "utf-8": (b"", "utf-8"),
    "utf-8 with a mark": (codecs.BOM_UTF8, "utf-8"),
    "utf-16-le": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "utf-16-be": (codecs.BOM_UTF16_BE, "utf-16-be"),
}


def edit(text: str, mode: str, *names: str, default: bool = False, force: bool = False) -> str:
    """The text of a stack file after an edit."""
    result = edit_setting(text.encode(), mode, names, default=default, force=force, environ=ENVIRON)
    return result.after.decode()


def common_start(one: str, two: str) -> int:
    """How many characters two texts have in common at their beginnings."""
    pairs = zip(one, two, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(two)))


def check_edit(before: str, after: str, mode: str) -> None:
    """One setting was inserted or replaced, and what is around it is the same."""
    start = common_start(before, after)
    end = common_start(before[start:][::-1], after[start:][::-1])
    inserted = after[start : len(after) - end]
    # The common parts may take some letters of the mode, and the white space around it.
    around = re.search(rf"build_cache[\"']?\s*:\s*(?:&\w+ )?[\"']?{mode}\b", after)
    assert around is not None
    assert re.fullmatch(r"[\s,:a-z_\"']*", inserted), (before, after)


# Generated stack files.

VALUES = st.sampled_from(
    [
        "a/b:1",
        "'a/b'",
        '"a/b\\u0021"',
        "a/${NAME}",
        "'${LONG}-$${NAME}'",
        "ghcr.io/ä/ö",
        "a/${EMPTY:-${NAME}}",
    ]
)
COMMENTS = st.sampled_from(["", " # build_cache: max", "   # {a: [", " # ä ${NAME}"])
KEYS = ("image", "lang", "handler", "fprocess")
NAMES = st.sampled_from(["a", "b-1", "'q'", '"d"', "ünïcode", "${NAME}"])
OBJECTS = ("{from: [a/b], to: [c/d]}", "{ to: [ x ] }", "[a, b]")


@st.composite
def block_settings(draw: st.DrawFn, indent: str) -> list[str]:
    """The lines of an existing setting in block style; none, for most functions."""
    kind = draw(st.sampled_from(["", "", "", "scalar", "quoted", "null", "flow", "block", "list"]))
    comment = draw(COMMENTS)
    step = draw(st.sampled_from(["  ", "    "]))
    lines = {
        "": [],
        "scalar": [f"build_cache: {draw(st.sampled_from(MODES))}{comment}"],
        "quoted": [f"'build_cache':  \"{draw(st.sampled_from(MODES))}\"{comment}"],
        "null": [f"build_cache:{draw(st.sampled_from(['', ' ~', ' null']))}{comment}"],
        "flow": [f"build_cache: {draw(st.sampled_from(OBJECTS))}{comment}"],
        "block": [
            f"build_cache:{comment}",
            f"{step}from: # why",
            f"{step}- a/b",
            f"{step}to:",
            f"{step}  - c/d{comment}",
        ],
        "list": ["build_cache:", f"{step}to: [a,", f"{step}  b]"],
    }[kind]
    return [f"{indent}{line}" for line in lines]


@st.composite
def functions(draw: st.DrawFn, name: str, indent: str) -> list[str]:
    """The lines of a function: in block style, in flow style, or in flow style over lines."""
    keys = draw(st.permutations(KEYS).map(lambda keys: keys[: draw(st.integers(1, 4))]))
    pairs = [f"{key}: {draw(VALUES)}" for key in keys]
    style = draw(st.sampled_from(["block", "block", "flow", "lines"]))
    inner = indent * 2
    if style == "flow":
        old = draw(st.sampled_from(["", "", "build_cache: max", 'build_cache: {"to": [x]}']))
        pairs = draw(st.permutations([*pairs, old] if old else pairs))
        return [f"{indent}{name}: {{{', '.join(pairs)}}}{draw(COMMENTS)}"]
    if style == "lines":
        return [
            f"{indent}{name}: {{{draw(COMMENTS)}",
            *(f"{inner}{pair}," for pair in pairs),
            f"{indent}}}",
        ]
    blocks = [[f"{inner}{pair}{draw(COMMENTS)}"] for pair in pairs]
    blocks.append(draw(block_settings(inner)))
    if draw(st.booleans()):
        blocks.append(
            [f"{inner}environment:", f"{inner}  A: |", f"{inner}    build_cache: max", ""]
        )
    if draw(st.booleans()):
        blocks.append([f"{inner}# a comment", ""])
    if draw(st.booleans()):
        blocks.append([f"{inner}<<: *base"])
    lines = [line for block in draw(st.permutations(blocks)) for line in block]
    return [f"{indent}{name}:{draw(COMMENTS)}", *lines]


@st.composite
def stack_files(draw: st.DrawFn) -> str:
    """The text of a stack file."""
    indent = draw(st.sampled_from(["  ", "    ", " "]))
    parts = [
        ["provider:", "  name: openfaas"],
        ["x-base: &base {labels: {build_cache: max}}"],
        [f"version: {draw(st.sampled_from(['1.0', chr(39) + '1.0' + chr(39)]))} # v"],
        [
            f"functions:{draw(COMMENTS)}",
            *(
                line
                for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
                for line in draw(functions(name, indent))
            ),
        ],
    ]
    first, *rest = draw(st.permutations(parts[:3]))
    configuration = draw(
        st.sampled_from(
            [
                [],
                ["configuration: {copy: [a]}"],
                ["configuration:", "  copy: [a]"],
                ["configuration: # x", "  build_cache: inline", "  copy: [a]"],
                ["configuration:"],
            ]
        )
    )
    after = draw(st.sampled_from([[*rest, parts[3]], [*rest, parts[3], configuration]]))
    if first != parts[1]:
        after = [p for p in after if p != parts[1]]
        first = [*parts[1], *first]
    lines = [line for part in (first, *after) for line in part]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join(lines) + draw(
        st.sampled_from(["", end, f"{end}# the end{end}", f"{end}...{end}"])
    )


def readable(text: str) -> Stack | None:
    """The stack of a text; `None` where the generator made something that YAML rejects."""
    try:
        return Stack.loads(text, ENVIRON)
    except InvalidStack as error:
        return error.stack  # type: ignore[no-any-return]  # a lower package does not know `Stack`


def settings_of(text: str) -> dict[str, object]:
    """The setting of each function as it is read."""
    stack = readable(text)
    assert stack is not None
    return {name: spec.build_cache for name, spec in stack.functions.items()}


@settings(max_examples=200, deadline=None)
@given(text=stack_files(), mode=st.sampled_from(MODES), choose=st.randoms())
def test_an_edit_changes_the_setting_alone(text: str, mode: str, choose: object) -> None:
    """Of one function: reading the result gives the setting, all else is byte for byte the same."""
    stack = readable(text)
    if stack is None or not stack.functions:
        return
    name = choose.choice(sorted(stack.functions))  # type: ignore[attr-defined]  # it is a Random
    after = edit(text, mode, name, force=True)
    expected = {name: spec.build_cache for name, spec in stack.functions.items()} | {name: mode}
    assert {key: value for key, value in settings_of(after).items() if key in expected} == expected
    check_edit(text, after, mode)


@settings(max_examples=100, deadline=None)
@given(text=stack_files(), mode=st.sampled_from(MODES))
def test_an_edit_of_all_is_one_of_each(text: str, mode: str) -> None:
    """And doing it again changes nothing."""
    stack = readable(text)
    if stack is None:
        return
    after = edit(text, mode, force=True)
    one_by_one = text
    for name in (*stack.functions, *stack.invalid_functions):
        one_by_one = edit(one_by_one, mode, name, force=True)
    assert (after, edit(after, mode)) == (one_by_one, after)


@settings(max_examples=100, deadline=None)
@given(text=stack_files(), mode=st.sampled_from(MODES))
def test_the_default_is_in_the_configuration(text: str, mode: str) -> None:
    """Of the whole stack; no function changes."""
    if readable(text) is None:
        return
    after = edit(text, mode, default=True, force=True)
    assert settings_of(after) == settings_of(text)
    assert edit(after, mode, default=True) == after
    check_edit(text, after, mode)


@settings(max_examples=50, deadline=None)
@given(text=stack_files(), encoding=st.sampled_from(sorted(ENCODINGS)))
def test_the_encoding_stays(text: str, encoding: str) -> None:
    """With its mark."""
    if readable(text) is None:
        return
    mark, codec = ENCODINGS[encoding]
    result = edit_setting(mark + text.encode(codec), "max", environ=ENVIRON, force=True)
    assert result.after == mark + edit(text, "max", force=True).encode(codec)


EXAMPLES = {
    "example": (Path(__file__).parents[1] / "examples" / "stack.yaml").read_text(),
    **{
        f"{page}-{fence.line}": fence.text
        for page, path in PAGES.items()
        for fence in fences(path.read_text())
        if fence.info in ("yaml", "yaml stack", "yaml good", "yaml bad")
        and "functions:" in fence.text
    },
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_stacks_can_be_edited(name: str) -> None:
    """Each function of each, or the error says what is in the way."""
    text = EXAMPLES[name]
    if "provider:" not in text:
        text = f"provider: {{name: openfaas}}\n{text}"
    stack = readable(text)
    for function in stack.functions if stack else ():
        after = edit(text, "inline", function, force=True)
        assert settings_of(after)[function] == "inline"
        check_edit(text, after, "inline")


# The rules, one by one.

TABLE = [
    ("  f:\n    image: a # c\n    lang: x\n", "  f:\n    image: a # c\n    build_cache: max\n    lang: x\n"),
    ("  f:\n    lang: x\n    handler: h\n", "  f:\n    build_cache: max\n    lang: x\n    handler: h\n"),
    ("  f:\n    image: >-\n      a\n    lang: x\n", "  f:\n    build_cache: max\n    image: >-\n      a\n    lang: x\n"),
    ("  f:\n    lang: x\n    image: a", "  f:\n    build_cache: max\n    lang: x\n    image: a"),
    ("  f: {image: a}\n", "  f: {build_cache: max, image: a}\n"),
    ("  f: {}\n", "  f: {build_cache: max}\n"),
    ("  f: {image: a, build_cache: 'none'} # c\n", "  f: {image: a, build_cache: 'max'} # c\n"),
    ('  f: {"image": "a"}\n', '  f: {"build_cache": "max", "image": "a"}\n'),
    ("  f:\n    build_cache: >-\n      inline\n    image: a\n", "  f:\n    build_cache: max\n    image: a\n"),
    ("  f:\n    build_cache: &m !!str none # c\n    image: a\n", "  f:\n    build_cache: &m !!str max # c\n    image: a\n"),
    ("  f: &f {image: a}\n", "  f: &f {build_cache: max, image: a}\n"),
    ("  f: &f\n    image: a\n", "  f: &f\n    image: a\n    build_cache: max\n"),
    ("  e: &e {image: a}\n  f:\n    <<: *e\n", "  e: &e {build_cache: max, image: a}\n  f:\n    build_cache: max\n    <<: *e\n"),
    ("  f: &f {image: a, build_cache: none}\n  g: {<<: *f}\n", "  f: &f {image: a, build_cache: max}\n  g: {build_cache: max, <<: *f}\n"),
    ("  f:\n    build_cache:\n    image: a\n", "  f:\n    build_cache: max\n    image: a\n"),
    ("  f:\n    build_cache: # c\n    image: a\n", "  f:\n    build_cache: max # c\n    image: a\n"),
    ("  f:\n    build_cache: ~\n    image: a\n", "  f:\n    build_cache: max\n    image: a\n"),
    ("  f:\n    image: a\n    build_cache: ${NAME} # c\n", "  f:\n    image: a\n    build_cache: max # c\n"),
    ("  ${NAME}:\n    image: ${LONG}\n", "  ${NAME}:\n    image: ${LONG}\n    build_cache: max\n"),
    ("  f:\n    build_cache:\n      to:\n      - a\n    image: b\n", "  f:\n    build_cache: max\n    image: b\n"),
    ("  f:\n    build_cache: {to: [a]}\n    image: b\n", "  f:\n    build_cache: max\n    image: b\n"),
    ("  f:\n    build_cache: [a]\n    image: b\n", "  f:\n    build_cache: max\n    image: b\n"),
    ("  f:\n    build_cache: {}\n    image: b\n", "  f:\n    build_cache: max\n    image: b\n"),
    ("  f: &f\n    image: a\n  g: *f\n", "  f: &f\n    image: a\n    build_cache: max\n  g: *f\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), TABLE)
def test_where_a_setting_is_written(before: str, after: str) -> None:
    """Behind the image, else in front; in a flow mapping, in front; where there was one, there."""
    assert edit(HEAD + before, "max", force=True) == HEAD + after


DEFAULTS: list[tuple[str, str]] = [
    (HEAD + "  f: {image: a}\n", "provider: {name: openfaas}\nconfiguration:\n  build_cache: max\nfunctions:\n  f: {image: a}\n"),
    (HEAD + "  f: {image: a}\nconfiguration:\n  copy: [a]\n", HEAD + "  f: {image: a}\nconfiguration:\n  build_cache: max\n  copy: [a]\n"),
    (HEAD + "  f: {image: a}\nconfiguration:\n", HEAD + "  f: {image: a}\nconfiguration:\n  build_cache: max\n"),
    (HEAD + "  f: {image: a}\nconfiguration: ~\n", HEAD + "  f: {image: a}\nconfiguration: {build_cache: max}\n"),
    (HEAD + "  f: {image: a}\nconfiguration: {copy: [a]}\n", HEAD + "  f: {image: a}\nconfiguration: {build_cache: max, copy: [a]}\n"),
    (HEAD + "  f: {image: a}\nconfiguration: # c\n", HEAD + "  f: {image: a}\nconfiguration: # c\n  build_cache: max\n"),
    ('# c\n--- {"provider": {"name": "openfaas"}}\n', '# c\n--- {"configuration": {"build_cache": "max"}, "provider": {"name": "openfaas"}}\n'),
    ("{provider: {name: openfaas}}\n", "{configuration: {build_cache: max}, provider: {name: openfaas}}\n"),
    ("provider: {name: openfaas}\r\n", "configuration:\r\n  build_cache: max\r\nprovider: {name: openfaas}\r\n"),
    ("provider: {name: openfaas}", "configuration:\n  build_cache: max\nprovider: {name: openfaas}"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), DEFAULTS)
def test_where_the_default_is_written(before: str, after: str) -> None:
    """In `configuration`, which is written before the functions where there is none."""
    assert edit(before, "max", default=True) == after


@pytest.mark.parametrize(
    ("text", "names", "options", "message"),
    [
        ("  f: {image: a, build_cache: {to: [x]}}\n", (), {}, "the setting has the object form"),
        ("  f: {image: a}\n", ("g",), {}, "unknown function `g`"),
        ("  f:\n", (), {}, "expected a mapping"),
        ("  f: 1\n", (), {}, "expected a mapping"),
        ("  f: &f {image: a}\n  g: *f\n", ("g",), {}, "the value comes from an alias"),
        ("  f: {image: &m max, build_cache: *m}\n", ("f",), {}, "the setting comes from an alias"),
        ("  f: &f {image: a}\n  g: {<<: *f, image: b}\n", ("f",), {}, "more than the setting"),
        ("  ? f\n  : image: a\n", ("f",), {}, "does not begin its line"),
        ("  f:\n    <<: {image: a}\n", ("f",), {}, "does not begin its line"),
        ("  f:\n    build_cache: ${EMPTY} # c\n", (), {}, "the setting comes from a variable"),
        ('  f: {image: a, "build\\u005fcache": {}}\n', (), {"force": True}, "changing more"),
        ("  f: {image: a}\n", ("f",), {"default": True}, "default of the stack"),
        ("  f: {image: a, build_cache: ${EMPTY}}\n", (), {}, "the setting comes from a variable"),
        ("  f: {image: &m max, build_cache: *m}\n", (), {}, "the setting comes from an alias"),
        ("  f: {image: a, build_cache: &b none}\nx: *b\n", (), {}, "more than the setting"),
        ("  f: {image: a, build_cache: &b {to: [c]}}\nx: *b\n", (), {"force": True}, "more than"),
    ],
)
def test_what_cannot_be_edited_is_an_error(
    text: str, names: tuple[str, ...], options: dict[str, bool], message: str
) -> None:
    """And nothing is changed."""
    with pytest.raises(InvalidInput, match=message):
        edit(HEAD + text, "max", *names, **options)


def test_a_file_without_functions_has_none_of_the_name() -> None:
    """The name that was given is unknown, not the key `functions`."""
    with pytest.raises(InvalidInput, match="unknown function `f`"):
        edit("provider: {name: openfaas}\n", "max", "f")


def test_what_else_would_change_is_named() -> None:
    """The error is at the value that is not to change."""
    with pytest.raises(InvalidInput) as caught:
        edit(HEAD + "  f: {image: a, build_cache: &b none}\n  g: {build_cache: *b}\n", "max", "f")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.location.line, diagnostic.location.path) == (
        4,
        ("functions", "g", "build_cache"),
    )


def test_the_errors_of_all_functions_are_reported() -> None:
    """Each with its location in the file."""
    text = "  f: {image: a, build_cache: {to: [x]}}\n  g: 1\n"
    with pytest.raises(InvalidInput) as caught:
        edit(HEAD + text, "max")
    assert [(d.location.file, d.location.line) for d in caught.value.diagnostics] == [
        ("stack.yaml", 3),
        ("stack.yaml", 4),
    ]


@pytest.mark.parametrize(
    ("mode", "hint"), [("mx", "did you mean `max`?"), ("xyzzy", "write one of")]
)
def test_an_invalid_mode_is_an_error(mode: str, hint: str) -> None:
    """With the modes."""
    with pytest.raises(InvalidInput, match=re.escape(hint)):
        edit(HEAD + "  f: {image: a}\n", mode)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"a: [", "invalid-yaml"),
        (b"- a\n", "invalid-yaml"),
        (b"", "invalid-yaml"),
        (b"a: \xff\n", "invalid-yaml"),
        (b"a: ${X\n", "invalid-substitution"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(data: bytes, name: str) -> None:
    """As when it is loaded."""
    with pytest.raises(InvalidStack) as caught:
        edit_setting(data, "max", environ={})
    assert [diagnostic.name for diagnostic in caught.value.diagnostics] == [name]


def test_without_functions_nothing_changes() -> None:
    """There is nothing to set."""
    for text in (HEAD, "provider: {name: openfaas}\n", "functions: 1\n"):
        assert edit(text, "max") == text


def test_variables_are_those_of_the_process_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """They decide how the file is read, and stay in it."""
    monkeypatch.setenv("NAME_OF_IT", "f")
    data = f"{HEAD}  ${{NAME_OF_IT}}: {{image: a}}\n".encode()
    result = edit_setting(data, "max", ["f"])
    assert result.after == data.replace(b"{image", b"{build_cache: max, image")


@pytest.mark.parametrize(
    ("before", "after", "diff"),
    [
        (b"a\nb\n", b"a\nc\n", "--- x\n+++ x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"),
        (
            b"a",
            b"b",
            "--- x\n+++ x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n",
        ),
        (b"a\n", b"a\n", ""),
    ],
)
def test_an_edit_has_a_diff(before: bytes, after: bytes, diff: str) -> None:
    """As `diff -u` prints it; an empty one changes nothing."""
    change = Edit(file="x", before=before, after=after)
    assert (change.diff(), change.changed) == (diff, bool(diff))


@given(text=st.text(max_size=60), default=st.booleans())
def test_any_text_is_edited_or_an_error(text: str, *, default: bool) -> None:
    """Never another exception."""

    def raises(call: Callable[[], object]) -> bool:
        try:
            call()
        except FaasCacheError:
            return True
        return False

    data = f"{HEAD}  f:\n    {text}\n".encode("utf-8", "surrogatepass")
    raises(lambda: edit_setting(data, "max", environ={}, default=default, force=True))
