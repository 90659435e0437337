"""Explanations: a table of logs, from real builders or written after their sources, and what each means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from progress import NAMES, TARGETS, read, stream

from faas_cache.buildkit.events import BuildFinished, BuildStarted, Event, Output, Status
from faas_cache.buildkit.explanations import Explanation, explain
from faas_cache.buildkit.last_words import LastWords
from faas_cache.buildkit.messages import STATUSES, WORDS, Cause, FailedStep
from faas_cache.buildkit.reports import CacheReport
from faas_cache.buildkit.sentences import SENTENCES
from faas_cache.model.catalogue import CATALOGUE

VECTORS = Path(__file__).parents[1] / "vectors"
ROWS = [
    json.loads(line) for line in (VECTORS / "explanations.jsonl").read_text("utf-8").splitlines()
]
# Recordings of real builders that are kept beside the project, if they are.
RECORDINGS = Path(__file__).parents[3] / "shared" / "cases" / "logs"
INDEX = RECORDINGS / "index.jsonl"
RECORDED = (
    [json.loads(line) for line in INDEX.read_text("utf-8").splitlines()] if INDEX.exists() else []
)
# Answers that are not in the log: two builds that printed the same word for word, and imports of which nothing is printed.
NOT_IN_THE_LOG = {"az_nokey_013"}
NOTES_NOT_IN_THE_LOG = {"gha_garbage", "gha_garbage_025", "local_tag_wrong"}

STEPS, CAUSES = set(get_args(FailedStep)), set(get_args(Cause))


def split(
    explanations: tuple[Explanation, ...],
) -> tuple[list[Explanation], list[list[str | None]]]:
    """The failures, and the step and cause of each note."""
    failures = [e for e in explanations if e.severity == "error"]
    return failures, [[e.step, e.cause] for e in explanations if e.severity != "error"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_g2_a_failure_is_explained(row: dict[str, object]) -> None:
    """The step, the cause, and whether the image was pushed."""
    failures, notes = split(explain(str(row["log"]), row.get("exit_code")))  # type: ignore[arg-type]  # a number
    failure = failures[-1] if failures else None
    answer = (failure.step, failure.cause, failure.image_pushed) if failure else (None, None, None)
    assert answer == (row["step"], row["cause"], row["image_pushed"])
    assert notes == row["notes"]


@pytest.mark.shared
@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["case"])
def test_g2_a_recording_is_explained(row: dict[str, object]) -> None:
    """What somebody answers who knows what happened."""
    case, expected = str(row["case"]), row["expected"]
    assert isinstance(expected, dict)
    log = (RECORDINGS / f"{case}.stderr.txt").read_bytes()
    failures, notes = split(explain(log, int(str(row["exit"]))))
    failure = failures[-1] if failures else None
    answer = [failure.step, failure.cause] if failure else [None, None]
    accepted = [[expected["step"], expected["cause"]], *expected.get("also_accepted", [])]
    assert case in NOT_IN_THE_LOG or answer in accepted
    if case not in NOTES_NOT_IN_THE_LOG:
        assert notes == [[note["step"], note["cause"]] for note in expected["notes"]]
    pushed = failure.image_pushed if failure else None
    assert pushed in (None, expected.get("image_pushed", pushed))


def test_every_step_and_cause_has_a_row() -> None:
    """The table leaves none out."""
    notes = [note for row in ROWS for note in row["notes"]]
    assert {row["step"] for row in ROWS} | {step for step, _ in notes} == STEPS | {None}
    assert {row["cause"] for row in ROWS} | {cause for _, cause in notes} == (
        CAUSES - {"timeout"} | {None, "timeout"}
    )


# The tables.


def test_every_sentence_reads_as_one() -> None:
    """A message in lower case, without a full stop, with one colon at most; a fix that begins with a verb; a page."""
    for key, sentence in SENTENCES.items():
        step, cause, *variant = key.split(" ")
        assert (step in STEPS | {""}, cause in CAUSES, len(variant) <= 1) == (True, True, True), key
        assert sentence.message[0].islower(), key
        assert not sentence.message.endswith("."), key
        assert sentence.message.count(":") <= 1, key
        assert sentence.fix.split()[0] in VERBS, key
        assert sentence.url.startswith("https://"), key


VERBS = {
    "add", "allow", "build", "check", "choose", "correct", "create", "free", "give", "ignore", "install", "keep", "let", "log", "make",
    "pass", "push", "raise", "read", "restart", "run", "set", "start", "try", "turn", "use", "write",
}  # fmt: skip


def test_every_step_has_a_sentence_for_what_is_unknown() -> None:
    """So that each failure has one; what the table of words says has one of its own."""
    steps = {key.split(" ")[0] for key in SENTENCES if key.endswith(" unknown")}
    assert steps == STEPS - {"entry", "front-end"} | {""}
    for words in WORDS:
        key = f"{words.step} {words.cause}"
        assert words.cause is None or key in SENTENCES, key
        assert not words.variant or f"{key} {words.variant}" in SENTENCES, key
    assert {cause for cause, _ in STATUSES} <= CAUSES


# Explanations.

GHCR = next(row["log"] for row in ROWS if row["id"] == "ghcr-package")


def test_an_explanation_is_shown_with_the_words_of_the_builder() -> None:
    """What, why, the error, what to do, where to read more."""
    (explanation,) = explain(
        b"".join(b"fn | " + line + b"\n" for line in GHCR.encode().splitlines())
    )
    assert explanation == Explanation(
        function="fn",
        step="cache-export",
        cause="denied",
        image_pushed=True,
        message="could not export the cache: access denied",
        fix="run `docker login ghcr.io` with credentials that may write to the repository;"
        " build with `--no-cache-export` to use the cache without writing it",
        url="https://docs.docker.com/build/cache/backends/registry/",
        error="error writing layer blob: failed to open writer: unexpected status from POST request"
        " to https://ghcr.io/v2/acme/fn/blobs/uploads/: 403 Forbidden",
    )
    assert str(explanation).splitlines() == [
        "fn: error: could not export the cache: access denied; the image was already pushed [build-failed]",
        f"    {explanation.error}",
        f"    {explanation.fix}",
        f"    {explanation.url}",
    ]


def test_an_explanation_is_not_explained() -> None:
    """In the log of a build that printed one."""
    (first,) = explain(GHCR)
    assert explain(f"{GHCR}{first}\nnote: fn: no cache [import-failed]\n") == (first,)


IMPORTED = "#4 importing cache manifest from acme.io/c\n#4 "


def test_notes_have_names_and_severities() -> None:
    """A cache that does not exist yet is a note, all else is a warning; the name is that of the diagnostic."""
    log = (
        f"{IMPORTED}ERROR: acme.io/c: not found\n#5 importing cache manifest from acme.io/d\n"
        "#5 ERROR: denied\n#6 exporting cache to registry\n#6 ERROR: denied\n"
    )
    missing, denied, export = explain(log, 0)
    assert [(e.diagnostic().name, e.severity, e.message) for e in (missing, denied, export)] == [
        ("import-failed", "note", "no cache found at `acme.io/c`"),
        ("import-failed", "warning", "could not import the cache `acme.io/d`: access denied"),
        ("export-failed", "warning", "could not export the cache: access denied"),
    ]
    for explanation in (missing, denied, export):
        assert explanation.severity in CATALOGUE[explanation.diagnostic().name].severities
    assert str(missing).splitlines()[:2] == [
        "note: no cache found at `acme.io/c` [import-failed]",
        "    acme.io/c: not found",
    ]


def test_g3_a_broken_cache_is_named() -> None:
    """The one that was imported, or all of them."""
    gone = "parent snapshot sha256:1 does not exist: not found"
    end = f"#9 [2/2] COPY a /\n#9 ERROR: {gone}\nERROR: failed to solve: {gone}\n"
    start = f"#1 [internal] load build definition\n#1 DONE 0.0s\n{IMPORTED}DONE 0.1s\n"
    other = "#5 importing cache manifest from acme.io/d\n#5 DONE 0.1s\n"
    assert [e.message for e in explain(start + end)] == [
        "the cache `acme.io/c` lists layers that no longer exist"
    ]
    assert [e.message for e in explain(start + other + end)] == [
        "the cache `acme.io/c`, `acme.io/d` lists layers that no longer exist"
    ]
    assert explain(end)[0].message == "the cache in use lists layers that no longer exist"


def test_advice_that_was_taken_is_not_given() -> None:
    """A registry that rejects a cache in the form of an image needs something else."""
    log = next(row["log"] for row in ROWS if row["id"] == "era-c")
    part = "#10 writing cache image manifest sha256:0 done\n#10 ERROR"
    fixes = [explain(text)[0].fix for text in (log, log.replace("#10 ERROR", part))]
    assert [fix.split(" ")[0] for fix in fixes] == ["write", "keep"]


def test_a_cause_without_a_sentence_is_unknown() -> None:
    """The step is known, and shown."""
    (failure,) = explain(
        "#1 [2/2] RUN x\n#1 ERROR: 409 Conflict\nERROR: failed to solve: 409 Conflict\n"
    )
    assert (failure.step, failure.cause) == ("build-step", "unknown")


def test_a_long_error_is_cut() -> None:
    """And no secret is shown: the userinfo and the query of a URL, in a failure and in a note."""
    url = "https://me:hunter2@acme.io/v2/x?sig=hunter2"
    log = f"#1 importing cache manifest from {url}\n#1 ERROR: {url}: not found\nERROR: failed to solve: {url} {'x' * 2000}\n"
    failure, note = explain(log)
    assert "hunter2" not in repr((failure, note)) + str(failure) + str(note)
    assert failure.error.endswith("x…")


def test_a_minified_line_is_explained() -> None:
    """The end of an error counts, however long it is."""
    error = f'process "/bin/sh -c {"a=1;" * 30_000}" did not complete successfully: exit code: 1'
    (failure,) = explain(f"#1 [1/1] RUN x\n#1 ERROR: {error}\nERROR: failed to solve: {error}\n")
    assert (failure.step, failure.cause) == ("build-step", "failed")


# Exit codes.


def test_the_exit_code_decides() -> None:
    """0 is not a failure, whatever was printed; another is one even where nothing was."""
    assert explain("ERROR: failed to solve: x\n", 0) == ()
    for log, error in (("", ""), ("out of cheese\n\n", "out of cheese")):
        (failure,) = explain(log, 1)
        assert (failure.step, failure.cause, failure.message, failure.error) == (
            None, "unknown", "the build failed (unrecognized error)", error
        )  # fmt: skip


def test_an_exit_code_explains_an_ignored_error() -> None:
    """The export that failed last is the failure, where nothing else was printed."""
    log = '{"vertexes":[{"digest":"a","name":"exporting cache to registry","started":"2026-01-01T00:00:01Z","error":"denied"}]}'
    assert [(e.step, e.severity) for e in explain(log)] == [("cache-export", "warning")]
    (failure,) = explain(finish(read(log.encode()), "fn", "failed", 1))
    assert (failure.step, failure.cause, failure.severity) == ("cache-export", "denied", "error")


GONE = "NotFound: rpc error: code = NotFound desc = content sha256:48f1: not found"
RECOVERED = f"""\
#4 importing cache manifest from local:1815
#4 DONE 0.0s
#7 [2/3] RUN make
#7 CACHED
#7 ERROR: {GONE}
#8 [3/3] COPY a /
#8 DONE 0.0s
#10 exporting to image
#10 DONE 0.2s
"""


@pytest.mark.parametrize("code", [None, 0])
def test_g3_a_step_that_buildkit_ran_again_is_not_a_failure(code: int | None) -> None:
    """G3: the layers of a local cache are gone; the build goes on, and the cache is named."""
    (note,) = explain(RECOVERED, code)
    assert (note.severity, note.step, note.cause, note.error) == (
        "warning",
        "cache-import",
        "missing",
        GONE,
    )
    assert note.message == "the cache `local:1815` lists layers that no longer exist"
    report = CacheReport.from_events("fn", read(RECOVERED.encode()))
    built = attrs.evolve(report, complete=True)
    assert (built.cached, built.total, built.reason) == (
        0,
        2,
        "the first step that ran is `[2/3] RUN make`",
    )


# Several builds.


def test_each_failed_function_has_an_explanation() -> None:
    """In the log of builds side by side, and in a log of one after another."""
    lines = [
        "a | ERROR: failed to solve: dockerfile parse error on line 1",
        "b | #1 [2/2] RUN make",
        "c | #1 [2/2] RUN make",
        "b | #1 ERROR: executor failed running [make]",
        "c | #1 DONE 0.1s",
        "b | executor failed running [make]",
    ]
    assert [(e.function, e.step) for e in explain("\n".join(lines))] == [
        ("a", "dockerfile"),
        ("b", "build-step"),
    ]
    one = "#1 [internal] load build definition\nERROR: failed to solve: dockerfile parse error\n"
    two = "#1 [internal] load build definition\nERROR: failed to solve: secret tok: not found\n"
    assert [e.step for e in explain(one + two)] == ["dockerfile", "build-step"]


def test_the_lines_of_a_bake_belong_to_no_function() -> None:
    """This program prints what buildx says of the whole bake as `bake`."""
    log = (
        "fa | #14 [2/2] RUN make\n"
        "fb | #15 [2/2] RUN make\n"
        'fb | #15 ERROR: process "make" did not complete successfully: exit code: 2\n'
        "fa | #14 CANCELED\n"
        "bake | Dockerfile:2\n"
        'bake | ERROR: failed to solve: process "make" did not complete successfully: exit code: 2\n'
    )
    assert [(e.function, e.step) for e in explain(log)] == [("fb", "build-step")]
    other = log.replace('solve: process "make"', 'solve: process "other"')
    assert [e.function for e in explain(other)] == ["bake", "fb"]


def finish(events: list[Event], function: str, status: Status, code: int | None) -> list[Event]:
    """The events of a build that ended."""
    return [*events, BuildFinished(function=function, status=status, exit_code=code)]


@pytest.mark.parametrize("code", [None, 1])
def test_a_bake_names_the_function_that_failed(code: int | None) -> None:
    """By its target in the last words of buildx, or by the step alone."""
    data = stream("buildx-0.29-bake-failing")
    for log in (data, data.replace(b"ERROR: target two: ", b"ERROR: ")):
        failures, notes = split(explain(read(log, TARGETS), code))
        assert [(e.function, e.step, e.cause) for e in failures] == [
            ("fn-2", "build-step", "failed")
        ]
        assert notes == []
    assert [e.function for e in explain(data, code)] == ["two"]


def test_what_fails_a_whole_bake_has_no_function() -> None:
    """The entries, the builder, or nothing that is known."""
    events = read(b"ERROR: type required for x\n", TARGETS)
    assert [(e.function, e.step) for e in explain(events, 1)] == [("", "entry")]
    done = read(b"#1 [one 1/1] RUN x\n#2 [two 1/1] RUN x\n", TARGETS)
    for shared in ([], [Output(function="", data=b"out of cheese\n")]):
        (failure,) = explain([*done, *shared], 1)
        assert (failure.function, failure.cause, failure.error) == (
            "", "unknown", "out of cheese" if shared else ""
        )  # fmt: skip


def test_the_end_of_each_build_decides() -> None:
    """What was stopped did not fail; what failed without a word is unknown."""
    failing = read(b"#1 [1/1] RUN x\n#1 ERROR: no\nERROR: failed to solve: no\n")
    assert [e.step for e in explain(finish(failing, "fn", "failed", 1))] == ["build-step"]
    for status in ("stopped", "timed out", "not started"):
        assert explain(finish(failing, "fn", status, 1)) == ()
    assert explain(finish(failing, "fn", "built", 0)) == ()
    other = read(b"#1 [1/1] RUN x\n")
    (failure,) = explain(finish(other, "fn", "failed", 1))
    assert (failure.function, failure.step, failure.cause) == ("fn", None, "unknown")
    both = [
        Output(function="a", data=b"ERROR: failed to solve: EOF\n"),
        *finish(other, "fn", "failed", 1),
    ]
    assert [e.function for e in explain(both)] == ["a"]


def test_the_last_attempt_counts() -> None:
    """What the first one printed does not."""
    failing = read(b"#1 [1/1] RUN x\n#1 ERROR: no\nERROR: failed to solve: no\n")
    again = BuildStarted(function="fn", attempt=2)
    assert explain([*failing, again, *read(b"#1 [1/1] RUN x\n#1 DONE 1.0s\n")]) == ()


def test_a_step_that_did_not_start_is_passed_over() -> None:
    """Of events that are not all there."""
    events = [
        event for event in read(stream("buildx-0.29-warm")) if "Started" not in type(event).__name__
    ]
    assert explain(events) == ()


@pytest.mark.parametrize("name", NAMES)
def test_events_and_text_are_explained_alike(name: str) -> None:
    """A log is the events in it."""
    data = stream(name)
    import attrs

    unnamed = [attrs.evolve(event, function="") for event in read(data)]
    assert explain(unnamed) == explain(data) == explain(data.decode(errors="surrogateescape"))


# Laws.

LINES = st.sampled_from([line for row in ROWS for line in str(row["log"]).splitlines()])


@given(st.lists(LINES | st.text(), max_size=30), st.sampled_from([None, 0, 1]))
def test_any_log_is_explained(lines: list[str], code: int | None) -> None:
    """No log raises; failures come first, and each step, cause and name exists."""
    explanations = explain("\n".join(lines), code)
    severities = [e.severity != "error" for e in explanations]
    assert severities == sorted(severities)
    assert all(e.step in STEPS | {None} and e.cause in CAUSES for e in explanations)
    assert {e.diagnostic().name for e in explanations} <= CATALOGUE.keys()


def test_lines_behind_an_error_are_limited() -> None:
    """And so are the caches that are named in warnings."""
    words = LastWords()
    words.read(b"ERROR: no\n")
    for at in range(200):
        words.read(b"errors: %d\n" % at)
    assert words.final is not None
    assert len(words.final.more.splitlines()) == 20
    for at in range(200):
        words.read(b"WARNING: local cache import at /%d not found due to err: no\n" % at)
    assert len(words.lost_imports) == 100


NO_EXPORT = "build with `--no-cache-export` to use the cache without writing it"
FIELD = "add `ignore-error=true` to the `to` entry to let such a build pass"
FIXES = {
    "s3-head": f"use credentials that may write (a pull request from a fork has none); {NO_EXPORT}",
    "s3-import-key": "check the credentials of the cache service in the entry or in the environment",
    "local-readonly": "set `dest` to a writable folder",
    "gha-v1": "use BuildKit 0.20 and buildx 0.21, or newer",
    "ghcr-package": "run `docker login ghcr.io` with credentials that may write to the repository;"
    f" {NO_EXPORT}",
    "push-of-nothing": "build first, with `faas-cache build`, or check the tag",
    "immutable": "make the tag mutable, or keep the cache in a repository of its own with"
    f" `build_cache: {{mode: max, repository: REGISTRY/NAME}}`; {NO_EXPORT}",
    "gha-conflict": "give each job a cache of its own (`scope` or `name` in the entry), or let only"
    f" one job export it; {FIELD}",
    "gha-quota": f"try again later; {FIELD}",
    "hub-login": "run `docker login` in the job that pushes, and check the name of the image",
    "buildctl-dead": "start it, or check its address: `--addr` or BUILDKIT_HOST for buildctl,"
    " `docker buildx ls` for a builder of buildx",
    "buildctl-address": "write it as `tcp://HOST:PORT` or `unix:///PATH`",
    "dind-tls": "run `docker context create ci && docker buildx create --driver docker-container"
    " --use ci`",
}  # fmt: skip


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["id"] in FIXES], ids=lambda row: row["id"]
)
def test_the_fix_is_one_for_this_cache(row: dict[str, str]) -> None:
    """A login to a registry does not help with S3, with GitHub's service or a folder; a flag does not reach typed entries."""
    assert explain(row["log"])[0].fix == FIXES[row["id"]]


