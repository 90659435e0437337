"""Fixtures and hooks of all tests."""

from __future__ import annotations

import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import OPTIONAL_ENGINES, REQUIRED, UP, EngineProject, engine_environment
from fake_docker import fake_docker  # noqa: F401  # a fixture of all tests
from hypothesis import HealthCheck, settings

# A shell starts its background jobs with SIGINT ignored, and programs inherit that: tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# A slow machine is not an error.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects the tests of an optional engine that cannot be started; a required engine fails its tests."""
    if "not engine" in config.getoption("markexpr"):
        return
    specs = {id(item): getattr(item, "callspec", None) for item in items}
    engines = {
        key: spec.params.get("engine", "") for key, spec in specs.items() if spec is not None
    }
    missing = {
        name
        for name in set(engines.values()) & OPTIONAL_ENGINES
        if engine_environment(name) is None
    }
    for name in missing:
        sys.stderr.write(f"engine {name} cannot be started: its tests are deselected\n")
    deselected = [item for item in items if engines.get(id(item)) in missing]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if engines.get(id(item)) not in missing]


@pytest.fixture
def project(tmp_path: Path, engine: str) -> Iterator[EngineProject]:
    """An empty project on an engine whose builder is empty."""
    environ = engine_environment(engine)
    if environ is None:
        pytest.fail(
            f"engine {engine} cannot be started" + ("" if REQUIRED else f": {UP} not found")
        )
    image = f"{environ['FAAS_CACHE_TEST_REGISTRY']}/{uuid.uuid4().hex}/fn:latest"
    project = EngineProject(tmp_path, environ, image)
    project.wipe()
    yield project
    project.wipe()
