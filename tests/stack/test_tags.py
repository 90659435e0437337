"""Tags whose octets are not text."""

from __future__ import annotations

from contextlib import suppress

import pytest

from faas_cache.model.errors import FaasCacheError, InvalidStack
from faas_cache.stack.stack_file import Stack


@pytest.mark.parametrize("tag", ["!%C0%80", "!<%ff>", "!!%80"])
def test_octets_that_are_not_text_are_an_error(tag: str) -> None:
    """Located at the first of them."""
    text = f"provider: {{name: openfaas}}\nfunctions: {{fn: {{image: {tag} a}}}}\n"
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(text)
    (diagnostic,) = caught.value.diagnostics
    location = diagnostic.location
    assert (diagnostic.name, location.line, location.column) == (
        "invalid-yaml",
        2,
        text.splitlines()[1].index("%") + 1,
    )


@pytest.mark.parametrize("octet", range(256))
def test_every_octet_parses_or_is_an_error(octet: int) -> None:
    """In a tag and in the prefix of a directive."""
    for text in (f"a: !%{octet:02X} b\n", f"%TAG !e! tag:%{octet:02X}\n--- !e!a b\n"):
        with suppress(FaasCacheError):
            Stack.loads(text)
