"""The exceptions: each carries its diagnostics and is a value."""

import pickle

import pytest

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import (
    BuilderError,
    FaasCacheError,
    InvalidEntry,
    InvalidFunction,
    InvalidInput,
    InvalidReference,
    InvalidStack,
)

KINDS = [
    BuilderError,
    FaasCacheError,
    InvalidInput,
    InvalidEntry,
    InvalidFunction,
    InvalidReference,
    InvalidStack,
]
FAULT = Diagnostic(
    name="missing-type",
    message="the entry has no `ref`",
    location=Location(path=("build_cache", "to", 0)),
    hint="add one",
)
OTHER = Diagnostic(name="invalid-setting", message="invalid setting `x`")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_exception_is_ours_and_a_value_error(kind: type[FaasCacheError]) -> None:
    """`except FaasCacheError` and `except ValueError` catch all of them, with every diagnostic."""
    with pytest.raises(FaasCacheError) as ours:
        raise kind(FAULT, OTHER)
    with pytest.raises(ValueError, match="has no `ref`") as plain:
        raise kind(FAULT, OTHER)
    assert (ours.value.diagnostics, ours.value) == ((FAULT, OTHER), plain.value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_exception_is_a_value(kind: type[FaasCacheError]) -> None:
    """Exceptions compare and hash by type and diagnostics, and can be pickled."""
    one, same = kind(FAULT, OTHER), kind(FAULT, OTHER)
    assert (one, hash(one), pickle.loads(pickle.dumps(one))) == (same, hash(same), same)
    assert one not in [
        kind(OTHER, FAULT),
        kind(FAULT),
        *(other(FAULT, OTHER) for other in KINDS if other is not kind),
        "x",
    ]


def test_an_exception_reads_as_its_diagnostics() -> None:
    """The text is that of the diagnostics, one after the other."""
    text = (
        "build_cache.to[0]: error: the entry has no `ref` [missing-type]\n"
        "    add one\n"
        "    https://docs.docker.com/build/cache/backends/\n"
        "error: invalid setting `x` [invalid-setting]\n"
        "    https://github.com/openfaas/faas-cli/issues/940"
    )
    assert (str(InvalidFunction(FAULT, OTHER)), str(FaasCacheError())) == (text, "")


def test_the_exit_code_is_that_of_the_command_line() -> None:
    """A builder that cannot do it is 3, everything else is invalid input."""
    assert {kind.exit_code for kind in KINDS if kind is not BuilderError} == {2}
    assert BuilderError.exit_code == 3


def test_an_invalid_stack_has_what_could_be_read() -> None:
    """The functions that could be read are in `.stack`, also of a copy."""
    error = InvalidStack(FAULT, stack=("fn",))
    copy = pickle.loads(pickle.dumps(error))
    assert (error.stack, copy.stack, copy, InvalidStack(FAULT).stack) == (
        ("fn",),
        ("fn",),
        error,
        None,
    )
