"""Silent losses: each is first reproduced on a real BuildKit, which builds without a message, and then reported by `check`.

Every case is built twice by docker alone, on an empty builder, the second time with a new handler. The step above the handler
should be cached: it is with the entry that was meant, and it is not with the entry that was written.
"""

import json
import subprocess

import attrs
import pytest
from engines import EngineProject, steps

pytestmark = pytest.mark.engine

RUN = "RUN cat /proc/sys/kernel/random/uuid > /deps"
ONE_STAGE = ("COPY requirements.txt /", RUN, "COPY function/ /function/")
TWO_STAGES = (
    *ONE_STAGE,
    "RUN cat /function/handler.txt > /built",
    "FROM {base}",
    "COPY --from=0 /built /built",
)
CACHE = "type=registry,ref={cache}"
INLINE = {"BUILDKIT_INLINE_CACHE": "1"}
OTHER_DIGEST = "@sha256:" + 64 * "0"


@attrs.frozen
class Loss:
    """A setting that loses the cache, the one that was meant, and the name of the diagnostic that reports it."""

    diagnostic: str
    lost: dict[str, list[str]]
    meant: dict[str, list[str]]
    lost_args: dict[str, str] = attrs.field(factory=dict)
    meant_args: dict[str, str] = attrs.field(factory=dict)
    dockerfile: tuple[str, ...] = ONE_STAGE


