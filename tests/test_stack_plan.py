"""`plan_stack`: faults as data, the rules between functions, and one front end for all."""

import json
import pickle
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from faas_cache.model.builders import Builder
from faas_cache.model.diagnostics import Diagnostic, Location, path_text
from faas_cache.model.errors import BuilderError, InvalidInput, InvalidStack
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.planning.options import BuildOptions
from faas_cache.planning.plan import BuildPlan
from faas_cache.render import FRONT_ENDS, Command, FrontEnd
from faas_cache.stack.stack_file import Stack
from faas_cache.stack.templates import Template
from faas_cache.stack_plan import PlanInputs, Request, StackPlan, plan_stack

CONTAINERD = Builder(docker="28.5.2", buildx="0.29.1", containerd_store=True)
CLASSIC = Builder(docker="26.1.5", buildx="0.13.1")
WITHOUT_BUILDX = Builder(docker="20.10.24")
PLAIN = {"image": "a/plain:1"}
MAX = {"image": "a/max:1", "build_cache": "max"}
INLINE = {"image": "a/inline:1", "build_cache": "inline"}


def stack_of(**functions: Mapping[str, Any]) -> Stack:
    """A stack file with these functions, read from text; each has a context of its own."""
    described = {
        name: fields if "lang" in fields else {"context": f"build/{name}", **fields}
        for name, fields in functions.items()
    }
    text = json.dumps({"provider": {"name": "openfaas"}, "functions": described}, indent=1)
    try:
        return Stack.loads(text, {}, file="stack.yaml")
    except InvalidStack as error:
        assert isinstance(error.stack, Stack)
        return error.stack


def plan(*names: str, stack: Stack | None = None, **arguments: Any) -> StackPlan:  # noqa: ANN401  # those of plan_stack
    """The plan of two functions, one with a cache, unless a stack is given."""
    stack = stack_of(plain=PLAIN, max=MAX) if stack is None else stack
    return plan_stack(stack, names=names, **arguments)


def findings(stack_plan: StackPlan) -> list[tuple[str, str, str]]:
    """Name, severity and key path of each diagnostic."""
    return [
        (d.name, d.severity, path_text(d.location.path))
        for d in stack_plan.diagnostics
        if d.name != "unread-export"  # most of these functions only export
    ]


def shells(stack_plan: StackPlan) -> list[str]:
    """The commands as text."""
    return [command.shell() for command in stack_plan.commands()]


# Front ends.


def test_f3_without_caching_it_is_docker_build() -> None:
    """F3: plans without caching need nothing but docker."""
    result = plan("plain")
    assert (result.front_end, shells(result)) == (
        FRONT_ENDS["docker_build"],
        ["docker build --tag a/plain:1 build/plain"],
    )


def test_f3_if_one_function_uses_buildx_all_do() -> None:
    """F3: one builder builds all functions of a run."""
    result = plan()
    assert result.front_end == FRONT_ENDS["buildx_build"]
    assert [command.argv[:3] for command in result.commands()] == [
        ("docker", "buildx", "build")
    ] * 2


def test_on_a_builder_reports_what_it_lacks() -> None:
    """F2: each function whose feature is missing is named, and the others are still planned."""
    result = plan().on(CLASSIC)
    assert (findings(result), result.front_end, [p.function for p in result.plans]) == (
        [("missing-feature", "error", "functions.max")],
        None,
        ["plain"],
    )
    with pytest.raises(BuilderError) as caught:
        result.commands()
    assert caught.value.diagnostics == result.errors
    assert result.errors[0].location.line is not None


def test_on_a_builder_that_can() -> None:
    """F2: a builder with all features changes nothing but the builder."""
    result = plan().on(CONTAINERD)
    assert (result.builder, result.diagnostics, result.commands()) == (
        CONTAINERD,
        (),
        plan().commands(),
    )


def test_f3_an_old_docker_builds_inline_without_buildx() -> None:
    """F3: B1 and C2 need no buildx before docker 23."""
    result = plan(stack=stack_of(fn=INLINE)).on(WITHOUT_BUILDX)
    assert shells(result) == [
        (
            "DOCKER_BUILDKIT=1 docker build --cache-from a/inline:1"
            " --build-arg BUILDKIT_INLINE_CACHE=1 --tag a/inline:1 build/fn"
        )
    ]


