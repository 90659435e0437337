"""`LineFormatter`: events as lines of plain progress."""

from __future__ import annotations

import pytest
from progress import NAMES, log, read, status, stream, vertex

from faas_cache.buildkit.events import BuildStarted, Event, Output, StepFinished, StepProgress
from faas_cache.buildkit.explanations import explain
from faas_cache.buildkit.lines import LineFormatter
from faas_cache.buildkit.reports import CacheReport


def lines(events: list[Event]) -> list[bytes]:
    """What the events look like, line by line."""
    formatter = LineFormatter()
    return b"".join(map(formatter.format, events)).splitlines(keepends=True)


def test_lines_are_those_of_plain_progress() -> None:
    """A header once, output with seconds and unchanged, parts at their end, and how a step ended.

    What the builder says besides is escaped and masked.
    """
    data = (
        status(vertexes=[vertex("a", "[1/2] RUN x", 1)])
        + status(logs=[log("a", b"caf\xe9\r\nno end", 3), log("a", b"")])
        + status(statuses=[{"vertex": "a", "id": "sha256:0", "current": 5, "total": 9}])
        + status(statuses=[{"vertex": "a", "id": "sha256:0", "completed": "2026-01-01T00:00:04Z"}])
        + status(warnings=[{"vertex": "a", "short": "YmV3YXJl"}])
        + status(vertexes=[vertex("a", "[1/2] RUN x", 1, 5)])
        + status(vertexes=[vertex("a", "[1/2] RUN x", 1, 5)])
        + status(vertexes=[vertex("b", "[2/2] RUN y", 5, 6, error="no\ndenied\n::stop")])
        + status(vertexes=[vertex("c", "[auth] x\x1b", 5, 6, error="rpc: context canceled")])
        + status(vertexes=[vertex("d", "z", 5, 6, cached=True)])
        + b"plain \xff text\r\n\x1b[31m http://u:hunter2@h\n::stop\nERROR: no"
    )
    assert lines(read(data)) == [
        b"#1 [1/2] RUN x\n",
        b"#1 2.000 caf\xe9\r\n",
        b"#1 sha256:0 done\n",
        b"#1 WARN: beware\n",
        b"#1 2.000 no end\n",
        b"#1 DONE 4.0s\n",
        b"#2 [2/2] RUN y\n",
        b"#2 ERROR: no\n",
        b"denied\n",
        b"\\x3a:stop\n",
        b"#3 [auth] x\\x1b\n",
        b"#3 CANCELED\n",
        b"#4 z\n",
        b"#4 CACHED\n",
        b"plain \\xff text\n",
        b"\\x1b[31m http://***@h\n",
        b"\\x3a:stop\n",
        b"ERROR: no",
    ]


def test_a_cache_that_does_not_exist_yet_is_not_an_error() -> None:
    """In a first build no `ERROR` is shown; read again, the line is that error."""
    name, error = "importing cache manifest from a/b:c", "a/b:c: not found"
    for step, reason, word in (
        (name, error, "MISSING"),
        (name, "denied", "ERROR"),
        ("[2/2] COPY a /", error, "ERROR"),
    ):
        data = status(vertexes=[vertex("a", step, 1, 2, error=reason)])
        shown = b"".join(lines(read(data)))
        assert shown == f"#1 {step}\n#1 {word}: {reason}\n".encode()
        ends = [event for event in read(shown) if isinstance(event, StepFinished)]
        assert [event.error for event in ends] == [reason]


def test_a_step_that_starts_again_ends_again() -> None:
    """Only if there is something to show; its parts belong to the run that is going on."""
    end = {"vertex": "a", "id": "late", "completed": "2026-01-01T00:00:04Z"}
    data = status(vertexes=[vertex("a", "x", 1, 2)]) + status(vertexes=[vertex("a", "x", 2)])
    assert lines(read(data + status(vertexes=[vertex("a", "x", 2, 2)]))) == [
        b"#1 x\n",
        b"#1 DONE 1.0s\n",
    ]
    assert lines(read(data + status(vertexes=[vertex("a", "x", 2, 2)], statuses=[end])))[2:] == [
        b"#1 late done\n",
        b"#1 DONE 1.0s\n",
    ]
    assert lines(read(status(vertexes=[vertex("a", "x", 1, 2)]) + status(statuses=[end])))[2:] == []


def test_steps_of_plain_progress_keep_their_numbers() -> None:
    """Steps of rawjson take the next one."""
    data = b"#0 v\n#3 w\n" + status(vertexes=[vertex(key, key, 1) for key in "abc"])
    assert lines(read(data)) == [b"#0 v\n", b"#3 w\n", b"#1 a\n", b"#2 b\n", b"#4 c\n"]
    taken = status(vertexes=[vertex("a", "a", 1)]) + b"#1 b\n"
    assert lines(read(taken)) == [b"#1 a\n", b"#2 b\n"]


