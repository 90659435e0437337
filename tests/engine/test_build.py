"""The worked cases on real engines: built cold, wiped, and built again with only the handler changed."""

import attrs
import pytest
from engines import Project, steps

pytestmark = pytest.mark.engine

HANDLER = "COPY function/ /function/"
ABOVE = [
    "COPY requirements.txt /requirements.txt",
    "RUN cat /proc/sys/kernel/random/uuid > /deps",
    "COPY --from=deps /deps /deps",
    "RUN cat /proc/sys/kernel/random/uuid > /own",
]


def settings(project: Project) -> dict[str, object]:
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


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
@pytest.mark.parametrize("case", ["case-1", "case-2", "case-3", "case-5", "case-6", "local"])
def test_every_step_above_the_handler_is_cached(project: Project, case: str) -> None:
    """A builder that never saw the layers finds every step above the handler in the cache, and runs the rest."""
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
def test_without_a_setting_nothing_is_cached(project: Project) -> None:
    """A1: the near miss of the test above: without a setting a wiped builder runs every step again."""
    for handler in ("one", "two"):
        project.write(None, handler)
        done = project.faas_cache("build", "--builder-flag", "--progress=rawjson")
        assert (done.returncode, steps(done.stderr)) == (
            0,
            dict.fromkeys([*ABOVE, HANDLER], False),
        ), done.stderr
        project.wipe()


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_read_only_run_reads_and_writes_nothing(project: Project) -> None:
    """D4: a run without export finds the cache of `max`, and leaves it as it was."""
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
def test_without_buildx_the_image_keeps_its_random_numbers(project: Project, case: str) -> None:
    """F3: a docker without buildx builds cases 1 and 5, pushes after the build, and hits its own inline cache."""
    project.write(settings(project)[case], "one")
    assert project.faas_cache("build", "--push").returncode == 0
    numbers = project.random_numbers()
    project.wipe()
    project.write(settings(project)[case], "two")
    done = project.faas_cache("build", "--push")
    assert (done.returncode, project.random_numbers()) == (0, numbers), done.stderr


@pytest.mark.parametrize("engine", ["docker20"])
def test_without_buildx_nothing_is_cached_unasked(project: Project) -> None:
    """A1: the near miss of the test above: without a setting the numbers are new."""
    project.write(None, "one")
    assert project.faas_cache("build", "--push").returncode == 0
    numbers = project.random_numbers()
    project.wipe()
    assert project.faas_cache("build", "--push").returncode == 0
    assert project.random_numbers() != numbers


@pytest.mark.parametrize("engine", ["docker20"])
def test_without_buildx_max_is_refused_before_anything_runs(project: Project) -> None:
    """F2: `max` needs buildx: exit 3, what is missing and what to do, and no image was built."""
    project.write("max", "one")
    done = project.faas_cache("build", "--push")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    for word in ("buildx", "docker-buildx-plugin", "--no-cache-export", "--no-build-cache"):
        assert word in done.stderr
    assert project.docker("images", "-q", project.image) == ""


@pytest.mark.parametrize("engine", ["docker20"])
def test_without_buildx_the_read_only_run_is_taken(project: Project) -> None:
    """D4: what the refusal advises works: without export `max` is a bare reference."""
    project.write("max", "one")
    assert project.faas_cache("build", "--no-cache-export").returncode == 0


@pytest.mark.parametrize("engine", ["docker26-graph"])
def test_a_driver_that_cannot_export_is_refused_before_anything_runs(project: Project) -> None:
    """F2: the classic image store exports no cache: exit 3, and what to turn on."""
    project.write("max", "one")
    done = project.faas_cache("build")
    assert (
        done.returncode,
        "containerd image store" in done.stderr,
        "Traceback" in done.stderr,
    ) == (3, True, False)


@pytest.mark.parametrize("engine", ["docker20", "docker26", "docker28"])
@pytest.mark.parametrize("setting", ["inline", None], ids=["on", "off"])
def test_a_dead_daemon_is_named(project: Project, setting: str | None) -> None:
    """A daemon that does not answer: exit 3 and what to start, with caching or without."""
    project.write(setting, "one")
    dead = attrs.evolve(
        project, environ=project.environ | {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    )
    done = dead.faas_cache("build")
    assert (done.returncode, "daemon" in done.stderr or "docker API" in done.stderr) == (3, True), (
        done.stderr
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("engine", ["docker26", "docker28", "docker20"])
def test_inspecting_tells_the_front_end(project: Project) -> None:
    """`plan --inspect` prints the form that this machine's docker takes."""
    project.write("inline", "one")
    done = project.faas_cache("plan", "--inspect")
    expected = (
        "DOCKER_BUILDKIT=1 docker build "
        if project.environ["FAAS_CACHE_TEST_ENGINE"] == "docker20"
        else "DOCKER_BUILDKIT=1 docker buildx build "
    )
    assert (done.returncode, done.stdout.startswith(expected)) == (0, True), done.stderr


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_failing_step_fails_the_build(project: Project) -> None:
    """A build that fails is exit 1, with docker's own words passed through."""
    project.write("max", "one")
    dockerfile = project.folder / "build" / "fn" / "Dockerfile"
    dockerfile.write_text(
        f"FROM {project.environ['FAAS_CACHE_TEST_BASE']}\nRUN echo no-such-thing && exit 7\n"
    )
    done = project.faas_cache("build")
    assert (done.returncode, "exit code: 7" in done.stderr, "fn: failed" in done.stderr) == (
        1,
        True,
        True,
    ), done.stderr
