"""The examples of diagnostics about files: shell commands in a project with one function."""

import subprocess
from pathlib import Path

import pytest
from documents import DOCS, fences, sections

from faas_cache import CacheFlags, Project

PAGE = sections((DOCS / "diagnostics.md").read_text())
EXAMPLES = {
    (name, info.removeprefix("sh ")): text
    for name, section in PAGE.items()
    for info, text, _ in fences(section)
    if info.startswith("sh ")
}


@pytest.mark.parametrize(("name", "kind"), EXAMPLES)
def test_example(name: str, kind: str, tmp_path: Path) -> None:
    """The bad one raises what its section describes, the good one nothing."""
    (tmp_path / "fn").mkdir(mode=0o755)
    (tmp_path / "fn/Dockerfile").write_text("FROM python:3.13\nCOPY . /app\n")
    (tmp_path / "fn/index.py").write_text("")
    for path in ("fn/Dockerfile", "fn/index.py"):
        (tmp_path / path).chmod(0o644)
    (tmp_path / "stack.yaml").write_text(
        "provider: {name: openfaas}\n"
        "functions: {fn: {lang: dockerfile, handler: ./fn, image: a/b, build_cache: max}}\n"
    )
    command = EXAMPLES[name, kind]
    subprocess.run(["sh", "-euc", command], check=True, cwd=tmp_path)  # of our own page
    plan = Project.load(root=tmp_path, environ={}).plan(flags=CacheFlags())
    assert {diagnostic.name for diagnostic in plan.diagnostics} == (
        {name} if kind == "bad" else set()
    )


def test_both_examples_exist() -> None:
    assert {name for name, kind in EXAMPLES if kind == "good"} == {name for name, _ in EXAMPLES}
    assert len(EXAMPLES) == 8