def test_errors_of_builder_and_text_together_are_invalid_input() -> None:
    """The exit code is 3 only if another builder would cure all errors."""
    result = plan(stack=stack_of(max=MAX, bad={"image": "A"})).on(CLASSIC)
    with pytest.raises(InvalidInput) as caught:
        result.raise_errors()
    assert {d.name for d in caught.value.diagnostics} == {"missing-feature", "invalid-reference"}


@pytest.mark.parametrize(
    ("builder", "error"), [(None, InvalidInput), (CLASSIC, BuilderError), (CONTAINERD, None)]
)
def test_f5_several_platforms_that_are_not_pushed(
    builder: Builder | None, error: type[Exception] | None
) -> None:
    """F5: an error unless the builder is known to store such an image."""
    options = BuildOptions(platforms="linux/amd64,linux/arm64")
    flags = CacheFlags(export=False)
    result = plan_stack(stack_of(fn=MAX), builder=builder, flags=flags, options=options)
    if error is None:
        result.raise_errors()
        return
    with pytest.raises(error):
        result.raise_errors()


def test_push_is_a_command_after_docker_build() -> None:
    """`docker build` does not push by itself, buildx does."""
    options = BuildOptions(push=True, extra_tags=["v1"])
    assert [(c.kind, c.function, c.argv[1:3]) for c in plan(options=options).commands()] == [
        ("build", "plain", ("buildx", "build")),
        ("build", "max", ("buildx", "build")),
    ]
    assert [(c.kind, c.function, c.argv) for c in plan("plain", options=options).commands()] == [
        (
            "build",
            "plain",
            ("docker", "build", "--tag", "a/plain:1", "--tag", "a/plain:v1", "build/plain"),
        ),
        ("push", "plain", ("docker", "push", "a/plain:1")),
        ("push", "plain", ("docker", "push", "a/plain:v1")),
    ]


def test_a_front_end_of_another_program() -> None:
    """A program with its own front end needs ten lines, and no change of the package."""

    def build(plan: BuildPlan) -> Command:
        caches = [word for e in plan.cache_to for word in ("--cache-to", e.attrs["ref"])]
        return Command(argv=("podman", "build", *caches, "--tag", *plan.tags, plan.context))

    def push(plan: BuildPlan) -> list[Command]:
        return [Command(argv=("podman", "push", tag)) for tag in plan.tags]

    features = {"registry", "inline", "cache-export", "multiple-exports"}
    mine = FrontEnd(name="podman", program="podman", build=build, push=push, features=features)

    result = plan(options=BuildOptions(push=True), inputs=PlanInputs(root="/src")).using(mine)
    assert [(c.kind, c.function, c.cwd, c.shell()) for c in result.commands()] == [
        ("build", "plain", "/src", "podman build --tag a/plain:1 build/plain"),
        ("push", "plain", "/src", "podman push a/plain:1"),
        (
            "build",
            "max",
            "/src",
            "podman build --cache-to a/max:buildcache --tag a/max:1 build/max",
        ),
        ("push", "max", "/src", "podman push a/max:1"),
    ]
    assert result.on(Builder(program="podman")).errors == ()
    assert result.on(CLASSIC).errors == ()  # not the builder of podman


def test_a_front_end_that_lacks_a_feature() -> None:
    """What a front end does not support is an error for each function that needs it."""
    mine = attrs.evolve(FRONT_ENDS["docker_build"], name="mine", features={"registry"})
    result = plan("max").using(mine)
    assert (result.front_end, result.plans) == (mine, ())
    assert [d.message for d in result.errors if d.name == "missing-feature"] == [
        f"the front end `mine` does not support `{need}`"
        for need in ("buildkit", "buildx", "cache-export", "inline", "multiple-exports")
    ]


def test_no_front_end_for_the_program_of_a_builder() -> None:
    """A builder of another program needs a front end of that program."""
    result = plan("plain").on(Builder(program="podman"))
    assert [(d.name, d.message) for d in result.errors] == [
        ("missing-feature", "no front end is known for `podman`")
    ]


def test_what_docker_build_does_not_support_is_an_error() -> None:
    """Without caching, `docker build` cannot build for several platforms."""
    stack = stack_of(fn={**PLAIN, "platforms": "a,b"})
    result = plan_stack(stack, options=BuildOptions(push=True))
    assert [(d.name, d.message) for d in result.errors] == [
        ("unsupported-by-front-end", "`docker build` does not support `--platform a,b`")
    ]
    assert result.using(FRONT_ENDS["buildx_build"]).errors == ()


