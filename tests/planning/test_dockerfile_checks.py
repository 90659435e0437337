"""What a Dockerfile says about the build arguments of its function, and about its cache."""

from __future__ import annotations

import pytest

from faas_cache.model.diagnostics import Diagnostic, path_text
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.checks import check, check_files
from faas_cache.planning.options import BuildOptions
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.requests import PlanInputs
from faas_cache.planning.resolution import resolve
from faas_cache.stack.combination import combine
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import plan_stack


def made_plan(
    name: str = "fn", build_args: dict[str, str] | None = None, *builder_flags: str
) -> BuildPlan:
    """The plan of a function with a cache."""
    return resolve(
        FunctionSpec(
            name=name,
            image=f"ghcr.io/a/{name}:1",
            build_cache="max",
            build_args=build_args or {},
            builder_flags=builder_flags,
        )
    )


def found(
    dockerfile: str, build_args: dict[str, str] | None = None, *builder_flags: str
) -> list[tuple[str, str, str, str, str]]:
    """Name, severity, key path, message and hint of what is found in a Dockerfile."""
    diagnostics = check(
        [made_plan("fn", build_args, *builder_flags)], dockerfiles={"fn": dockerfile}
    )
    return [
        (d.name, d.severity, path_text(d.location.path), d.message, d.hint) for d in diagnostics
    ]


def names(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    return [diagnostic.name for diagnostic in diagnostics]


def test_the_sentence_about_an_unread_build_argument() -> None:
    """It names the argument, and what to write."""
    assert found("FROM a\n", {"GITSHA": "abc"}) == [
        (
            "unread-build-arg",
            "note",
            "functions.fn.build_args.GITSHA",
            "no `ARG` of the Dockerfile declares the build argument `GITSHA`, so BuildKit ignores it",
            "write `ARG GITSHA` into the Dockerfile, or remove the argument",
        )
    ]


def test_the_sentence_about_a_volatile_build_argument() -> None:
    """It names the lines of the Dockerfile, and where to move the ARG."""
    dockerfile = (
        "FROM a\nARG GIT_SHA=unknown\nENV GIT_SHA=${GIT_SHA}\nCOPY requirements.txt /r/\n"
        "RUN pip install -r /r/requirements.txt \\\n  && rm -r /r\nRUN useradd app\nCOPY handler.sh /\n"
        "RUN echo $GIT_SHA > /version\nRUN more\n"
    )
    assert found(dockerfile, {"GIT_SHA": "abc"}) == [
        (
            "volatile-build-arg",
            "warning",
            "functions.fn.build_args.GIT_SHA",
            (
                "each change of `GIT_SHA` runs the step in line 5 of the Dockerfile again, because"
                " `ARG GIT_SHA` is in line 2"
            ),
            "move `ARG GIT_SHA`, and an `ENV` that uses it, below line 7",
        )
    ]


def test_the_sentence_about_a_late_install() -> None:
    """It names the lines of both steps, and the files to copy first."""
    assert found("FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\n") == [
        (
            "late-install",
            "note",
            "functions.fn.build_cache",
            (
                "each change of the code installs the dependencies again, because line 4 of the"
                " Dockerfile comes after `COPY` in line 3, which copies all files"
            ),
            "copy `package*.json` first, and move the step above line 3",
        )
    ]
    ((*_, hint),) = found("FROM a\nADD . /\nRUN apk add git\n")
    assert hint == "move the step above line 2"


VOLATILE = [
    "GIT_SHA", "COMMIT", "COMMIT_SHA", "GIT_COMMIT", "CI_COMMIT_SHA", "GITHUB_SHA", "BUILD_DATE",
    "DATE", "BUILD_TIMESTAMP", "VERSION", "APP_VERSION", "REVISION", "VCS_REF", "BUILD_ID",
    "BUILD_NUMBER", "GITHUB_RUN_ID", "CI_PIPELINE_ID", "CACHEBUST", "CACHE_BUST", "git_sha",
]  # fmt: skip
STABLE = [
    "NODE_VERSION", "PYTHON_VERSION", "GOLANG_VERSION", "GOSU_SHA256", "APP_ID", "RELEASE", "TAG",
    "PLATFORM", "UPDATED_AT_START", "TIMEZONE", "RUNTIME", "GO111MODULE", "TEST_ENABLED", "APP",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "volatile"), [(n, True) for n in VOLATILE] + [(n, False) for n in STABLE]
)
def test_names_of_volatile_build_arguments(name: str, volatile: bool) -> None:  # noqa: FBT001  # a column of the table
    """What differs for each commit or build, and not versions of tools, checksums and switches."""
    diagnostics = check(
        [made_plan("fn", {name: "1"})], dockerfiles={"fn": f"FROM a\nARG {name}\nRUN x\n"}
    )
    assert names(diagnostics) == (["volatile-build-arg"] if volatile else [])


