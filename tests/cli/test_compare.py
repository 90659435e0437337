"""`--compare` and `faas-cache compare`: what changed since an earlier run."""

import json
from pathlib import Path

import pytest
from fake_docker import FakeDocker
from stack_files import write_project

from faas_cache.cli.main import main
from faas_cache.runner.results import BuildResult
from faas_cache.serialization import from_dict, to_dict

FUNCTIONS = "  fn: {image: a/fn, context: ./fn, build_cache: max, build_args: {SHA: '${SHA:-1}'}}\n"
RAN = "#2 [2/2] COPY a /a\n#2 DONE 0.1s\n"
CACHED = "#2 [2/2] COPY a /a\n#2 CACHED\n"


@pytest.fixture(autouse=True)
def _project(project: Path, docker: FakeDocker) -> None:
    """A function whose only step runs."""
    write_project(project, FUNCTIONS, {"fn/Dockerfile": "FROM b\nCOPY a /a\n", "fn/a": "1"})
    docker.answer("buildx build *", stderr=RAN)


@pytest.fixture
def old(capsys: pytest.CaptureFixture[str]) -> str:
    """The report of an earlier run."""
    assert main(["build", "--report", "old.json"]) == 0
    capsys.readouterr()
    return "old.json"


def compared(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """What a build says about the earlier one."""
    assert main(["build", *words]) == 0
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if line.startswith("fn: ") and not line.endswith("a/fn:latest")]


def test_a_build_says_what_changed(
    project: Path, old: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Since the run that wrote the report; the value of the argument is not shown."""
    assert compared(capsys, "--compare", old) == ["fn: nothing that we know of changed"]
    (project / "fn" / "a").write_text("2")
    monkeypatch.setenv("SHA", "t0psecret")
    assert main(["build", "--compare", old, "--quiet"]) == 0
    lines = capsys.readouterr().err
    assert ("fn: build argument `SHA` changed\nfn: `a` changed\n" in lines, "t0p" in lines) == (
        True,
        False,
    )


def test_a_hit_without_changes_says_nothing(
    docker: FakeDocker, old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no miss that needs a reason."""
    docker.rules.clear()
    docker.describe().answer("buildx build *", stderr=CACHED)
    assert "nothing that we know of" not in "".join(compared(capsys, "--compare", old))


def test_a_report_may_replace_the_one_that_it_is_compared_with(
    project: Path, old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is read first; on the first run there is none."""
    (project / "fn" / "a").write_text("2")
    words = ("--report", "new.json", "--compare", "new.json")
    assert main(["build", *words]) == 0
    first = capsys.readouterr().err
    assert first.startswith("no earlier report in `new.json`: nothing to compare with\n")
    (project / "fn" / "a").write_text("3")
    assert "fn: `a` changed" in compared(capsys, *words)
    assert compared(capsys, *words)[-1] == "fn: nothing that we know of changed"
    assert old == "old.json"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read the report `bad.json`: no such file or directory"),
        ("{", "`bad.json` is not a report in JSON"),
        ("[" * 10**5, "`bad.json` is not a report in JSON"),
        ("[]", "`bad.json` is not a report in JSON"),
        ("{}", "expected a report of faas-cache"),
        ("\udc80", "`bad.json` is not a report in JSON"),
    ],
)
@pytest.mark.parametrize(
    "words",
    [["build", "--compare", "bad.json"], ["publish", "--compare", "bad.json"],
     ["compare", "bad.json", "bad.json"]],
)  # fmt: skip
def test_a_file_that_is_not_a_report_is_an_error(
    project: Path,
    docker: FakeDocker,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    message: str,
    words: list[str],
) -> None:
    """Before anything runs."""
    if text is not None:
        (project / "bad.json").write_bytes(text.encode(errors="surrogateescape"))
    assert (main(words), docker.calls) == (2, [])
    assert capsys.readouterr().err.startswith(f"error: {message} [")


def test_a_run_that_starts_no_build_leaves_the_report_alone(
    project: Path, docker: FakeDocker, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the next one has something to compare with."""
    before = (project / old).read_text()
    (project / "stack.yaml").write_text("nonsense")
    assert main(["build", "--report", old]) == 2
    write_project(project, FUNCTIONS)
    docker.rules.clear()
    docker.describe(server="")
    assert main(["build", "--report", old]) == 3

    def none(*_: object, **__: object) -> BuildResult:
        result = from_dict(json.loads(before), BuildResult)
        data = to_dict(result)
        data["functions"][0] |= {"attempts": 0, "status": "not started"}
        return from_dict(data, BuildResult)

    docker.rules.clear()
    docker.describe()
    monkeypatch.setattr("faas_cache.project.Project.build", none)
    assert main(["build", "--report", old]) == 1
    assert (project / old).read_text() == before


def test_compare_prints_the_changes(
    project: Path, old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stdout, as lines or as JSON."""
    (project / "fn" / "a").chmod(0o755)
    assert main(["build", "--report", "new.json"]) == 0
    capsys.readouterr()
    assert main(["compare", old, "new.json"]) == 0
    assert capsys.readouterr().out == "fn: mode of `a` 0644 → 0755\n"
    assert main(["compare", "--json", old, "new.json"]) == 0
    (data,) = json.loads(capsys.readouterr().out)
    assert str(from_dict(data)) == "fn: mode of `a` 0644 → 0755"


def test_a_summary_of_a_job_has_the_changes(
    project: Path, old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below the table, as Markdown."""
    (project / "fn" / "a").write_text("2")
    (project / "fn" / "<b>`").write_text("")
    assert main(["build", "--compare", old, "--report-format", "github", "--report", "-"]) == 0
    assert capsys.readouterr().out.splitlines()[-5:] == [
        "",
        "#### Since the earlier build",
        "",
        "- <code>fn</code>: &#96;&#60;b&#62;&#96;&#96; was added",
        "- <code>fn</code>: <code>a</code> changed",
    ]


@pytest.mark.parametrize("words", [[], ["a"], ["a", "b", "c"]])
def test_compare_needs_two_reports(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The older one first."""
    assert main(["compare", *words]) == 2
    assert capsys.readouterr().err.splitlines()[:2] == [
        f"error: expected two reports, got {len(words)} [invalid-argument]",
        "    run `faas-cache compare OLD NEW`",
    ]