def test_buildx_that_is_missing_is_reported_once() -> None:
    """F2: a front end that needs buildx, on a builder without it, is one error a function."""
    result = plan("plain").using(FRONT_ENDS["buildx_build"]).on(WITHOUT_BUILDX)
    assert findings(result) == [("missing-feature", "error", "functions.plain")]


# Bake.


def test_bake_is_one_command_for_all() -> None:
    """All functions become targets of one bake, which runs in the folder of the project."""
    result = plan(inputs=PlanInputs(root="/src"))
    (command,) = result.commands(bake=True)
    assert (command.kind, command.function, command.cwd) == ("bake", "", "/src")
    assert list(json.loads(command.stdin)["target"]) == ["plain", "max"]


def test_bake_without_caching_uses_buildx_too() -> None:
    """`docker build` cannot bake, so buildx does."""
    (command,) = plan("plain").commands(bake=True)
    assert command.argv[:3] == ("docker", "buildx", "bake")


def test_bake_conflicts_with_a_front_end_that_builds_one_by_one() -> None:
    """The one that was chosen is never replaced without a word."""
    chosen = plan("plain").using(FRONT_ENDS["buildah_build"])
    with pytest.raises(InvalidInput, match="`--bake` conflicts with the front end `buildah_build`"):
        chosen.commands(bake=True)


def test_bake_does_not_support_builder_flags() -> None:
    """What bake does not support is raised with its location."""
    stack = stack_of(max={**MAX, "builder_flags": ["--network=host"]})
    with pytest.raises(InvalidInput) as caught:
        plan_stack(stack).commands(bake=True)
    assert [(d.message, d.location.line) for d in caught.value.diagnostics] == [
        ("`docker buildx bake` does not support `--network=host`", 6)
    ]


# Faults as data.


def test_every_fault_of_every_function_is_reported_once() -> None:
    """One broken function hides nothing of the others, and a fault of a flag is one fault."""
    stack = stack_of(
        type={"image": ["x"]},
        image={},
        mode={"image": "a/mode", "build_cache": {"to": ["type=local,dest=/c,mode=medium"]}},
        key={"image": "a/key", "xx": 1},
        good=PLAIN,
    )
    result = plan_stack(stack, flags=CacheFlags(cache_from=["gha"]))
    assert sorted(findings(result)) == [
        ("bare-keyword", "error", "--cache-from[0]"),
        ("invalid-type", "error", "functions.type.image"),
        ("missing-image", "error", "functions.image.image"),
        ("unknown-key", "warning", "functions.key.xx"),
    ]
    assert (result.plans, list(result.specs)) == ((), ["image", "mode", "key", "good"])
    with pytest.raises(InvalidInput) as caught:
        result.commands()
    assert caught.value.diagnostics == result.errors


def test_plans_are_those_without_errors() -> None:
    """A function with an error has no plan; one with a warning has."""
    mode = {"image": "a/mode", "build_cache": {"to": ["type=local,dest=/c,mode=medium"]}}
    field = {"image": "a/field", "build_cache": {"to": ["type=registry"]}}
    result = plan_stack(stack_of(mode=mode, field=field))
    assert [p.function for p in result.plans] == ["mode"]
    assert findings(result) == [
        ("invalid-mode", "warning", "functions.mode.build_cache.to[0]"),
        ("missing-field", "error", "functions.field.build_cache.to[0]"),
    ]


def test_an_error_of_a_flag_concerns_every_function_that_it_reaches() -> None:
    """A check of an entry that a flag gives leaves no plan."""
    result = plan(flags=CacheFlags(cache_to=["type=registry"]))
    assert (findings(result), result.plans) == (
        [("missing-field", "error", "--cache-to[0]")],
        (),
    )


def test_strict_makes_errors_of_warnings() -> None:
    """Under `strict`, a warning stops the build, and a note does not."""
    stack = stack_of(fn={**PLAIN, "xx": 1})
    builder = Builder(docker="", buildx="0.13.1", containerd_store=True)
    flags = CacheFlags(cache_from=["a/b"])
    relaxed = plan_stack(stack, builder=builder, flags=flags)
    strict = plan_stack(stack, builder=builder, flags=flags, strict=True)
    assert [d.severity for d in relaxed.diagnostics] == ["warning", "note"]
    assert [d.severity for d in strict.diagnostics] == ["error", "note"]
    assert (strict.plans, strict.request.strict) == ((), True)


