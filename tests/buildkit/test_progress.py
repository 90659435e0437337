"""What BuildKit says, read: streams recorded from buildx 0.13 and 0.29, and what is odd in them."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.buildkit.progress import CacheReport, Progress, Step, markdown, read, table

STREAMS = Path(__file__).parents[1] / "vectors" / "streams"
# Each recorded stream: cached and built steps, the first that ran, imports found, exports without an error, whether pushed.
COLD = "[deps 2/3] COPY requirements.txt /"
LAST = "[stage-1 4/4] COPY function/ /function/"
RECORDED = {
    "buildx-0.13-cold": (0, 5, COLD, [False], [True], True),
    "buildx-0.29-cold": (0, 5, COLD, [False], [True], True),
    "buildx-0.13-warm": (4, 5, LAST, [True], [True], True),
    "buildx-0.29-warm": (4, 5, LAST, [True], [True], True),
    "buildx-0.13-failing": (0, 0, None, [True], [], False),
    "buildx-0.29-failing": (0, 0, None, [True], [], False),
    "buildx-0.29-ignored-error": (5, 5, None, [], [False], False),
}


def stream(name: str) -> bytes:
    """A recorded stream."""
    return (STREAMS / f"{name}.txt").read_bytes()


def progress(data: bytes) -> tuple[Progress, list[bytes]]:
    """A stream that was read, and the lines it makes."""
    found = Progress()
    lines = found.feed(data)
    return found, lines + found.close()


def told(**status: object) -> bytes:
    """One object of rawjson."""
    return json.dumps(status).encode() + b"\n"


def vertex(
    digest: str, name: str, began: int, ended: int | None = None, **more: object
) -> dict[str, object]:
    """A vertex that ran from one second to another."""
    when = {"started": f"2026-01-01T00:00:{began:02}.123456789Z"}
    if ended is not None:
        when["completed"] = f"2026-01-01T00:00:{ended:02}.123456789Z"
    return {"digest": digest, "name": name, **when, **more}


@pytest.mark.parametrize(("name", "expected"), RECORDED.items(), ids=RECORDED)
def test_recorded(name: str, expected: tuple[object, ...]) -> None:
    """Hits, misses, imports and exports of real builds, in either spelling of rawjson."""
    found, _ = progress(stream(name))
    report = found.report("fn")
    miss = report.first_miss
    assert (
        sum(step.cached for step in report.built),
        len(report.built),
        miss and miss.name,
        [not step.error for step in report.imports],
        [not step.error for step in report.exports],
        found.pushed,
    ) == expected
    assert report.hit_ratio == (expected[0] / expected[1] if expected[1] else None)


@pytest.mark.parametrize("name", RECORDED)
def test_the_lines_mean_the_same(name: str) -> None:
    """What is shown can be read again: the same steps, hits and errors; marks are passed over."""
    found, lines = progress(stream(name))
    (again,) = read(b"".join(b"fn | " + line for line in lines).rstrip(b"\n"))
    facts = [
        sorted(
            (s.name, s.kind, s.cached, s.failed, s.canceled)
            for s in one.steps
            if s.kind != "internal"
        )
        for one in (found, again)
    ]
    assert (facts[0], found.pushed) == (facts[1], again.pushed)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_blocks_may_be_cut_anywhere(name: str, size: int) -> None:
    """However the stream comes in, it says the same."""
    data = stream(name)[: 20_000 if size == 1 else None]
    cut = Progress()
    lines = [
        line for at in range(0, len(data), size) for line in cut.feed(data[at : at + size])
    ] + cut.close()
    whole, expected = progress(data)
    assert (lines, cut.steps) == (expected, whole.steps)


@pytest.mark.parametrize("name", ["buildx-0.13-bake", "buildx-0.29-bake"])
def test_a_bake_is_told_by_target(name: str) -> None:
    """Each step is in the report of the target that BuildKit names, without the target's name."""
    found, _ = progress(stream(name))
    one, two = found.reports({"one": "fn-1", "two": "fn-2"})
    assert (one.function, two.function, len(one.imports), len(two.imports), len(one.exports)) == (
        "fn-1",
        "fn-2",
        1,
        0,
        1,
    )
    assert {step.name for step in one.imports} == {
        "importing cache manifest from 127.0.0.1:5010/acme/one:c"
    }
    assert not any("one" in step.name.partition(" ")[0] for step in one.steps)
    assert found.reports({"one": "fn"})[0].steps == found.steps


