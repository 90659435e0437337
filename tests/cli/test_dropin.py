"""What people run into who come from faas-cli: what a command calls, says and returns.

Each row of `dropin.jsonl` is one run in a project with a template: the arguments of docker, parts
of what is printed, and the exit code.
"""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from fake_docker import FakeDocker

from faas_cache.cli.main import main

VECTORS = Path(__file__).parents[1] / "vectors"
ROWS = [json.loads(line) for line in (VECTORS / "dropin.jsonl").read_text().splitlines()]
# What is asked about the builder, or about itself, before anything runs.
QUESTIONS = ("version", "info", "buildx version", "buildx inspect", "buildx ls")


def write_row(row: dict[str, Any], project: Path) -> None:
    """The project of a row, as files."""
    for name, text in {"stack.yaml": row["stack"], **row["files"]}.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def built(docker: FakeDocker) -> list[str]:
    """The calls of docker that build or push."""
    calls = [shlex.join(call.argv) for call in docker.calls]
    return sorted(call for call in calls if not call.startswith(QUESTIONS))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_run(
    row: dict[str, Any],
    project: Path,
    docker: FakeDocker,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Its calls of docker, what it prints, and its exit code; no secret is printed."""
    write_row(row, project)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    for name, value in row.get("environ", {}).items():
        monkeypatch.setenv(name, value)
    code = main(row["command"])
    printed = "".join(capfd.readouterr())
    assert (code, built(docker)) == (row["exit"], row["docker"]), printed
    assert [part for part in row["says"] if part not in printed] == [], printed
    if "errors" in row:
        assert len(re.findall("error: ", printed)) == row["errors"], printed
    assert "hunter2" not in printed


def test_rows_have_unique_ids() -> None:
    """No two rows have the same id."""
    assert len({row["id"] for row in ROWS}) == len(ROWS)
