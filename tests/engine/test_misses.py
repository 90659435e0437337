"""Caches that are wrong on real engines: broken (G3), useless (G4), stale after a secret, and what `--compare` says of a miss."""

import json
import re
import subprocess
import urllib.request
from pathlib import Path

import attrs
import pytest
from engines import EngineProject, engine_environment

pytestmark = pytest.mark.engine

INDEX = "application/vnd.oci.image.index.v1+json"


def registry(project: EngineProject, method: str, path: str) -> bytes:
    """What the registry answers about the repository of a project."""
    host, _, name = project.repository.partition("/")
    url = f"http://{host}/v2/{name}/fn/{path}"
    request = urllib.request.Request(
        url, method=method, headers={"Accept": INDEX}
    )  # a URL of this machine
    with urllib.request.urlopen(request) as answer:  # the same
        return bytes(answer.read())


def delete_layers(project: EngineProject) -> int:
    """Deletes the layers of the cache, as the garbage collection of a registry does; its manifest stays."""
    index = json.loads(registry(project, "GET", "manifests/buildcache"))
    layers = [item["digest"] for item in index["manifests"] if "layer" in item["mediaType"]]
    for digest in layers:
        registry(project, "DELETE", f"blobs/{digest}")
    return len(layers)


def cached(project: EngineProject) -> tuple[int, int, int]:
    """The attempts of the reported build, its cached steps, and all of them."""
    (function,) = project.report().functions
    return function.attempts, function.report.cached, function.report.total


@pytest.mark.parametrize("engine", ["docker26"])
@pytest.mark.parametrize("words", [(), ("--bake",)], ids=["build", "bake"])
def test_g3_the_second_attempt_repairs_a_broken_cache(
    project: EngineProject, words: tuple[str, ...]
) -> None:
    """G3: the layers of the cache are gone: a warning, an image all the same, and a whole cache for the next machine."""
    project.write("max", "one")
    assert project.faas_cache("build", "--push").returncode == 0
    assert delete_layers(project) > 0
    project.wipe()
    project.write("max", "two")
    done = project.faas_cache("build", "--push", "--report", "report.json", *words)
    assert (done.returncode, cached(project)) == (0, (2, 0, 5)), done.stderr
    warning = f"the cache `{project.image.replace(':latest', ':buildcache')}` lists layers that no longer exist"
    assert warning in done.stderr
    assert "[broken-cache]" in done.stderr
    project.wipe()
    done = project.faas_cache("build", "--push", "--report", "report.json")
    assert (done.returncode, cached(project)) == (0, (1, 5, 5)), done.stderr


@pytest.mark.parametrize("engine", ["docker26"])
def test_g3_without_a_second_attempt_the_build_fails(project: EngineProject) -> None:
    """G3: the counter-test of the one above: `--no-retry` shows that this cache breaks a build, and says why."""
    project.write("max", "one")
    assert project.faas_cache("build", "--push").returncode == 0
    delete_layers(project)
    project.wipe()
    done = project.faas_cache("build", "--push", "--no-retry", "--report", "report.json")
    (function,) = project.report().functions
    assert function.explanation is not None
    assert (done.returncode, function.explanation.step, function.explanation.cause) == (
        1,
        "cache-import",
        "missing",
    ), done.stderr


@pytest.mark.parametrize("engine", ["docker26"])
def test_g4_a_cache_of_another_function_is_one_note(project: EngineProject) -> None:
    """G4: two stacks that share one cache: found on each run, and of no use; one note, and the image is built."""
    project.write("max", "one")
    assert project.faas_cache("build", "--push").returncode == 0
    project.wipe()
    project.write("max", "one")
    base = project.environ["FAAS_CACHE_TEST_BASE"]
    dockerfile = project.folder / "build" / "fn" / "Dockerfile"
    dockerfile.write_text(f"FROM {base}\nRUN echo other > /other\nCOPY function/ /function/\n")
    done = project.faas_cache("build", "--push", "--report", "report.json")
    (function,) = project.report().functions
    names = [note.diagnostic().name for note in function.notes]
    assert (done.returncode, cached(project), names) == (0, (1, 0, 2), ["useless-import"]), (
        done.stderr
    )
    assert function.report.reason.startswith("the imported cache matches no step")


