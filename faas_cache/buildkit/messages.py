"""The errors that builders, registries and cache services print: tables only.

`WORDS` recognizes errors that name their step by themselves; `STATUSES` says what an answer of a
registry, a service, a network or a disk means, in any step. In both, the first row that
matches decides. The texts are those of docker 18.09 to 28, buildx 0.9 to 0.36, BuildKit 0.8 to
0.32, buildctl, buildah 1.28 to 1.39, podman 4.3 to 5.4, the distribution registry, S3 (the AWS
SDK), Azure Blob Storage and the cache service of GitHub Actions.

BuildKit's errors have three forms: to 0.11 without URL and body; 0.12 to 0.29 with `unexpected
status from PUT request to URL: 400`, since 0.23 followed by the message of the registry; since 0.30
that message alone.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

__all__ = ["STATUSES", "WORDS", "Cause", "FailedStep", "Sentence", "Words"]

FailedStep: TypeAlias = Literal[
    "cache-export",
    "cache-import",
    "image-push",
    "base-image",
    "dockerfile",
    "build-step",
    "entry",
    "front-end",
    "daemon",
]
Cause: TypeAlias = Literal[
    "refused",
    "unauthorized",
    "denied",
    "unreachable",
    "timeout",
    "rate-limited",
    "too-large",
    "conflict",
    "unsupported",
    "missing",
    "invalid",
    "disk-full",
    "failed",
    "unknown",
]


@attrs.frozen
class Words:
    """An error that names its step: `cause` is `None` if the rest of it decides, see `STATUSES`.

    `variant` selects a sentence of its own, see `SENTENCES`.
    """

    step: FailedStep
    cause: Cause | None
    pattern: str
    variant: str = ""


@attrs.frozen
class Sentence:
    """What is shown for a failure: a message (with `{cache}` for the caches), a fix and a page."""

    message: str
    fix: str
    url: str


WORDS: tuple[Words, ...] = (
    # A command of the Dockerfile: BuildKit 0.11, 0.8, the legacy builder, buildah.
    Words("build-step", "failed", r'process ".* did not complete successfully'),
    Words("build-step", "failed", r"executor failed running \["),
    Words("build-step", "failed", r"The command '.*' returned a non-zero code: "),
    Words("build-step", "failed", r'building at STEP "RUN .*while running runtime: '),
    # Entries and exports that are refused before the build starts.
    Words(
        "cache-export",
        "unsupported",
        r"(?i)cache export (?:feature )?is (?:currently )?not supported",
    ),
    Words(
        "cache-export",
        "unsupported",
        r"specifying multiple cache exports is not supported",
        "several",
    ),
    Words(
        "cache-export",
        "unsupported",
        r'unknown cache exporter: "?(?:registry|inline|local|gha|s3|azblob)\b',
        "backend",
    ),
    Words("entry", "invalid", r"unknown cache (?:exporter|importer): "),
    Words("entry", "invalid", r"type required(?: for[>m]?>?)?"),
    Words("entry", "invalid", r"duplicate cache exports \["),
    Words("entry", "invalid", r"^invalid value \S*$|parse error on line [0-9]+, column"),
    Words(
        "entry",
        "invalid",
        r"\w+ cache (?:exporter|importer) requires |cache with type gha requires",
    ),
    Words(
        "entry", "invalid", r"unable to parse value provided .* to --cache-(?:from|to)"
    ),  # buildah
    Words(
        "cache-export",
        None,
        r"failed to configure azblob cache exporter: failed to create container client: ",
    ),
    Words(
        "cache-export",
        "unauthorized",
        r"failed to configure gha cache exporter: token is malformed",
    ),
    Words(
        "entry",
        "invalid",
        r"failed to configure .* cache exporter: |invalid configuration for remote cache",
    ),
    Words("cache-export", None, r"failed pushing cache to "),  # buildah
    Words("cache-export", "invalid", r"^mkdir \S+: not a directory$", "local"),
    Words(
        "cache-export",
        "denied",
        r"^mkdir \S+: (?:read-only file system|permission denied)$",
        "local",
    ),
    # buildx waits 3 seconds for the job; the exporter is configured meanwhile, and azblob then
    # calls its service.
    Words(
        "cache-export", "unreachable", r"failed to receive status: .*no such job", "unresponsive"
    ),
    # The front end: docker, buildx, buildctl.
    Words(
        "front-end", "missing", r"'?buildx'? is not a docker command|unknown command: docker buildx"
    ),
    Words(
        "front-end",
        "missing",
        r"buildx component is missing or broken|docker: (?:command )?not found",
    ),
    Words(
        "front-end",
        "missing",
        r'no builder "?.*"? found|failed to find (?:builder|driver)',
        "builder",
    ),
    Words(
        "front-end",
        "missing",
        r'unable to resolve docker endpoint|context "[^"]*": context not found',
        "context",
    ),
    Words("front-end", "missing", r"failed to stat .*: no such file or directory", "file"),
    Words("front-end", "missing", r"invalid empty ssh agent socket|could not parse ssh", "ssh"),
    Words("front-end", "unsupported", r"unknown (?:shorthand )?flag|flag provided but not defined"),
    Words("front-end", "unsupported", r"passed to --progress, valid values"),
    Words(
        "front-end",
        "unsupported",
        r"additional privileges requested|exporter does not currently support",
    ),
    Words(
        "front-end",
        "unsupported",
        r"[Mm]ulti-platform build is not supported|multi-node builds currently not",
    ),
    Words("front-end", "unsupported", r"could not create a builder instance with TLS data", "tls"),
    Words(
        "front-end", "invalid", r"use `docker --context=\S+ buildx` to switch to context", "context"
    ),
    Words(
        "front-end",
        "invalid",
        r"Error while dialing: .*(?:invalid address|missing port in address)",
        "address",
    ),
    Words(
        "front-end",
        "invalid",
        r'invalid tag "|for "(?:-\w, )?--[\w-]+" flag|requires exactly 1 argument',
    ),
    # The daemon.
    Words(
        "daemon",
        "denied",
        r"permission denied while trying to connect to the (?:Docker daemon|docker API)",
    ),
    Words("daemon", "unreachable", r"(?i)Cannot connect to (?:the Docker daemon|Podman)"),
    Words("daemon", "unreachable", r"(?i)failed to connect to the docker API|error during connect"),
    # buildctl, and buildx with a remote builder.
    Words("daemon", "unreachable", r"failed to list workers: ", "address"),
    Words(
        "daemon", "unreachable", r"error reading from server: |code = Unavailable|\bUnavailable: "
    ),
    Words(
        "daemon", "unreachable", r"transport is closing|closing transport|read/write on closed pipe"
    ),
    Words("daemon", "missing", r"parent snapshot \S+ does not exist"),
    # The Dockerfile.
    Words("dockerfile", "missing", r"failed to read dockerfile: .*(?:no such file|not found)"),
    Words("dockerfile", "missing", r"unable to prepare context: .*not found"),
    Words("dockerfile", "missing", r"target stage .* could not be found"),
    Words("dockerfile", "missing", r"unable to evaluate symlinks in Dockerfile path"),
    Words(
        "dockerfile",
        "missing",
        r"no Containerfile or Dockerfile|^stat \S*(?:Docker|Container)file: no such file",
    ),
    Words(
        "dockerfile",
        "invalid",
        r"(?i)dockerfile parse error|unable to prepare context|Unknown instruction: ",
    ),
    Words(
        "dockerfile", "invalid", r"(?i)failed to parse stage name|the Dockerfile .* cannot be empty"
    ),
    Words(
        "dockerfile", "invalid", r"base name \(.*\) should not be blank|file with no instructions"
    ),
    Words("dockerfile", "invalid", r'circular dependency detected|failed to process "'),
    # Images and layers.
    Words(
        "image-push", "missing", r"An image does not exist locally|^tag does not exist: ", "local"
    ),
    Words("image-push", None, r"failed to push |push access denied|error from registry: "),
    Words("base-image", None, r"failed to resolve source metadata for|failed to load metadata for"),
    Words(
        "base-image",
        None,
        r"pull access denied|^creating build container: |initializing source docker://",
    ),
    Words(
        "cache-export",
        "conflict",
        r"error writing layer blob: (?:not_found$|.*/blobs/upload\S*: 400 Bad Request)",
    ),
    Words("cache-export", "refused", r"failed to reserve cache", "service"),
    Words(
        "cache-export",
        None,
        r"error writing (?:layer|config|manifest) blob|error writing manifest: ",
    ),
    Words("cache-export", None, r"missing blob sha256|invalid incomplete links"),
    Words("build-step", "missing", r"secret \S+: not found", "secret"),
    Words(
        "build-step",
        "missing",
        r"failed to (?:compute cache key|calculate checksum of ref).*not found",
    ),
    Words("build-step", "missing", r"(?:ADD|COPY) failed: .*(?:no such file|not found|stat )"),
    Words("build-step", "missing", r'^"/.*" not found: not found|copier: stat: .*no such file'),
)

# What a response means, in any step. URLs, quoted texts, references and digests are removed
# first, because they are names.
STATUSES: tuple[tuple[Cause, str], ...] = (
    ("disk-full", r"no space left on device|disk quota exceeded"),
    (
        "rate-limited",
        (
            r"\b429\b|\btoomanyrequests\b|\bresource_exhausted\b"
            r"|RequestBlockedException|\bSlowDown\b"
        ),
    ),
    ("too-large", r"\b413 (?:Request Entity|Payload|Content) Too Large"),
    ("conflict", r"\b409 Conflict|\balready_exists\b"),
    ("unsupported", r"legacy service is shutting down"),
    (
        "unauthorized",
        r"\b(?:InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|AuthenticationFailed)\b",
    ),
    (
        "unauthorized",
        (
            r"failed to refresh cached credentials"
            r"|get credentials: |authenticated requests are not permitted"
        ),
    ),
    ("denied", r"\b(?:403 Forbidden|405 Method Not Allowed)|\bStatusCode: 403\b|immutable"),
    (
        "unauthorized",
        (
            r"\b401 Unauthorized|no basic auth credentials"
            r"|insufficient_scope|\bunauthenticated\b"
        ),
    ),
    ("unauthorized", r"(?i:unauthorized|authentication required)|incorrect username or password"),
    (
        "unauthorized",
        (
            r"no active session|failed to fetch (?:oauth|anonymous) token"
            r"|requested access to the resource"
        ),
    ),
    (
        "denied",
        (
            r"(?i:\bdenied\b)|\bpermission_denied\b"
            r"|\b(?:AccessDenied|AuthorizationFailure)\b"
            r"|read-only file system"
        ),
    ),
    ("timeout", r"timeout awaiting response headers|Client\.Timeout exceeded"),
    (
        "unreachable",
        r"connection refused|connection reset|no such host|i/o timeout|\bEOF\b|broken pipe",
    ),
    ("unreachable", r"no route to host|network is unreachable|TLS handshake|\btls: |\bx509: "),
    (
        "unreachable",
        (
            r"closed network connection|server misbehaving"
            r"|Temporary failure in name resolution"
        ),
    ),
    (
        "unreachable",
        r"server gave HTTP response to HTTPS client|context deadline exceeded|proxyconnect",
    ),
    (
        "unreachable",
        r"\b50[0234] (?:Bad Gateway|Service Unavailable|Gateway Time-?out|Internal Server Error)",
    ),
    ("unreachable", r"failed to parse error response 5[0-9][0-9]|\bStatusCode: 5[0-9][0-9]\b"),
    ("unreachable", r"invalid character '<' looking for beginning of value"),  # the page of a proxy
)
