"""`EventReader`: rawjson and plain progress as events, whatever the blocks and whatever the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from progress import NAMES, TARGETS, clock, epoch, log, read, status, stream, vertex

from faas_cache.buildkit import plain, rawjson, reader
from faas_cache.buildkit.events import Event, Output, StepFinished, StepProgress, StepStarted


def started(step: str, name: str = "x", kind: str = "internal", time: float | None = None) -> Event:
    return StepStarted(function="fn", step=step, name=name, kind=kind, time=time)  # type: ignore[arg-type]  # a kind


def finished(step: str, **fields: object) -> Event:
    return StepFinished(function="fn", step=step, **fields)  # type: ignore[arg-type]  # its fields


def progress(step: str, name: str, **fields: object) -> Event:
    return StepProgress(function="fn", step=step, status=name, **fields)  # type: ignore[arg-type]  # the same


def output(step: str | None, data: bytes, **fields: object) -> Event:
    return Output(function="fn", step=step, data=data, **fields)  # type: ignore[arg-type]  # the same


# Plain progress.

PLAIN = [
    (b"#4 [2/3] RUN make\n", [started("#4", "[2/3] RUN make", "build")]),
    (b"#1 x\n#1 x\n", [started("#1")]),
    (b"#1 x\n#1 DONE 1.2s\n#1 x\n", [started("#1"), finished("#1", seconds=1.2), started("#1")]),
    (b"#1 x\n#1 CACHED\n", [started("#1"), finished("#1", cached=True)]),
    (b"#1 [2/3] RUN a\n#1 extracting sha256:a\n#1 DONE 0.3s\n", [started("#1", "[2/3] RUN a", "build"), progress("#1", "extracting sha256:a"), finished("#1", seconds=0.3, cached=True)]),
    (b"#1 [2/3] RUN a\n#1 extracting sha256:a\n#1 ERROR: no\n", [started("#1", "[2/3] RUN a", "build"), progress("#1", "extracting sha256:a"), finished("#1", error="no")]),
    (b"#1 [1/3] FROM a\n#1 extracting sha256:a\n#1 DONE 0.3s\n", [started("#1", "[1/3] FROM a", "base"), progress("#1", "extracting sha256:a"), finished("#1", seconds=0.3)]),
    (b"#1 x\n#1 CANCELED\n", [started("#1"), finished("#1", error="context canceled")]),
    (b"#1 x\n#1 ERROR: no: way\n", [started("#1"), finished("#1", error="no: way")]),
    (b"#1 x\n#1 0.637 caf\xe9\n", [started("#1"), output("#1", b"caf\xe9\n", seconds=0.637)]),
    (b"#1 x\n#1 0.637\n", [started("#1"), output("#1", b"\n", seconds=0.637)]),
    (b"#1 x\n#1 WARN: beware\n", [started("#1"), output("#1", b"beware\n", warning=True)]),
    (b"#1 x\n#1 pushing layers\n", [started("#1"), progress("#1", "pushing layers")]),
    (b"#1 x\n#1 pushing layers 0.1s done\n", [started("#1"), progress("#1", "pushing layers", done=True)]),
    (b"#1 x\n#1 done\n", [started("#1"), progress("#1", "done")]),
    (b"#1 x\n#1 1.5s\n", [started("#1"), progress("#1", "1.5s")]),
    (b"#1 x\n#1 y 2B\n", [started("#1"), progress("#1", "y", current=2)]),
    (b"#1 x\n#1 y 1.5kB / 3MB 0.1s done\n", [started("#1"), progress("#1", "y", current=1500, total=3_000_000, done=True)]),
    (b"#1 x\n#1 y 1KiB / 1GiB\n", [started("#1"), progress("#1", "y", current=1024, total=2**30)]),
    (b"#1 x\n#1 y z / 3MB\n", [started("#1"), progress("#1", "y z /", current=3_000_000)]),
    (b"#1 x\n#1 DONE 1.0s\n#1 y done\n", [started("#1"), finished("#1", seconds=1.0), started("#1"), progress("#1", "y", done=True)]),
    (b"#9 DONE 1.0s\n", [started("#9", ""), finished("#9", seconds=1.0)]),
    (b"#9 1.0 y\n", [started("#9", ""), output("#9", b"y\n", seconds=1.0)]),
    (b"#07 x\n#7 CACHED\n", [started("#7"), finished("#7", cached=True)]),
    (b"#1 x 1%\r#1 x\r\n", [started("#1")]),
    (b"#1234567890 x\n", [output(None, b"#1234567890 x\n")]),
    (b"ERROR: no\n", [output(None, b"ERROR: no\n")]),
    (b"no end", [output(None, b"no end")]),
    (b"a\r\n\n", [output(None, b"a\r\n"), output(None, b"\n")]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), PLAIN, ids=[repr(data) for data, _ in PLAIN])
def test_a_plain_line_is_an_event(data: bytes, expected: list[Event]) -> None:
    """Headers, ends, output, parts and sizes; every other line is the builder's own."""
    assert read(data) == expected


