"""`buildah_build` on a real buildah and podman: the cache of one store serves another one through the registry."""

from __future__ import annotations

import subprocess
import uuid
from functools import partial
from pathlib import Path

import pytest
from engines import engine_environment

from faas_cache import BuildOptions, BuildResult, FunctionSpec, Project
from faas_cache.render.buildah import buildah_build, buildah_push
from faas_cache.render.front_ends import FRONT_ENDS, FrontEnd

pytestmark = pytest.mark.engine
PODMAN = FrontEnd(
    name="podman_build",
    build=partial(buildah_build, program="podman"),
    push=partial(buildah_push, program="podman"),
    program="podman",
)
DOCKERFILE = """\
FROM {base} AS deps
RUN cat /proc/sys/kernel/random/uuid > /deps
FROM {base}
COPY --from=deps /deps /deps
COPY handler /handler
"""


def settings(folder: Path, registry: str) -> dict[str, str]:
    """Variables for a store of its own, and for a registry without TLS."""
    folder.mkdir()
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
    )
    (folder / "registries.conf").write_text(
        f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n'
    )
    return {
        "STORAGE_DRIVER": "vfs",
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
    }


@pytest.mark.parametrize(
    "front_end",
    [
        pytest.param(FRONT_ENDS["buildah_build"], marks=pytest.mark.program("buildah")),
        pytest.param(PODMAN, marks=pytest.mark.program("podman")),
    ],
    ids=["buildah", "podman"],
)
@pytest.mark.parametrize("engine", ["docker26"])
def test_every_step_is_cached_in_another_store(
    tmp_path: Path, front_end: FrontEnd, engine: str
) -> None:
    """Without its tag, the cache of `max` is read and written with `--layers`; both builds push."""
    environ = engine_environment(engine)
    assert environ is not None
    registry, base = environ["FAAS_CACHE_TEST_REGISTRY"], environ["FAAS_CACHE_TEST_BASE"]
    # The engine may hold the base image from the time of an earlier, now empty registry.
    subprocess.run(["docker", "push", "-q", base], check=True, env=environ)
    project = tmp_path / "project"
    project.mkdir()
    (project / "Dockerfile").write_text(DOCKERFILE.format(base=base))
    (project / "handler").write_text("one")
    image = f"{registry}/{uuid.uuid4().hex}/fn:1"
    spec = FunctionSpec(name="fn", image=image, context=".", build_cache="max")

    def build(store: str) -> tuple[BuildResult, str]:
        variables = environ | settings(tmp_path / store, registry)
        here = Project.of(spec, root=project, environ=variables)
        plan = here.plan(options=BuildOptions(push=True)).using(front_end)
        log = bytearray()
        result = here.build(plan, output=log.extend)
        return result, log.decode()

    cold, first = build("first")
    warm, second = build("second")
    assert ([f.status for f in cold.functions], [f.status for f in warm.functions]) == (
        ["pushed"],
        ["pushed"],
    ), (first, second)
    counts = [
        (log.count("--> Pushing cache "), log.count("--> Cache pulled from remote"))
        for log in (first, second)
    ]
    assert counts == [(3, 0), (0, 3)]
