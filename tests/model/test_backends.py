"""The table of backends."""

import pickle

import pytest

from faas_cache.model.backends import BACKENDS, VALUES, guess_backend


def test_the_table_is_consistent() -> None:
    """Directions, destinations, kinds, defaults and secrets of the fields agree with each other."""
    assert sorted(BACKENDS) == ["azblob", "gha", "inline", "local", "registry", "s3"]
    for name, backend in BACKENDS.items():
        assert backend.name == name
        assert [field.name for field in backend.fields.values()] == list(backend.fields)
        assert (
            set().union(*(field.directions for field in backend.fields.values()))
            == backend.directions
        )
        assert set(backend.destination) <= set(backend.fields)
        for field in backend.fields.values():
            assert field.source
            assert field.required <= field.directions <= {"from", "to"}
            assert field.kind in {*VALUES, "text", "integer", "duration"}
            assert not field.default or field.default in VALUES.get(field.kind, {field.default})
    secret = {
        field.name
        for backend in BACKENDS.values()
        for field in backend.fields.values()
        if field.secret
    }
    assert secret == {"token", "ghtoken", "access_key_id", "secret_access_key", "session_token"}


def test_required() -> None:
    """BuildKit rejects an entry without these fields, by direction."""
    required = {
        name: (backend.required("from"), backend.required("to"))
        for name, backend in BACKENDS.items()
    }
    assert required == {
        "registry": (("ref",), ("ref",)),
        "inline": ((), ()),
        "local": (("src",), ("dest",)),
        "gha": ((), ()),
        "s3": (("bucket", "region"), ("bucket", "region")),
        "azblob": (("account_url",), ("account_url",)),
    }


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"src"}, "local"),
        ({"bucket", "region", "name"}, "s3"),
        ({"scope"}, "gha"),
        ({"account_url"}, "azblob"),
        ({"x"}, ""),
    ],
)
def test_c5_the_fields_suggest_the_missing_type(keys: set[str], name: str) -> None:
    """C5: the backend with the most of the fields is suggested."""
    assert guess_backend(frozenset(keys)) == name


def test_the_table_is_a_value() -> None:
    """The table can be pickled and compared, and cannot change."""
    assert (pickle.loads(pickle.dumps(BACKENDS)), hash(BACKENDS)) == (
        BACKENDS,
        hash(pickle.loads(pickle.dumps(BACKENDS))),
    )
    with pytest.raises(TypeError, match="a FrozenMap cannot change"):
        BACKENDS.clear()
