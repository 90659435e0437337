"""Explanations: a table of logs, recorded from real engines or written after their sources, and what each means."""

import json
from pathlib import Path
from typing import get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.buildkit.explanations import Cause, Explained, Explanation, Where, explain
from faas_cache.buildkit.progress import Progress, read
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.resolution import resolve

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "vectors" / "explanations.jsonl")
    .read_text()
    .splitlines()
]
STEPS, CAUSES = set(get_args(Where)), set(get_args(Cause))


@attrs.frozen(kw_only=True)
class Log:
    """A build of which a log is left."""

    progress: Progress
    exit_code: int | None = None


def explained(log: str, code: int | None = None) -> Explained:
    """The last failure in a log, and all its notes."""
    found = [explain(Log(progress=part, exit_code=code)) for part in read(log.encode())]
    failure = next((one.failure for one in reversed(found) if one.failure), None)
    return Explained(failure=failure, notes=tuple(note for one in found for note in one.notes))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_explained(row: dict[str, object]) -> None:
    """G2: the step, the cause, and whether the image was pushed."""
    found = explained(str(row["log"]))
    failure = found.failure
    got = (failure.step, failure.cause, failure.image_pushed) if failure else (None, None, None)
    assert got == (row["step"], row["cause"], row["image_pushed"])
    assert [[note.step, note.cause] for note in found.notes] == row["notes"]


def test_every_step_and_cause_is_shown() -> None:
    """The table leaves none out."""
    notes = [note for row in ROWS for note in row["notes"]]
    assert {row["step"] for row in ROWS} | {step for step, _ in notes} == STEPS | {None}
    assert {row["cause"] for row in ROWS} | {cause for _, cause in notes} == CAUSES | {None}


def test_the_sentences() -> None:
    """What, why, in the builder's words; what to do; where to read more."""
    row = next(row for row in ROWS if row["id"] == "ghcr-package")
    failure = explained(row["log"]).failure
    assert failure == Explanation(
        step="cache-export",
        cause="denied",
        image_pushed=True,
        message="the cache could not be exported: it is not allowed, or the registry is read-only: error writing layer blob:"
        " failed to open writer: unexpected status from POST request to https://ghcr.io/v2/acme/fn/blobs/uploads/:"
        " 403 Forbidden",
        fix="use a login that may write there, and a repository and a tag that can be written;"
        " `--no-cache-export` builds with the cache and writes none",
        url="https://docs.docker.com/build/cache/backends/registry/",
    )
    assert failure.diagnostic().message.endswith("403 Forbidden; the image was pushed already")


def test_our_own_words_are_passed_over() -> None:
    """An explanation is not explained again."""
    row = next(row for row in ROWS if row["id"] == "our-own-words")
    failure = explained(row["log"]).failure
    assert failure
    assert failure.message.endswith(
        "it is not valid: dockerfile parse error on line 1: unknown instruction: X"
    )


def test_the_exit_code_decides() -> None:
    """A code of 0 is no failure whatever was said; another is one even where nothing was."""
    assert explained("ERROR: failed to solve: x\n", 0).failure is None
    for log, said in (("", "the builder said nothing"), ("out of cheese\n\n", "out of cheese")):
        failure = explained(log, 1).failure
        assert failure
        assert (failure.step, failure.cause, failure.message) == (
            None, "unknown", f"the build failed: for a reason that is not known here: {said}"
        )  # fmt: skip


def test_a_push_by_itself() -> None:
    """`docker push` says no more than the registry's words; several tags may be there in part."""
    plan = resolve(FunctionSpec(name="fn", image="a/b"))
    for said, cause in (
        ("denied: no", "denied"),
        ("EOF", "unreachable"),
        ("out of cheese", "unknown"),
    ):
        ended = Log(progress=read(f"{said}\n".encode())[0], exit_code=1)
        failure = explain(ended, plan, pushing=True).failure
        assert failure
        assert (failure.step, failure.cause, failure.image_pushed) == ("image-push", cause, False)
        assert failure.message.startswith("fn: the image could not be pushed: ")
    log = (
        "#9 exporting to image\n#9 pushing manifest for a/b:1@sha256:0 0.1s done\n"
        "#9 ERROR: failed to push a/b:2: denied\nERROR: failed to solve: failed to push a/b:2: denied\n"
    )
    failure = explained(log).failure
    assert failure
    assert (failure.step, failure.image_pushed) == ("image-push", None)


def test_no_secret_is_shown() -> None:
    """The userinfo and the query of a URL, in a failure and in a note; a long message is cut."""
    url = "https://me:hunter2@acme.io/v2/x?sig=hunter2"
    log = f"#1 importing cache manifest from {url}\n#1 ERROR: {url}: not found\nERROR: failed to solve: {url} {'x' * 2000}\n"
    found = explained(log)
    assert "hunter2" not in repr(found)
    assert found.failure
    assert found.failure.message.endswith("x…")


@given(
    st.lists(
        st.sampled_from([line for row in ROWS for line in str(row["log"]).splitlines()])
        | st.text(),
        max_size=30,
    )
)
def test_any_log_is_explained(lines: list[str]) -> None:
    """No log raises, and each has steps and causes that exist."""
    found = explained("\n".join(lines))
    for one in (found.failure, *found.notes):
        if one is not None:
            assert one.step in STEPS | {None}
            assert one.cause in CAUSES
