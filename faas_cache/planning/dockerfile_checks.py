"""Checks of the Dockerfile of a function: its build arguments, and the order of its steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.dockerfile_inputs import ContextCopy, context_copies
from faas_cache.model.dockerfile_lines import Instruction
from faas_cache.model.dockerfiles import Dockerfile, Stage
from faas_cache.model.masking import masked
from faas_cache.planning.builder_flags import target_stage
from faas_cache.planning.plan import BuildPlan

__all__ = ["check_dockerfiles"]

_MAX_SHOWN = 60

# The build arguments that BuildKit reads without an ARG: proxies in any case, the platforms, and
# those of BuildKit itself. Of faas-cli's templates, few install the packages of build options.
_PREDEFINED = re.compile(
    r"(?i:(?:https?|ftp|no|all)_proxy)|(?:TARGET|BUILD)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT)"
    r"|TARGETSTAGE|SOURCE_DATE_EPOCH|BUILDKIT_.*|ADDITIONAL_PACKAGE",
    re.DOTALL,
)

# A name whose words are all in these sets, with one in the first, names what differs for each
# commit or build. A checksum (`ALPINE_SHA256`) and the version of a tool (`NODE_VERSION`) do not.
_VOLATILE = frozenset(
    {"BUSTER", "CACHEBUST", "COMMIT", "DATE", "JOB", "NUMBER", "PIPELINE", "REV", "REVISION"}
    | {"RUN", "SHA", "SHA1", "SOURCEVERSION", "TIME", "TIMESTAMP", "VERSION"}
)
_OWN = frozenset(
    {"APP", "BITBUCKET", "BUILD", "BUILDKITE", "CACHE", "CI", "CIRCLE", "CODE", "DRONE", "FN"}
    | {"FUNCTION", "GIT", "GITHUB", "GITLAB", "HASH", "HEAD", "ID", "IMAGE", "PROJECT", "RELEASE"}
    | {"REPO", "SEMAPHORE", "SERVICE", "SHORT", "SOURCE", "TRAVIS", "VCS"}
)
_OTHERS = frozenset({"BUILD_ID", "CACHE_BUST", "VCS_REF"})

# A step that may read any variable of its environment.
_BUILDS = re.compile(r"\b(?:build|compile|make|package|publish|gulp|webpack)\b")
# A step that installs, by tool: what it needs is listed in files that change rarely.
_MANIFESTS = {
    "npm": "package*.json",
    "yarn": "package.json yarn.lock",
    "pnpm": "package.json pnpm-lock.yaml",
    "pip": "requirements.txt",
    "pipenv": "Pipfile Pipfile.lock",
    "bundle": "Gemfile Gemfile.lock",
    "composer": "composer.json composer.lock",
    "go": "go.mod go.sum",
}
_INSTALLS = re.compile(
    r"""
    \b(?:
      (?P<npm>npm)\s+(?:i|ci|install)(?=\s+-|\s*(?:$|[&;|]))
    | (?P<yarn>yarn)(?:\s+install\b|\s+--(?!version)|\s*(?:$|[&;|]))
    | (?P<pnpm>pnpm)\s+(?:i|install)(?=\s+-|\s*(?:$|[&;|]))
    | (?P<pip>pip3?)\s+install\b[^&;|]*?\s(?:-r|--requirement)\b
    | (?P<pipenv>pipenv)\s+(?:install|sync)\b
    | (?P<bundle>bundle)\s+install\b
    | (?P<composer>composer)\s+install\b
    | (?P<go>go)\s+mod\s+download\b
    | (?P<system>apt-get|apt|apk|yum|dnf|microdnf)\s+(?:-\S+\s+)*(?:install|add)\b(?![^&;]*[$<`])
    )""",
    re.VERBOSE,
)
# A step that reads what to install, or looks for its files first: these may not exist.
_UNCERTAIN = re.compile(r"\bxargs\b|(?:\[\[?|\btest)\s+(?:!\s+)?-[defrs]\s")
# The folder of a template that holds the code of the function.
_HANDLER_FOLDERS = frozenset({"function", "handler"})


class _Function(NamedTuple):
    """The plan of a function, its Dockerfile, and the stage that is built."""

    plan: BuildPlan
    dockerfile: Dockerfile
    target: str


def check_dockerfiles(
    plans: Iterable[BuildPlan],
    dockerfiles: Mapping[str, str],
    variables: Mapping[str, Mapping[str, tuple[str, ...]]],
    common: Iterable[str],
) -> Iterator[Diagnostic]:
    """What is wrong between the plans of functions with caching and their Dockerfiles.

    `dockerfiles` holds their texts by function, `variables` the names of the variables in the build
    arguments of the stack file by function and argument. An argument in `common` is given to all
    functions, and one that reads it is enough.
    """
    parsed: dict[object, Dockerfile] = {}  # most functions of a stack have one of few templates
    functions: list[_Function] = []
    for plan in plans:
        if plan.caching and (text := dockerfiles.get(plan.function)):
            key = (text, plan.build_args)
            if key not in parsed:
                parsed[key] = Dockerfile.parse(text, plan.build_args)
            functions.append(_Function(plan, parsed[key], target_stage(plan)))
    declared = frozenset(name for function in functions for name in function.dockerfile.declared)
    read = declared.intersection(common)
    for function in functions:
        yield from _check_unread(function, read)
        yield from _check_volatile(function, variables.get(function.plan.function, {}))
        yield from _check_installs(function)


# Build arguments that nothing reads.


def _check_unread(function: _Function, read: frozenset[str]) -> Iterator[Diagnostic]:
    """A note for each build argument that no ARG declares, which BuildKit silently ignores."""
    plan, dockerfile, _ = function
    # An image may declare more when it is built on.
    if not dockerfile.stages or any("onbuild" in image for image in dockerfile.base_images()):
        return
    for name in plan.build_args:
        if name not in dockerfile.declared | read and not _PREDEFINED.fullmatch(name):
            shown = masked(name)[:_MAX_SHOWN]
            yield Diagnostic(
                name="unread-build-arg",
                severity="note",
                message=f"no `ARG` of the Dockerfile declares the build argument `{shown}`, so"
                " BuildKit ignores it",
                hint=f"write `ARG {shown}` into the Dockerfile, or remove the argument",
                location=Location(path=_argument_path(plan, name)),
            )


def _argument_path(plan: BuildPlan, name: str) -> KeyPath:
    return ("functions", plan.function, "build_args", name)


# Build arguments that change with each commit.


class _Argument(NamedTuple):
    """An ARG of a build argument that changes often, and the steps behind it that do not use it."""

    name: str
    line: int
    steps: list[Instruction]


def _check_volatile(
    function: _Function, variables: Mapping[str, tuple[str, ...]]
) -> Iterator[Diagnostic]:
    """A warning for each such argument that is declared before steps that do not use it.

    Every variable in scope is in the environment of RUN: its step runs again when one changes.
    """
    plan, dockerfile, target = function
    names = (n for n in plan.build_args if any(map(_is_volatile, (n, *variables.get(n, ())))))
    for name in names:
        argument = _first_argument(dockerfile.built(target), name)
        if argument is None or not argument.steps:
            continue
        first, last = argument.steps[0], argument.steps[-1]
        shown = masked(name)[:_MAX_SHOWN]
        yield Diagnostic(
            name="volatile-build-arg",
            severity="warning",
            message=f"each change of `{shown}` runs the step in line {first.line} of the Dockerfile"
            f" again, because `ARG {shown}` is in line {argument.line}",
            hint=f"move `ARG {shown}`, and an `ENV` that uses it, below line {last.last_line}",
            location=Location(path=_argument_path(plan, name)),
        )


def _is_volatile(name: str) -> bool:
    words = frozenset(name.upper().split("_"))
    return (words <= _VOLATILE | _OWN and not words.isdisjoint(_VOLATILE)) or name in _OTHERS


def _first_argument(stages: Iterable[Stage], name: str) -> _Argument | None:
    """The first ARG of a name with steps behind it that could come before it."""
    for stage in stages:
        instructions = iter(stage.effective)
        for instruction in instructions:
            if instruction.keyword == "ARG" and name in dict(instruction.assignments):
                argument = _Argument(name, instruction.line, list(_unrelated(instructions, name)))
                if argument.steps:
                    return argument
                break
    return None


def _unrelated(instructions: Iterable[Instruction], name: str) -> Iterator[Instruction]:
    """The RUN instructions before the first that uses a variable, or may use it."""
    names = {name}
    for instruction in instructions:
        uses = not names.isdisjoint(_words(instruction))
        if instruction.keyword in ("ENV", "ARG") and uses:
            names.update(other for other, _ in instruction.assignments)
        elif instruction.keyword == "RUN":
            if uses or _BUILDS.search(instruction.text):
                return
            yield instruction


def _words(instruction: Instruction) -> frozenset[str]:
    """The words of an instruction that may be names of variables."""
    texts = (instruction.text, *(value for _, value in instruction.flags))
    bodies = (heredoc.text for heredoc in instruction.heredocs)
    return frozenset(word for text in (*texts, *bodies) for word in re.findall(r"\w+", text))


# Steps that install dependencies.


def _check_installs(function: _Function) -> Iterator[Diagnostic]:
    """A note on the first step that installs dependencies after all code was copied."""
    plan, dockerfile, target = function
    copies: dict[int, ContextCopy] = {}
    for copy in context_copies(dockerfile, target):
        if copy.is_whole or not _HANDLER_FOLDERS.isdisjoint(copy.paths):
            copies.setdefault(id(copy.step.instruction), copy)
    for stage in dockerfile.built(target) if copies else ():
        copied: ContextCopy | None = None
        installed: set[str] = set()
        for instruction in stage.effective:
            copied = copied or copies.get(id(instruction))
            tools = _installs(instruction)
            if copied is not None and tools - installed:
                yield _late_install(plan, copied, instruction, min(tools - installed))
                return
            installed |= tools


def _installs(instruction: Instruction) -> set[str]:
    """The tools with which a step installs dependencies."""
    if instruction.keyword != "RUN" or _UNCERTAIN.search(instruction.text):
        return set()
    text = " ".join((*instruction.words, *(heredoc.text for heredoc in instruction.heredocs)))
    return {str(match.lastgroup) for match in _INSTALLS.finditer(text)}


def _late_install(plan: BuildPlan, copied: ContextCopy, step: Instruction, tool: str) -> Diagnostic:
    first = f"copy `{_MANIFESTS[tool]}` first, and" if tool in _MANIFESTS else "and"
    line = copied.step.instruction.line
    hint = f"{first} move the step above line {line}".removeprefix("and ")
    return Diagnostic(
        name="late-install",
        severity="note",
        message="each change of the code installs the dependencies again, because line"
        f" {step.line} of the Dockerfile comes after `{copied.step.instruction.keyword}`"
        f" in line {line}, which copies all files",
        hint=hint,
        location=Location(path=("functions", plan.function, "build_cache")),
    )
