"""The commands, as one table."""

from __future__ import annotations

from typing import NamedTuple

from faas_cache.cli.flags import (
    BAKE,
    BUILD,
    BUILDER,
    CACHE,
    CONTEXTS,
    DRY_RUN,
    FILES,
    FORMATS,
    FRONT_END,
    GENERAL,
    JSON,
    ONE_FUNCTION,
    PREBUILT,
    REPORT,
    RUN,
    STACK_FILE,
    STRICT,
    TAGS,
    Flag,
    option,
    switch,
)
from faas_cache.model.frozen_map import FrozenMap

__all__ = ["COMMANDS", "EXAMPLES", "GROUPS", "Command"]


class Command(NamedTuple):
    """One command: its summary, its flags in groups, its positional arguments and examples.

    `several_files` says that it accepts several `-f`.
    """

    name: str
    summary: str
    groups: tuple[tuple[str, tuple[Flag, ...]], ...]
    operands: str = "[FUNCTION...]"
    examples: tuple[str, ...] = ()
    several_files: bool = False


_PLANNING = (("Functions", FILES + ONE_FUNCTION), ("Cache", CACHE), ("Build", BUILD + TAGS))
_CHECKS = (("Checks", STRICT),)

_TABLE = (
    Command(
        "plan",
        "Print the commands that a build would run",
        (
            (
                "Output",
                (
                    switch("--inspect", "ask the builder of this machine what it supports"),
                    *JSON,
                    switch("--explain", "print the rule and the line behind each cache argument"),
                    switch("--show-secrets", "print credentials instead of ***"),
                    BAKE,
                ),
            ),
            ("Front end", FRONT_END),
            *_PLANNING,
            ("Contexts", (PREBUILT,)),
            *_CHECKS,
        ),
        examples=("faas-cache plan --explain", "faas-cache plan --inspect --push resize"),
    ),
    Command(
        "build",
        "Build the functions",
        (
            ("Front end", FRONT_END),
            *_PLANNING,
            ("Contexts", CONTEXTS),
            ("Run", RUN + REPORT),
            *_CHECKS,
        ),
        examples=("faas-cache build --push", "faas-cache build --parallel 4 resize notify"),
    ),
    Command(
        "publish",
        "Build the functions for one or several platforms with buildx, and push them",
        (*_PLANNING, ("Contexts", CONTEXTS), ("Run", RUN + REPORT), *_CHECKS),
        examples=("faas-cache publish --platforms linux/amd64,linux/arm64",),
    ),
    Command(
        "push",
        "Push the images of the functions",
        (("Functions", FILES), ("Images", TAGS), ("Run", RUN + DRY_RUN), *_CHECKS),
        examples=("faas-cache push resize", "faas-cache push --tag sha --parallel 4"),
    ),
    Command(
        "check",
        "Report problems of the stack file, its Dockerfiles and contexts, without building",
        (
            (
                "Output",
                (
                    switch("--inspect", "ask the builder of this machine what it supports"),
                    option(
                        "--format",
                        "NAME",
                        "the output format: text, json, github, gitlab or sarif",
                        choices=FORMATS,
                        default="text",
                    ),
                ),
            ),
            *_PLANNING,
            ("Contexts", (PREBUILT,)),
            *_CHECKS,
        ),
        examples=("faas-cache check", "faas-cache check -f a.yml -f b.yml --format github"),
        several_files=True,
    ),
    Command(
        "caches",
        "List the caches that the functions read and write",
        (("Output", JSON), *_PLANNING),
        examples=("faas-cache caches", "faas-cache caches -f '*.yml' --json"),
        several_files=True,
    ),
    Command(
        "compare",
        "Print what changed between two runs, from their reports",
        (("Output", JSON),),
        operands="OLD NEW",
        examples=("faas-cache compare old.json new.json",),
    ),
    Command(
        "bake",
        "Print the functions as a file for `docker buildx bake`",
        (
            ("Output", (switch("--show-secrets", "print credentials instead of ***"),)),
            *_PLANNING,
            *_CHECKS,
        ),
        examples=("faas-cache bake --push > docker-bake.json",),
    ),
    Command(
        "doctor",
        "Describe the builder of this machine, and which functions it can build",
        (
            ("Functions", FILES),
            ("Builder", BUILDER),
            ("Contexts", (PREBUILT,)),
            ("Output", JSON),
        ),
        examples=("faas-cache doctor", "faas-cache doctor --builder ci --json"),
        several_files=True,
    ),
    Command(
        "set",
        "Write `build_cache` into the stack file, without other changes",
        (
            (
                "Edit",
                (
                    *STACK_FILE,
                    switch("--default", "set the default of the whole stack"),
                    switch("--force", "also replace a setting in the object form"),
                    switch("--dry-run", "print the change, and write nothing"),
                ),
            ),
        ),
        operands="inline | max | none [FUNCTION...]",
        examples=("faas-cache set max --dry-run", "faas-cache set inline resize notify"),
    ),
    Command(
        "explain",
        "Explain why builds failed, from their logs (by default from standard input)",
        (("Output", JSON),),
        operands="[FILE...]",
        examples=("faas-cache explain build.log", "docker push IMAGE 2>&1 | faas-cache explain"),
    ),
    Command(
        "registries",
        "List which registries accept a cache",
        (("Output", JSON),),
        operands="",
    ),
    Command(
        "rule",
        "Print the documentation of a diagnostic or a rule",
        (),
        operands="NAME",
        examples=("faas-cache rule cache-overwrites-image", "faas-cache rule E4"),
    ),
    Command(
        "schema",
        "Print the JSON Schema of a stack file, for editors, or of a report",
        (),
        operands="[stack | report]",
        examples=("faas-cache schema > stack.schema.json", "faas-cache schema report"),
    ),
    Command(
        "completion",
        "Print the completion script of a shell",
        (),
        operands="bash | zsh",
        examples=('eval "$(faas-cache completion bash)"',),
    ),
    Command(
        "help",
        "Print the help of a command, or a topic of the documentation",
        (),
        operands="[COMMAND | TOPIC]",
        examples=("faas-cache help build", "faas-cache help ci"),
    ),
    Command("version", "Print the version", (), operands=""),
)
# The commands as the help of the program lists them.
GROUPS = (
    ("Build", ("plan", "build", "publish", "push", "bake")),
    (
        "Look for problems",
        ("check", "caches", "doctor", "explain", "compare", "registries", "rule"),
    ),
    ("Set up", ("set", "schema", "completion", "help", "version")),
)
EXAMPLES = (
    "faas-cache set max --dry-run    what to write into stack.yaml",
    "faas-cache plan --explain       what a build runs, and why",
    "faas-cache build --push         build and push all functions",
)
COMMANDS = FrozenMap(
    {
        command.name: command._replace(groups=(*command.groups, ("General", GENERAL)))
        for command in _TABLE
    }
)