def test_every_diagnostic_has_its_location() -> None:
    """Findings within the file have file, line and column."""
    result = plan_stack(stack_of(fn={"image": "A"}))
    assert [str(d.location) for d in result.diagnostics] == ["stack.yaml:8:4: functions.fn.image"]


def test_faults_of_reading_are_reported() -> None:
    """What was wrong with a template or with git is among the diagnostics."""
    fault = Diagnostic(
        name="invalid-template", message="m", location=Location(file="template/py/template.yml")
    )
    assert plan(inputs=PlanInputs(diagnostics=[fault])).errors == (fault,)


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["plai"], "did you mean `plain`?"),
        (["zzz"], "choose from plain, max"),
    ],
)
def test_an_unknown_function(names: list[str], hint: str) -> None:
    """A name that the file does not have is an error; the others are planned."""
    result = plan(*names, "max")
    assert [(d.name, d.message, d.hint) for d in result.errors] == [
        ("unknown-function", f"unknown function `{names[0]}`", hint)
    ]
    assert [p.function for p in result.plans] == ["max"]


def test_an_unknown_function_of_an_empty_file() -> None:
    """Without a function there is nothing to choose from."""
    result = plan("fn", stack=stack_of())
    assert [d.hint for d in result.errors] == ["write it under `functions`"]


def test_a_function_with_a_fault_is_not_unknown() -> None:
    """A function that could not be read is known, and its fault is reported."""
    result = plan("bad", stack=stack_of(bad={"image": []}, good=PLAIN))
    assert [d.name for d in result.errors] == ["invalid-type"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"filter": "pl*"}, ["plain"]),
        ({"regex": "^m"}, ["max"]),
        ({"names": ["max", "plain"]}, ["plain", "max"]),
        ({"names": ["skipped"]}, []),
    ],
)
def test_selection(arguments: dict[str, Any], expected: list[str]) -> None:
    """Functions are selected by name, pattern or expression, and keep the order of the file."""
    stack = stack_of(plain=PLAIN, max=MAX, skipped={**PLAIN, "skip_build": True})
    assert [p.function for p in plan_stack(stack, **arguments).plans] == expected


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"filter": "zz*"}, "unknown-function"),
        ({"filter": "a", "regex": "b"}, "conflicting-flags"),
        ({"regex": "("}, "invalid-argument"),
    ],
)
def test_a_selection_that_fails(arguments: dict[str, Any], name: str) -> None:
    """A pattern that is invalid or matches nothing is an error, and there are no plans."""
    result = plan(**arguments)
    assert ([d.name for d in result.errors], result.plans) == ([name], ())


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ({"build_cache": "max"}, "--build-cache"),
        ({"cache_from": ["a/b"]}, "--cache-from"),
        ({"cache_to": ["a/b"]}, "--cache-to"),
    ],
)
def test_d1_disabling_conflicts_with_asking(given: dict[str, Any], flag: str) -> None:
    """D1: `--no-build-cache` and a cache flag contradict each other."""
    result = plan(flags=CacheFlags(enabled=False, **given))
    assert [(d.name, d.message, d.location.path) for d in result.errors] == [
        ("conflicting-flags", f"`--no-build-cache` conflicts with `{flag}`", (flag,))
    ]


def test_d1_disabling_alone_is_fine() -> None:
    """D1: without a cache flag, the flag disables caching for every function."""
    assert plan(flags=CacheFlags(enabled=False)).front_end == FRONT_ENDS["docker_build"]


def test_names_are_checked_where_a_context_is_written() -> None:
    """A name is a folder name and a DNS label, unless the function has its own context."""
    stack = stack_of(
        **{
            "a/b": PLAIN | {"lang": "x"},
            "Upper": PLAIN | {"lang": "x"},
            "Own/x": {**MAX, "context": "src"},
        }
    )
    result = plan_stack(stack)
    assert findings(result) == [
        ("invalid-function-name", "error", "functions['a/b']"),
        ("undeployable-name", "warning", "functions.Upper"),
    ]
    assert [p.context for p in result.plans] == ["build/Upper", "src"]


# Options, templates, tags, secrets.


def test_options_apply_to_every_function() -> None:
    """Each function's spec has what the options say."""
    options = BuildOptions(build_args={"A": "1"}, builder="b")
    result = plan(options=options)
    assert [(p.build_args["A"], p.builder) for p in result.plans] == [("1", "b"), ("1", "b")]
    assert (result.builder_name, plan().builder_name) == ("b", None)