# rawjson.


def test_a_vertex_starts_when_it_has_a_time() -> None:
    """An announcement is not a start; each later object adds what is new."""
    data = (
        status(vertexes=[{"digest": "a", "name": "x"}])
        + status(vertexes=[vertex("a", "x", 1)])
        + status(vertexes=[vertex("a", "x", 1, 3)])
        + status(vertexes=[vertex("a", "x", 1, 3)])
    )
    assert read(data) == [
        started("a", time=epoch(1)),
        finished("a", seconds=2.0, time=epoch(3)),
    ]


def test_parts_and_output_come_before_the_end() -> None:
    """An object may complete a vertex and hold its last lines; a line that does not end is kept."""
    data = status(
        vertexes=[vertex("a", "x", 1, 4)],
        statuses=[{"vertex": "a", "id": "y", "current": 5, "total": 9, "timestamp": clock(2)}],
        logs=[log("a", b"one\ntw", 2), log("a", b"o\nthree", 3)],
        warnings=[{"vertex": "a", "short": "YmV3YXJl"}],
    )
    assert read(data) == [
        started("a", time=epoch(1)),
        progress("a", "y", current=5, total=9, time=epoch(2)),
        output("a", b"one\n", seconds=1.0, time=epoch(2)),
        output("a", b"two\n", seconds=2.0, time=epoch(3)),
        output("a", b"beware\n", warning=True),
        output("a", b"three", seconds=2.0, time=epoch(3)),
        finished("a", seconds=3.0, time=epoch(4)),
    ]


def test_a_status_is_reported_until_it_is_done() -> None:
    """Each change, and nothing after the end."""
    item = {"vertex": "a", "id": "y", "current": 5}
    done = {**item, "current": 9, "completed": clock(2)}
    assert read(status(statuses=[item, item, done, item, done])) == [
        started("a", ""),
        progress("a", "y", current=5),
        progress("a", "y", current=5),
        progress("a", "y", current=9, done=True),
    ]


def test_time_counts_once() -> None:
    """A step that starts several times, and in two builds at once, ran for the union of its runs."""
    runs = [vertex("a", "x", *run) for run in ((1, 3), (2, 4), (10, 11), (12,))]
    assert read(status(vertexes=runs)) == [
        started("a", time=epoch(1)),
        finished("a", seconds=4.0, time=epoch(11)),
        started("a", time=epoch(12)),
    ]


def test_many_runs_are_summed_up() -> None:
    """Older runs are not kept, but their time is."""
    runs = [vertex("a", "x", 2 * i, 2 * i + 1) for i in range(60)]
    assert read(status(vertexes=runs))[-1] == finished("a", seconds=60.0, time=epoch(119))
    begun = [vertex("a", "x", i) for i in range(60)]
    assert read(status(vertexes=begun)) == [started("a", time=epoch(0))]


def test_a_step_that_starts_again_has_no_error_yet() -> None:
    """The last run decides."""
    failed, again = vertex("a", "x", 1, 2, error="no"), vertex("a", "x", 3, 4)
    assert read(status(vertexes=[failed]) + status(vertexes=[again])) == [
        started("a", time=epoch(1)),
        finished("a", error="no", seconds=1.0, time=epoch(2)),
        finished("a", seconds=2.0, time=epoch(4)),
    ]


