"""Which form of a cache manifest each registry accepts, with the evidence and its date (rule E6).

BuildKit before 0.21 writes a cache as an image index whose children are layers, which some
registries reject. With `image-manifest=true` and `oci-mediatypes=true` (BuildKit 0.12; the default
since 0.21) it is an ordinary image manifest. `unknown` means that there is no evidence: no test, no
issue, no page of the vendor.

A registry is recognized by its host: that of a hosted service, or, for software that people run
themselves, the usual first label (`harbor.example.com`). Rows without a host are for reading.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal, TypeAlias

import attrs

from faas_cache.model.frozen_map import FrozenMap

__all__ = ["IMAGE_MANIFEST", "REGISTRIES", "Registry", "Support", "find_registry", "rejects_index"]

Support: TypeAlias = Literal["accepts", "rejects", "unknown"]

# E6: the fields of an entry for a registry that rejects an index.
IMAGE_MANIFEST: FrozenMap[str] = FrozenMap({"image-manifest": "true", "oci-mediatypes": "true"})


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Registry:
    """One registry, and whether it accepts the two forms of a cache manifest.

    Attributes:
        name: The name of the service or the software.
        hosts: Patterns of its hosts, in which `*` matches any characters.
        index: Whether it accepts an image index, the default of BuildKit before 0.21.
        image_manifest: Whether it accepts an image manifest.
        note: What else a user of the registry should know.
        evidence: The page that shows it.
        date: The date of the evidence, or of the day when it was read or tested.
    """

    name: str
    hosts: tuple[str, ...] = ()
    index: Support
    image_manifest: Support
    note: str = ""
    evidence: str
    date: str

    @property
    def need(self) -> str:
        """The fields that an entry for this registry needs, as text; empty where it needs none."""
        if self.index != "rejects":
            return ""
        return ",".join(f"{key}={value}" for key, value in IMAGE_MANIFEST.items())


REGISTRIES = (
    Registry(
        name="Amazon ECR",
        hosts=(
            "*.dkr.ecr.*.amazonaws.com",
            "*.dkr.ecr.*.amazonaws.com.cn",
            "*.dkr.ecr-fips.*.amazonaws.com",
            "*.dkr-ecr.*.on.aws",
            "*.dkr-ecr-fips.*.on.aws",
        ),
        index="rejects",
        image_manifest="accepts",
        note="the repository must exist; with immutable tags, the second export is rejected",
        evidence="https://github.com/aws/containers-roadmap/issues/876",
        date="2023",
    ),
    Registry(
        name="Amazon ECR Public",
        hosts=("public.ecr.aws", "ecr-public.aws.com"),
        index="rejects",
        image_manifest="accepts",
        note="the repository must exist",
        evidence="https://github.com/aws/containers-roadmap/issues/876",
        date="2023",
    ),
    Registry(
        name="Google Artifact Registry",
        hosts=("*-docker.pkg.dev", "docker.pkg.dev"),
        index="accepts",
        image_manifest="accepts",
        evidence="https://github.com/moby/buildkit/issues/1143",
        date="2021-04",
    ),
    Registry(
        name="gcr.io",
        hosts=("gcr.io", "*.gcr.io"),
        index="accepts",
        image_manifest="accepts",
        note="served by Artifact Registry since 2025-03-18; Container Registry rejected caches",
        evidence="https://cloud.google.com/artifact-registry/docs/transition/transition-from-gcr",
        date="2025-03-18",
    ),
    Registry(
        name="GitHub (GHCR)",
        hosts=("ghcr.io",),
        index="accepts",
        image_manifest="accepts",
        note="403: the workflow lacks `packages: write`, or the package is not linked",
        evidence="https://github.com/moby/buildkit/issues/1865",
        date="2020-12-11",
    ),
    Registry(
        name="Docker Hub",
        hosts=("docker.io", "*.docker.io"),
        index="accepts",
        image_manifest="accepts",
        note="rejected caches for some hours on 2023-04-17",
        evidence="https://github.com/docker/hub-feedback/issues/2322",
        date="2023-04-17",
    ),
    Registry(
        name="GitLab",
        hosts=("registry.gitlab.com", "registry.gitlab.*"),
        index="accepts",
        image_manifest="accepts",
        note="displays and cleans up image manifests better",
        evidence="https://gitlab.com/gitlab-org/container-registry/-/issues/719",
        date="2026-11-23",
    ),
    Registry(
        name="Azure (ACR)",
        hosts=("*.azurecr.io", "*.azurecr.cn", "*.azurecr.us"),
        index="accepts",
        image_manifest="accepts",
        evidence="https://github.com/moby/buildkit/issues/2251",
        date="2026-11-23",
    ),
    Registry(
        name="Quay",
        hosts=("quay.io", "quay.*"),
        index="rejects",
        image_manifest="accepts",
        note="self-hosted: may need ALLOWED_OCI_ARTIFACT_TYPES or IGNORE_UNKNOWN_MEDIATYPES",
        evidence="https://github.com/moby/buildkit/issues/3222",
        date="2026-11-23",
    ),
    Registry(
        name="Harbor",
        hosts=("harbor.*", "*.goharbor.io"),
        index="rejects",
        image_manifest="accepts",
        note="answers 404 for the manifest, up to at least 2.14",
        evidence="https://github.com/goharbor/harbor/issues/14774",
        date="2026-11-23",
    ),
    Registry(
        name="Nexus",
        hosts=("nexus.*",),
        index="unknown",
        image_manifest="unknown",
        note="500 up to 3.21; OCI manifests need 3.23; 400 reported with newer versions",
        evidence="https://github.com/moby/buildkit/issues/2761",
        date="2026-11-23",
    ),
    Registry(
        name="Artifactory",
        hosts=("*.jfrog.io", "artifactory.*"),
        index="accepts",
        image_manifest="accepts",
        note="rejected caches in 2021; `max-unique-tags` does not prune them",
        evidence="https://github.com/moby/buildkit/issues/2251",
        date="2025-05",
    ),
    Registry(
        name="distribution 2.8",
        index="accepts",
        image_manifest="accepts",
        note="`registry:2`, tested with BuildKit 0.13 and 0.25",
        evidence="https://github.com/distribution/distribution",
        date="2026-11-23",
    ),
    Registry(
        name="distribution 3.0",
        index="rejects",
        image_manifest="accepts",
        note="`registry:3` answers 400, blob unknown to registry; cannot be recognized by its host",
        evidence="https://github.com/distribution/distribution/issues/3863",
        date="2026-11-23",
    ),
    Registry(
        name="Yandex",
        hosts=("cr.yandex",),
        index="rejects",
        image_manifest="accepts",
        evidence="https://github.com/docker/buildx/issues/1513",
        date="2026-11-23",
    ),
    Registry(
        name="Pulp",
        hosts=("pulp.*",),
        index="rejects",
        image_manifest="accepts",
        evidence="https://github.com/pulp/pulp_container/issues/1587",
        date="2026-11-23",
    ),
    Registry(
        name="Gitea",
        hosts=("gitea.com", "gitea.*"),
        index="unknown",
        image_manifest="unknown",
        note="1.20 and 1.21 rejected caches; the release that fixed it is unknown",
        evidence="https://github.com/go-gitea/gitea/issues/28973",
        date="2026-11-23",
    ),
    Registry(
        name="DigitalOcean",
        hosts=("registry.digitalocean.com",),
        index="unknown",
        image_manifest="unknown",
        evidence="no issue and no page of the vendor",
        date="2026-11-23",
    ),
    Registry(
        name="Oracle (OCIR)",
        hosts=("*.ocir.io", "ocir.*.oci.oraclecloud.com"),
        index="unknown",
        image_manifest="unknown",
        evidence="no issue and no page of the vendor",
        date="2026-11-23",
    ),
    Registry(
        name="IBM (ICR)",
        hosts=("icr.io", "*.icr.io"),
        index="unknown",
        image_manifest="unknown",
        evidence="no issue and no page of the vendor",
        date="2026-11-23",
    ),
)


@lru_cache(maxsize=1024)
def find_registry(domain: str) -> Registry | None:
    """The registry of a host (`Reference.domain`); `None` for an unknown one.

    >>> find_registry("123.dkr.ecr.eu-west-1.amazonaws.com").name
    'Amazon ECR'
    """
    host = domain.lower().partition(":")[0]
    return next(
        (row for row in REGISTRIES for pattern in row.hosts if _matches(host, pattern)), None
    )


def _matches(host: str, pattern: str) -> bool:
    # Most patterns differ in their end: only the others are compiled.
    return host.endswith(pattern.rpartition("*")[2]) and fnmatchcase(host, pattern)


def rejects_index(domain: str) -> bool:
    """Whether the registry of a host is known to reject the index of BuildKit before 0.21."""
    registry = find_registry(domain)
    return registry is not None and registry.index == "rejects"
