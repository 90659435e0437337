"""The table of registries: which hosts it recognizes, and what an entry needs there (E6)."""

import pytest

from faas_cache.model.registries import REGISTRIES, find_registry, rejects_index

HOSTS = {
    "123.dkr.ecr.eu-west-1.amazonaws.com": "Amazon ECR",
    "123.dkr.ecr.cn-north-1.amazonaws.com.cn": "Amazon ECR",
    "123.dkr.ecr-fips.us-east-1.amazonaws.com": "Amazon ECR",
    "public.ecr.aws": "Amazon ECR Public",
    "europe-west1-docker.pkg.dev": "Google Artifact Registry",
    "gcr.io": "gcr.io",
    "eu.gcr.io": "gcr.io",
    "ghcr.io": "GitHub (GHCR)",
    "GHCR.io": "GitHub (GHCR)",
    "docker.io": "Docker Hub",
    "registry-1.docker.io": "Docker Hub",
    "registry.gitlab.com": "GitLab",
    "acme.azurecr.io": "Azure (ACR)",
    "quay.io": "Quay",
    "quay.io:443": "Quay",
    "demo.goharbor.io": "Harbor",
    "harbor.acme.com": "Harbor",
    "nexus.acme.com": "Nexus",
    "acme.jfrog.io": "Artifactory",
    "cr.yandex": "Yandex",
    "gitea.com": "Gitea",
    "registry.digitalocean.com": "DigitalOcean",
    "fra.ocir.io": "Oracle (OCIR)",
    "uk.icr.io": "IBM (ICR)",
    "localhost:5000": None,
    "amazonaws.com": None,
    "notquay.io": None,
    "myharbor.acme.com": None,
    "[::1]:5000": None,
    "": None,
}


@pytest.mark.parametrize("host", HOSTS)
def test_a_registry_is_recognized_by_its_host(host: str) -> None:
    """A host matches the patterns of its registry, in any case and with any port."""
    registry = find_registry(host)
    assert (registry and registry.name) == HOSTS[host]


def test_every_row_has_its_evidence() -> None:
    """Each row has a source and a date; without a page, the row is unknown."""
    assert all(row.evidence and row.date[:2] == "20" for row in REGISTRIES)
    assert {row.index for row in REGISTRIES if not row.evidence.startswith("https://")} == {
        "unknown"
    }
    assert len({row.name for row in REGISTRIES}) == len(REGISTRIES)


def test_e6_some_registries_need_an_image_manifest() -> None:
    """E6: the registries that reject an index, and what an entry needs there."""
    assert [row.name for row in REGISTRIES if row.need] == [
        "Amazon ECR",
        "Amazon ECR Public",
        "Quay",
        "Harbor",
        "distribution 3.0",
        "Yandex",
        "Pulp",
    ]
    assert find_registry("quay.io").need == "image-manifest=true,oci-mediatypes=true"  # type: ignore[union-attr]  # the row above
    assert (rejects_index("quay.io"), rejects_index("gcr.io"), rejects_index("localhost:5000")) == (
        True,
        False,
        False,
    )
