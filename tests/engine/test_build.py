"""The worked cases on real engines: built on an empty builder, and again on another one after a change of the handler."""

import attrs
import pytest
from engines import EngineProject, steps

pytestmark = pytest.mark.engine

HANDLER = "COPY function/ /function/"
ABOVE = [
    "COPY requirements.txt /requirements.txt",
    "RUN cat /proc/sys/kernel/random/uuid > /deps",
    "COPY --from=deps /deps /deps",
    "RUN cat /proc/sys/kernel/random/uuid > /own",
]


def settings(project: EngineProject) -> dict[str, object]:
    """The `build_cache` of each case, for this project's image."""
    cache = project.image.replace(":latest", ":buildcache")
    return {
        "case-1": {"from": [project.image]},
        "case-2": {"from": [cache], "to": [cache]},
        "case-3": {"from": [cache], "to": [f"ref={cache},mode=max"]},
        "case-5": "inline",
        "case-6": "max",
        "local": {"from": ["type=local,src=cache"], "to": ["type=local,dest=cache,mode=max"]},
    }


def after_location(stderr: str) -> str:
    """A message about the function without the line and column before it."""
    return stderr.partition(": functions.fn: ")[2]


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
@pytest.mark.parametrize("case", ["case-1", "case-2", "case-3", "case-5", "case-6", "local"])
def test_every_step_above_the_handler_is_cached(project: EngineProject, case: str) -> None:
    """On a builder that never saw the layers, every step above the handler is cached, and the rest runs."""
    setting = settings(project)[case]
    project.write(setting, "one")
    cold = project.faas_cache("build", "--push", "--builder-flag", "--progress=rawjson")
    assert (cold.returncode, steps(cold.stderr)) == (0, dict.fromkeys([*ABOVE, HANDLER], False)), (
        cold.stderr
    )
    project.wipe()
    project.write(setting, "two")
    warm = project.faas_cache("build", "--push", "--builder-flag", "--progress=rawjson")
    assert (warm.returncode, steps(warm.stderr)) == (
        0,
        dict.fromkeys(ABOVE, True) | {HANDLER: False},
    ), warm.stderr


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a1_without_a_setting_nothing_is_cached(project: EngineProject) -> None:
    """A1: the counter-test of the one above: without a setting, an empty builder runs every step again."""
    for handler in ("one", "two"):
        project.write(None, handler)
        done = project.faas_cache("build", "--builder-flag", "--progress=rawjson")
        assert (done.returncode, steps(done.stderr)) == (
            0,
            dict.fromkeys([*ABOVE, HANDLER], False),
        ), done.stderr
        project.wipe()


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_d4_a_run_without_export_imports_only(project: EngineProject) -> None:
    """D4: a run with `--no-cache-export` hits the cache of `max` and does not write it."""
    project.write("max", "one")
    assert project.faas_cache("build", "--push").returncode == 0
    project.wipe()
    project.write("max", "two")
    done = project.faas_cache("build", "--no-cache-export", "--builder-flag", "--progress=rawjson")
    assert (done.returncode, steps(done.stderr)) == (
        0,
        dict.fromkeys(ABOVE, True) | {HANDLER: False},
    ), done.stderr
    assert "exporting cache" not in done.stderr


@pytest.mark.parametrize("engine", ["docker20"])
@pytest.mark.parametrize("case", ["case-1", "case-5"])
def test_f3_without_buildx_the_image_keeps_its_random_numbers(
    project: EngineProject, case: str
) -> None:
    """F3: a docker without buildx builds cases 1 and 5, pushes after the build, and hits its own inline cache."""
    project.write(settings(project)[case], "one")
    assert project.faas_cache("build", "--push").returncode == 0
    numbers = project.random_numbers()
    project.wipe()
    project.write(settings(project)[case], "two")
    done = project.faas_cache("build", "--push")
    assert (done.returncode, project.random_numbers()) == (0, numbers), done.stderr


@pytest.mark.parametrize("engine", ["docker20"])
def test_a1_without_buildx_and_without_a_setting_nothing_is_cached(project: EngineProject) -> None:
    """A1: the counter-test of the one above: without a setting, the numbers are new."""
    project.write(None, "one")
    assert project.faas_cache("build", "--push").returncode == 0
    numbers = project.random_numbers()
    project.wipe()
    assert project.faas_cache("build", "--push").returncode == 0
    assert project.random_numbers() != numbers