@pytest.mark.parametrize(
    ("steps", "reported"),
    [
        ("RUN x\nRUN echo $V", True),
        ("RUN echo $V\nRUN x", False),
        ("RUN echo ${V:-1}", False),
        ("RUN <<E\necho $V\nE", False),
        ("RUN --mount=type=cache,target=/$V x", False),
        ('RUN ["sh", "-c", "echo $V"]', False),
        ("ENV W=$V\nRUN echo $W", False),
        ("ARG W=$V\nENV X=$W\nRUN echo $X", False),
        ("ENV W=1\nRUN echo $W", True),
        ("RUN make", False),
        ("RUN npm run build", False),
        ("COPY . /\nLABEL v=$V", False),
        ("RUN echo $VERSION", True),
    ],
)
def test_steps_behind_a_volatile_argument(steps: str, reported: bool) -> None:  # noqa: FBT001  # a column of the table
    """Those count that come before the first one that uses it, or may use it."""
    dockerfile = f"FROM a\nARG V\n{steps}\n"
    plan = made_plan("fn", {"V": "1"})
    diagnostics = check_files([plan], {"fn": dockerfile}, {"fn": {"V": ("GITHUB_SHA",)}})
    assert names(diagnostics) == (["volatile-build-arg"] if reported else [])
    assert names(check_files([plan], {"fn": dockerfile}, {"fn": {"V": ("TAG",)}})) == []


def test_a_stage_that_is_not_built() -> None:
    """`--target` among the builder flags says which stages are."""
    dockerfile = "FROM a AS b\nARG SHA\nRUN x\nFROM c\nARG SHA\n"
    assert [d[0] for d in found(dockerfile, {"SHA": "1"})] == []
    assert [d[0] for d in found(dockerfile, {"SHA": "1"}, "--target=b")] == ["volatile-build-arg"]
    dockerfile = "FROM a AS b\nCOPY . /\nRUN npm ci\nFROM c\nCOPY . /\n"
    assert [d[0] for d in found(dockerfile, {})] == []
    assert [d[0] for d in found(dockerfile, {}, "--target=b")] == ["late-install"]


INSTALLS = {
    "npm i": "package*.json",
    "npm install --production": "package*.json",
    "cd /app && npm ci": "package*.json",
    "yarn": "package.json yarn.lock",
    "yarn install --frozen-lockfile": "package.json yarn.lock",
    "yarn --production": "package.json yarn.lock",
    "pnpm i && true": "package.json pnpm-lock.yaml",
    "pip install --user -r requirements.txt": "requirements.txt",
    "pip3 install --requirement=r.txt": "requirements.txt",
    "pipenv sync": "Pipfile Pipfile.lock",
    "bundle install": "Gemfile Gemfile.lock",
    "composer install --no-dev": "composer.json composer.lock",
    "go mod download -x": "go.mod go.sum",
    "apt-get update && apt-get install -y gcc": "",
    "apk --no-cache add git": "",
}
OTHERS = [
    "npm install left-pad", "npm run build", "npm test", "yarn build", "yarn --version",
    "pip install .", "pip install -e /app", "go build", "go mod tidy", "apt-get update",
    "cat list | xargs apt-get install", "apt-get install $(cat list)", "apk del git",
    "[ -f composer.json ] && composer install", "if test -e yarn.lock; then yarn; fi",
    "[[ ! -d node_modules ]] && npm ci", "echo npmci",
]  # fmt: skip


@pytest.mark.parametrize("command", [*INSTALLS, *OTHERS])
def test_commands_that_install(command: str) -> None:
    """What installs a fixed list; not what needs the code, or looks for its files first."""
    hints = [hint for *_, hint in found(f"FROM a\nCOPY . /\nRUN {command}\n")]
    files = INSTALLS.get(command)
    first = f"copy `{files}` first, and " if files else ""
    assert hints == ([] if files is None else [f"{first}move the step above line 2"])


@pytest.mark.parametrize(
    ("dockerfile", "reported"),
    [
        ("FROM a\nCOPY function /f\nRUN npm ci", True),
        ("FROM a\nCOPY function/ handler/ /f/\nRUN npm ci", True),
        ("FROM a\nCOPY * /f/\nRUN npm ci", True),
        ("FROM a\nCOPY function/*.json /f/\nRUN npm ci\nCOPY function /f\nRUN npm test", False),
        ("FROM a\nCOPY package.json /\nRUN npm i\nCOPY function/ /f\nRUN npm i", False),
        ("FROM a\nCOPY src /f\nRUN npm ci", False),
        ("FROM a\nRUN npm ci\nCOPY . /", False),
        ("FROM a AS b\nCOPY . /\nFROM b\nRUN npm ci", False),
        ("", False),
    ],
)
def test_copies_of_all_files(dockerfile: str, reported: bool) -> None:  # noqa: FBT001  # a column of the table
    """The context, or the folder of the handler in a template."""
    assert [d[0] for d in found(dockerfile)] == (["late-install"] if reported else [])


