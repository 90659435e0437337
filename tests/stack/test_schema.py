"""The schema of faas-cli: functions, configuration, provider and version."""

import pytest

from faas_cache.model.errors import InvalidStack
from faas_cache.stack.stack_file import Stack
from faas_cache.stack.values import MAX_FAULTS

HEAD = "version: 1.0\nprovider:\n  name: openfaas\n  gateway: http://127.0.0.1:8080\nfunctions:\n"


MANY = MAX_FAULTS + 2
MANY_FAULTS = {
    "duplicates": "a: 1\n" * (MANY + 1),
    "types": HEAD + "".join(f"  f{i}: {{image: [x]}}\n" for i in range(MANY)),
    "settings": f"{HEAD}  f: {{image: a}}\nconfiguration:\n  copy:\n" + "    - [x]\n" * MANY,
}


@pytest.mark.parametrize("name", MANY_FAULTS)
def test_the_number_of_faults_is_limited(name: str) -> None:
    """A text of nothing but faults has a last one that says so."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(MANY_FAULTS[name])
    assert len(caught.value.diagnostics) == MAX_FAULTS + 1
    assert (
        caught.value.diagnostics[-1].message
        == f"more than {MAX_FAULTS} errors, of which only these are shown"
    )


def test_a_nul_in_the_configuration_is_rejected() -> None:
    """No path can hold a NUL."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(f'{HEAD}  fn: {{image: a}}\nconfiguration: {{copy: ["a\\0b"]}}\n')
    assert [(d.name, d.location.line) for d in caught.value.diagnostics] == [("invalid-type", 7)]


def test_names_of_functions() -> None:
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


def test_a_function_with_its_own_context() -> None:
    """A `context` in the file is the function's own; without one, or with null, it is none."""
    stack = Stack.loads(HEAD + "  a: {context: .}\n  b: {image: x}\n  c: {context: }\n")
    assert [spec.context for spec in stack.functions.values()] == [".", None, None]


UNSUPPORTED = [
    ("", "unsupported-provider", "the stack file is empty"),
    ("[a]\n", "invalid-type", "expected a mapping, got a list"),
    ("functions: {}\n", "unsupported-provider", "missing `provider.name`"),
    ("provider: {name: faas}\n", "unsupported-provider", "unsupported provider `faas`"),
    ("provider: {name: [a]}\n", "invalid-type", "expected a string, got a list"),
    ("provider: {name: openfaas}\nversion: 2\n", "unsupported-version", "unsupported version `2`"),
]


@pytest.mark.parametrize(("text", "name", "message"), UNSUPPORTED)
def test_another_kind_of_file_is_not_a_stack(text: str, name: str, message: str) -> None:
    """Without the provider and the version of faas-cli, there is no stack in the error."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(text)
    assert [(d.name, d.message) for d in caught.value.diagnostics] == [(name, message)]
    assert caught.value.stack is None


def test_unknown_keys_are_warnings() -> None:
    """Unknown keys at the top and in the configuration; those that begin with `x-` are left alone."""
    stack = Stack.loads(
        f"function: {{}}\nx-notes: a\n{HEAD}  fn: {{zz: 1}}\n"
        "configuration: {copy: [], templates: [], build_cache: {from: [a]}, copies: []}\n~: 1\n"
    )
    assert [(d.name, d.location.line, d.message, d.hint) for d in stack.diagnostics] == [
        ("unknown-key", 1, "unknown key `function` (ignored)", "did you mean `functions`?"),
        (
            "unknown-key",
            8,
            "unknown key `zz` (ignored)",
            "remove it, or move it below a top-level key that starts with `x-`",
        ),
        ("unknown-key", 9, "unknown key `copies` (ignored)", "did you mean `copy`?"),
        (
            "unknown-key",
            10,
            "unknown key `` (ignored)",
            "remove it, or let its name begin with `x-`",
        ),
    ]


def test_nulls_are_dropped_as_yaml_v3_does() -> None:
    """Null keys and null items of faas-cli's own settings; ours keep them."""
    spec = Stack.loads(
        HEAD
        + "  fn: {build_args: {~: a, b: ~}, build_options: [a, ~, b], build_cache: {from: [~]},"
        " limits: {other: [a]}, secrets: [~]}\n"
    ).functions["fn"]
    assert (spec.build_args, spec.build_options, spec.build_cache) == (
        {"b": ""},
        ("a", "b"),
        {"from": (None,)},
    )


def test_an_invalid_name_is_located() -> None:
    """A name that no command line can contain."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(HEAD + '  "a\\0b": {image: a}\n')
    assert [(d.name, d.location.line) for d in caught.value.diagnostics] == [("invalid-type", 6)]


def test_platforms_are_one_string() -> None:
    """faas-cli rejects a list, and so does the stack file; the function's other faults are shown."""
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(HEAD + "  fn: {platforms: [a]}\n  g: {platforms: [a], image: [b]}\n")
    assert [d.location.path for d in caught.value.diagnostics] == [
        ("functions", "fn", "platforms"),
        ("functions", "g", "platforms"),
        ("functions", "g", "image"),
    ]
    assert caught.value.stack.invalid_functions == ("fn", "g")
