"""`Command`: its fields are checked."""

import pytest

from faas_cache import Command
from faas_cache.model.errors import InvalidInput


@pytest.mark.parametrize("kind", ["run", "", "Build"])
def test_an_unknown_kind_is_rejected(kind: str) -> None:
    """The error names the field, the value, and the kinds that there are."""
    with pytest.raises(InvalidInput) as caught:
        Command(argv=("true",), kind=kind)  # type: ignore[arg-type]  # the wrong value is the point
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.name, diagnostic.message, diagnostic.hint) == (
        "invalid-argument",
        f"invalid kind `{kind}`",
        "use one of build, push, bake",
    )
