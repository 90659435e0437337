"""Fixtures and hooks of all tests."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import MAY_BE_MISSING, REQUIRED, UP, Project, engine_environment
from fake_docker import fake_docker  # noqa: F401  # a fixture of all tests


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """An engine that may be missing and is takes its tests with it, in one line; a required one fails them."""
    if "not engine" in config.getoption("markexpr"):
        return
    named = {id(item): getattr(item, "callspec", None) for item in items}
    engines = {
        key: spec.params.get("engine", "") for key, spec in named.items() if spec is not None
    }
    gone = {
        name for name in set(engines.values()) & MAY_BE_MISSING if engine_environment(name) is None
    }
    for name in gone:
        sys.stderr.write(f"engine {name} cannot be brought up: its tests are deselected\n")
    config.hook.pytest_deselected(items=[item for item in items if engines.get(id(item)) in gone])
    items[:] = [item for item in items if engines.get(id(item)) not in gone]


@pytest.fixture
def project(tmp_path: Path, engine: str) -> Iterator[Project]:
    """An empty project on a wiped engine."""
    environ = engine_environment(engine)
    if environ is None:
        pytest.fail(
            f"engine {engine} cannot be brought up" + ("" if REQUIRED else f": {UP} is not there")
        )
    found = Project(
        tmp_path, environ, f"{environ['FAAS_CACHE_TEST_REGISTRY']}/{uuid.uuid4().hex}/fn:latest"
    )
    found.wipe()
    yield found
    found.wipe()