@pytest.mark.parametrize("engine", ["docker20"])
def test_f2_without_buildx_max_is_rejected_before_a_build_starts(project: EngineProject) -> None:
    """F2: `max` needs buildx: exit code 3, the feature and the advice, and no image is built."""
    project.write("max", "one")
    done = project.faas_cache("build", "--push")
    assert (done.returncode, after_location(done.stderr)) == (
        3,
        (
            "error: buildx is not installed, but required for the cache of `fn` [missing-feature]\n"
            "    install the package `docker-buildx-plugin` (Docker) or `docker-buildx` (Debian), only"
            " import the cache with `--no-cache-export`, or build without a cache with `--no-build-cache`\n"
            "    https://docs.docker.com/build/install-buildx/\n"
        ),
    )
    assert project.docker("images", "-q", project.image) == ""


@pytest.mark.parametrize("engine", ["docker20"])
def test_d4_without_buildx_a_run_without_export_works(project: EngineProject) -> None:
    """D4: the advice of the test above works: without its export, `max` is a plain reference."""
    project.write("max", "one")
    assert project.faas_cache("build", "--no-cache-export").returncode == 0


@pytest.mark.parametrize("engine", ["docker26-graph"])
def test_f2_a_driver_that_cannot_export_is_rejected_before_a_build_starts(
    project: EngineProject,
) -> None:
    """F2: the classic image store cannot export a cache: exit code 3, and what to turn on."""
    project.write("max", "one")
    done = project.faas_cache("build")
    assert (done.returncode, after_location(done.stderr)) == (
        3,
        (
            "error: Docker cannot export the cache of `fn` with its classic image store [missing-feature]\n"
            "    write `build_cache: inline`, enable the containerd image store"
            ' (`{"features": {"containerd-snapshotter": true}}` in `/etc/docker/daemon.json`, and a restart of'
            " Docker), create another builder with `docker buildx create --driver docker-container --use`,"
            " only import the cache with `--no-cache-export`, or build without a cache with"
            " `--no-build-cache`\n"
            "    https://docs.docker.com/engine/storage/containerd/\n"
        ),
    )


@pytest.mark.parametrize("engine", ["docker20", "docker26", "docker28"])
@pytest.mark.parametrize("setting", ["inline", None], ids=["on", "off"])
def test_a_daemon_that_does_not_respond_is_reported(
    project: EngineProject, setting: str | None
) -> None:
    """If the daemon does not respond, the exit code is 3, and the message says so, with caching or without."""
    project.write(setting, "one")
    without_daemon = attrs.evolve(
        project, environ=project.environ | {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    )
    done = without_daemon.faas_cache("build")
    message = (
        "error: cannot connect to the Docker daemon: "
        if setting
        else "fn: error: cannot connect to the builder [build-failed]"
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith(message)]
    assert (done.returncode, len(lines)) == (3, 1), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("engine", ["docker26", "docker28", "docker20"])
def test_f3_plan_inspect_prints_the_front_end_of_this_machine(project: EngineProject) -> None:
    """F3: `plan --inspect` prints the command for the docker of this machine."""
    project.write("inline", "one")
    done = project.faas_cache("plan", "--inspect")
    expected = (
        "DOCKER_BUILDKIT=1 docker build "
        if project.environ["FAAS_CACHE_TEST_ENGINE"] == "docker20"
        else "DOCKER_BUILDKIT=1 docker buildx build "
    )
    assert (done.returncode, done.stdout.startswith(expected)) == (0, True), done.stderr


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_failed_step_fails_the_build(project: EngineProject) -> None:
    """A failed build exits with 1 and passes on the output of docker."""
    project.write("max", "one")
    dockerfile = project.folder / "build" / "fn" / "Dockerfile"
    dockerfile.write_text(
        f"FROM {project.environ['FAAS_CACHE_TEST_BASE']}\nRUN echo no-such-thing && exit 7\n"
    )
    done = project.faas_cache("build")
    assert (done.returncode, "exit code: 7" in done.stderr, ": 1 failed" in done.stderr) == (
        1,
        True,
        True,
    ), done.stderr
