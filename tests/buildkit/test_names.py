"""The names of BuildKit's steps."""

import pytest

from faas_cache.buildkit.names import step_kind

KINDS = {
    "[2/3] RUN make": "build",
    "[deps 2/3] COPY a /": "build",
    "[linux/amd64 deps 2/3] COPY a /": "build",
    "[one linux/amd64 deps 12/13] COPY a /": "build",
    "[2/4] COPY --link a /": "build",
    "[stage-2 2/4] LINK COPY --link --from=a /out-a /a/": "internal",
    "[1/3] FROM docker.io/library/python:3": "base",
    "[one deps 1/3] FROM docker.io/library/python:3": "base",
    "importing cache manifest from acme.io/fn:c": "import",
    "[one] importing cache manifest from acme.io/fn:c": "import",
    "exporting cache": "export",
    "exporting content cache": "export",
    "exporting cache to Amazon S3": "export",
    "exporting to GitHub cache": "export",
    "exporting to GitHub Actions Cache": "export",
    "[one] exporting cache to registry": "export",
    "exporting to image": "image",
    "[one] exporting to image": "image",
    "exporting to docker image format": "image",
    "pushing acme.io/fn:1 with docker": "image",
    "[internal] load metadata for a": "internal",
    "[one internal] load metadata for a": "internal",
    "[auth] acme/fn:pull token for acme.io": "internal",
    "[internal] 1/2] x": "internal",
    "resolving provenance for metadata file": "internal",
    "": "internal",
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items(), ids=KINDS)
def test_the_kind_of_a_step(name: str, kind: str) -> None:
    """`LINK …` is BuildKit's merge of a `COPY --link`, beside the step of the instruction."""
    assert step_kind(name) == kind
