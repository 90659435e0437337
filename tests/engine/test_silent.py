"""Silent losses: each is first shown on a real BuildKit, which builds on and says nothing, and then named by `check`.

Every case is built twice by docker alone, on a wiped builder, with a new handler the second time. The step above the handler
should come from the cache: it does as the entry should be written, it does not as it was written.
"""

import json
import subprocess

import attrs
import pytest
from engines import Project, steps

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
NOT_WRITTEN = "@sha256:" + 64 * "0"


@attrs.frozen
class Loss:
    """A setting that loses the cache, the one that was meant, and the code that tells."""

    code: str
    lost: dict[str, list[str]]
    meant: dict[str, list[str]]
    lost_args: dict[str, str] = attrs.field(factory=dict)
    meant_args: dict[str, str] = attrs.field(factory=dict)
    dockerfile: tuple[str, ...] = ONE_STAGE


LOSSES = {
    "a mode that does not exist": Loss(
        "bad-mode",
        {"from": [CACHE], "to": [f"{CACHE},mode=medium"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
        dockerfile=TWO_STAGES,
    ),
    "a misspelt field": Loss(
        "unknown-field",
        {"from": [CACHE], "to": [f"{CACHE},mod=max"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
        dockerfile=TWO_STAGES,
    ),
    "gha outside Actions": Loss(
        "gha-environment",
        {"from": ["type=gha"], "to": ["type=gha,mode=max"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
    ),
    "an argument that Go takes for no": Loss(
        "A3", {"from": ["{image}"]}, {"from": ["{image}"]}, {"BUILDKIT_INLINE_CACHE": "yes"}, INLINE
    ),
    "a cache over the image": Loss(
        "E4",
        {"to": ["type=registry,ref={image},mode=max"], "from": ["type=registry,ref={image}"]},
        {"to": [f"{CACHE},mode=max"], "from": [CACHE]},
    ),
    "inline in from": Loss(
        "inline-import", {"from": ["type=inline"]}, {"from": ["{image}"]}, INLINE, INLINE
    ),
    "a misspelt type in from": Loss(
        "unknown-type",
        {"from": ["type=regisrty,ref={cache}"], "to": [CACHE]},
        {"from": [CACHE], "to": [CACHE]},
    ),
    "inline with two stages": Loss(
        "inline-stages",
        {"from": ["{image}"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
        INLINE,
        {},
        TWO_STAGES,
    ),
    "inline of another tag": Loss(
        "E3", {"from": ["{other}"]}, {"from": ["{image}"]}, INLINE, INLINE
    ),
    "a digest in to": Loss(
        "E2",
        {"from": [CACHE], "to": [f"{CACHE}{NOT_WRITTEN},mode=max"]},
        {"from": [CACHE], "to": [f"{CACHE},mode=max"]},
    ),
}


def filled(project: Project, text: str) -> str:
    """A text with this project's references."""
    repository = project.image.removesuffix(":latest")
    return text.format(
        image=project.image,
        cache=f"{repository}:buildcache",
        other=f"{repository}:other",
        base=project.environ["FAAS_CACHE_TEST_BASE"],
    )


def write(
    project: Project, setting: object, handler: str, lines: tuple[str, ...], **more: object
) -> None:
    """The project, with a Dockerfile of these lines."""
    project.write(setting, handler, **more)
    text = "\n".join(("FROM {base}", *lines))
    (project.folder / "build" / "fn" / "Dockerfile").write_text(filled(project, text) + "\n")


def docker_build(
    project: Project, *words: str, context: str = "build/fn"
) -> subprocess.CompletedProcess[str]:
    """A build by docker's own command; it must succeed."""
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


def hits(
    project: Project, setting: dict[str, list[str]], args: dict[str, str], lines: tuple[str, ...]
) -> bool:
    """Whether the step above the handler is cached in a second build, by docker alone."""
    flags = [
        f"--cache-{way}={filled(project, text)}" for way, texts in setting.items() for text in texts
    ]
    flags += [f"--build-arg={key}={value}" for key, value in args.items()]
    write(project, None, "one", lines)
    docker_build(project, *flags)
    project.wipe()
    write(project, None, "two", lines)
    done = docker_build(project, *flags)
    project.wipe()
    return steps(done.stderr)[RUN]


def codes(project: Project, *words: str) -> set[str]:
    """The codes of what `faas-cache check` says here."""
    done = project.faas_cache("check", "--format=json", *words)
    return {item["code"] for item in json.loads(done.stdout)["diagnostics"]}


@pytest.fixture
def outside(project: Project) -> Project:
    """A project whose environment is that of no GitHub workflow."""
    environ = {
        key: value for key, value in project.environ.items() if not key.startswith("ACTIONS_")
    }
    return attrs.evolve(project, environ=environ)


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_silent_there_and_named_here(outside: Project, name: str) -> None:
    """The build succeeds twice and nothing was cached; the same setting makes `check` speak, and the one meant does not."""
    loss = LOSSES[name]
    assert not hits(outside, loss.lost, loss.lost_args, loss.dockerfile) or lost_image(outside)
    said = {}
    for which, setting, args in (
        ("lost", loss.lost, loss.lost_args),
        ("meant", loss.meant, loss.meant_args),
    ):
        written = {way: [filled(outside, text) for text in texts] for way, texts in setting.items()}
        write(outside, written, "one", loss.dockerfile, build_args=args)
        said[which] = loss.name in codes(outside)
    assert said == {"lost": True, "meant": False}
    fresh = attrs.evolve(outside, image=outside.image.replace("/fn:", "/meant:"))
    assert hits(fresh, loss.meant, loss.meant_args, loss.dockerfile)


def lost_image(project: Project) -> bool:
    """Whether the pushed tag is no image: newer BuildKits write the cache after it."""
    argv = ["docker", "run", "--rm", "--network=none", project.image, "true"]
    return (
        subprocess.run(argv, check=False, capture_output=True, env=project.environ).returncode != 0
    )


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_two_functions_overwrite_each_other(project: Project) -> None:
    """E5: two builds export to one ref, both succeed, and the first finds nothing any more."""
    cache = project.image.replace(":latest", ":buildcache")
    setting = {
        "from": [f"type=registry,ref={cache}"],
        "to": [f"type=registry,ref={cache},mode=max"],
    }
    flags = [f"--cache-{way}={texts[0]}" for way, texts in setting.items()]
    write(project, setting, "one", ONE_STAGE)
    other = project.folder / "build" / "other"
    other.mkdir()
    (other / "Dockerfile").write_text(filled(project, "FROM {base}\nRUN echo other > /other\n"))
    for context in ("build/fn", "build/other"):
        docker_build(project, *flags, context=context)
        project.wipe()
    assert steps(docker_build(project, *flags).stderr)[RUN] is False
    assert codes(project) == set()
    stack = json.loads((project.folder / "stack.yaml").read_text())
    stack["functions"]["other"] = {
        **stack["functions"]["fn"],
        "image": project.image.replace("/fn", "/other"),
        "handler": "./other",
    }
    (project.folder / "stack.yaml").write_text(json.dumps(stack))
    assert codes(project) == {"E5"}


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_cache_in_the_context_spoils_what_is_copied(project: Project) -> None:
    """A local cache inside the build context changes what `COPY .` copies, with no source changed."""
    lines = ("COPY . /all",)
    for dest, expected in (
        ("build/fn/cache", (False, {"dest-in-context"})),
        ("cache", (True, set())),
    ):
        setting = {"from": [f"type=local,src={dest}"], "to": [f"type=local,dest={dest}"]}
        (project.folder / dest).mkdir(parents=True)
        write(project, setting, "one", lines)
        for _ in range(2):
            project.wipe()
            done = docker_build(
                project, *(f"--cache-{way}={texts[0]}" for way, texts in setting.items())
            )
        assert (steps(done.stderr)["COPY . /all"], codes(project)) == expected
        subprocess.run(["rm", "-rf", project.folder / dest], check=True)


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_field_of_the_future_is_ignored(project: Project) -> None:
    """`reset` came with BuildKit 0.31: older ones keep the old blobs without a word, and `check --inspect` says so."""
    setting = {"to": ["type=local,dest=cache,reset=true"]}
    for handler in ("one", "two"):
        write(project, setting, handler, ONE_STAGE)
        docker_build(project, "--cache-to=type=local,dest=cache,reset=true")
        if handler == "one":
            first = set((project.folder / "cache" / "blobs" / "sha256").iterdir())
            project.wipe()
    assert first <= set((project.folder / "cache" / "blobs" / "sha256").iterdir())
    assert codes(project) == set()
    assert codes(project, "--inspect") == {"new-field"}


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_yes_is_no_boolean(project: Project) -> None:
    """`ignore-error=yes` is silently false: the refused cache fails the build that was told to go on."""
    refused = project.image.replace(
        project.environ["FAAS_CACHE_TEST_REGISTRY"],
        project.environ["FAAS_CACHE_TEST_REGISTRY_REJECT"],
    )
    for word, exit_code, said in (("true", 0, set()), ("yes", 1, {"bad-boolean"})):
        entry = f"type=registry,ref={refused.replace(':latest', f':{word}')},ignore-error={word}"
        write(project, {"to": [entry]}, word, ONE_STAGE)
        argv = ["docker", "buildx", "build", f"--cache-to={entry}", "build/fn"]
        done = subprocess.run(
            argv,
            check=False,
            capture_output=True,
            text=True,
            cwd=project.folder,
            env=project.environ,
        )
        assert (done.returncode, codes(project)) == (exit_code, said), done.stderr


@pytest.mark.parametrize("engine", ["docker26"])
def test_the_two_fields_pass_a_registry_that_refuses_indexes(project: Project) -> None:
    """E6: an old BuildKit's default form is refused, and with both fields the same registry takes the cache and gives it back."""
    taking, refusing = (
        project.environ[f"FAAS_CACHE_TEST_REGISTRY{more}"] for more in ("", "_REJECT_INDEX")
    )
    cache = project.image.replace(taking, refusing).replace(":latest", ":buildcache")
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
def test_a_docker_without_buildx_splits_a_typed_entry(project: Project) -> None:
    """F1: `--cache-from type=registry,ref=…` is cut at its comma there: the build is green and nothing is found."""
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
    assert codes(project, "--inspect") == {"F2"}
