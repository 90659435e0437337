"""`FunctionSpec`: the keys of one function of a stack file that its build needs.

Values are converted and their types checked here, once. Whether a valid value makes sense is
decided by `resolve`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from faas_cache.model.converters import (
    Reader,
    Setting,
    SettingLike,
    TextLike,
    TextsLike,
    read_boolean,
    read_diagnostics,
    read_fields,
    read_list,
    read_optional_text,
    read_pairs,
    read_platforms,
    read_setting,
    read_text,
    read_texts,
)
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, nearest, type_name
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.faults import FaultCollector
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked
from faas_cache.model.value import Value

__all__ = ["OWN_KEYS", "FunctionSpec"]

# The folder of the contexts that `faas-cache build` and faas-cli write.
_BUILD = "build"
# Longer keys are cut in messages.
_MAX_SHOWN = 60


def _read_context(value: object, path: KeyPath) -> str | None:
    """A path; empty text is what an unset variable leaves, and counts as absent."""
    return read_text(value, path) or None


def _check_pairs(value: object, path: KeyPath) -> None:
    """Checks a mapping that only a deployment reads."""
    read_pairs(value, path)


# The keys of a function in a stack file that a build reads: those of faas-cli (go-sdk
# stack/schema.go), those of the proposal, then ours.
_KEYS: dict[str, Reader] = {
    "lang": read_text,
    "handler": read_text,
    "image": read_text,
    "build_args": read_pairs,
    "build_secrets": read_pairs,
    "build_options": read_list,
    "platforms": read_platforms,
    "skip_build": read_boolean,
    "build_cache": read_setting,
    "builder_flags": read_texts,
    "build_labels": read_pairs,
    "context": _read_context,
    "output": read_optional_text,
    "pull": read_boolean,
    "squash": read_boolean,
    "ssh": read_texts,
    "extra_tags": read_texts,
    "tag_as": read_optional_text,
    "provenance": read_optional_text,
    "sbom": read_optional_text,
}
# Those of them that faas-cli does not decode.
OWN_KEYS = frozenset(_KEYS) - {
    *("lang", "handler", "image", "platforms", "skip_build"),
    *("build_args", "build_secrets", "build_options"),
}
# The keys that only a deployment reads; faas-cli rejects a wrong type of them during a build too.
_DEPLOYMENT_KEYS: dict[str, Reader] = {
    "fprocess": read_text,
    "namespace": read_text,
    "environment": read_pairs,
    "labels": read_pairs,
    "annotations": read_pairs,
    "environment_file": read_list,
    "secrets": read_list,
    "constraints": read_list,
    "readonly_root_filesystem": read_boolean,
    "limits": _check_pairs,
    "requests": _check_pairs,
}
# The fields of a spec that flags set and a stack file cannot.
_FIELDS: dict[str, Reader] = _KEYS | {
    "build_options": read_texts,
    "target_platforms": read_platforms,
    "builder": read_optional_text,
    "default_cache": read_setting,
    "cache_name": read_optional_text,
    "diagnostics": read_diagnostics,
}


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class FunctionSpec(Value):
    """The build settings of one function: its YAML keys, and values that flags set.

    Raises `InvalidFunction` for values of the wrong type, with the key path of each. Paths,
    references, cache entries and enums are converted to text; integers and booleans are spelled as
    Go spells them.

    Attributes:
        name: The name of the function.
        image: The image as written in the stack file; empty if there is none.
        build_cache: The cache setting as written (rules B and C); `None` means that it has none.
        build_args: Build arguments by name.
        build_labels: Labels of the image by name.
        build_secrets: The path of the file of each build secret, by the secret's id.
        build_options: The build options of the template that are selected.
        platforms: The platforms of the stack file, which apply where the image is pushed (D11).
        target_platforms: The platforms of `--platforms`, which always apply (D11).
        builder_flags: Arguments for the builder, passed as written (D2).
        builder: The buildx builder to use; `None` means the current one.
        lang: The name of the template.
        handler: The folder of the function's code.
        context: The build context, a path or a URL that the builder reads; `None` means
            `build/NAME`, which `faas-cache build` writes.
        output: A value of `--output`, or `push` or `load` for the flags of these names; `None`
            means that the image is kept where docker can run it.
        pull: Whether the base images are pulled even if they are present.
        squash: Whether the layers of the image are squashed.
        ssh: The values of `--ssh`.
        extra_tags: Further tags of the image, without its name.
        tag_as: The image to tag instead of `image`; `None` means `image`.
        skip_build: Whether the function is not built.
        provenance: The value of `--provenance`; `None` means the builder's default.
        sbom: The value of `--sbom`; `None` means the builder's default.
        default_cache: The setting of the stack file, which applies where the function has none
            (D9).
        cache_name: The name of the function in the tag of its cache (B5); `None` means `name`.
        diagnostics: Warnings about the function's text; two specs that differ in these only are
            equal.
    """

    name: str
    image: str = ""
    build_cache: Setting = None
    build_args: FrozenMap[str] = EMPTY
    build_labels: FrozenMap[str] = EMPTY
    build_secrets: FrozenMap[str] = EMPTY
    build_options: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    target_platforms: tuple[str, ...] = ()
    builder_flags: tuple[str, ...] = ()
    builder: str | None = None
    lang: str = ""
    handler: str = ""
    context: str | None = None
    output: str | None = None
    pull: bool = False
    squash: bool = False
    ssh: tuple[str, ...] = ()
    extra_tags: tuple[str, ...] = ()
    tag_as: str | None = None
    skip_build: bool = False
    provenance: str | None = None
    sbom: str | None = None
    default_cache: Setting = None
    cache_name: str | None = None
    diagnostics: tuple[Diagnostic, ...] = attrs.field(default=(), eq=False)

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        name: str,
        image: TextLike = "",
        build_cache: SettingLike = None,
        build_args: Mapping[str, TextLike | None] = EMPTY,
        build_labels: Mapping[str, TextLike | None] = EMPTY,
        build_secrets: Mapping[str, TextLike] = EMPTY,
        build_options: TextsLike = (),
        platforms: TextsLike = (),
        target_platforms: TextsLike = (),
        builder_flags: TextsLike = (),
        builder: str | None = None,
        lang: str = "",
        handler: TextLike = "",
        context: TextLike | None = None,
        output: TextLike | None = None,
        pull: bool = False,
        squash: bool = False,
        ssh: TextsLike = (),
        extra_tags: TextsLike = (),
        tag_as: TextLike | None = None,
        skip_build: bool = False,
        provenance: str | bool | None = None,
        sbom: str | bool | None = None,
        default_cache: SettingLike = None,
        cache_name: str | None = None,
        diagnostics: Iterable[Diagnostic] = (),
    ) -> None:
        values = {key: value for key, value in locals().items() if key in _FIELDS}
        name = read_fields({"name": name}, {"name": read_text}, error=InvalidFunction)["name"]
        fields = read_fields(values, _FIELDS, ("functions", name), InvalidFunction)
        self.__attrs_init__(name=name, **fields)

    @classmethod
    def from_mapping(cls, name: str, mapping: object) -> FunctionSpec:
        """The spec of a function from its YAML keys; unknown keys become warnings.

        Raises `InvalidFunction` with every value of the wrong type, each at `functions.NAME`.

        >>> FunctionSpec.from_mapping("fn", {"image": "ghcr.io/a/fn", "pull": "yes"}).pull
        True
        """
        name = read_fields({"name": name}, {"name": read_text}, error=InvalidFunction)["name"]
        path: KeyPath = ("functions", name)
        if mapping is None:
            mapping = EMPTY
        if not isinstance(mapping, Mapping):
            raise InvalidFunction(
                Diagnostic(
                    name="invalid-type",
                    message=f"expected a mapping, got {type_name(mapping)}",
                    hint="write the keys `image`, `lang` and `handler`, indented, below the name",
                    location=Location(path=path),
                )
            )
        values: dict[str, object] = {}
        deployment: dict[str, object] = {}
        unknown: list[object] = []
        for key, value in mapping.items():
            if key in _KEYS:
                values[key] = value
            elif key in _DEPLOYMENT_KEYS:
                deployment[key] = value
            else:
                unknown.append(key)
        fields = read_fields({**values, **deployment}, _ALL_KEYS, path, InvalidFunction)
        faults = FaultCollector()
        words = [faults.convert(_key_text, key, path) or "" for key in unknown]
        faults.raise_errors(InvalidFunction)
        warnings = tuple(_unknown_key(word, path) for word in words)
        spec = cls.__new__(cls)
        spec.__attrs_init__(name=name, diagnostics=warnings, **{key: fields[key] for key in values})
        return spec

    @property
    def context_path(self) -> str:
        """The build context as the builder reads it: `context`, or `build/NAME`.

        >>> FunctionSpec(name="resize").context_path
        'build/resize'
        """
        return f"{_BUILD}/{self.name}" if self.context is None else self.context


_ALL_KEYS = _KEYS | _DEPLOYMENT_KEYS


def _key_text(key: object, path: KeyPath) -> str:
    return read_text(key, path) if isinstance(key, int) else str(key)


def _unknown_key(key: str, path: KeyPath) -> Diagnostic:
    """The warning about a key that neither faas-cli nor this package reads."""
    return Diagnostic(
        name="unknown-key",
        severity="warning",
        message=f"unknown key `{masked(key)[:_MAX_SHOWN]}` (ignored)",
        location=Location(path=(*path, key)),
        hint=nearest(key, _ALL_KEYS)
        or "remove it, or move it below a top-level key that starts with `x-`",
    )