def test_templates_bring_packages_and_ssh() -> None:
    """A template's packages become a build argument; one that is missing is named."""
    go = Template(name="go", build_options=FrozenMap({"dev": ("make", "gcc")}), mount_ssh=True)
    stack = stack_of(
        a={**PLAIN, "lang": "go", "build_options": ["dev"]},
        b={"image": "x/b", "lang": "py"},
        c={"image": "x/c", "lang": "Dockerfile"},
        d={"image": "x/d", "lang": "own", "context": "src"},
    )
    result = plan_stack(stack, inputs=PlanInputs(templates={"go": go}))
    assert [(p.build_args.get("ADDITIONAL_PACKAGE"), p.ssh) for p in result.plans] == [
        ("gcc make", ("default",)),
        ("", ()),
        ("", ()),
        (None, ()),
    ]
    assert result.missing_templates == ("py",)


@pytest.mark.parametrize(
    ("packages", "hint"),
    [
        ({"dev": ("make",)}, "use one of dev"),
        ({}, "remove it: the template has no build options"),
    ],
)
def test_an_unknown_build_option(packages: dict[str, tuple[str, ...]], hint: str) -> None:
    """A build option that the template lacks is an error of the function."""
    template = Template(name="go", build_options=FrozenMap(packages))
    stack = stack_of(fn={**PLAIN, "lang": "go", "build_options": ["x"]})
    result = plan_stack(stack, inputs=PlanInputs(templates={"go": template}))
    assert [(d.name, d.message, d.hint) for d in result.errors] == [
        ("unknown-build-option", "the template `go` has no build option `x`", hint)
    ]


def test_a_tag_needs_its_value() -> None:
    """`--tag` adds its value to the image; a value that nobody read is an error."""
    options = BuildOptions(tag="sha")
    result = plan("plain", options=options, inputs=PlanInputs(tags={"plain": "1a2b"}))
    assert result.plans[0].tags == ("a/plain:1-1a2b",)
    assert [d.message for d in plan("plain", options=options).errors] == [
        "missing value for `--tag sha`"
    ]
    fault = Diagnostic(name="git-failed", message="m")
    inputs = PlanInputs(diagnostics=[fault])
    assert plan("plain", options=options, inputs=inputs).errors == (fault,)


@pytest.mark.parametrize(
    ("path", "root", "environ", "expected"),
    [
        ("./npm", "/src", None, "/src/npm"),
        ("/etc/npm", "/src", None, "/etc/npm"),
        ("~/npm", "/src", {"HOME": "/users/ada"}, "/users/ada/npm"),
        ("~/npm", "/src", {}, "/src/~/npm"),
        ("./npm", "", None, "./npm"),
    ],
)
def test_secrets_are_absolute(
    path: str, root: str, environ: dict[str, str] | None, expected: str
) -> None:
    """The path of a secret is absolute, as for faas-cli, and `~` is the home folder."""
    stack = stack_of(fn={**PLAIN, "build_secrets": {"npm": path}})
    result = plan_stack(stack, inputs=PlanInputs(root=root, environ=environ))
    assert dict(result.plans[0].secrets) == {"npm": expected}


def test_of_the_environment_only_what_checks_read_is_kept() -> None:
    """Proxies become build arguments; tokens are kept as present or absent."""
    environ = {"http_proxy": "http://p", "ACTIONS_RUNTIME_TOKEN": "hunter2", "HOME": "/root"}
    stack = stack_of(fn={**PLAIN, "build_cache": {"from": ["type=gha"], "to": ["type=gha"]}})
    result = plan_stack(stack, inputs=PlanInputs(environ=environ))
    assert dict(result.inputs.environ or {}) == {"ACTIONS_RUNTIME_TOKEN": "1"}
    assert result.plans[0].build_args["http_proxy"] == "http://p"
    assert {d.message for d in result.diagnostics} == {
        "buildx silently drops `type=gha`, because `ACTIONS_RESULTS_URL` is not set"
    }
    assert "hunter2" not in repr(result)


def test_dockerfiles_can_be_given_later() -> None:
    """F4: which Dockerfiles matter is known only after the plan."""
    result = plan(stack=stack_of(fn=INLINE))
    text = "FROM a AS build\nRUN make\nFROM b\nCOPY --from=build /x /x"
    assert findings(result.with_files({"fn": text})) == [
        ("uncached-stages", "warning", "functions.fn.build_cache")
    ]