def test_every_fix_has_a_row() -> None:
    """None is left out by its name."""
    assert {row["id"] for row in ROWS} >= FIXES.keys()


BOOTING = """#1 [internal] booting buildkit
#1 ERROR: {words}
ERROR: failed to build: {words}
"""


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("initializing source docker://moby/buildkit:x: no such host", "unreachable"),
        ('error while calling deploymentClient.Create for "b0": not found', "unreachable"),
        ("pull access denied for moby/buildkit", "denied"),
        ("write /x: no space left on device", "disk-full"),
    ],
)
def test_a_builder_that_does_not_start_is_not_a_failure_of_the_build(
    words: str, cause: Cause
) -> None:
    """Whatever the words are, which name images and objects that are not the user's."""
    [failure] = explain(BOOTING.format(words=words))
    assert (failure.step, failure.cause, failure.image_pushed) == ("daemon", cause, False)


@pytest.mark.parametrize(
    "line",
    [
        'ERROR: no builder "nope" found',
        'ERROR: use `docker --context=t26 buildx` to switch to context "t26"',
        'ERROR: context "nope": context not found: open /x/meta.json: no such file or directory',
        'Failed to initialize: unable to resolve docker endpoint: context "nope": context not found',
    ],
)
def test_a_name_that_is_not_that_of_a_builder_has_its_own_diagnostic(line: str) -> None:
    """So that the exit code is that of a builder that does not exist."""
    [failure] = explain(f"{line}\n")
    assert (failure.step, failure.name) == ("front-end", "unknown-builder")


def test_an_explanation_in_the_log_names_the_function() -> None:
    """Of a push or build of one function, nothing else does."""
    log = (
        "The push refers to repository [r/fn]\n"
        "tag does not exist: r/fn:1\n"
        "[1/1] fn  0.1 s  failed\n\n"
        "fn: error: could not push the image: it does not exist [build-failed]\n"
        "    tag does not exist: r/fn:1\n"
    )
    assert [(e.function, e.step, e.cause) for e in explain(log)] == [
        ("fn", "image-push", "missing")
    ]
