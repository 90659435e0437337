"""What the first step that ran depends on, and which base images were resolved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.buildkit.step_inputs import miss_inputs, resolved_images

DIGEST = "sha256:" + "1" * 64
DOCKERFILE = """\
ARG VERSION
FROM python:$VERSION AS deps
ARG INDEX
ENV PIP_NO_CACHE=1
COPY requirements.txt constraints.txt /
RUN pip install
FROM deps
ARG FOLDER
ADD https://host/a.tar?sig=s3cr3t /
COPY --from=deps /a /a
COPY --from=busybox:1 /b /b
COPY $FOLDER /app
COPY . /all
RUN --mount=type=bind,source=x,target=/x make
"""


def report(name: str, *, cached: bool = False) -> CacheReport:
    """A build whose first step that ran has this name."""
    step = Step(name=name, kind="build", cached=cached, finished=True)
    return CacheReport(function="fn", steps=(step,))


@pytest.mark.parametrize(
    ("name", "phrases"),
    [
        (
            "[deps 2/3] COPY requirements.txt constraints.txt /",
            (
                "the files `requirements.txt` and `constraints.txt`",
                "the base image `python:${VERSION}`",
            ),
        ),
        (
            "[deps 3/3] RUN pip install",
            (
                "the build argument `INDEX`",
                "the environment variable `PIP_NO_CACHE`",
                "the base image `python:${VERSION}`",
            ),
        ),
        (
            "[stage-1 1/6] ADD https://host/a.tar?*** /",
            ("the URL `https://host/a.tar?***`", "the base image `python:${VERSION}`"),
        ),
        (
            "[stage-1 2/6] COPY --from=deps /a /a",
            ("the stage `deps`", "the base image `python:${VERSION}`"),
        ),
        (
            "[stage-1 3/6] COPY --from=busybox:1 /b /b",
            ("the image `busybox:1`", "the base image `python:${VERSION}`"),
        ),
        (
            "[linux/amd64 stage-1 4/6] COPY src /app",
            (
                "the file `${FOLDER}`",
                "the build argument `FOLDER`",
                "the base image `python:${VERSION}`",
            ),
        ),
        (
            "[stage-1 5/6] COPY . /all",
            ("the whole build context", "the base image `python:${VERSION}`"),
        ),
        (
            "[stage-1 6/6] RUN --mount=type=bind,source=x,target=/x make",
            (
                "the file `x`",
                "the build arguments `INDEX` and `FOLDER`",
                "the environment variable `PIP_NO_CACHE`",
                "the base image `python:${VERSION}`",
            ),
        ),
        ("[other 1/6] RUN x", ()),
        ("exporting to image", ()),
    ],
)
def test_the_inputs_of_a_step(name: str, phrases: tuple[str, ...]) -> None:
    """Files as they are written, arguments by name: no value of one is shown."""
    arguments = ("VERSION", "INDEX", "FOLDER")
    assert miss_inputs(report(name), DOCKERFILE, arguments) == phrases


def test_the_reason_has_the_inputs() -> None:
    """As one sentence."""
    miss = report("[2/2] COPY a b /")
    sentence = "the first step that ran is `[2/2] COPY a b /`"
    reasons = [
        CacheReport(function="fn", steps=miss.steps, first_miss_inputs=phrases).reason
        for phrases in ((), ("the file `a`",), ("the file `a`", "the base image `b`"))
    ]
    assert reasons == [
        sentence,
        f"{sentence}; it depends on the file `a`",
        f"{sentence}; it depends on the file `a`, and the base image `b`",
    ]


def test_without_a_miss_there_are_no_inputs() -> None:
    """All steps came from the cache."""
    assert miss_inputs(report("[2/2] RUN a", cached=True), "FROM a\nRUN a") == ()


def test_a_long_list_is_cut() -> None:
    """Ten names are shown, and the number of the others."""
    names = " ".join(f"f{i}" for i in range(12))
    (files, _) = miss_inputs(report(f"[2/2] COPY {names} /"), f"FROM a\nCOPY {names} /")
    assert files == "the files `f0`, " + ", ".join(f"`f{i}`" for i in range(1, 10)) + " and 2 more"


@given(st.text(), st.text(), st.lists(st.text()))
def test_any_text_is_accepted(name: str, dockerfile: str, arguments: list[str]) -> None:
    """A Dockerfile that changed during a build and an unknown name are not errors."""
    assert isinstance(miss_inputs(report(name), dockerfile, arguments), tuple)


def test_secrets_are_masked() -> None:
    """Those that a Dockerfile has as text."""
    dockerfile = "FROM a\nARG S=s3cr3t\nCOPY NPM_TOKEN=$S /x"
    assert "s3cr3t" not in str(miss_inputs(report("[2/2] COPY x /x"), dockerfile))


@pytest.mark.parametrize(
    ("name", "images"),
    [
        (f"[1/2] FROM docker.io/library/a:1@{DIGEST}", {"docker.io/library/a:1": DIGEST}),
        (f"[linux/amd64 deps 1/2] FROM h:5000/a@{DIGEST}", {"h:5000/a": DIGEST}),
        (f"FROM docker.io/library/b:1@{DIGEST}", {"docker.io/library/b:1": DIGEST}),
        ("[1/2] FROM docker.io/library/a:1", {}),
        (f"[2/2] RUN echo FROM a@{DIGEST}", {}),
    ],
)
def test_resolved_images(name: str, images: dict[str, str]) -> None:
    """The names of the steps have the digests."""
    assert dict(resolved_images(report(name))) == images
