"""Fixtures and hooks of all tests."""

from __future__ import annotations

import shutil
import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import OPTIONAL_ENGINES, REQUIRED, UP, EngineProject, engine_environment
from fake_docker import fake_docker  # noqa: F401  # a fixture of all tests
from hypothesis import HealthCheck, settings

# Larger collections of cases than ours, which are kept beside the project.
SHARED = Path(__file__).parents[2] / "shared"
# A shell starts its background jobs with SIGINT ignored, and programs inherit that: tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# A slow machine is not an error.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects what cannot run here, with a line: tests of missing programs, collections and optional engines.

    An engine that is required and cannot be started fails its tests.
    """
    missing = {
        item: name
        for item in items
        for marker in item.iter_markers("program")
        if shutil.which(name := marker.args[0]) is None
    }
    if not SHARED.exists():
        missing |= {item: SHARED.name for item in items if item.get_closest_marker("shared")}
    if "not engine" not in config.getoption("markexpr"):
        for item in items:
            callspec = getattr(item, "callspec", None)
            name = callspec.params.get("engine", "") if callspec is not None else ""
            if name in OPTIONAL_ENGINES and engine_environment(name) is None:
                missing[item] = name
    for name in sorted(set(missing.values())):
        sys.stderr.write(f"{name} is missing on this machine: its tests are deselected\n")
    config.hook.pytest_deselected(items=list(missing))
    items[:] = [item for item in items if item not in missing]


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