def test_a_step_may_end_without_a_time() -> None:
    """Cached or failed is ended; what was only heard of is not."""
    assert read(status(vertexes=[vertex("a", "x", cached=True)])) == [
        started("a"),
        finished("a", cached=True),
    ]
    assert read(status(logs=[log("a", b"y\n")], vertexes=[vertex("a", "x")])) == [
        started("a"),
        output("a", b"y\n"),
    ]
    assert read(status(logs=[log("a", b"y\n")]) + status(vertexes=[vertex("a", "x")]))[1:] == [
        output("a", b"y\n")
    ]


def test_json_of_another_shape_is_passed_over() -> None:
    """Values of the wrong kind are as if they were absent."""
    data = status(
        vertexes=5,
        logs=[7, {"vertex": "a", "data": "A", "timestamp": "no"}],
        statuses=[{"vertex": "a", "id": "y", "current": "x", "total": True}],
    ) + status(
        vertexes=[{"digest": "b", "name": "\ud800", "started": "2026-01-01T00:00:00", "cached": True}],
        statuses=[{"vertex": "a", "id": "z", "current": -1, "total": 2**63, "timestamp": "0001-01-01T00:00:00Z"}],
    )  # fmt: skip
    assert read(data) == [
        started("a", ""),
        progress("a", "y"),
        started("b", "?"),
        progress("a", "z"),
        finished("b", cached=True),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"{", b"{}", b'{"a": 1}', b'{"vertexes": [}', b"{x", b"[1]", b"}", b'{"vertexes": [] } x',
        b'{"vertexes": [{"n": ' + b"9" * 4301 + b"}]}", b"{" * 100_000, b'{"vertexes": ' + b"[" * 100_000,
    ],
    ids=range(11),
)  # fmt: skip
def test_a_line_that_is_not_progress_is_output(line: bytes) -> None:
    """It is passed on to the byte."""
    assert read(line + b"\n") == [output(None, line + b"\n")]
    assert [e.data.rstrip(b"\n") for e in read(line) if isinstance(e, Output)] == [line]


def test_an_object_of_several_lines_may_break_off() -> None:
    """Its lines are output then, and the line behind them is read for itself."""
    assert read(b'{\n "a"\n#1 x\n{\n') == [
        output(None, b"{\n"),
        output(None, b' "a"\n'),
        started("#1"),
        output(None, b"{\n"),
    ]
    assert read(b"{\n\tno\n}\n") == [output(None, line) for line in (b"{\n", b"\tno\n", b"}\n")]
    indented = b'{\n  "vertexes": [\n    {"digest": "a", "name": "x", "cached": true}\n  ]\n}\n'
    assert read(b"{\n" + indented)[1:] == read(indented)


def test_several_objects_on_a_line() -> None:
    """Where nothing separates them, they are read one after another."""
    one, two = (status(vertexes=[vertex(key, "x", 1)]).strip() for key in "ab")
    assert read(one + b" " + two + two + b" \n") == [
        started("a", time=epoch(1)),
        started("b", time=epoch(1)),
    ]


# Targets.


@pytest.mark.parametrize(
    "name", ["buildx-0.13-bake", "buildx-0.29-bake", "buildx-0.29-bake-failing"]
)
def test_a_step_of_a_bake_has_the_function_of_its_target(name: str) -> None:
    """Without the target in its name; what belongs to no target has no function."""
    steps = [e for e in read(stream(name), TARGETS) if isinstance(e, StepStarted)]
    names = {
        function: {e.name for e in steps if e.function == function}
        for function in ("", "fn-1", "fn-2", "fn")
    }
    assert names[""] == {"[internal] load local bake definitions"}
    assert "importing cache manifest from 127.0.0.1:5010/acme/one:c" in names["fn-1"]
    assert not any(n.startswith(("[one", "[two")) for n in names["fn-1"] | names["fn-2"])
    assert names["fn"] == set()


