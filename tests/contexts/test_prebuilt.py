"""Contexts that are not written."""

from pathlib import Path

import pytest
from context_projects import write

from faas_cache.contexts.prebuilt import check_context, check_prebuilt, is_prebuilt
from faas_cache.model.diagnostics import Diagnostic, Location

LOCATION = Location(path=("functions", "fn"))


def test_a_context_of_an_earlier_run_must_exist(tmp_path: Path) -> None:
    """Under the name that the function has in its own file."""
    assert check_prebuilt(str(tmp_path), "a.yml: fn", "fn") == Diagnostic(
        name="missing-context",
        message="the build context `build/fn` does not exist",
        hint="write it with `faas-cache build --shrinkwrap`, or leave out `--prebuilt`",
        location=Location(path=("functions", "a.yml: fn")),
    )
    write(tmp_path, {"build/fn/x": ""})
    assert (check_prebuilt(str(tmp_path), "fn", "fn"), is_prebuilt(str(tmp_path), "fn")) == (
        None,
        True,
    )


@pytest.mark.parametrize("context", ["app", "https://h/x.git", "-", "."])
def test_a_folder_a_url_or_stdin_is_a_context(tmp_path: Path, context: str) -> None:
    (tmp_path / "app").mkdir()
    assert check_context(str(tmp_path), "fn", context) is None


@pytest.mark.parametrize("context", ["gone", "file"])
def test_an_own_context_must_be_a_folder(tmp_path: Path, context: str) -> None:
    write(tmp_path, {"file": ""})
    assert check_context(str(tmp_path), "fn", context) == Diagnostic(
        name="missing-context",
        message=f"the build context `{context}` is not a folder",
        hint="create it, or remove `context` to have it written",
        location=LOCATION,
    )
