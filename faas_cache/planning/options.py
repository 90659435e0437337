"""`BuildOptions`: the values of the build flags, and how they change the spec of a function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from faas_cache.model.ci import CI_VARIABLES, job_variables
from faas_cache.model.converters import (
    Reader,
    TextLike,
    TextsLike,
    read_attestation,
    read_boolean,
    read_fields,
    read_optional_text,
    read_pairs,
    read_platforms,
    read_text,
    read_texts,
)
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, nearest
from faas_cache.model.errors import InvalidInput, InvalidReference
from faas_cache.model.faults import FaultCollector
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.go import TRUE, to_lower
from faas_cache.model.masking import masked
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.model.value import Value
from faas_cache.planning.remote_builders import REMOTE_BUILDER

__all__ = [
    "AGENT",
    "PACKAGES",
    "PLANNING_VARIABLES",
    "PUBLISH_PLATFORM",
    "TAG_KINDS",
    "BuildOptions",
    "PairsLike",
    "apply_options",
    "checked_environ",
]

# What `--tag` accepts. `latest` is the tag as written; the others add a value to it.
TAG_KINDS = ("latest", "sha", "branch", "describe", "digest")
# The platform that faas-cli publishes for unless another is given.
PUBLISH_PLATFORM = "linux/amd64"
# The build argument of faas-cli that carries the packages of the build options.
PACKAGES = "ADDITIONAL_PACKAGE"

# The variables that docker and the programs in a build read, in either case.
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# What the checks of `type=gha` read: buildx takes these from the environment of a workflow. And
# what `docker buildx create` does not read.
_CHECKED = (
    "DOCKER_TLS_VERIFY",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_CACHE_URL",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_CACHE_SERVICE_V2",
)
# The socket of the SSH agent, without which `--ssh default` fails.
AGENT = "SSH_AUTH_SOCK"
# Every environment variable that has an influence on a plan or its diagnostics; `~` is `HOME`.
PLANNING_VARIABLES = (
    *("HOME", AGENT, REMOTE_BUILDER),
    *_PROXIES,
    *_CHECKED,
    *sorted(CI_VARIABLES),
)

_MAX_SHOWN = 60

# Pairs as a mapping or one after the other, as a flag is repeated.
PairsLike: TypeAlias = Mapping[str, TextLike | None] | Iterable[tuple[str, TextLike | None]]


def _read_arguments(value: object, path: KeyPath) -> FrozenMap[str]:
    """Build arguments: repeated packages are joined by a space, of other repeats the last wins."""
    pairs = _pairs(value)
    if pairs is None:
        return read_pairs(value, path)
    arguments = dict(pairs)
    packages = [text for name, text in pairs if name == PACKAGES]
    if len(packages) > 1:
        arguments[PACKAGES] = " ".join(read_texts(packages, (*path, PACKAGES)))
    return read_pairs(arguments, path)


def _read_labels(value: object, path: KeyPath) -> FrozenMap[str]:
    pairs = _pairs(value)
    return read_pairs(value if pairs is None else dict(pairs), path)


def _pairs(value: object) -> list[tuple[Any, Any]] | None:
    """The items of a list of pairs, or `None` for anything else, which `read_pairs` checks."""
    if not isinstance(value, (list, tuple)):
        return None
    pairs = [(item[0], item[1]) for item in value if _is_pair(item)]
    return pairs if len(pairs) == len(value) else None


def _is_pair(item: object) -> bool:
    return isinstance(item, (list, tuple)) and len(item) == 2  # noqa: PLR2004  # a pair


def _read_tag(value: object, path: KeyPath) -> str:
    """A kind of tag, in any case; empty means `latest`."""
    text = read_text(value, path)
    kind = to_lower(text) or "latest"
    if kind not in TAG_KINDS:
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                message=f"unknown kind of tag `{masked(text)[:_MAX_SHOWN]}`",
                hint=nearest(kind, TAG_KINDS) or f"use one of {', '.join(TAG_KINDS)}",
                location=Location(path=path),
            )
        )
    return kind


def _read_builder_flags(value: object, path: KeyPath) -> tuple[str, ...]:
    """D2: each item is one argument that starts with a dash."""
    flags = read_texts(value, path)
    faults = FaultCollector()
    for i, flag in enumerate(flags):
        if not flag.startswith("-"):
            shown = masked(flag)
            faults.report(
                "invalid-builder-flag",
                f"the builder flag `{shown}` does not start with a dash",
                (*path, i),
                f"write a flag and its value as one item: `--FLAG={shown}`",
            )
    faults.raise_errors(InvalidInput)
    return flags


def _read_extra_tags(value: object, path: KeyPath) -> tuple[str, ...]:
    """E1: each item is a valid tag."""
    tags = read_texts(value, path)
    faults = FaultCollector()
    image = Reference.parse("image")
    for i, tag in enumerate(tags):
        with faults.catch(*path, i):
            image.with_tag(tag)
    faults.raise_errors(InvalidReference)
    return tags


_READERS: dict[str, Reader] = {
    "build_args": _read_arguments,
    "build_labels": _read_labels,
    "build_options": read_texts,
    "builder_flags": _read_builder_flags,
    "copy_extra": read_texts,
    "extra_tags": _read_extra_tags,
    "tag": _read_tag,
    "platforms": read_platforms,
    "builder": read_optional_text,
    "address": read_optional_text,
    "pull": read_boolean,
    "squash": read_boolean,
    "push": read_boolean,
    "publish": read_boolean,
    "prebuilt": read_boolean,
    "provenance": read_attestation,
    "sbom": read_attestation,
    "allow_outside_links": read_boolean,
}


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class BuildOptions(Value):
    """The values of the build flags, for every function.

    Raises `InvalidInput` for values of the wrong type, with the name of each field.

    >>> BuildOptions(tag="SHA", platforms="linux/amd64,linux/arm64").platforms
    ('linux/amd64', 'linux/arm64')

    Attributes:
        build_args: Build arguments, which replace those of a function. As a list of pairs, the
            packages of a repeated `ADDITIONAL_PACKAGE` are joined.
        build_labels: Labels of the image, which replace those of a function.
        build_options: Build options of the templates, besides those of a function.
        builder_flags: Arguments for the builder, after those of a function (D2).
        copy_extra: Paths of the project that are copied into every context.
        extra_tags: Further tags of every image, without its name.
        tag: The kind of tag: `latest`, `sha`, `branch`, `describe` or `digest`.
        platforms: The platforms to build for, instead of those of a function.
        builder: The buildx builder to use; `None` means the current one.
        address: The address of a builder that is reached without docker; `None` means none.
        pull: Whether the base images are pulled even if they are present.
        squash: Whether the layers of the images are squashed.
        push: Whether the images are pushed.
        publish: Whether to plan what `faas-cache publish` does: build with buildx, push, and for
            linux/amd64 where no platforms are given.
        prebuilt: Whether to use the contexts as they are in `build/`.
        provenance: The value of `--provenance`; `None` means that of a function.
        sbom: The value of `--sbom`; `None` means that of a function.
        allow_outside_links: Whether links may lead outside the project.
    """

    build_args: FrozenMap[str] = EMPTY
    build_labels: FrozenMap[str] = EMPTY
    build_options: tuple[str, ...] = ()
    builder_flags: tuple[str, ...] = ()
    copy_extra: tuple[str, ...] = ()
    extra_tags: tuple[str, ...] = ()
    tag: str = "latest"
    platforms: tuple[str, ...] = ()
    builder: str | None = None
    address: str | None = None
    pull: bool = False
    squash: bool = False
    push: bool = False
    publish: bool = False
    prebuilt: bool = False
    provenance: str | None = None
    sbom: str | None = None
    allow_outside_links: bool = False

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        build_args: PairsLike = EMPTY,
        build_labels: PairsLike = EMPTY,
        build_options: TextsLike = (),
        builder_flags: TextsLike = (),
        copy_extra: TextsLike = (),
        extra_tags: TextsLike = (),
        tag: str = "latest",
        platforms: TextsLike = (),
        builder: str | None = None,
        address: str | None = None,
        pull: bool = False,
        squash: bool = False,
        push: bool = False,
        publish: bool = False,
        prebuilt: bool = False,
        provenance: str | bool | None = None,
        sbom: str | bool | None = None,
        allow_outside_links: bool = False,
    ) -> None:
        values = {name: value for name, value in locals().items() if name in _READERS}
        self.__attrs_init__(**read_fields(values, _READERS))


_NO_OPTIONS = BuildOptions()


def apply_options(
    spec: FunctionSpec,
    options: BuildOptions = _NO_OPTIONS,
    environ: Mapping[str, str] | None = None,
) -> FunctionSpec:
    """The spec of a function with what the options and the environment say for all functions.

    Proxies of the environment become build arguments, which those of the function and of the
    options replace.

    >>> spec = FunctionSpec(name="fn", image="a/fn", build_args={"A": "1"})
    >>> apply_options(spec, BuildOptions(build_args={"A": "2"})).build_args
    {'A': '2'}
    """
    proxies = {name: environ[name] for name in _PROXIES if environ.get(name)} if environ else {}
    if options == _NO_OPTIONS and not proxies:
        return spec
    push = options.push or options.publish
    return attrs.evolve(
        spec,
        build_args={**proxies, **spec.build_args, **options.build_args},
        build_labels={**spec.build_labels, **options.build_labels},
        build_options=tuple(dict.fromkeys((*spec.build_options, *options.build_options))),
        builder_flags=(*spec.builder_flags, *options.builder_flags),
        extra_tags=(*spec.extra_tags, *options.extra_tags),
        target_platforms=_target_platforms(spec, options),
        builder=options.builder or spec.builder,
        pull=spec.pull or options.pull,
        squash=spec.squash or options.squash,
        output="push" if push else spec.output,
        provenance=spec.provenance if options.provenance is None else options.provenance,
        sbom=spec.sbom if options.sbom is None else options.sbom,
    )


def _target_platforms(spec: FunctionSpec, options: BuildOptions) -> tuple[str, ...]:
    """The platforms of the flag; `publish` has a default where the function names none."""
    platforms = options.platforms or spec.target_platforms
    if options.publish and not platforms and not spec.platforms:
        return (PUBLISH_PLATFORM,)
    return platforms


def checked_environ(environ: Mapping[str, str]) -> FrozenMap[str]:
    """What checks read of an environment: which variables are present, without their values.

    The values of the variables of CI systems that identify a job are kept (D10).

    >>> list(checked_environ({"ACTIONS_RUNTIME_TOKEN": "secret", "HOME": "/root"}).items())
    [('ACTIONS_RUNTIME_TOKEN', '1')]
    """
    present = {name: environ[name] for name in _CHECKED if environ.get(name)}
    if present.get("ACTIONS_CACHE_SERVICE_V2", "1") not in TRUE:  # read as Go's ParseBool does
        del present["ACTIONS_CACHE_SERVICE_V2"]
    return FrozenMap(dict.fromkeys(present, "1") | job_variables(environ))