def test_lines_as_plain_progress_has_them() -> None:
    """A header once, a log with seconds and without a change, statuses at their end, and how it ended."""
    log = b64encode(b"caf\xe9\r\nno end").decode()
    data = (
        told(vertexes=[{"digest": "a", "name": "[1/2] RUN x"}])
        + told(vertexes=[vertex("a", "[1/2] RUN x", 1)])
        + told(
            logs=[
                {"vertex": "a", "data": log, "timestamp": "2026-01-01T00:00:03.123456789Z"},
                {"vertex": "a", "data": "A"},
            ]
        )
        + told(statuses=[{"vertex": "a", "id": "sha256:0", "current": 5, "total": 9}])
        + told(
            statuses=[
                {"vertex": "a", "id": "sha256:0", "current": 9, "completed": "2026-01-01T00:00:04Z"}
            ]
        )
        + told(
            statuses=[
                {
                    "vertex": "a",
                    "id": "extracting sha256:0",
                    "current": 9,
                    "completed": "2026-01-01T00:00:04Z",
                }
            ]
        )
        + told(warnings=[{"vertex": "a", "short": b64encode(b"beware").decode()}])
        + told(vertexes=[vertex("a", "[1/2] RUN x", 1, 5)])
        + told(vertexes=[vertex("a", "[1/2] RUN x", 1, 5)])
        + told(vertexes=[vertex("b", "[2/2] RUN y", 5, 6, error="no")])
        + told(vertexes=[vertex("c", "[auth] x", 5, 6, error="rpc: context canceled")])
        + b"plain \xff text\nERROR: no"
    )
    found, lines = progress(data)
    assert lines == [
        b"#1 [1/2] RUN x\n",
        b"#1 2.000 caf\xe9\r\n",
        b"#1 sha256:0 done\n",
        b"#1 extracting sha256:0 done\n",
        b"#1 WARN: beware\n",
        b"#1 no end\n",
        b"#1 DONE 4.0s\n",
        b"#2 [2/2] RUN y\n",
        b"#2 ERROR: no\n",
        b"#3 [auth] x\n",
        b"#3 CANCELED\n",
        b"plain \xff text\n",
        b"ERROR: no",
    ]
    assert list(found.text) == ["plain \ufffd text", "ERROR: no"]
    assert [(s.name, s.kind, s.seconds, s.bytes, s.failed, s.canceled) for s in found.steps] == [
        ("[1/2] RUN x", "build", 4.0, 9, False, False),
        ("[auth] x", "internal", 1.0, 0, False, True),
        ("[2/2] RUN y", "build", 1.0, 0, True, False),
    ]


def test_time_is_counted_once() -> None:
    """A vertex that begins several times, and is told by two builds at once, ran for the union."""
    data = told(
        vertexes=[
            vertex("a", "x", 1, 3),
            vertex("a", "x", 2, 4),
            vertex("a", "x", 10, 11),
            vertex("a", "x", 12),
        ]
    )
    (step,) = progress(data)[0].steps
    assert (step.seconds, step.finished) == (4.0, False)
    assert progress(data)[1][1:] == [b"#1 DONE 4.0s\n"]


