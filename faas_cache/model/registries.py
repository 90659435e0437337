"""What registries make of a cache: which form of its manifest each takes, with the evidence and its date (rule E6).

BuildKit before 0.21 writes a cache as an image index whose children are layers; some registries refuse that. With
`image-manifest=true` and `oci-mediatypes=true`, known since BuildKit 0.12 and the default since 0.21, it is a plain image
manifest. `unknown` means that neither a run, nor a thread, nor a vendor's page tells.

A host is recognised by its name alone: that of a hosted service, or, for software that people run themselves, the first label
that most of them give it (`harbor.example.com`). Rows without a host are there to be read.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal, TypeAlias

import attrs

from faas_cache.model.frozen_map import FrozenMap

Verdict: TypeAlias = Literal["takes", "refuses", "unknown"]

# E6: what an entry carries where the default form is refused.
IMAGE_MANIFEST: FrozenMap[str] = FrozenMap({"image-manifest": "true", "oci-mediatypes": "true"})


@attrs.frozen(kw_only=True)
class Registry:
    """One registry: the hosts it is known by (`*` stands for anything), and what it makes of both forms of a cache.

    `date` is that of the evidence, or of the day when it was read or run.
    """

    name: str
    hosts: tuple[str, ...] = ()
    index: Verdict
    image_manifest: Verdict
    note: str = ""
    evidence: str
    date: str

    @property
    def need(self) -> str:
        """What an entry needs there, in the words of an entry; empty where nothing or nothing known."""
        return (
            ",".join(f"{k}={v}" for k, v in IMAGE_MANIFEST.items())
            if self.index == "refuses"
            else ""
        )


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
        index="refuses",
        image_manifest="takes",
        note="the repository must exist; with immutable tags the second export is refused",
        evidence="https://github.com/aws/containers-roadmap/issues/876",
        date="2023",
    ),
    Registry(
        name="Amazon ECR Public",
        hosts=("public.ecr.aws", "ecr-public.aws.com"),
        index="refuses",
        image_manifest="takes",
        note="the repository must exist",
        evidence="https://github.com/aws/containers-roadmap/issues/876",
        date="2023",
    ),
    Registry(
        name="Google Artifact Registry",
        hosts=("*-docker.pkg.dev", "docker.pkg.dev"),
        index="takes",
        image_manifest="takes",
        evidence="https://github.com/moby/buildkit/issues/1143",
        date="2021-04",
    ),
    Registry(
        name="gcr.io",
        hosts=("gcr.io", "*.gcr.io"),
        index="takes",
        image_manifest="takes",
        note="served by Artifact Registry since 2025-03-18; the old Container Registry refused caches",
        evidence="https://cloud.google.com/artifact-registry/docs/transition/transition-from-gcr",
        date="2025-03-18",
    ),
    Registry(
        name="GitHub (GHCR)",
        hosts=("ghcr.io",),
        index="takes",
        image_manifest="takes",
        note="403 means that the workflow lacks `packages: write`, or the package is not linked to the repository",
        evidence="https://github.com/moby/buildkit/issues/1865",
        date="2020-12-11",
    ),
    Registry(
        name="Docker Hub",
        hosts=("docker.io", "*.docker.io"),
        index="takes",
        image_manifest="takes",
        note="refused for some hours on 2023-04-17",
        evidence="https://github.com/docker/hub-feedback/issues/2322",
        date="2023-04-17",
    ),
    Registry(
        name="GitLab",
        hosts=("registry.gitlab.com", "registry.gitlab.*"),
        index="takes",
        image_manifest="takes",
        note="an image manifest is shown and cleaned up better",
        evidence="https://gitlab.com/gitlab-org/container-registry/-/issues/719",
        date="2026-11-23",
    ),
    Registry(
        name="Azure (ACR)",
        hosts=("*.azurecr.io", "*.azurecr.cn", "*.azurecr.us"),
        index="takes",
        image_manifest="takes",
        evidence="https://github.com/moby/buildkit/issues/2251",
        date="2026-11-23",
    ),
    Registry(
        name="Quay",
        hosts=("quay.io", "quay.*"),
        index="refuses",
        image_manifest="takes",
        note="one's own Quay may have to allow the type: ALLOWED_OCI_ARTIFACT_TYPES or IGNORE_UNKNOWN_MEDIATYPES",
        evidence="https://github.com/moby/buildkit/issues/3222",
        date="2026-11-23",
    ),
    Registry(
        name="Harbor",
        hosts=("harbor.*", "*.goharbor.io"),
        index="refuses",
        image_manifest="takes",
        note="404 on the manifest, up to 2.14 at least",
        evidence="https://github.com/goharbor/harbor/issues/14774",
        date="2026-11-23",
    ),
    Registry(
        name="Nexus",
        hosts=("nexus.*",),
        index="unknown",
        image_manifest="unknown",
        note="up to 3.21 refused with 500; OCI manifests need 3.23; 400 is reported with newer ones",
        evidence="https://github.com/moby/buildkit/issues/2761",
        date="2026-11-23",
    ),
    Registry(
        name="Artifactory",
        hosts=("*.jfrog.io", "artifactory.*"),
        index="takes",
        image_manifest="takes",
        note="refused in 2021; `max-unique-tags` does not prune caches",
        evidence="https://github.com/moby/buildkit/issues/2251",
        date="2025-05",
    ),
    Registry(
        name="distribution 2.8",
        index="takes",
        image_manifest="takes",
        note="`registry:2`, run with BuildKit 0.13 and 0.25",
        evidence="https://github.com/distribution/distribution",
        date="2026-11-23",
    ),
    Registry(
        name="distribution 3.0",
        index="refuses",
        image_manifest="takes",
        note="`registry:3` answers 400, blob unknown to registry; its host's name does not tell",
        evidence="https://github.com/distribution/distribution/issues/3863",
        date="2026-11-23",
    ),
    Registry(
        name="Yandex",
        hosts=("cr.yandex",),
        index="refuses",
        image_manifest="takes",
        evidence="https://github.com/docker/buildx/issues/1513",
        date="2026-11-23",
    ),
    Registry(
        name="Pulp",
        hosts=("pulp.*",),
        index="refuses",
        image_manifest="takes",
        evidence="https://github.com/pulp/pulp_container/issues/1587",
        date="2026-11-23",
    ),
    Registry(
        name="Gitea",
        hosts=("gitea.com", "gitea.*"),
        index="unknown",
        image_manifest="unknown",
        note="1.20 and 1.21 refused; which release mended it is not known",
        evidence="https://github.com/go-gitea/gitea/issues/28973",
        date="2026-11-23",
    ),
    Registry(
        name="DigitalOcean",
        hosts=("registry.digitalocean.com",),
        index="unknown",
        image_manifest="unknown",
        evidence="no thread and no page was found",
        date="2026-11-23",
    ),
    Registry(
        name="Oracle (OCIR)",
        hosts=("*.ocir.io", "ocir.*.oci.oraclecloud.com"),
        index="unknown",
        image_manifest="unknown",
        evidence="no thread and no page was found",
        date="2026-11-23",
    ),
    Registry(
        name="IBM (ICR)",
        hosts=("icr.io", "*.icr.io"),
        index="unknown",
        image_manifest="unknown",
        evidence="no thread and no page was found",
        date="2026-11-23",
    ),
)


@lru_cache(maxsize=1024)
def registry_of(domain: str) -> Registry | None:
    """The row of a registry's host, as `Reference.domain` gives it, or None for one that the table does not know.

    >>> registry_of("123.dkr.ecr.eu-west-1.amazonaws.com").name
    'Amazon ECR'
    """
    host = domain.lower().partition(":")[0]
    return next(
        (row for row in REGISTRIES for pattern in row.hosts if fnmatchcase(host, pattern)), None
    )


def refuses_index(domain: str) -> bool:
    """Whether a host is known to refuse the form that BuildKit before 0.21 gives a cache."""
    row = registry_of(domain)
    return row is not None and row.index == "refuses"
