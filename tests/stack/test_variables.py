"""Variables in stack files: what they change, and what is said about it."""

import pytest

from faas_cache.model.errors import InvalidStack
from faas_cache.stack.stack_file import Stack

HEAD = "provider: {name: openfaas}\nfunctions:\n"


def test_variables_are_replaced_before_yaml_is_read() -> None:
    """The environment that is given, and no other; `envsubst=False` replaces nothing."""
    text = HEAD + "  fn:\n    image: ${REG}/fn:${TAG:-latest}\n"
    assert Stack.loads(text, {"REG": "ghcr.io/a"}).functions["fn"].image == "ghcr.io/a/fn:latest"
    assert Stack.loads(text, {}, envsubst=False).functions["fn"].image == "${REG}/fn:${TAG:-latest}"


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an environment, it is that of the process."""
    monkeypatch.setenv("FAAS_CACHE_TEST_X", "a/b")
    stack = Stack.loads(HEAD + "  fn: {image: '${FAAS_CACHE_TEST_X}'}")
    assert stack.functions["fn"].image == "a/b"


def test_faults_are_located_in_the_file_as_written() -> None:
    """Locations do not depend on the values of the variables before them."""
    text = HEAD + "  fn:\n    image: ${A}\n    skip_build: ${A} maybe\n    zz: 1\n"
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(text, {"A": "long\n     and two lines"})
    assert [(d.name, d.location.line, d.location.column) for d in caught.value.diagnostics] == [
        ("invalid-type", 5, 5)
    ]
    stack = Stack.loads(text.replace(" maybe", ""), {"A": "yes"})
    assert (stack.locate("functions.fn.zz"), stack.diagnostics[0].location.line) == ((6, 5), 6)


STRUCTURE = [
    ("image: ${X}", "a/b\n    skip_build: true", True),
    ("image: ${X}", "{a: b}", None),
    ("image: ${X}", "a/b:1.0", False),
    ("image: '${X}'", "a/b{}", False),
    ("image: a # ${X}", "quiet", False),
    ("image: a # ${X}", "loud\n    pull: true", True),
    ("{image: a, build_cache: ${X}}", "{from: b}", None),
    ("image: a\n    build_args: {A: ${X}}", "1, B: 2", True),
    ("image: a\n    build_args: [${X}", "x]", None),
    ("image: a\n    build_cache: {from: ${X}}", "[a, b]", True),
]


@pytest.mark.parametrize(("line", "value", "warned"), STRUCTURE)
def test_a_value_that_changes_the_structure(line: str, value: str, warned: bool | None) -> None:  # noqa: FBT001  # a column of the table
    """A value that brings keys or lines is a warning with the variable's name, without its value."""
    try:
        diagnostics = Stack.loads(f"{HEAD}  fn:\n    {line}\n", {"X": value}).diagnostics
    except InvalidStack as error:
        assert warned is None
        diagnostics = error.diagnostics
    assert all(value not in str(d) for d in diagnostics)
    assert [d.message for d in diagnostics if d.name == "variable-changes-structure"] == (
        [] if warned is False else ["the value of `X` changes the structure of the file"]
    )


EMPTY = [
    ("build_cache: ${CACHE}", {}, True),
    ("build_cache: ${CACHE}", {"CACHE": "~"}, True),
    ("build_cache: ${CACHE}", {"CACHE": "max"}, False),
    ("build_cache: '${CACHE}'", {}, False),
    ("build_cache: ", {}, False),
    ("build_cache: null # ${CACHE}", {}, False),
    ("build_cache: # ${CACHE}", {}, False),
    ("build_cache: ${CACHE} # ${CACHE}", {}, True),
    ("image: ${CACHE}", {}, False),
]


@pytest.mark.parametrize(("line", "environ", "warned"), EMPTY)
def test_c12_a_variable_that_leaves_the_setting_empty(
    line: str,
    environ: dict[str, str],
    warned: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """C12: `build_cache: ${X}` without X counts as absent, with a warning."""
    stack = Stack.loads(f"{HEAD}  fn:\n    {line}", environ, file="s.yaml")
    warnings = [
        (d.name, d.rule, d.severity, str(d.location), d.message, d.hint)
        for d in stack.diagnostics
        if d.name == "empty-setting"
    ]
    assert warnings == (
        [
            (
                "empty-setting",
                "C12",
                "warning",
                "s.yaml:4:5: functions.fn.build_cache",
                "nothing is cached, because the variable `CACHE` leaves `build_cache` empty",
                "set the variable, or give it a default, such as `${CACHE:-inline}`",
            )
        ]
        if warned
        else []
    )


@pytest.mark.parametrize(
    ("default", "shown"), [("max", "max"), ("{from: a/b:cache}", "{…}")], ids=["text", "object"]
)
def test_d9_an_empty_setting_is_replaced_by_the_default(default: str, shown: str) -> None:
    """D9: the warning names the default of the stack."""
    text = f"configuration: {{build_cache: {default}}}\n{HEAD}  fn:\n    build_cache: ${{CACHE}}\n"
    message = (
        f"the variable `CACHE` leaves `build_cache` empty, and the default of the stack, `{shown}`,"
        " applies instead"
    )
    diagnostics = Stack.loads(text, {}).diagnostics
    assert [(d.name, d.message) for d in diagnostics] == [("empty-setting", message)]


def test_c12_a_variable_that_leaves_the_default_empty() -> None:
    """C12: the same for the default of the stack."""
    text = f"configuration:\n  build_cache: ${{CACHE}}\n{HEAD}  fn: {{image: a/b}}\n"
    assert [(d.name, str(d.location)) for d in Stack.loads(text, {}).diagnostics] == [
        ("empty-setting", "2:3: configuration.build_cache")
    ]


def test_warnings_of_substitutions_have_the_file() -> None:
    """What faas-cli reads differently, with file, line and column."""
    stack = Stack.loads(HEAD + "  fn: {image: '${X:+a}'}", {}, file="s.yaml")
    assert [str(d.location) for d in stack.diagnostics] == ["s.yaml:3:16"]


def test_too_large_values_are_rejected() -> None:
    """What variables add up to has a limit."""
    with pytest.raises(InvalidStack, match="larger than 16 MiB with its variables"):
        Stack.loads("${X}" * 200, {"X": "x" * 100_000})


def test_a_fault_of_a_substitution_has_the_file() -> None:
    """The location begins with the file."""
    with pytest.raises(InvalidStack, match=r"^dir/s.yaml:1:3: error: "):
        Stack.loads("a ${", {}, file="dir/s.yaml")