LOSSES = {
    "a mode that does not exist": Loss(
        "invalid-mode",
        {"from": [CACHE], "to": [f"{CACHE},mode=medium"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
        dockerfile=TWO_STAGES,
    ),
    "a misspelled field": Loss(
        "unknown-field",
        {"from": [CACHE], "to": [f"{CACHE},mod=max"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
        dockerfile=TWO_STAGES,
    ),
    "gha outside Actions": Loss(
        "missing-gha-environment",
        {"from": ["type=gha"], "to": ["type=gha,mode=max"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
    ),
    "an argument that Go reads as false": Loss(
        "inline-cache-disabled",
        {"from": ["{image}"]},
        {"from": ["{image}"]},
        {"BUILDKIT_INLINE_CACHE": "yes"},
        INLINE,
    ),
    "a cache that overwrites the image": Loss(
        "cache-overwrites-image",
        {"to": ["type=registry,ref={image},mode=max"], "from": ["type=registry,ref={image}"]},
        {"to": [f"{CACHE},mode=max"], "from": [CACHE]},
    ),
    "inline in from": Loss(
        "inline-import", {"from": ["type=inline"]}, {"from": ["{image}"]}, INLINE, INLINE
    ),
    "a misspelled type in from": Loss(
        "unknown-backend",
        {"from": ["type=regisrty,ref={cache}"], "to": [CACHE]},
        {"from": [CACHE], "to": [CACHE]},
    ),
    "inline with two stages": Loss(
        "uncached-stages",
        {"from": ["{image}"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
        INLINE,
        {},
        TWO_STAGES,
    ),
    "inline of another tag": Loss(
        "inline-tag-mismatch", {"from": ["{other}"]}, {"from": ["{image}"]}, INLINE, INLINE
    ),
    "a digest in to": Loss(
        "export-to-digest",
        {"from": [CACHE], "to": [f"{CACHE}{OTHER_DIGEST},mode=max"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
    ),
}


def fill_in(project: EngineProject, text: str) -> str:
    """The text with the references of this project."""
    repository = project.image.removesuffix(":latest")
    return text.format(
        image=project.image,
        cache=f"{repository}:buildcache",
        other=f"{repository}:other",
        base=project.environ["FAAS_CACHE_TEST_BASE"],
    )


def write(
    project: EngineProject, setting: object, handler: str, lines: tuple[str, ...], **more: object
) -> None:
    """Writes the project, with a Dockerfile of these lines."""
    project.write(setting, handler, **more)
    text = "\n".join(("FROM {base}", *lines))
    (project.folder / "build" / "fn" / "Dockerfile").write_text(fill_in(project, text) + "\n")


def docker_build(
    project: EngineProject, *words: str, context: str = "build/fn"
) -> subprocess.CompletedProcess[str]:
    """Builds with docker alone, which must succeed."""
    argv = [
        "docker",
        "buildx",
        "build",
        "--push",
        "--progress=rawjson",
        f"--tag={project.image}",
        *words,
        context,
    ]
    return subprocess.run(
        argv, check=True, capture_output=True, text=True, cwd=project.folder, env=project.environ
    )


def is_cached(
    project: EngineProject,
    setting: dict[str, list[str]],
    args: dict[str, str],
    lines: tuple[str, ...],
) -> bool:
    """Whether the step above the handler is cached in a second build with docker alone."""
    flags = [
        f"--cache-{way}={fill_in(project, text)}"
        for way, texts in setting.items()
        for text in texts
    ]
    flags += [f"--build-arg={key}={value}" for key, value in args.items()]
    write(project, None, "one", lines)
    docker_build(project, *flags)
    project.wipe()
    write(project, None, "two", lines)
    done = docker_build(project, *flags)
    project.wipe()
    return steps(done.stderr)[RUN]


def names(project: EngineProject, *words: str) -> list[str]:
    """The names of the diagnostics of `faas-cache check`."""
    done = project.faas_cache("check", "--format=json", *words)
    return [item["name"] for item in json.loads(done.stdout)["diagnostics"]]


@pytest.fixture
def outside(project: EngineProject) -> EngineProject:
    """A project outside of GitHub Actions."""
    environ = {
        key: value for key, value in project.environ.items() if not key.startswith("ACTIONS_")
    }
    return attrs.evolve(project, environ=environ)


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
@pytest.mark.parametrize("name", LOSSES)
def test_f4_a_silent_loss_is_reported(outside: EngineProject, name: str) -> None:
    """F4: both builds succeed and nothing is cached; `check` reports the setting, and not the one that was meant."""
    loss = LOSSES[name]
    assert not is_cached(outside, loss.lost, loss.lost_args, loss.dockerfile) or lost_image(outside)
    reported = {}
    for which, setting, args in (
        ("lost", loss.lost, loss.lost_args),
        ("meant", loss.meant, loss.meant_args),
    ):
        written = {
            way: [fill_in(outside, text) for text in texts] for way, texts in setting.items()
        }
        write(outside, written, "one", loss.dockerfile, build_args=args)
        reported[which] = names(outside)
    assert loss.diagnostic in reported["lost"]
    assert reported["meant"] == []
    fresh = attrs.evolve(outside, image=outside.image.replace("/fn:", "/meant:"))
    assert is_cached(fresh, loss.meant, loss.meant_args, loss.dockerfile)


def lost_image(project: EngineProject) -> bool:
    """Whether the pushed tag is not an image any more: newer versions of BuildKit write the cache after it."""
    argv = ["docker", "run", "--rm", "--network=none", project.image, "true"]
    return (
        subprocess.run(argv, check=False, capture_output=True, env=project.environ).returncode != 0
    )


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_e5_two_functions_overwrite_each_other(project: EngineProject) -> None:
    """E5: two builds export to one reference, both succeed, and the cache of the first is gone."""
    cache = project.image.replace(":latest", ":buildcache")
    setting = {
        "from": [f"type=registry,ref={cache}"],
        "to": [f"type=registry,ref={cache},mode=max"],
    }
    flags = [f"--cache-{way}={texts[0]}" for way, texts in setting.items()]
    write(project, setting, "one", ONE_STAGE)
    other = project.folder / "build" / "other"
    other.mkdir()
    (other / "Dockerfile").write_text(fill_in(project, "FROM {base}\nRUN echo other > /other\n"))
    for context in ("build/fn", "build/other"):
        docker_build(project, *flags, context=context)
        project.wipe()
    assert steps(docker_build(project, *flags).stderr)[RUN] is False
    assert names(project) == []
    stack = json.loads((project.folder / "stack.yaml").read_text())
    stack["functions"]["other"] = {
        **stack["functions"]["fn"],
        "image": project.image.replace("/fn", "/other"),
        "handler": "./other",
    }
    (project.folder / "stack.yaml").write_text(json.dumps(stack))
    assert names(project) == ["shared-cache-destination"]


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_f4_a_cache_in_the_context_invalidates_copies(project: EngineProject) -> None:
    """F4: a local cache inside the build context changes what `COPY .` copies, although no source changed."""
    lines = ("COPY . /all",)
    for dest, expected in (
        ("build/fn/cache", (False, ["cache-in-context"])),
        ("cache", (True, [])),
    ):
        setting = {"from": [f"type=local,src={dest}"], "to": [f"type=local,dest={dest}"]}
        (project.folder / dest).mkdir(parents=True)
        write(project, setting, "one", lines)
        for _ in range(2):
            project.wipe()
            done = docker_build(
                project, *(f"--cache-{way}={texts[0]}" for way, texts in setting.items())
            )
        assert (steps(done.stderr)["COPY . /all"], names(project)) == expected
        subprocess.run(["rm", "-rf", project.folder / dest], check=True)


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_f4_a_field_of_a_newer_buildkit_is_ignored(project: EngineProject) -> None:
    """F4: BuildKit before 0.31 silently ignores `reset` and keeps the old blobs; `check --inspect` reports it."""
    setting = {"from": ["type=local,src=cache"], "to": ["type=local,dest=cache,reset=true"]}
    for handler in ("one", "two"):
        write(project, setting, handler, ONE_STAGE)
        docker_build(project, "--cache-to=type=local,dest=cache,reset=true")
        if handler == "one":
            first = set((project.folder / "cache" / "blobs" / "sha256").iterdir())
            project.wipe()
    assert first <= set((project.folder / "cache" / "blobs" / "sha256").iterdir())
    assert names(project) == []
    assert names(project, "--inspect") == ["unsupported-field"]


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_f4_yes_is_not_a_boolean(project: EngineProject) -> None:
    """F4: `ignore-error=yes` is silently false: the rejected cache fails a build that should go on."""
    rejecting = project.image.replace(
        project.environ["FAAS_CACHE_TEST_REGISTRY"],
        project.environ["FAAS_CACHE_TEST_REGISTRY_REJECT"],
    )
    for word, exit_code, expected in (("true", 0, []), ("yes", 1, ["invalid-boolean"])):
        cache = f"type=registry,ref={rejecting.replace(':latest', f':{word}')}"
        entry = f"{cache},ignore-error={word}"
        write(project, {"from": [cache], "to": [entry]}, word, ONE_STAGE)
        argv = ["docker", "buildx", "build", f"--cache-to={entry}", "build/fn"]
        done = subprocess.run(
            argv,
            check=False,
            capture_output=True,
            text=True,
            cwd=project.folder,
            env=project.environ,
        )
        assert (done.returncode, names(project)) == (exit_code, expected), done.stderr


@pytest.mark.parametrize("engine", ["docker26"])
def test_e6_both_fields_suit_a_registry_that_rejects_indexes(project: EngineProject) -> None:
    """E6: the default form of an old BuildKit is rejected; with both fields, the same registry stores the cache and serves it."""
    accepting, rejecting = (
        project.environ[f"FAAS_CACHE_TEST_REGISTRY{suffix}"] for suffix in ("", "_REJECT_INDEX")
    )
    cache = project.image.replace(accepting, rejecting).replace(":latest", ":buildcache")
    plain = f"type=registry,ref={cache}"
    project.write({"from": [plain], "to": [f"{plain},mode=max"]}, "one")
    assert project.faas_cache("build", "--push").returncode == 1
    project.wipe()
    project.write(
        {"from": [plain], "to": [f"{plain},mode=max,image-manifest=true,oci-mediatypes=true"]},
        "one",
    )
    assert project.faas_cache("build", "--push").returncode == 0
    project.wipe()
    done = project.faas_cache("build", "--push", "--builder-flag=--progress=rawjson")
    assert (done.returncode, steps(done.stderr)[RUN]) == (0, True), done.stderr


@pytest.mark.parametrize("engine", ["docker20"])
def test_f1_docker_without_buildx_splits_a_typed_entry(project: EngineProject) -> None:
    """F1: it splits `--cache-from type=registry,ref=…` at the comma: the build succeeds and nothing is cached."""
    argv = ["docker", "build", "--build-arg=BUILDKIT_INLINE_CACHE=1", f"--tag={project.image}"]
    environ = project.environ | {"DOCKER_BUILDKIT": "1"}
    numbers = []
    for text in (project.image, project.image, f"type=registry,ref={project.image}"):
        write(project, {"from": [text]}, "one", ONE_STAGE)
        subprocess.run(
            [*argv, f"--cache-from={text}", "build/fn"],
            check=True,
            capture_output=True,
            cwd=project.folder,
            env=environ,
        )
        project.docker("push", project.image)
        numbers.append(
            project.docker("run", "--rm", "--network=none", project.image, "cat", "/deps")
        )
        project.wipe()
    assert (numbers[0] == numbers[1], numbers[1] == numbers[2]) == (True, False)
    assert names(project, "--inspect") == ["missing-feature"]
