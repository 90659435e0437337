"""Cache flags: what is accepted from Python and from variables."""

import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import Diagnostic, Location, path_text
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import FaasCacheError, InvalidInput
from faas_cache.model.flags import VARIABLES, CacheFlags


def test_the_flags_are_a_value() -> None:
    """Flags compare, hash, evolve and are pickled, and cannot change."""
    flags = CacheFlags(cache_from=["a"], build_cache={"to": "x"}, fallback_scopes="main", scope=5)
    assert (attrs.evolve(flags), hash(attrs.evolve(flags))) == (flags, hash(flags))
    assert pickle.loads(pickle.dumps(flags)) == flags
    assert attrs.evolve(flags, export=False) == attrs.evolve(flags, export=False)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        flags.export = False  # type: ignore[misc]  # the change is the point


def test_a_repr_names_every_field() -> None:
    """The repr of the flags is their constructor, without secrets."""
    assert repr(CacheFlags(cache_from=["type=gha,token=hunter2"], cache_to=["a", "b"])) == (
        "CacheFlags(build_cache=None, cache_from=('type=gha,token=***',), cache_to=('a', 'b'), "
        "no_cache=False, export=True, ignore_export_errors=False, scope=None, fallback_scopes=(), "
        "enabled=True, variables=())"
    )


def test_python_values_are_converted() -> None:
    """Entries become their text, one entry is a list, and `on` and `off` are booleans."""
    entry = parse_entries("type=gha,scope=a")[0]
    words: dict[str, Any] = {"export": "off", "no_cache": "yes"}
    assert CacheFlags(cache_from=entry, cache_to=[entry], **words) == CacheFlags(
        cache_from=("type=gha,scope=a",), cache_to="type=gha,scope=a", export=False, no_cache=True
    )


def test_none_is_not_given() -> None:
    """An argument that is `None` has the default of its field."""
    names = attrs.fields_dict(CacheFlags)
    arguments: dict[str, Any] = dict.fromkeys(names)
    assert CacheFlags(**arguments) == CacheFlags()


WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"build_cache": b""},
        "build_cache: expected a mode or a mapping, got a value of type `bytes`",
    ),
    ({"cache_from": {}}, "cache_from: expected a list of strings, got a mapping"),
    ({"cache_to": ["a", 1.5]}, "cache_to[1]: expected a string, got a float"),
    ({"fallback_scopes": True}, "fallback_scopes: expected a list of strings, got a boolean"),
    ({"scope": ["a"]}, "scope: expected a string, got a list"),
    ({"no_cache": "maybe"}, "no_cache: expected a boolean, got `maybe`"),
    ({"export": 0}, "export: expected a boolean, got an integer"),
    ({"ignore_export_errors": []}, "ignore_export_errors: expected a boolean, got a list"),
    ({"enabled": "perhaps"}, "enabled: expected a boolean, got `perhaps`"),
]


@pytest.mark.parametrize(("wrong", "text"), WRONG, ids=[text for _, text in WRONG])
def test_d1_a_wrong_type_is_rejected_with_the_name_of_its_field(
    wrong: dict[str, Any], text: str
) -> None:
    """D1: the key path of the error is the field, and the index in its list."""
    with pytest.raises(InvalidInput) as caught:
        CacheFlags(**wrong)
    assert [
        f"{path_text(error.location.path)}: {error.message}" for error in caught.value.diagnostics
    ] == [text]


def test_all_wrong_types_are_rejected_together() -> None:
    """Two faults are two diagnostics."""
    wrong: dict[str, Any] = {"no_cache": "maybe", "scope": []}
    with pytest.raises(InvalidInput) as caught:
        CacheFlags(**wrong)
    assert [error.location.path for error in caught.value.diagnostics] == [
        ("no_cache",),
        ("scope",),
    ]


ENVIRONMENTS: list[tuple[dict[str, str], CacheFlags]] = [
    ({}, CacheFlags()),
    ({"FAAS_BUILD_CACHE": "max"}, CacheFlags(build_cache="max")),
    (
        {"FAAS_CACHE_FROM": "a/b,c/d\r\n\n  type=gha,scope=x  \n"},
        CacheFlags(cache_from=["a/b,c/d", "type=gha,scope=x"]),
    ),
    ({"FAAS_CACHE_TO": "a/b:c"}, CacheFlags(cache_to=["a/b:c"])),
    ({"FAAS_CACHE_SCOPE": "feature/x"}, CacheFlags(scope="feature/x")),
    ({"FAAS_CACHE_SCOPE_FALLBACK": "main\ndev"}, CacheFlags(fallback_scopes=["main", "dev"])),
    ({"FAAS_CACHE_EXPORT": "off"}, CacheFlags(export=False)),
    ({"FAAS_CACHE_EXPORT": "1"}, CacheFlags()),
    ({"FAAS_IGNORE_CACHE_ERRORS": "t"}, CacheFlags(ignore_export_errors=True)),
    (dict.fromkeys(VARIABLES, ""), CacheFlags()),
    ({"FAAS_CACHE_FROM": " \n"}, CacheFlags()),
    ({"FAAS_NO_CACHE": "1", "HOME": "/"}, CacheFlags()),
]


@pytest.mark.parametrize(
    ("environ", "flags"), ENVIRONMENTS, ids=[str(row[0])[:60] for row in ENVIRONMENTS]
)
def test_d9_variables_set_the_flags(environ: dict[str, str], flags: CacheFlags) -> None:
    """D9: a list has one entry a line, and an empty variable counts as unset."""
    assert CacheFlags.from_environ(environ) == flags


def test_d9_a_flag_wins_over_its_variable() -> None:
    """D9: what is given explicitly wins, `None` is not given, and an empty list is."""
    environ = {
        "FAAS_CACHE_FROM": "a",
        "FAAS_CACHE_TO": "b",
        "FAAS_CACHE_SCOPE": "main",
        "FAAS_CACHE_EXPORT": "maybe",
    }
    flags = CacheFlags.from_environ(
        environ, cache_from=[], cache_to=None, scope="mine", export=True, no_cache=True
    )
    assert flags == CacheFlags(cache_to="b", scope="mine", no_cache=True)


def test_d9_an_invalid_variable_is_named() -> None:
    """D9: the key path of the error is the name of the variable."""
    with pytest.raises(InvalidInput) as caught:
        CacheFlags.from_environ({"FAAS_CACHE_EXPORT": "maybe", "FAAS_IGNORE_CACHE_ERRORS": "2"})
    hint = "write `true` or `false`"
    assert caught.value == InvalidInput(
        *(
            Diagnostic(
                name="invalid-type",
                message=f"expected a boolean, got `{value}`",
                hint=hint,
                location=Location(path=(variable,)),
            )
            for variable, value in (
                ("FAAS_CACHE_EXPORT", "maybe"),
                ("FAAS_IGNORE_CACHE_ERRORS", "2"),
            )
        )
    )


@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.text()))
def test_any_variables_are_flags_or_raise_our_error(environ: dict[str, str]) -> None:
    """Any values of the variables are flags, or raise our error."""
    try:
        flags = CacheFlags.from_environ(environ)
    except FaasCacheError:
        return
    assert attrs.evolve(flags) == flags
