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
    name="C5", message="no `ref`", location=Location(path=("build_cache", "to", 0)), hint="add one"
)
OTHER = Diagnostic(name="B3", message="no such mode")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_exception_is_ours_and_a_value_error(kind: type[FaasCacheError]) -> None:
    """Whoever catches `FaasCacheError` or `ValueError` catches them all, and finds every fault in the order of the text."""
    with pytest.raises(FaasCacheError) as ours:
        raise kind(FAULT, OTHER)
    with pytest.raises(ValueError, match="no `ref`") as plain:
        raise kind(FAULT, OTHER)
    assert (ours.value.diagnostics, ours.value) == ((FAULT, OTHER), plain.value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_exception_is_a_value(kind: type[FaasCacheError]) -> None:
    """Exceptions compare and hash by type and diagnostics, and survive pickling."""
    one, same = kind(FAULT, OTHER), kind(FAULT, OTHER)
    assert (one, hash(one), pickle.loads(pickle.dumps(one))) == (same, hash(same), same)
    assert one not in [
        kind(OTHER, FAULT),
        kind(FAULT),
        *(other(FAULT, OTHER) for other in KINDS if other is not kind),
        "x",
    ]


def test_an_exception_reads_as_its_diagnostics() -> None:
    """The sentence is built from the diagnostics, one after the other."""
    text = (
        "build_cache.to[0]: error: no `ref` [C5]\n    add one\n    https://docs.docker.com/build/cache/backends/\n"
        "error: no such mode [B3]\n    https://github.com/openfaas/faas-cli/issues/940"
    )
    assert (str(InvalidFunction(FAULT, OTHER)), str(FaasCacheError())) == (text, "")
