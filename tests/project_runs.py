"""Projects whose docker is a fake, and what becomes of their builds."""

import io
from pathlib import Path
from typing import Any

import pytest
from fake_docker import FakeDocker

from faas_cache.model.errors import FaasCacheError
from faas_cache.planning.options import BuildOptions
from faas_cache.project import Project
from faas_cache.runner.results import BuildResult


def load(root: Path, fake: FakeDocker) -> Project:
    """The project in a folder, whose docker is the fake."""
    return Project.load(root=root, environ=fake.environ)


def build(project: Project, *functions: str, **arguments: Any) -> BuildResult:  # noqa: ANN401  # those of `build`
    """Builds functions without showing their output."""
    options = arguments.pop("options", BuildOptions())
    plan = project.plan(*functions, options=options)
    return project.build(plan, **({"output": io.BytesIO()} | arguments))


def statuses(result: BuildResult) -> list[tuple[str, str]]:
    """Each function with what became of it."""
    return [(function.name, function.status) for function in result.functions]


def errors_of(caught: pytest.ExceptionInfo[FaasCacheError]) -> list[str]:
    """The names of the diagnostics of an error."""
    return [diagnostic.name for diagnostic in caught.value.diagnostics]
