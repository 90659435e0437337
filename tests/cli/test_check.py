"""`faas-cache check`: every diagnostic, on stdout; how many there are, on stderr."""

import json
from pathlib import Path

import pytest
from fake_docker import FakeDocker
from stack_files import CACHED, HANDLER, HEAD, TEMPLATE, write_files, write_project

from faas_cache.cli.main import main
from faas_cache.project import Project
from faas_cache.serialization import to_dict

SHARED = "  {0}: {{image: x/{0}, context: ., build_cache: {{from: [x/c], to: [x/c]}}}}\n"
NOTHING = "0 errors, 0 warnings, 0 notes\n"


def test_diagnostics_are_the_result(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the plan, and their number."""
    more = "  C: {image: x, lang: py, handler: fn}\n  d: {context: .}\n"
    write_project(project, SHARED.format("a") + SHARED.format("b") + more, {**TEMPLATE, **HANDLER})
    assert main(["check"]) == 2
    diagnostics = Project.load().plan().diagnostics
    assert tuple(capsys.readouterr()) == (
        "".join(f"{diagnostic}\n" for diagnostic in diagnostics),
        "2 errors, 1 warning, 0 notes\n",
    )


def test_without_diagnostics_the_result_is_empty(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0."""
    write_project(project, CACHED)
    assert (main(["check"]), *capsys.readouterr()) == (0, "", NOTHING)


@pytest.mark.parametrize("words", [["-f", "gone.yaml"], ["--cache-from", "x", "--image", "a"]])
def test_what_cannot_be_loaded_is_a_diagnostic(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Like any other, on stdout."""
    assert list(project.iterdir()) == []
    assert main(["check", "--format", "json", *words]) == 2
    out, err = capsys.readouterr()
    (diagnostic,) = json.loads(out)["diagnostics"]
    assert (diagnostic["severity"], err) == ("error", "1 error, 0 warnings, 0 notes\n")


def test_strict_makes_warnings_errors(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the exit code of an error."""
    write_project(project, "  Fn: {image: a, lang: py, handler: fn}\n", {**TEMPLATE, **HANDLER})
    assert [main(["check"]), main(["check", "--strict"])] == [0, 2]
    assert capsys.readouterr().out.count(": error: ") == 1


def test_json_holds_the_forms_of_diagnostics(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `to_dict` makes them."""
    functions = "  Fn: {image: a, lang: py, handler: fn}\n  b: {context: .}\n"
    write_project(project, functions, {**TEMPLATE, **HANDLER})
    assert main(["check", "--format", "json"]) == 2
    forms = [to_dict(diagnostic) for diagnostic in Project.load().plan().diagnostics]
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps({"diagnostics": forms}))


def test_several_files_are_checked_together(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `Project.load` of them."""
    write_files(project, {"a.yml": HEAD + SHARED.format("a"), "b.yml": HEAD + SHARED.format("b")})
    assert [main(["check", "-f", name]) for name in ("a.yml", "b.yml")] == [0, 0]
    assert capsys.readouterr().out == ""
    assert main(["check", "-f", "a.yml", "-f", "b.yml"]) == 2
    diagnostics = Project.load("a.yml", "b.yml").plan().diagnostics
    assert [d.name for d in diagnostics] == ["shared-cache-destination"]
    assert capsys.readouterr().out == "".join(f"{diagnostic}\n" for diagnostic in diagnostics)


@pytest.mark.parametrize(
    ("server", "functions", "code", "names"),
    [
        ("28.5.2", CACHED, 0, []),
        ("20.10.24", CACHED, 3, ["missing-feature"]),
        ("20.10.24", CACHED + "  b: {context: .}\n", 2, ["missing-image", "missing-feature"]),
        ("", CACHED, 3, ["daemon-unreachable"]),
        ("", CACHED + "  b: {context: .}\n", 2, ["missing-image", "daemon-unreachable"]),
    ],
    ids=["supported", "unsupported", "both", "unreachable", "unreachable and invalid"],
)
def test_inspect_adds_what_the_builder_lacks(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fake_docker: FakeDocker,
    server: str,
    functions: str,
    code: int,
    names: list[str],
) -> None:
    """Exit code 3 where nothing but the builder is at fault, as for a build."""
    buildx = "v0.29.1" if server != "20.10.24" else ""
    fake_docker.describe(client=server or "28.5.2", server=server, buildx=buildx)
    monkeypatch.setenv("PATH", fake_docker.environ["PATH"])
    monkeypatch.setenv("DOCKER_CONFIG", fake_docker.environ["DOCKER_CONFIG"])
    write_project(project, functions)
    assert main(["check", "--inspect", "--format", "json"]) == code
    diagnostics = json.loads(capsys.readouterr().out)["diagnostics"]
    assert [diagnostic["name"] for diagnostic in diagnostics] == names
    if not server:
        return
    assert main(["plan", "--inspect"]) == code