# Publish.


def test_publish_uses_buildx_and_pushes() -> None:
    """`publish` builds with buildx for linux/amd64 and pushes, with caching or without."""
    result = plan("plain", options=BuildOptions(publish=True))
    assert shells(result) == [
        "docker buildx build --platform linux/amd64 --push --tag a/plain:1 build/plain"
    ]


def test_publish_uses_the_builder_of_faas_cli_where_it_is() -> None:
    """`publish` names the builder `multiarch` where that was inspected, unless another is given."""
    multiarch = Builder(docker="28", buildx="0.29", driver="docker-container", name="multiarch")
    options = BuildOptions(publish=True)
    named = BuildOptions(publish=True, builder="mine")
    assert [
        plan("plain", options=options).on(multiarch).builder_name,
        plan("plain", options=options).on(CONTAINERD).builder_name,
        plan("plain", options=named).on(multiarch).builder_name,
        plan("plain").on(multiarch).builder_name,
    ] == ["multiarch", None, "mine", None]


def test_publish_for_several_platforms_needs_the_containerd_store() -> None:
    """F2: Docker's own builder with the classic image store builds for one platform."""
    options = BuildOptions(publish=True, platforms="linux/amd64,linux/arm64")
    with pytest.raises(BuilderError) as caught:
        plan("plain", options=options).on(CLASSIC).commands()
    assert [d.message for d in caught.value.diagnostics] == [
        "Docker's own builder needs the containerd image store to build for several platforms"
    ]


# Between functions.


SHARED = {"image": "a/one", "build_cache": {"to": ["a/shared:c"]}}
TWIN = {"image": "a/two", "build_cache": {"to": ["a/shared:c"]}}


def test_e5_settings_are_checked_over_the_whole_file() -> None:
    """E5: a function that is not selected counts, unless flags replace its setting."""
    stack = stack_of(one=SHARED, two=TWIN)
    names = [name for name, _, _ in findings(plan("one", stack=stack))]
    assert names == ["shared-cache-destination"]
    flags = CacheFlags(cache_to=["a/own:c"])
    assert findings(plan("one", stack=stack, flags=flags)) == []
    assert plan("zzz", stack=stack).errors[0].name == "unknown-function"


def test_e5_flags_are_checked_over_the_selected_functions() -> None:
    """E5: one flag for two functions is one destination."""
    flags = CacheFlags(cache_to=["a/x:c"])
    assert findings(plan(flags=flags)) == [("shared-cache-destination", "error", "--cache-to[0]")]
    assert findings(plan("max", flags=flags)) == []


def test_e4_the_image_of_a_function_without_a_cache_counts() -> None:
    """E4: a cache over the image of any function of the file is an error."""
    cache = {"image": "a/one", "build_cache": {"to": ["a/plain:1"]}}
    stack = stack_of(one=cache, plain=PLAIN, bad={"image": "A"})
    assert findings(plan("one", stack=stack)) == [
        ("cache-overwrites-image", "error", "functions.one.build_cache.to[0]")
    ]


# The value.


def test_caches_are_listed_by_function_and_direction() -> None:
    """Every cache that the stack reads and writes, with its location."""
    assert [
        (use.function, use.direction, str(use.entry), use.location.line) for use in plan().caches
    ] == [
        ("max", "from", "type=registry,ref=a/max:buildcache", 13),
        ("max", "to", "type=registry,ref=a/max:buildcache,mode=max", 13),
    ]


def test_a_stack_plan_is_a_value() -> None:
    """Equal inputs give equal plans, which survive pickling, and remember the request."""
    arguments: dict[str, Any] = {"options": BuildOptions(push=True), "flags": CacheFlags(scope="x")}
    result = plan("max", **arguments)
    assert result == plan("max", **arguments)
    assert pickle.loads(pickle.dumps(result)) == result
    assert hash(result) == hash(plan("max", **arguments))
    assert result.request == Request(names=["max"], **arguments)


@pytest.mark.parametrize(
    ("field", "value"), [("names", "fn"), ("filter", 1), ("regex", 1), ("strict", "maybe")]
)
def test_a_request_rejects_wrong_types(field: str, value: object) -> None:
    """A value of another type raises our error with the name of the field."""
    arguments: Any = {field: value}
    with pytest.raises(InvalidInput) as caught:
        Request(**arguments)
    assert [path_text(d.location.path) for d in caught.value.diagnostics] == [field]
