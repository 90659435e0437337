"""`Value`: equality by fields, and a `repr` that is masked."""

from __future__ import annotations

import attrs
import pytest

from faas_cache.model.value import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Pair(Value):
    """Two fields that count, one that does not, and one that is not shown."""

    left: str
    right: object = None
    note: str = attrs.field(default="", eq=False)
    hidden: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Other(Value):
    """The fields of a pair in another class."""

    left: str
    right: object = None
    note: str = attrs.field(default="", eq=False)
    hidden: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Narrow(Pair):
    """A pair in a subclass."""


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (Pair(left="a"), True),
        (Pair(left="a", note="n"), True),
        (Pair(left="b"), False),
        (Pair(left="a", right=1), False),
        (Pair(left="a", hidden="h"), False),
        (Other(left="a"), False),
        (Narrow(left="a"), False),
        ("a", False),
    ],
    ids=["same", "note", "left", "right", "hidden", "another class", "subclass", "text"],
)
def test_equal_values_have_equal_fields_and_hashes(other: object, *, equal: bool) -> None:
    """And the same class; a field with `eq=False` does not count."""
    value = Pair(left="a")
    assert (value == other, other == value, value != other) == (equal, equal, not equal)
    assert (len({value, other}) == 1) is equal


def test_a_repr_is_masked_and_names_the_fields() -> None:
    """But those with `repr=False`; also in tuples and in other values."""
    value = Pair(left="NPM_TOKEN=abc", right=("token=a", Pair(left="b")), hidden="h")
    assert repr(value) == (
        "Pair(left='NPM_TOKEN=***', right=('token=***', Pair(left='b', right=None, note='')),"
        " note='')"
    )


def test_values_cannot_change() -> None:
    """Like every attrs class that is frozen."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Pair(left="a").left = "b"  # type: ignore[misc]  # what the test is about
