"""The table of registries: who is recognised, and what our entries carry there (E6)."""

import pytest

from faas_cache.model.flags import CacheFlags
from faas_cache.model.registries import REGISTRIES, refuses_index, registry_of
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import resolve

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
def test_a_host_is_recognised(host: str) -> None:
    """A registry is known by its host's name."""
    row = registry_of(host)
    assert (row and row.name) == HOSTS[host]


def test_every_row_has_its_evidence() -> None:
    """No verdict without where it was read and when; nothing is known where nothing was found."""
    assert all(row.evidence and row.date[:2] == "20" for row in REGISTRIES)
    assert {row.index for row in REGISTRIES if not row.evidence.startswith("https://")} == {
        "unknown"
    }
    assert len({row.name for row in REGISTRIES}) == len(REGISTRIES)


def test_who_needs_an_image_manifest() -> None:
    """The rows that refuse the older form, and what an entry needs there."""
    assert [row.name for row in REGISTRIES if row.need] == [
        "Amazon ECR",
        "Amazon ECR Public",
        "Quay",
        "Harbor",
        "distribution 3.0",
        "Yandex",
        "Pulp",
    ]
    assert registry_of("quay.io").need == "image-manifest=true,oci-mediatypes=true"  # type: ignore[union-attr]  # the row above
    assert (refuses_index("quay.io"), refuses_index("gcr.io"), refuses_index("localhost:5000")) == (
        True,
        False,
        False,
    )


ECR = "1.dkr.ecr.eu-west-1.amazonaws.com/fn"
NEED = "image-manifest=true,oci-mediatypes=true"
ENTRIES = [
    (f"{ECR}:c", f"type=registry,ref={ECR}:c,mode=max,{NEED}"),
    (f"ref={ECR}:c,mode=min", f"type=registry,ref={ECR}:c,mode=min,{NEED}"),
    (
        f"ref={ECR}:c,oci-mediatypes=1",
        f"type=registry,ref={ECR}:c,oci-mediatypes=1,mode=max,image-manifest=true",
    ),
    (
        f"ref={ECR}:c,oci-mediatypes=false",
        f"type=registry,ref={ECR}:c,oci-mediatypes=false,mode=max",
    ),
    (f"ref={ECR}:c,image-manifest=F", f"type=registry,ref={ECR}:c,image-manifest=F,mode=max"),
    (f"type=registry,ref={ECR}:c", f"type=registry,ref={ECR}:c"),
    ("ghcr.io/a/b:c", "type=registry,ref=ghcr.io/a/b:c,mode=max"),
    ("gcr.io/a/b:c", "type=registry,ref=gcr.io/a/b:c,mode=max"),
]


@pytest.mark.parametrize(("written", "expected"), ENTRIES)
def test_e6_our_entries_carry_what_the_registry_needs(written: str, expected: str) -> None:
    """E6: ours are completed where the registry is known to refuse; typed ones are never touched; D8 is the order."""
    plan = resolve(FunctionSpec(name="fn", image="a/b", build_cache={"to": [written]}))
    assert [str(entry) for entry in plan.cache_to] == [expected]


def test_e6_the_mode_max_does_too() -> None:
    """E6 and D5: the whole order of D8."""
    spec = FunctionSpec(name="fn", image=f"{ECR}:1", build_cache="max")
    plan = resolve(spec, CacheFlags(ignore_export_errors=True))
    assert (
        str(plan.cache_to[0])
        == f"type=registry,ref={ECR}:buildcache,mode=max,{NEED},ignore-error=true"
    )
    assert str(plan.cache_from[0]) == f"type=registry,ref={ECR}:buildcache"