@pytest.mark.parametrize(
    "line",
    [
        b"{\n", b'{"a": 1}\n', b'{"vertexes": [}\n', b"{x\n", b"{\n no object\n}\n", b"{\nat once something else\n", b'{"vertexes": [] } x\n',
        b"[1]\n", b"}\n", b"{" * 100_000 + b"\n", b"no end",
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_progress_is_passed_on(line: bytes) -> None:
    """To the byte, but for a last newline."""
    found, lines = progress(line)
    assert (b"".join(lines).rstrip(b"\n"), found.steps, found.pushed) == (
        line.rstrip(b"\n"),
        (),
        None,
    )
    assert found.text


def test_an_object_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on for too long is none, and is not kept."""
    monkeypatch.setattr("faas_cache.progress._MAX_OBJECT", 100)
    found, lines = progress(b"{\n" + b" x\n" * 100)
    assert (len(lines), len(found.text)) == (101, 101)


def test_several_objects_in_a_line() -> None:
    """Where nothing parts them, they are read one after another."""
    data = (
        told(vertexes=[vertex("a", "x", 1)]).strip() + b" " + told(vertexes=[vertex("b", "y", 2)])
    )
    assert [step.name for step in progress(data)[0].steps] == ["x", "y"]


def test_json_of_another_shape() -> None:
    """Values of the wrong kind are passed over."""
    data = told(
        vertexes=5,
        logs=[7, {"vertex": 1, "data": "AA==", "timestamp": "no"}],
        statuses=[{"current": "x"}],
    ) + told(
        vertexes=[
            {
                "digest": "a",
                "name": "\ud800",
                "started": "2026-01-01T00:00:00",
                "completed": 3,
                "cached": True,
            }
        ]
    )
    assert [(step.name, step.cached) for step in progress(data)[0].steps] == [("?", True)]


def test_pushed() -> None:
    """Yes where a manifest was, or docker's own push; no where an image was made and nothing of a push was said."""
    manifest = b"#1 exporting to image\n#1 pushing manifest for a/b:1@sha256:0 0.1s done\n"
    for log, expected in (
        (manifest, True),
        (b"#1 pushing a/b:1 with docker\n#1 DONE 0.1s\n", True),
        (b"#1 exporting to image\n#1 DONE 0.1s\n", False),
        (b"#1 exporting to image\n#1 CANCELED\n", None),
        (b"", None),
    ):
        assert read(log)[0].pushed is expected


def test_a_log_of_several_builds() -> None:
    """One begins where the other has ended, in docker 20's spelling too; a header that comes again is none."""
    first = (
        b"#1 [internal] load build definition\n#1 DONE 0.0s\n#2 exporting to image\n#2 DONE 0.1s\n"
    )
    head = b'#0 building with "default" instance using docker driver\n'
    assert [len(one.steps) for one in read(first + first)] == [2, 2]
    assert [len(one.steps) for one in read(head + first + head + first)] == [3, 3]
    assert [
        len(one.steps)
        for one in read(b"#1 [internal] load a\n#1 DONE 0.0s\n#1 [internal] load a\n")
    ] == [1]
    assert [
        len(one.steps)
        for one in read(
            b"\x1b[1m2026-01-01T00:00:00.0Z ##[error]a | #1 [1/1] RUN x\nb | #1 [1/1] RUN y\n#1 DONE 1.0s"
        )
    ] == [1, 1, 1]


REPORTS = [
    CacheReport(function="none"),
    CacheReport(
        function="a|b",
        steps=(
            Step(name="[1/2] FROM a", kind="base", seconds=2.0, finished=True),
            Step(name="[2/2] RUN " + "x" * 60, kind="build", seconds=1.0, finished=True),
            Step(
                name="importing cache manifest from r",
                kind="import",
                error="not found",
                finished=True,
            ),
            Step(name="importing cache manifest from s", kind="import", seconds=0.1, finished=True),
            Step(name="exporting cache to registry", kind="export", seconds=0.5, finished=True),
            Step(name="exporting cache to registry", kind="export", error="no"),
            Step(name="exporting cache to registry", kind="export", error="context canceled"),
        ),
    ),
]


def test_the_table() -> None:
    """A line each, for people; none for nothing."""
    assert table([]) == ""
    assert table(REPORTS).splitlines() == [
        "function  cached  import        export                   first step that ran",
        "none      -       -             -                        -",
        f"a|b       0 of 1  1 of 2 found  0.5 s, failed, canceled  [2/2] RUN {'x' * 49}…",
    ]


def test_the_summary_of_a_job() -> None:
    """GitHub's Markdown, in which nothing of a name is markup."""
    assert markdown(REPORTS).splitlines() == [
        "### Cache",
        "",
        "| function | cached | import | export | first step that ran |",
        "|---|---|---|---|---|",
        "| <code>none</code> | - | - | - | - |",
        f"| <code>a&#124;b</code> | 0 of 1 | 1 of 2 found | 0.5 s, failed, canceled | <code>[2/2] RUN {'x' * 49}…</code> |",
    ]


def test_the_report_as_json() -> None:
    """Everything that was seen, and what it comes to."""
    found = REPORTS[1].as_dict()
    steps = found.pop("steps")
    assert found == {
        "function": "a|b",
        "hit_ratio": 0.0,
        "cached": 0,
        "built": 1,
        "first_miss": "[2/2] RUN " + "x" * 60,
        "imports": [
            {"from": "r", "found": False, "seconds": 0.0, "error": "not found"},
            {"from": "s", "found": True, "seconds": 0.1, "error": ""},
        ],
        "exports": [
            {"name": "exporting cache to registry", "seconds": 0.5, "error": ""},
            {"name": "exporting cache to registry", "seconds": 0.0, "error": "no"},
            {"name": "exporting cache to registry", "seconds": 0.0, "error": "context canceled"},
        ],
    }
    assert isinstance(steps, list)
    assert steps[0] == {
        "name": "[1/2] FROM a",
        "kind": "base",
        "cached": False,
        "seconds": 2.0,
        "bytes": 0,
        "error": "",
        "finished": True,
    }
    assert REPORTS[1].seconds == 3.6


PIECES = st.sampled_from([line + b"\n" for name in RECORDED for line in stream(name).split(b"\n")])


@given(st.lists(PIECES | st.binary(), max_size=30).map(b"".join))
def test_anything_is_read(data: bytes) -> None:
    """No stream raises, in one piece or as a log, and what is no progress is passed on."""
    found, lines = progress(data)
    assert all(line.endswith(b"\n") or line == lines[-1] for line in lines)
    assert isinstance(table([found.report("fn")]), str)
    assert read(data)
