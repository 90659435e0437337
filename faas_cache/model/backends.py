"""The cache backends of BuildKit: each field with its direction, its values and its first version.

The source is BuildKit 0.32 and buildx 0.36 (`cache/remotecache/*`, `client/solve.go`,
`control/control.go`); each field names the file that reads it. The versions are those of the first
release that has the field, from a search over every tag.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.go import FALSE, TRUE
from faas_cache.model.masking import SECRET_FIELDS

__all__ = [
    "BACKENDS",
    "BOTH",
    "FROM",
    "TO",
    "VALUES",
    "Backend",
    "Direction",
    "Field",
    "Kind",
    "guess_backend",
]

Direction: TypeAlias = Literal["from", "to"]
# `bool` is Go's ParseBool, `flag` is the same and true if empty; the values of these and of `mode`,
# `compression` and `retry` are in `VALUES`.
Kind: TypeAlias = Literal[
    "text", "bool", "flag", "mode", "compression", "integer", "duration", "retry"
]

BOTH: frozenset[Direction] = frozenset({"from", "to"})
FROM: frozenset[Direction] = frozenset({"from"})
TO: frozenset[Direction] = frozenset({"to"})

# The values of the kinds that have a fixed set of them, exactly as BuildKit compares them.
VALUES: FrozenMap[frozenset[str]] = FrozenMap(
    bool=TRUE | FALSE,
    flag=TRUE | FALSE | {""},
    mode=frozenset({"min", "max"}),
    compression=frozenset(
        {"uncompressed", "gzip", "estargz", "zstd"}
    ),  # nydus needs a special build of BuildKit
    retry=frozenset({"standard", "adaptive"}),
)


class Field(NamedTuple):
    """One field of a backend.

    Attributes:
        name: The name of the field, in lower case.
        directions: Whether imports, exports or both read it.
        buildkit: The first version of BuildKit that reads it.
        source: The file of BuildKit that reads it.
        kind: The kind of its values.
        required: The directions that BuildKit rejects without it.
        default: The value if it is missing; empty if there is none.
        buildx: The first version of buildx that fills it in or passes it; empty where any does.
        strict: Whether BuildKit rejects an invalid value in an export (observed with 0.13 and
            0.25) instead of silently ignoring it.
    """

    name: str
    directions: frozenset[Direction]
    buildkit: str
    source: str
    kind: Kind = "text"
    required: frozenset[Direction] = frozenset()
    default: str = ""
    buildx: str = ""
    strict: bool = False

    @property
    def secret(self) -> bool:
        """Whether its value is a credential."""
        return self.name in SECRET_FIELDS


class Backend(NamedTuple):
    """A cache backend.

    Attributes:
        name: The value of `type` in an entry.
        buildkit: The first version of BuildKit that has it.
        fields: Its fields by name.
        directions: Whether it imports, exports or both.
        buildx: The first version of buildx that supports it; empty where any does.
        destination: The fields that together name what an export writes to (E5); a `;` separates
            several values of `name`.
    """

    name: str
    buildkit: str
    fields: FrozenMap[Field]
    directions: frozenset[Direction] = BOTH
    buildx: str = ""
    destination: tuple[str, ...] = ()

    def required(self, direction: Direction) -> tuple[str, ...]:
        """The fields that an entry of that direction must have."""
        return tuple(field.name for field in self.fields.values() if direction in field.required)


def _fields(*fields: Field) -> FrozenMap[Field]:
    return FrozenMap({field.name: field for field in fields})


# control/control.go reads these two for every export, whatever its type.
_CONTROL = "control/control.go"
_MODE = Field(
    name="mode", directions=TO, kind="mode", default="min", buildkit="0.4", source=_CONTROL
)
_IGNORE = Field(
    name="ignore-error",
    directions=TO,
    kind="bool",
    default="false",
    buildkit="0.11",
    source=_CONTROL,
)


def _layout(source: str, level: str) -> tuple[Field, ...]:
    """The fields of exports of OCI manifests; `level` is the version with `compression-level`."""
    oci, image = "oci-mediatypes", "image-manifest"
    return (
        Field(
            name=oci,
            directions=TO,
            kind="bool",
            default="true",
            buildkit="0.8",
            strict=True,
            source=source,
        ),
        # false up to BuildKit 0.20, true since 0.21
        Field(name=image, directions=TO, kind="bool", buildkit="0.12", strict=True, source=source),
        Field(
            name="compression",
            directions=TO,
            kind="compression",
            default="gzip",
            buildkit="0.10",
            strict=True,
            source=source,
        ),
        Field(
            name="compression-level",
            directions=TO,
            kind="integer",
            buildkit=level,
            strict=True,
            source=source,
        ),
        Field(
            name="force-compression",
            directions=TO,
            kind="flag",
            buildkit="0.10",
            strict=True,
            source=source,
        ),
    )


_REGISTRY = "cache/remotecache/registry/registry.go"
_LOCAL = "client/solve.go"
_GHA = "cache/remotecache/gha/gha.go"
_S3 = "cache/remotecache/s3/s3.go"
_AZBLOB = "cache/remotecache/azblob/utils.go"

BACKENDS: FrozenMap[Backend] = FrozenMap(
    registry=Backend(
        name="registry",
        buildkit="0.4",
        destination=("ref",),
        fields=_fields(
            Field(name="ref", directions=BOTH, required=BOTH, buildkit="0.4", source=_REGISTRY),
            _MODE,
            *_layout(_REGISTRY, level="0.12"),
            Field(
                name="registry.insecure",
                directions=BOTH,
                kind="bool",
                buildkit="0.12",
                strict=True,
                source=_REGISTRY,
            ),
            _IGNORE,
        ),
    ),
    # An inline cache is imported from the image, with type=registry.
    inline=Backend(name="inline", directions=TO, buildkit="0.4", fields=_fields(_MODE, _IGNORE)),
    local=Backend(
        name="local",
        buildkit="0.4",
        destination=("dest",),
        fields=_fields(
            Field(name="src", directions=FROM, required=FROM, buildkit="0.4", source=_LOCAL),
            Field(name="dest", directions=TO, required=TO, buildkit="0.4", source=_LOCAL),
            Field(name="tag", directions=BOTH, default="latest", buildkit="0.7", source=_LOCAL),
            Field(name="digest", directions=FROM, buildkit="0.4", source=_LOCAL),
            _MODE,
            *_layout("cache/remotecache/local/local.go", level="0.10"),
            Field(
                name="reset",
                directions=TO,
                kind="bool",
                default="false",
                buildkit="0.31",
                source=_LOCAL,
            ),
            _IGNORE,
        ),
    ),
    gha=Backend(
        name="gha",
        buildkit="0.9",
        buildx="0.6",
        destination=("scope",),
        fields=_fields(
            Field(name="scope", directions=BOTH, default="buildkit", buildkit="0.9", source=_GHA),
            # buildx fills these in from the workflow's environment, and silently drops an entry
            # that lacks them
            Field(name="token", directions=BOTH, buildkit="0.9", source=_GHA),
            Field(name="url", directions=BOTH, buildkit="0.9", source=_GHA),
            Field(name="url_v2", directions=BOTH, buildkit="0.20", buildx="0.21", source=_GHA),
            Field(name="version", directions=BOTH, buildkit="0.20", buildx="0.21", source=_GHA),
            Field(
                name="timeout",
                directions=BOTH,
                kind="duration",
                default="10m",
                buildkit="0.13",
                strict=True,
                source=_GHA,
            ),
            Field(name="repository", directions=TO, buildkit="0.14", source=_GHA),
            Field(name="ghtoken", directions=TO, buildkit="0.14", source=_GHA),
            _MODE,
            _IGNORE,
        ),
    ),
    s3=Backend(
        name="s3",
        buildkit="0.11",
        buildx="0.10",
        destination=("endpoint_url", "bucket", "prefix", "manifests_prefix", "name"),
        fields=_fields(
            # $AWS_BUCKET and $AWS_REGION of the daemon are the defaults, which are rarely set
            Field(name="bucket", directions=BOTH, required=BOTH, buildkit="0.11", source=_S3),
            Field(name="region", directions=BOTH, required=BOTH, buildkit="0.11", source=_S3),
            Field(name="name", directions=BOTH, default="buildkit", buildkit="0.11", source=_S3),
            Field(name="prefix", directions=BOTH, buildkit="0.11", source=_S3),
            Field(
                name="blobs_prefix", directions=BOTH, default="blobs/", buildkit="0.11", source=_S3
            ),
            Field(
                name="manifests_prefix",
                directions=BOTH,
                default="manifests/",
                buildkit="0.11",
                source=_S3,
            ),
            Field(name="endpoint_url", directions=BOTH, buildkit="0.11", source=_S3),
            Field(
                name="use_path_style",
                directions=BOTH,
                kind="bool",
                default="false",
                buildkit="0.11",
                source=_S3,
            ),
            Field(name="access_key_id", directions=BOTH, buildkit="0.11", source=_S3),
            Field(name="secret_access_key", directions=BOTH, buildkit="0.11", source=_S3),
            Field(name="session_token", directions=BOTH, buildkit="0.11", source=_S3),
            Field(
                name="touch_refresh",
                directions=TO,
                kind="duration",
                default="24h",
                buildkit="0.11",
                source=_S3,
            ),
            Field(
                name="upload_parallelism",
                directions=TO,
                kind="integer",
                default="4",
                buildkit="0.16",
                source=_S3,
            ),
            Field(
                name="disable_accept_encoding",
                directions=BOTH,
                kind="bool",
                buildkit="0.30",
                source=_S3,
            ),
            Field(name="retry_mode", directions=BOTH, kind="retry", buildkit="0.30", source=_S3),
            Field(
                name="retry_max_attempts",
                directions=BOTH,
                kind="integer",
                buildkit="0.30",
                source=_S3,
            ),
            _MODE,
            _IGNORE,
        ),
    ),
    azblob=Backend(
        name="azblob",
        buildkit="0.11",
        buildx="0.10",
        destination=(
            "account_url",
            "account_name",
            "container",
            "prefix",
            "manifests_prefix",
            "name",
        ),
        fields=_fields(
            # $BUILDKIT_AZURE_STORAGE_ACCOUNT_URL of the daemon is the default
            Field(
                name="account_url", directions=BOTH, required=BOTH, buildkit="0.11", source=_AZBLOB
            ),
            Field(name="account_name", directions=BOTH, buildkit="0.12", source=_AZBLOB),
            Field(
                name="container",
                directions=BOTH,
                default="buildkit-cache",
                buildkit="0.11",
                source=_AZBLOB,
            ),
            Field(name="prefix", directions=BOTH, buildkit="0.11", source=_AZBLOB),
            Field(
                name="blobs_prefix",
                directions=BOTH,
                default="blobs",
                buildkit="0.11",
                source=_AZBLOB,
            ),
            Field(
                name="manifests_prefix",
                directions=BOTH,
                default="manifests",
                buildkit="0.11",
                source=_AZBLOB,
            ),
            Field(
                name="name", directions=BOTH, default="buildkit", buildkit="0.11", source=_AZBLOB
            ),
            Field(name="secret_access_key", directions=BOTH, buildkit="0.11", source=_AZBLOB),
            _MODE,
            _IGNORE,
        ),
    ),
)


def guess_backend(keys: frozenset[str]) -> str:
    """The type that an entry with these fields was probably meant to have, or an empty string.

    >>> guess_backend(frozenset({"dest"}))
    'local'
    """
    matches = {
        name: len(keys & (backend.fields.keys() - {"mode", "ignore-error"}))
        for name, backend in BACKENDS.items()
    }
    best = max(matches, key=matches.__getitem__)
    return best if matches[best] else ""