def test_an_argument_for_all_functions() -> None:
    """`--build-arg` reaches every function: it is enough that one of them reads it."""
    text = (
        "provider: {name: openfaas}\nfunctions:\n"
        "  one: {image: a/one, context: ., build_cache: max, build_args: {X: '1'}}\n"
        "  two: {image: a/two, context: ., build_cache: max}\n"
    )
    stack = Stack.loads(text, {})
    inputs = PlanInputs(
        environ={}, dockerfiles={"one": "FROM a\nARG A\n", "two": "FROM a\nARG X\n"}
    )
    options = BuildOptions(build_args={"A": "1", "B": "2"})
    notes = plan_stack(stack, options=options, inputs=inputs).diagnostics
    assert [path_text(d.location.path) for d in notes if d.name == "unread-build-arg"] == [
        "functions.one.build_args.B",
        "functions.one.build_args.X",
        "functions.two.build_args.B",
    ]


def test_variables_of_the_stack_file() -> None:
    """The name of the variable in the value counts as well, in each of several files."""
    text = (
        "provider: {name: openfaas}\nfunctions:\n  fn:\n    context: .\n    image: a/fn\n    build_cache: max\n"
        "    build_args: {LABEL: 'v-${CI_COMMIT_SHA}', OTHER: x}\n"
    )
    stack = Stack.loads(text, {"CI_COMMIT_SHA": "abc"}, file="a.yml")
    dockerfile = "FROM a\nARG LABEL OTHER\nRUN x\n"
    plan = plan_stack(stack, inputs=PlanInputs(environ={}, dockerfiles={"fn": dockerfile}))
    assert names(plan.diagnostics) == ["volatile-build-arg"]
    several = combine(
        {"a.yml": stack, "b.yml": Stack.loads(text.replace("${CI_COMMIT_SHA}", "1"), {})}
    )
    inputs = PlanInputs(environ={}, dockerfiles=dict.fromkeys(several.functions, dockerfile))
    plan = plan_stack(several, inputs=inputs)
    assert [d.location.file for d in plan.diagnostics if d.name == "volatile-build-arg"] == [
        "a.yml"
    ]


# Cache arguments among the builder flags.

IMAGE = "ghcr.io/a/fn"
FLAGS: list[tuple[tuple[str, ...], str, str]] = [
    (("--cache-from=A/b",), "--cache-from", "{from: [A/b]}"),
    (("--cache-from=x/a,x/b",), "--cache-from", "{from: [x/a, x/b]}"),
    (("--build-arg=BUILDKIT_INLINE_CACHE=1",), "--build-arg BUILDKIT_INLINE_CACHE", "inline"),
    (("--build-arg BUILDKIT_INLINE_CACHE=1",), "--build-arg BUILDKIT_INLINE_CACHE", "inline"),
    (
        (f"--cache-from={IMAGE}:1", "--build-arg=BUILDKIT_INLINE_CACHE=1"),
        "--cache-from",
        "inline",
    ),
    ((f"--cache-from type=registry,ref={IMAGE}:1",), "--cache-from", "inline"),
    (
        (
            f"--cache-from=type=registry,ref={IMAGE}:buildcache",
            f"--cache-to=type=registry,ref={IMAGE}:buildcache,mode=max",
        ),
        "--cache-from",
        "max",
    ),
    (
        (
            f"--cache-to=type=registry,ref={IMAGE}:buildcache,mode=max",
            f"--cache-from={IMAGE}:buildcache",
        ),
        "--cache-to",
        "max",
    ),
    (
        ("--cache-to=type=gha,mode=max", "--cache-from=type=gha"),
        "--cache-to",
        "{from: ['type=gha'], to: ['type=gha,mode=max']}",
    ),
    (("--cache-to=type=local,dest=it's",), "--cache-to", "{to: ['type=local,dest=it''s']}"),
    (("--cache-to=type=gha,token=hunter2",), "--cache-to", "{to: ['type=gha,token=***']}"),
    (('--cache-to=type=gha,"x',), "--cache-to", "{to: ['type=gha,\"x']}"),
]


@pytest.mark.parametrize(("flags", "name", "setting"), FLAGS)
def test_d2_cache_arguments_among_the_builder_flags(
    flags: tuple[str, ...], name: str, setting: str
) -> None:
    """D2: a note with the setting to write; the flags are passed as written."""
    plan = resolve(FunctionSpec(name="fn", image=f"{IMAGE}:1", builder_flags=flags))
    assert plan.builder_flags == flags
    assert [
        (d.name, d.severity, path_text(d.location.path), d.message, d.hint) for d in check([plan])
    ] == [
        (
            "cache-in-builder-flags",
            "note",
            "functions.fn.builder_flags",
            f"`{name}` among the builder flags is passed as written, and not checked",
            f"write `build_cache: {setting}` instead",
        )
    ]


def test_d2_without_a_value_or_a_tag() -> None:
    """A flag that docker rejects, and a plan without a tag."""
    plan = BuildPlan(function="fn", tags=[], builder_flags=["--cache-from"])
    assert [d.hint for d in check([plan])] == ["write `build_cache: {}` instead"]


def test_functions_of_one_template() -> None:
    """Each is reported, whoever else has the same Dockerfile."""
    dockerfiles = dict.fromkeys(("a", "b"), "FROM node\nCOPY . /\nRUN npm ci\n")
    diagnostics = check([made_plan("a"), made_plan("b")], dockerfiles=dockerfiles)
    assert [d.location.path[1] for d in diagnostics if d.name == "late-install"] == ["a", "b"]
