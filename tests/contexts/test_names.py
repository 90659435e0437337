"""Names of functions and templates as names of folders."""

import pytest

from faas_cache.contexts.names import check_name, is_folder_name, quoted, require_name
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction

INVALID = [
    *("", ".", "..", "a/b", "../x", "a\\b", "a\0b", "x" * 256, "é" * 128, "\ud800"),
    *(".faas-cache-x", ".FAAS-CACHE-x"),
]
UNDEPLOYABLE = ["Fn", "fn_1", "-fn", "x" * 64, "fn.x", "fn\n", "\udcff"]
HINT = "use at most 63 lower-case letters, digits and dashes"


@pytest.mark.parametrize("name", INVALID)
def test_a_name_that_is_not_one_folder_is_an_error(name: str) -> None:
    error = Diagnostic(
        name="invalid-function-name",
        message=f"invalid function name {quoted(name)}: not a valid folder name",
        hint=HINT,
        location=Location(path=("functions", name)),
    )
    assert check_name(name) == (error,)
    assert not is_folder_name(name)
    with pytest.raises(InvalidFunction) as caught:
        require_name(name)
    assert caught.value.diagnostics == (error,)


@pytest.mark.parametrize("name", UNDEPLOYABLE)
def test_a_name_that_is_not_a_dns_label_is_a_warning(name: str) -> None:
    warning = Diagnostic(
        name="undeployable-name",
        severity="warning",
        message=f"function {quoted(name)} cannot be deployed: its name is not a DNS label",
        hint=HINT,
        location=Location(path=("functions", name)),
    )
    assert check_name(name) == (warning,)
    assert is_folder_name(name)
    require_name(name)


@pytest.mark.parametrize("name", ["fn", "fn-1", "x" * 63, "1"])
def test_a_dns_label_has_no_diagnostic(name: str) -> None:
    assert check_name(name) == ()


def test_a_message_shows_60_characters_of_a_name_without_credentials() -> None:
    assert quoted("x" * 100) == f"`{'x' * 60}`"
    assert quoted("http://u:p@h") == "`http://***@h`"
