"""The catalogue of diagnostics: each name with its rule, its severities, a summary and a page."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from faas_cache.model.frozen_map import FrozenMap

__all__ = ["CATALOGUE", "PROPOSAL", "Condition", "Severity"]

Severity: TypeAlias = Literal["error", "warning", "note"]

PROPOSAL = "https://github.com/openfaas/faas-cli/issues/940"
_CACHE = "https://docs.docker.com/build/cache/backends/"
_REGISTRY, _INLINE, _LOCAL = f"{_CACHE}registry/", f"{_CACHE}inline/", f"{_CACHE}local/"
_GHA, _DRIVERS = f"{_CACHE}gha/", "https://docs.docker.com/build/builders/drivers/"
_YAML = "https://docs.openfaas.com/reference/yaml/"
_REFERENCE = "https://pkg.go.dev/github.com/distribution/reference"
_PLATFORMS = "https://docs.docker.com/build/building/multi-platform/"
_SSH = "https://docs.docker.com/reference/cli/docker/buildx/build/#ssh"
_SECRETS = "https://docs.docker.com/build/building/secrets/"
_BUILD = "https://docs.docker.com/reference/cli/docker/buildx/build/"
_ATTESTATIONS = "https://docs.docker.com/build/metadata/attestations/"
_IGNORE = "https://docs.docker.com/build/concepts/context/#dockerignore-files"
_TEMPLATES = "https://docs.openfaas.com/cli/templates/"
_DOCKERFILE = "https://docs.docker.com/reference/dockerfile/"
_INVALIDATION = "https://docs.docker.com/build/cache/invalidation/"
_OPTIMIZE = "https://docs.docker.com/build/cache/optimize/"
_INSTALL = "https://docs.docker.com/engine/install/"


class Condition(NamedTuple):
    """One condition that diagnostics report.

    Attributes:
        rule: The number of the rule behind it, empty if there is none.
        severities: The severities that its diagnostics can have.
        summary: What is wrong, in one clause.
        url: A page about it.
    """

    rule: str
    severities: tuple[Severity, ...]
    summary: str
    url: str


_E: tuple[Severity, ...] = ("error",)
_W: tuple[Severity, ...] = ("warning",)
_N: tuple[Severity, ...] = ("note",)
_EW: tuple[Severity, ...] = ("error", "warning")
_EN: tuple[Severity, ...] = ("error", "note")
_WN: tuple[Severity, ...] = ("warning", "note")

# A name keeps its meaning once it is released.
CATALOGUE: FrozenMap[Condition] = FrozenMap(
    {
        "inline-cache-disabled": Condition(
            "A3", _W, "the value of `BUILDKIT_INLINE_CACHE` disables the inline cache", _INLINE
        ),
        "duplicate-inline-export": Condition(
            "A4",
            _E,
            "the inline cache is exported twice, by the build argument and by an entry",
            _INLINE,
        ),
        "invalid-setting": Condition(
            "B3", _E, "`build_cache` is neither a mode nor a mapping", PROPOSAL
        ),
        "shared-repository": Condition(
            "B5",
            _N,
            "the functions of a repository share one cache tag",
            PROPOSAL,
        ),
        "unknown-setting-key": Condition(
            "C1", _E, "`build_cache` has a key that it does not accept", PROPOSAL
        ),
        "empty-setting": Condition("C1", _EW, "`build_cache` is empty", PROPOSAL),
        "invalid-entry-type": Condition("C1", _E, "an entry is not a string", _CACHE),
        "multiline-entry": Condition("C1", _E, "an entry contains several lines", _CACHE),
        "missing-type": Condition("C5", _E, "an entry has neither `type` nor `ref`", _CACHE),
        "invalid-entry": Condition("C10", _E, "buildx rejects the syntax of an entry", _CACHE),
        "bare-keyword": Condition(
            "C11", _E, "a keyword alone is read as an image on Docker Hub", _CACHE
        ),
        "empty-entry": Condition(
            "C12", _E, "an entry or a list of entries is empty or null", PROPOSAL
        ),
        "split-entry": Condition("C13", _E, "YAML split one entry at its commas", PROPOSAL),
        "invalid-builder-flag": Condition(
            "D2", _E, "a builder flag does not start with a dash", _BUILD
        ),
        "cache-in-builder-flags": Condition(
            "D2", _N, "`builder_flags` contain cache arguments", PROPOSAL
        ),
        "unreached-export": Condition(
            "D5", _W, "`--ignore-cache-errors` does not change a typed entry", _CACHE
        ),
        "invalid-scope": Condition("D6", _E, "a cache scope is empty", PROPOSAL),
        "unused-scope": Condition(
            "D6", _EN, "a cache scope has no effect on a setting other than `max`", PROPOSAL
        ),
        "scope-without-platforms": Condition(
            "D7", _E, "a scope contains `{platform}` and the build has no platforms", _PLATFORMS
        ),
        "untrusted-export": Condition(
            "D10",
            _W,
            "a pull request overwrites a cache that other branches import",
            _CACHE,
        ),
        "unused-platforms": Condition(
            "D11", _N, "the platforms of the stack file apply only to a push", _PLATFORMS
        ),
        "invalid-reference": Condition(
            "E1", _EW, "a string is not a valid image reference", _REFERENCE
        ),
        "missing-image": Condition("E2", _E, "a function has no image", _YAML),
        "image-with-digest": Condition(
            "E2",
            _E,
            "the image of a function has a digest, which docker rejects as a tag",
            _REFERENCE,
        ),
        "export-to-digest": Condition(
            "E2", _E, "a cache is exported to a reference with a digest", _REFERENCE
        ),
        "inline-tag-mismatch": Condition(
            "E3", _W, "`inline` imports a tag that the build does not push", _INLINE
        ),
        "cache-overwrites-image": Condition(
            "E4", _E, "a cache is exported to the tag of an image", _REGISTRY
        ),
        "shared-cache-destination": Condition(
            "E5", _EW, "two exports write to the same destination", _CACHE
        ),
        "unsupported-cache-manifest": Condition(
            "E6", _W, "the registry rejects the manifest of a cache entry", _REGISTRY
        ),
        "shared-image": Condition(
            "E7", _EW, "two functions build different images under one tag", _YAML
        ),
        "unread-export": Condition(
            "E9", _N, "a cache is exported, and no function imports it", _CACHE
        ),
        "default-registry": Condition(
            "E10",
            _EW,
            "a cache or an image is pushed to a repository of Docker's own images",
            "https://docs.docker.com/docker-hub/repos/",
        ),
        "missing-feature": Condition(
            "F2", _E, "the builder lacks a feature that a build needs", _DRIVERS
        ),
        "docker-not-found": Condition(
            "F2", _E, "`docker` is not installed, or not on PATH", _INSTALL
        ),
        "daemon-unreachable": Condition(
            "F2",
            _EW,
            "the Docker daemon, or a node of a builder, does not respond",
            "https://docs.docker.com/engine/daemon/start/",
        ),
        "missing-credentials": Condition(
            "F2",
            _W,
            "docker has no credentials for a registry that a cache is exported to",
            "https://docs.docker.com/reference/cli/docker/login/",
        ),
        "unknown-builder": Condition("F2", _E, "buildx has no builder of that name", _DRIVERS),
        "unknown-version": Condition(
            "F2", _N, "a version on which a feature depends is unknown", _DRIVERS
        ),
        "unsupported-by-front-end": Condition(
            "F3", _EN, "the front end does not support a part of the plan", _BUILD
        ),
        "multi-platform-output": Condition(
            "F5",
            _E,
            "an image for several platforms is not pushed, and the builder cannot store it",
            _PLATFORMS,
        ),
        "invalid-boolean": Condition("F4", _EW, "a field is not a boolean that Go accepts", _CACHE),
        "invalid-compression": Condition(
            "F4", _E, "BuildKit does not support a compression", _REGISTRY
        ),
        "invalid-mode": Condition(
            "F4", _W, "BuildKit silently replaces an invalid cache mode by `min`", _CACHE
        ),
        "invalid-value": Condition(
            "F4", _EW, "a field has a number, a duration or a word that it does not accept", _CACHE
        ),
        "cache-in-context": Condition("F4", _W, "a local cache is inside a build context", _LOCAL),
        "missing-gha-environment": Condition(
            "F4", _W, "`type=gha` outside of GitHub Actions is silently ignored", _GHA
        ),
        "outdated-gha-service": Condition(
            "F4", _W, "the builder does not support the cache service of GitHub Actions", _GHA
        ),
        "inline-import": Condition("F4", _W, "`type=inline` imports nothing", _INLINE),
        "uncached-stages": Condition(
            "F4", _W, "`inline` caches only the last stage of the Dockerfile", _INLINE
        ),
        "missing-field": Condition(
            "F4", _EW, "an entry lacks a field that its type requires", _CACHE
        ),
        "unsupported-field": Condition("F4", _W, "the builder is too old for a field", _CACHE),
        "conflicting-media-types": Condition(
            "F4", _E, "an image manifest requires OCI media types", _REGISTRY
        ),
        "unknown-field": Condition("F4", _W, "BuildKit ignores an unknown field", _CACHE),
        "unknown-backend": Condition(
            "F4", _EW, "an entry has a type that BuildKit does not have", _CACHE
        ),
        "unread-field": Condition("F4", _W, "a field is read only in the other direction", _CACHE),
        "cached-build-failed": Condition("G1", _W, "a build with cache entries failed", _REGISTRY),
        "build-failed": Condition("G2", _E, "a build or a push failed", _CACHE),
        "export-failed": Condition(
            "G2", _W, "a cache was not exported, and the build continued", _CACHE
        ),
        "import-failed": Condition("G2", _WN, "a cache was not imported", _CACHE),
        "broken-cache": Condition(
            "G3", _W, "the layers behind a cache are gone, so it was built again", _REGISTRY
        ),
        "useless-import": Condition(
            "G4",
            _N,
            "a cache was found, but it matched no step",
            _INVALIDATION,
        ),
        "missing-context": Condition("", _E, "the build context does not exist", _BUILD),
        "invalid-context": Condition("", _E, "the build context cannot be written", _BUILD),
        "invalid-ignore-pattern": Condition(
            "", _EW, "docker rejects a pattern of a `.dockerignore`", _IGNORE
        ),
        "unread-dockerignore": Condition(
            "", _N, "docker does not read a `.dockerignore` of a handler", _IGNORE
        ),
        "volatile-file": Condition(
            "", _WN, "a step copies files that change often or differ between machines", _IGNORE
        ),
        "unportable-modes": Condition(
            "",
            _N,
            "the file modes of a context differ from those of a checkout",
            "https://docs.docker.com/build/cache/invalidation/",
        ),
        "context-locked": Condition(
            "", _E, "another run writes or builds the same context", _BUILD
        ),
        "duplicate-key": Condition("", _E, "a key appears twice in a mapping", _YAML),
        "git-failed": Condition("", _E, "a git command failed", "https://git-scm.com/docs"),
        "invalid-function-name": Condition(
            "", _E, "the name of a function is not a valid folder name", _YAML
        ),
        "undeployable-name": Condition(
            "", _W, "the name of a function is not a valid DNS label", _YAML
        ),
        "deploy-only": Condition("", _N, "a function has nothing to build", _YAML),
        "unknown-function": Condition("", _E, "the stack file has no function of that name", _YAML),
        "no-functions": Condition("", _E, "no function is selected that can be built", _YAML),
        "unsupported-provider": Condition("", _E, "the stack file is for another provider", _YAML),
        "unsupported-version": Condition(
            "", _E, "the stack file has a version other than 1.0", _YAML
        ),
        "ignored-document": Condition("", _W, "only the first document of the file is read", _YAML),
        "missing-secret-file": Condition(
            "", _E, "the file of a build secret does not exist", _SECRETS
        ),
        "secret-in-file": Condition("", _W, "the stack file contains a credential", _SECRETS),
        "slow-parser": Condition(
            "",
            _N,
            "the C parser of ruamel.yaml is not installed",
            "https://pypi.org/project/ruamel.yaml/",
        ),
        "unreadable-stack-file": Condition("", _E, "the stack file cannot be read", _YAML),
        "invalid-yaml": Condition(
            "", _E, "the stack file is not valid YAML", "https://yaml.org/spec/1.2.2/"
        ),
        "invalid-substitution": Condition("", _E, "faas-cli rejects a `${…}` expression", _YAML),
        "misread-substitution": Condition(
            "", _W, "faas-cli reads a `${…}` expression differently than a shell", _YAML
        ),
        "variable-changes-structure": Condition(
            "", _W, "the value of a variable changes the structure of the file", _YAML
        ),
        "unset-variable": Condition(
            "", _W, "a variable without a value is in an image, a cache or a build argument", _YAML
        ),
        "unread-build-arg": Condition(
            "", _N, "no `ARG` of the Dockerfile declares a build argument", f"{_DOCKERFILE}#arg"
        ),
        "volatile-build-arg": Condition(
            "",
            _W,
            "a build argument that changes often is declared before steps that do not use it",
            _INVALIDATION,
        ),
        "late-install": Condition(
            "", _N, "dependencies are installed after all files were copied", _OPTIMIZE
        ),
        "cached-secret": Condition(
            "", _W, "a changed build secret does not run a cached step again", _SECRETS
        ),
        "missing-ssh-agent": Condition(
            "", _W, "a template mounts the SSH agent, but no agent is running", _SSH
        ),
        "remote-builder": Condition(
            "", _E, "the remote builder of faas-cli does not support a cache", _DRIVERS
        ),
        "missing-template": Condition("", _E, "a template does not exist", _TEMPLATES),
        "invalid-template": Condition("", _E, "a template cannot be used", _TEMPLATES),
        "unknown-build-option": Condition(
            "", _E, "a template has no build option of that name", _TEMPLATES
        ),
        "invalid-type": Condition("", _E, "a value has the wrong type", _YAML),
        "invalid-data": Condition(
            "",
            _E,
            "JSON data is not the form of a value",
            "https://json-schema.org/understanding-json-schema/",
        ),
        "unknown-key": Condition("", _W, "the stack file has a key that faas-cli ignores", _YAML),
        "invalid-argument": Condition(
            "", _E, "an argument of a function or of the command line is invalid", PROPOSAL
        ),
        "invalid-attestation": Condition(
            "", _E, "buildx rejects a value of `provenance` or `sbom`", _ATTESTATIONS
        ),
        "conflicting-flags": Condition("", _E, "two flags contradict each other", PROPOSAL),
        "program-failed": Condition(
            "",
            _E,
            "a program under test does not answer as the protocol says",
            "https://jsonlines.org/",
        ),
        "report-not-written": Condition("", _E, "a report cannot be written", PROPOSAL),
        "system-error": Condition(
            "", _E, "the operating system refuses a file, memory or a process", PROPOSAL
        ),
    }
)
