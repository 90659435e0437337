"""Renderers: a plan spelled out as the command of one front end.

The order of the arguments is fixed: platform, output, cache-from, cache-to, build-arg, label, secret, ssh, no-cache, pull,
squash, the builder flags, tag, context. Nothing is decided here but what a front end cannot say, which is `.lost`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from shlex import join, quote

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.entries import csv_field
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked, shown_fields
from faas_cache.planning.plan import BuildPlan, says_output

_BUILDX_URL = "https://docs.docker.com/build/install-buildx/"
_BAKE_URL = "https://docs.docker.com/reference/cli/docker/buildx/bake/"
_SQUASH_URL = "https://docs.docker.com/reference/cli/docker/buildx/build/"


@attrs.frozen(kw_only=True, repr=False)
class Command:
    """One command: what to run, what to add to its environment, what to give it to read, and what it could not say.

    `argv`, `stdin` and `shell()` hold the credentials that the builder must be given; `repr` masks them.
    """

    argv: tuple[str, ...]
    env: FrozenMap[str] = EMPTY
    lost: tuple[Diagnostic, ...] = ()
    stdin: str = ""

    __repr__ = shown_fields

    def shell(self) -> str:
        """The command as one line for a POSIX shell, its environment in front."""
        return " ".join(
            [*(f"{key}={quote(value)}" for key, value in self.env.items()), join(self.argv)]
        )

    def masked(self) -> Command:
        """The same command with every secret masked, to be shown and not to be run."""
        return attrs.evolve(self, argv=tuple(map(masked, self.argv)), stdin=masked(self.stdin))


def docker_build(plan: BuildPlan) -> Command:
    """The plan as `docker build` of a docker without buildx: bare references are imported, nothing but inline is exported."""
    bare = tuple(entry for entry in plan.cache_from if entry.bare)
    argv = [
        "docker",
        "build",
        *_each("--platform", plan.platforms[:1]),
        *(_output(plan.output) if plan.output not in ("push", "load") else ()),
        *_each("--cache-from", map(str, bare)),
        *_common(plan),
        *(("--squash",) if plan.squash else ()),
        *_tail(plan),
    ]
    return Command(argv=tuple(argv), env=plan.env, lost=tuple(_lost_by_docker_build(plan)))


def buildx_build(plan: BuildPlan) -> Command:
    """The plan as `docker buildx build`."""
    argv = [
        "docker",
        "buildx",
        "build",
        *_each("--platform", (",".join(plan.platforms),) if plan.platforms else ()),
        # F5: without an output, a builder that is not Docker's own keeps the image to itself.
        *_output(plan.output or (None if any(map(says_output, plan.builder_flags)) else "load")),
        *_each("--cache-from", map(str, plan.cache_from)),
        *_each("--cache-to", map(str, plan.cache_to)),
        *_common(plan),
        *_tail(plan),
    ]
    lost = (
        _lost(
            plan, "`--squash`", "buildx does not squash; use a build of several stages", _SQUASH_URL
        ),
    )
    return Command(argv=tuple(argv), env=plan.env, lost=lost if plan.squash else ())


def bake(plans: Sequence[BuildPlan]) -> Command:
    """All the plans as one `docker buildx bake`, which shares contexts, bases and steps between them.

    The file is JSON on standard input. Entries are strings, which every buildx reads. `targets` names what became of the
    functions' names.
    """
    import json

    names = targets(plans)
    files = {"group": {"default": {"targets": list(names)}}}
    said = {"target": {name: _target(plan) for name, plan in zip(names, plans, strict=True)}}
    builders = dict.fromkeys(
        flag for plan in plans for flag in plan.builder_flags if flag.startswith("--builder=")
    )
    argv = (
        "docker",
        "buildx",
        "bake",
        "--file",
        "-",
        *list(builders)[:1],
        *(("--allow=ssh",) if any(p.ssh for p in plans) else ()),
    )
    # buildx 0.20: else a context, a secret or a local cache outside the folder is refused, which `build` is not
    env = {key: value for plan in plans for key, value in plan.env.items()} | {
        "BUILDX_BAKE_ENTITLEMENTS_FS": "0"
    }
    lost = tuple(
        _lost(
            plan,
            f"the builder flag `{masked(flag)}`",
            "leave `--bake` out: its flags are other ones",
            _BAKE_URL,
        )
        for plan in plans
        for flag in plan.builder_flags
        if flag not in list(builders)[:1]
    )
    squash = tuple(
        _lost(plan, "`--squash`", "leave it out: BuildKit squashes nothing", _SQUASH_URL)
        for plan in plans
        if plan.squash
    )
    return Command(
        argv=argv,
        env=FrozenMap(env),
        lost=(*lost, *squash),
        stdin=json.dumps(_escaped(files | said), indent=1),
    )


def targets(plans: Iterable[BuildPlan]) -> tuple[str, ...]:
    """The names that `bake` gives the plans: letters, digits, `_` and `-`, each once."""
    found: dict[str, None] = {}
    for plan in plans:
        name = "".join(
            c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in plan.function
        )
        while name in found:
            name += "_"
        found[name] = None
    return tuple(found)


def _target(plan: BuildPlan) -> dict[str, object]:
    """One plan as a target of bake; what is empty is left out."""
    output = _OUTPUTS.get(plan.output or "load") or plan.output
    target = {
        "context": plan.context,
        "tags": list(plan.tags),
        "args": dict(plan.build_args),
        "labels": dict(plan.labels),
        "cache-from": list(map(str, plan.cache_from)),
        "cache-to": list(map(str, plan.cache_to)),
        "platforms": list(plan.platforms),
        "secret": [
            f"{csv_field(f'id={key}')},{csv_field(f'src={path}')}"
            for key, path in plan.secrets.items()
        ],
        "ssh": list(plan.ssh),
        "no-cache": plan.no_cache,
        "pull": plan.pull,
        "output": [output],
    }
    return {key: value for key, value in target.items() if value}


# `--push` and `--load` as outputs of bake.
_OUTPUTS = FrozenMap(push="type=image,push=true", load="type=docker")


def _escaped(value: object) -> object:
    """A value as bake reads it: every text is a template of HCL, keys are not."""
    if isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value


def docker_push(plan: BuildPlan, *, quiet: bool = False) -> tuple[Command, ...]:
    """What pushes the images of a plan: one command a tag."""
    return tuple(
        Command(argv=("docker", "push", *(("--quiet",) if quiet else ()), tag)) for tag in plan.tags
    )


# Every front end, by the name that `Builder.front_end` gives and `--front-end` takes.
RENDERERS: FrozenMap[Callable[[BuildPlan], Command]] = FrozenMap(
    docker_build=docker_build, buildx_build=buildx_build
)


def _common(plan: BuildPlan) -> list[str]:
    """The arguments that every front end spells alike."""
    return [
        *_each("--build-arg", (f"{key}={value}" for key, value in plan.build_args.items())),
        *_each("--label", (f"{key}={value}" for key, value in plan.labels.items())),
        *_each(
            "--secret",
            (
                f"{csv_field(f'id={key}')},{csv_field(f'src={path}')}"
                for key, path in plan.secrets.items()
            ),
        ),
        *_each("--ssh", plan.ssh),
        *(("--no-cache",) if plan.no_cache else ()),
        *(("--pull",) if plan.pull else ()),
    ]


def _tail(plan: BuildPlan) -> list[str]:
    return [*plan.builder_flags, *_each("--tag", plan.tags), plan.context]


def _each(flag: str, values: object) -> list[str]:
    return [word for value in values for word in (flag, value)]  # type: ignore[attr-defined]  # any iterable of texts


def _output(output: str | None) -> tuple[str, ...]:
    """`push` and `load` have flags of their own; anything else is a value of `--output`."""
    if output is None:
        return ()
    return (f"--{output}",) if output in ("push", "load") else ("--output", output)


def _lost_by_docker_build(plan: BuildPlan) -> list[Diagnostic]:
    """What a docker without buildx does not understand."""
    hint = "install buildx: Debian's `docker-buildx`, Docker's `docker-buildx-plugin`"
    parts = [f"`--cache-from {masked(str(entry))}`" for entry in plan.cache_from if not entry.bare]
    parts += [f"`--cache-to {masked(str(entry))}`" for entry in plan.cache_to]
    parts += [f"`--platform {','.join(plan.platforms)}`"] if len(plan.platforms) > 1 else []
    lost = [_lost(plan, part, hint, _BUILDX_URL) for part in parts]
    if plan.output == "push":
        lost.append(
            _lost(
                plan, "`--push`", "run `docker push` after the build", _BUILDX_URL, severity="note"
            )
        )
    if plan.squash and plan.caching:
        lost.append(
            _lost(
                plan,
                "`--squash`",
                "BuildKit does not squash; use a build of several stages",
                _SQUASH_URL,
            )
        )
    return lost


def _lost(
    plan: BuildPlan, part: str, hint: str, url: str, *, severity: str = "error"
) -> Diagnostic:
    return Diagnostic(
        name="lost",
        severity=severity,  # type: ignore[arg-type]  # one of the three
        message=f"this front end cannot say {part}",
        location=Location(path=("functions", plan.function)),
        hint=hint,
        url=url,
    )
