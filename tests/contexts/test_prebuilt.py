"""Contexts that are not written."""

from pathlib import Path

import pytest
from context_projects import write

from faas_cache.contexts.prebuilt import check_context, check_prebuilt
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.specs import FunctionSpec

LOCATION = Location(path=("functions", "fn"))


def note(reason: str) -> Diagnostic:
    """The note that a context stays as it is."""
    return Diagnostic(
        name="prebuilt-context",
        severity="note",
        message=f"building `build/fn` as an earlier run left it, because the {reason}",
        location=LOCATION,
    )


NO_LANG = Diagnostic(
    name="missing-context",
    message="the function has no `lang`, so its build context cannot be written",
    hint="write `lang: TEMPLATE` or `lang: dockerfile`, or give the function a `context`",
    location=LOCATION,
)
CASES = [
    ("build/fn/x", "", "fn", note("function has no `lang`")),
    ("other", "", "fn", NO_LANG),
    ("build/fn/x", "py", "fn", note("handler `fn` does not exist")),
    ("other", "py", "fn", None),
    ("fn/h", "py", "fn", None),
]


@pytest.mark.parametrize(("file", "lang", "handler", "expected"), CASES)
def test_a_context_of_an_earlier_run_is_built_if_it_cannot_be_written(
    tmp_path: Path, file: str, lang: str, handler: str, expected: Diagnostic | None
) -> None:
    write(tmp_path, {file: ""})
    spec = FunctionSpec(name="fn", lang=lang, handler=handler)
    assert check_prebuilt(str(tmp_path), spec) == expected


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