def test_what_is_not_of_a_known_step_is_not_shown() -> None:
    """Nor are the start and the end of a build."""
    events: list[Event] = [
        BuildStarted(function="fn"),
        StepProgress(function="fn", step="a", status="x", done=True),
        StepFinished(function="fn", step="a"),
        Output(function="fn", step="a", data=b"x\n"),
    ]
    assert lines(events) == []


@pytest.mark.parametrize("name", [name for name in NAMES if "bake" not in name])
def test_the_lines_mean_the_same(name: str) -> None:
    """What is shown can be read again: the same steps, hits and errors."""
    events = read(stream(name))
    facts = [
        sorted(
            (s.name, s.kind, s.cached, s.failed, s.canceled, s.finished)
            for s in CacheReport.from_events("fn", some).steps
        )
        for some in (events, read(b"".join(lines(events))))
    ]
    assert facts[0] == facts[1]


def brief(data: bytes) -> list[bytes]:
    """What the events look like without details."""
    formatter = LineFormatter(details=False)
    return b"".join(map(formatter.format, read(data))).splitlines(keepends=True)


def test_without_details_a_log_is_about_the_dockerfile() -> None:
    """Instructions, base images, caches and the push of an image; the builder's own steps only if they print or fail."""
    pushed = "pushing manifest for a/fn:1@sha256:0"
    part = {"vertex": "e", "completed": "2026-01-01T00:00:09Z"}
    data = (
        status(vertexes=[vertex("a", "[internal] load build definition from Dockerfile", 1, 2)])
        + status(vertexes=[vertex("b", "importing cache manifest from r:c", 1, 2, error="no")])
        + status(vertexes=[vertex("c", "[1/2] FROM a", 1, 2)])
        + status(vertexes=[vertex("c", "[1/2] FROM a", 2)])
        + status(vertexes=[vertex("c", "[1/2] FROM a", 2, 5)])
        + status(vertexes=[vertex("d", "[2/2] RUN x", 3)], logs=[log("d", b"out\n", 4)])
        + status(vertexes=[vertex("d", "[2/2] RUN x", 3, 5)])
        + status(vertexes=[vertex("e", "exporting to image", 5)])
        + status(statuses=[part | {"id": "exporting layers"}, part | {"id": pushed}])
        + status(vertexes=[vertex("e", "exporting to image", 5, 9)])
        + status(vertexes=[vertex("f", "[internal] load .dockerignore", 1, 2, error="no\nspace")])
        + status(vertexes=[vertex("g", "[auth] a", 1)], logs=[log("g", b"beware\n", 2)])
        + status(vertexes=[vertex("g", "[auth] a", 1, 3)])
        + b"ERROR: no\n"
    )
    assert brief(data) == [
        b"#2 importing cache manifest from r:c\n",
        b"#2 ERROR: no\n",
        b"#3 [1/2] FROM a\n",
        b"#3 DONE 1.0s\n",
        b"#4 [2/2] RUN x\n",
        b"#4 1.000 out\n",
        b"#4 DONE 2.0s\n",
        b"#5 exporting to image\n",
        f"#5 {pushed} done\n".encode(),
        b"#5 DONE 4.0s\n",
        b"#6 [internal] load .dockerignore\n",
        b"#6 ERROR: no\n",
        b"space\n",
        b"#7 [auth] a\n",
        b"#7 1.000 beware\n",
        b"#7 DONE 2.0s\n",
        b"ERROR: no\n",
    ]


def test_a_base_image_that_fails_says_so() -> None:
    """Also after it had ended."""
    data = status(vertexes=[vertex("c", "[1/2] FROM a", 1, 2)])
    data += status(vertexes=[vertex("c", "[1/2] FROM a", 2, 5, error="no")])
    assert brief(data)[-1:] == [b"#1 ERROR: no\n"]


@pytest.mark.parametrize("name", [name for name in NAMES if "bake" not in name])
def test_a_brief_log_is_explained_alike(name: str) -> None:
    """What failed and why is the same in the log that people see, and so is what was cached."""
    data = stream(name)
    explained = [
        [
            (item.step, item.cause, item.severity, item.message, item.error)
            for item in explain(log, 1)
        ]
        for log in (b"".join(brief(data)), b"".join(lines(read(data))))
    ]
    assert explained[0] == explained[1]
    facts = [
        [(s.name, s.cached, s.failed) for s in CacheReport.from_events("fn", some).instructions]
        for some in (read(data), read(b"".join(brief(data))))
    ]
    assert facts[0] == facts[1]