def test_a_shared_step_is_a_step_of_each_function() -> None:
    """One digest under two names; a log of it is of the function that was named last."""
    data = status(
        vertexes=[vertex("a", "[one 1/2] RUN x", 1, 2), vertex("a", "[two 1/2] RUN x", 1, 2)],
        logs=[log("a", b"y\n", 1)],
    )
    assert [(e.function, type(e).__name__) for e in read(data, TARGETS)] == [
        ("fn-1", "StepStarted"),
        ("fn-2", "StepStarted"),
        ("fn-2", "Output"),
        ("fn-1", "StepFinished"),
        ("fn-2", "StepFinished"),
    ]


def test_a_single_target_is_not_named() -> None:
    """BuildKit leaves out the name of a target that is alone."""
    (event,) = read(b"#1 [stage 1/2] RUN x\n", {"stage": "other"})
    assert (event.function, getattr(event, "name", "")) == ("other", "[stage 1/2] RUN x")


def test_an_error_names_the_target_that_failed() -> None:
    """A plain step, and the last words of buildx."""
    data = b"#1 [two 1/2] RUN x\nERROR: target two: no\nERROR: target six: no\n"
    assert [event.function for event in read(data, TARGETS)] == ["fn-2", "fn-2", ""]
    assert [event.function for event in read(data)] == ["fn", "fn", "fn"]


# Limits.


def test_a_long_line_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the blocks end; an object that is too long is cut output."""
    monkeypatch.setattr(reader, "MAX_LINE", 8)
    monkeypatch.setattr(reader, "MAX_OBJECT", 100)
    data = b"x" * 20 + b"\n" + b"#1 y\n" + b"{" + b" " * 200 + b"\n"
    expected = [output(None, b"xxxxxxxx\n"), started("#1", "y"), output(None, b"{       \n")]
    for size in (1, 7, 1000):
        assert read(data, size=size) == expected
    lines = b"{\n" + b" x\n" * 60 + b"}\n"
    assert read(lines) == [output(None, line + b"\n") for line in lines.split(b"\n")[:-1]]


def test_names_and_numbers_of_steps_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps beyond the limit are not kept; rawjson has one for all of them."""
    for module in (plain, rawjson):
        monkeypatch.setattr(module, "MAX_STEPS", 2)
        monkeypatch.setattr(module, "MAX_NAME", 4)
    assert read(b"#1 abcdef\n#2 b\n#3 c\n#1 abcdef\n") == [
        started("#1", "abcd"),
        started("#2", "b"),
    ]
    items = [vertex(key, key * 6, 1) for key in "abcd"]
    assert read(status(vertexes=items, logs=[log("d", b"x\n")])) == [
        started("a", "aaaa", time=epoch(1)),
        started("b", "bbbb", time=epoch(1)),
        started("", "cccc", time=epoch(1)),
        output("", b"x\n"),
    ]


def test_parts_of_a_step_and_lines_without_end_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts beyond the limit are not reported, and a line is passed on in pieces."""
    monkeypatch.setattr(rawjson, "_MAX_STATUSES", 1)
    monkeypatch.setattr(rawjson, "_MAX_PARTIAL", 3)
    items = [{"vertex": "a", "id": name} for name in ("y", "z", "y")]
    assert read(
        status(statuses=items, logs=[log("a", b"ab"), log("a", b"cd"), log("a", b"e")])
    ) == [
        started("a", ""),
        progress("a", "y"),
        progress("a", "y"),
        output("a", b"abcd"),
        output("a", b"e"),
    ]


# Laws.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_blocks_may_end_anywhere(name: str, size: int) -> None:
    """However a stream comes in, it gives the same events."""
    data = stream(name)[: 20_000 if size == 1 else None]
    assert read(data, size=size) == read(data)


PIECES = st.sampled_from([line + b"\n" for name in NAMES for line in stream(name).split(b"\n")])


@given(st.lists(PIECES | st.binary(), max_size=30).map(b"".join), st.integers(1, 50))
def test_any_bytes_are_read(data: bytes, size: int) -> None:
    """No stream raises, and the blocks do not matter."""
    assert read(data, size=size) == read(data)


def test_a_secret_is_in_no_repr() -> None:
    """An event holds what was printed, and shows it masked."""
    events = read(
        b"#1 RUN curl https://me:hunter2@acme.io\n#1 ERROR: https://me:hunter2@acme.io\nhunter2\n"
    )
    assert "hunter2" not in repr(events)
