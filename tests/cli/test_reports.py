"""`--report`: what the cache did, in a file."""

import json
import re
from pathlib import Path

import pytest
from fake_docker import FakeDocker
from stack_files import CACHED, write_project

from faas_cache.cli.main import main
from faas_cache.model.errors import FaasCacheError
from faas_cache.runner.results import BuildResult
from faas_cache.serialization import from_dict

TIME = re.compile(r"\d+\.\d s")
WARM = (Path(__file__).parents[1] / "vectors" / "streams" / "buildx-0.29-warm.txt").read_bytes()


@pytest.fixture(autouse=True)
def _warm(project: Path, docker: FakeDocker) -> None:
    """A function whose build hits its cache."""
    write_project(project, CACHED)
    docker.answer("buildx build *", stderr=WARM)


def test_a_report_is_the_result(project: Path) -> None:
    """As JSON, in place of an earlier one; nothing is left beside it."""
    (project / "r.json").write_text("earlier")
    assert main(["build", "--report", "r.json"]) == 0
    result = from_dict(json.loads((project / "r.json").read_text()))
    assert isinstance(result, BuildResult)
    (function,) = result.functions
    assert (function.name, function.status, function.report.hit_ratio) == ("fn", "built", 0.8)
    assert sorted(path.name for path in project.iterdir()) == ["r.json", "stack.yaml"]


@pytest.mark.parametrize(
    "words",
    [["--report", "-"], ["--report-format", "json"], ["--report=-", "--report-format=json"]],
)
def test_a_report_may_go_to_stdout(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Where nothing else is; a format without a file is enough."""
    assert main(["build", *words]) == 0
    result = from_dict(json.loads(capsys.readouterr().out))
    assert isinstance(result, BuildResult)
    assert [function.inputs is None for function in result.functions] == [False]


def test_a_summary_is_appended(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Behind what the summary of the job holds already; without one, it goes to stdout."""
    (project / "summary").write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "summary"))
    assert main(["build", "--report-format", "github"]) == 0
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert main(["build", "--report-format", "github"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("### faas-cache\n\n| function | outcome | time | cached |")
    texts = (TIME.sub("0.1 s", text) for text in ((project / "summary").read_text(), out))
    assert next(texts) == f"before\n{next(texts)}"


@pytest.mark.parametrize("path", ["nowhere/r.json", "."])
def test_a_path_that_cannot_be_one_is_an_error(
    docker: FakeDocker, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    """Before anything runs."""
    assert (main(["build", "--report", path]), docker.calls) == (2, [])
    assert capsys.readouterr().err.splitlines()[:2] == [
        f"error: `--report {path}` is not a file in an existing folder [report-not-written]",
        "    name a file in a folder that exists",
    ]


def test_a_report_that_cannot_be_written_is_a_failure(
    project: Path, docker: FakeDocker, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the builds; their result is printed all the same."""
    (project / "out").mkdir()
    docker.rules.clear()
    docker.describe()
    docker.answer("buildx build *", script=f"rm -r {project}/out")
    assert main(["build", "--report", "out/r.json"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("[1/1] fn") and line.endswith("built") for line in lines)
    assert lines[-3].startswith("error: cannot write the report to `out/r.json` (No such file")


def test_a_report_that_fails_leaves_the_earlier_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written as a whole or not at all."""
    (project / "r.json").write_text("earlier")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert main(["build", "--report", "r.json"]) == 1
    assert {path.name: path.read_text() for path in project.glob("*r.json*")} == {
        "r.json": "earlier"
    }


def test_the_exit_code_of_a_failure_wins(project: Path, docker: FakeDocker) -> None:
    """A report of a failed build is written, too."""
    docker.rules.clear()
    docker.describe()
    docker.answer(
        "buildx build *", stderr="ERROR: Cannot connect to the Docker daemon\n", exit_code=1
    )
    assert main(["build", "--report", "r.json"]) == 3
    result = from_dict(json.loads((project / "r.json").read_text()), BuildResult)
    assert result.functions[0].status == "failed"


def test_a_push_has_no_report(project: Path) -> None:
    """Its flags are not known there."""
    assert main(["push"]) == 0
    assert not (project / "r.json").exists()
    with pytest.raises(FaasCacheError):
        from_dict({})