@pytest.mark.parametrize("engine", ["docker26"])
def test_a_changed_secret_does_not_run_the_step_again(project: EngineProject) -> None:
    """The old result comes from the cache on another machine, as `build-secrets-cache` warns; another scope runs the step."""
    project.write("max", "one", build_secrets={"conf": "conf"})
    base = project.environ["FAAS_CACHE_TEST_BASE"]
    (project.folder / "build" / "fn" / "Dockerfile").write_text(
        f"FROM {base}\nRUN --mount=type=secret,id=conf cat /run/secrets/conf > /conf\n"
    )
    secret = project.folder / "conf"
    values = []
    for value, scope in (("staging", ()), ("production", ()), ("production", ("production",))):
        project.wipe()
        secret.write_text(value)
        flags = [word for name in scope for word in ("--cache-scope", name)]
        done = project.faas_cache("build", "--push", "--report", "report.json", *flags)
        assert done.returncode == 0, done.stderr
        result = project.docker("run", "--rm", "--network", "none", project.image, "cat", "/conf")
        values.append((result, cached(project)))
    assert values == [
        ("staging", (1, 0, 1)),
        ("staging", (1, 1, 1)),
        ("production", (1, 0, 1)),
    ]
    report = (project.folder / "report.json").read_text()
    assert ('"secrets": [\n          "conf"\n        ]' in report, "production" in report) == (
        True,
        True,  # the scope, in the names of the caches
    )


DOCKERFILE = """\
FROM {base}
COPY requirements.txt /requirements.txt
ARG GIT_SHA
RUN echo $GIT_SHA > /sha
COPY function/ /function/
"""


def write(project: EngineProject, sha: str = "1", requirements: str = "requests\n") -> Path:
    """Writes the function whose misses are explained; returns its context."""
    project.write("max", "handler", build_args={"GIT_SHA": sha})
    context = project.folder / "build" / "fn"
    (context / "Dockerfile").write_text(DOCKERFILE.format(base=f"{project.repository}/base:1"))
    (context / "requirements.txt").write_text(requirements)
    (context / "requirements.txt").chmod(0o644)
    return context


def push_base(project: EngineProject, content: str) -> None:
    """Pushes a base image, which differs by its content."""
    folder = project.folder / "base"
    folder.mkdir(exist_ok=True)
    base = project.environ["FAAS_CACHE_TEST_BASE"]
    (folder / "Dockerfile").write_text(f"FROM {base}\nRUN echo {content} > /base\n")
    tag = f"{project.repository}/base:1"
    project.docker("build", "-q", "--push", "-t", tag, str(folder))


@pytest.mark.parametrize("engine", ["docker26"])
@pytest.mark.parametrize("second", ["docker26-graph", "docker28"])
def test_compare_names_what_changed(project: EngineProject, second: str) -> None:
    """Machine A builds and reports, machine B builds after one change: `--compare` names it, from any of the causes."""
    environ = engine_environment(second)
    if environ is None:
        pytest.fail(f"{second} cannot be started")
    other = attrs.evolve(project, environ=environ)
    push_base(project, "one")

    def build(machine: EngineProject, *words: str) -> subprocess.CompletedProcess[str]:
        machine.wipe()
        done = machine.faas_cache("build", "--push", *words)
        assert done.returncode == 0, done.stderr
        return done

    def differences() -> list[str]:
        """What machine B says about its build compared with that of machine A."""
        words = ("--no-cache-export", "--report", "new.json", "--compare", "old.json")
        lines = build(other, *words).stderr.splitlines()
        lines = [line for line in lines[-10:] if line.startswith("fn: ")]
        return [line for line in lines if line != "fn: pushed"]

    cache = project.image.replace(":latest", ":buildcache")
    write(project)
    build(project, "--report", "old.json")
    sentences = {"same": differences()}
    write(project, sha="2")
    sentences["argument"] = differences()
    write(project, requirements="flask\n")
    sentences["file"] = differences()
    (write(project) / "requirements.txt").chmod(0o755)
    sentences["mode"] = differences()
    dockerfile = write(project) / "Dockerfile"
    dockerfile.write_text(f"FROM {project.environ['FAAS_CACHE_TEST_BASE']}\nRUN echo other\n")
    build(project)  # another function, which writes the same cache
    write(project)
    sentences["cache"] = differences()
    push_base(project, "two")
    (base,) = differences()
    assert sentences == {
        "same": [],
        "argument": ["fn: build argument `GIT_SHA` changed"],
        "file": ["fn: `requirements.txt` changed"],
        "mode": ["fn: mode of `requirements.txt` 0644 → 0755"],
        "cache": [
            (
                f"fn: the cache `{cache}` was written since by another function,"
                " or by a build with other inputs"
            )
        ],
    }
    moved = re.sub("sha256:[0-9a-f]{12}", "DIGEST", base)
    assert moved == f"fn: `{project.repository}/base:1` moved from DIGEST to DIGEST"
