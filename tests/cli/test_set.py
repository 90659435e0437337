"""`faas-cache set`: the change is printed and written."""

from pathlib import Path

import pytest
from stack_files import CACHED, HEAD, TWO, write_project

from faas_cache.cli.main import main

DIFF = """\
--- stack.yaml
+++ stack.yaml
@@ -1,5 +1,5 @@
 version: 1.0
 provider: {name: openfaas}
 functions:
-  one: {image: a/one, context: .}
+  one: {build_cache: max, image: a/one, context: .}
   two: {image: a/two, context: .}
"""


@pytest.mark.parametrize("dry", [True, False])
def test_the_change_is_printed(
    project: Path, capsys: pytest.CaptureFixture[str], *, dry: bool
) -> None:
    """As a diff on stdout; `--dry-run` writes nothing."""
    write_project(project, TWO)
    assert main(["set", "max", "one", *(["--dry-run"] if dry else [])]) == 0
    assert tuple(capsys.readouterr()) == (DIFF, "" if dry else "stack.yaml: updated\n")
    changed = TWO.replace("{image: a/one", "{build_cache: max, image: a/one")
    assert (project / "stack.yaml").read_text() == HEAD + (TWO if dry else changed)


def test_an_equal_setting_changes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that is reported."""
    write_project(project, CACHED)
    assert main(["set", "max"]) == 0
    assert tuple(capsys.readouterr()) == ("", "stack.yaml: nothing to change\n")


def test_the_default_of_the_stack_is_set(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In `configuration`, in the file that is named."""
    write_project(project, TWO).joinpath("stack.yaml").rename(project / "my.yml")
    assert main(["set", "inline", "--default", "-f", "my.yml"]) == 0
    assert capsys.readouterr().err == "my.yml: updated\n"
    assert "configuration:\n  build_cache: inline\n" in (project / "my.yml").read_text()


def test_an_object_is_replaced_with_force_only(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody has thought about it."""
    write_project(project, "  fn: {image: a, build_cache: {to: [x/c]}}\n")
    assert (main(["set", "max"]), main(["set", "max", "--force"])) == (2, 0)
    assert "the setting has the object form" in capsys.readouterr().err
    assert (project / "stack.yaml").read_text() == HEAD + "  fn: {image: a, build_cache: max}\n"


def test_a_mode_is_needed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the modes in the hint."""
    write_project(project, TWO)
    assert main(["set"]) == 2
    assert capsys.readouterr().err.splitlines()[:2] == [
        "error: no mode was given [invalid-argument]",
        "    write `faas-cache set max`, `inline` or `none`",
    ]


def test_a_file_that_cannot_be_written_is_an_error(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And stays as it is."""
    write_project(project, TWO)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", refuse)
    assert main(["set", "max"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == (
        "error: cannot write the stack file: Permission denied [invalid-argument]"
    )
    assert (project / "stack.yaml").read_text() == HEAD + TWO
