"""Logs from anywhere, split into builds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from progress import NAMES, read, stream

from faas_cache.buildkit import logs
from faas_cache.buildkit.events import Event, Output, StepFinished, StepStarted
from faas_cache.buildkit.lines import LineFormatter
from faas_cache.buildkit.logs import read_log


def shape(log: bytes) -> list[tuple[str, int]]:
    """The function of each build, and how many steps it has."""
    return [
        (function, sum(isinstance(event, StepStarted) for event in events))
        for function, events in read_log(log)
    ]


FIRST = b"#1 [internal] load build definition\n#1 DONE 0.0s\n#2 exporting to image\n#2 DONE 0.1s\n"
HEAD = b'#0 building with "default" instance using docker driver\n'
BUILDS: dict[str, tuple[bytes, list[tuple[str, int]]]] = {
    "empty": (b"", []),
    "one": (FIRST, [("", 2)]),
    "docker 20": (FIRST + FIRST, [("", 2), ("", 2)]),
    "docker 26": (HEAD + FIRST + HEAD + FIRST, [("", 3), ("", 3)]),
    "the builder alone": (HEAD + HEAD, [("", 1), ("", 1)]),
    "after an error": (
        b"#1 [internal] load a\nERROR: no\n#1 [internal] load a\n",
        [("", 1), ("", 1)],
    ),
    "a header that comes again": (b"#1 [internal] load a\n#1 DONE 0.0s\n#1 [internal] load a\n", [("", 2)]),
    "text before": (b"Login Succeeded\n\n#1 [internal] load a\n", [("", 1)]),
    "side by side": (b"a | #1 [1/1] RUN x\nb | #1 [1/1] RUN y\na | #1 DONE 1.0s\n", [("a", 1), ("b", 1)]),
    "docker compose": (b"fn-1   | #1 [1/1] RUN x\n", [("fn-1", 1)]),
    "an error first": (b"a | ERROR: no\n", [("a", 0)]),
    "an excerpt": (b"1000 | RUN x\n", [("", 0)]),
    "a function of digits": (b"1000 | #1 x\n1000 | RUN x\n", [("1000", 1)]),
}  # fmt: skip


@pytest.mark.parametrize(("log", "expected"), BUILDS.values(), ids=BUILDS)
def test_a_log_is_split_into_builds(log: bytes, expected: list[tuple[str, int]]) -> None:
    """One starts where the other has ended; marks keep functions apart."""
    assert shape(log) == expected


def test_builds_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks beyond the limit are not taken for functions."""
    monkeypatch.setattr(logs, "_MAX_BUILDS", 1)
    assert shape(b"a | #1 x\nb | #1 x\na | #2 y\n") == [("a", 2), ("", 0)]


PREFIXES = {
    "GitHub Actions": b"2026-11-24T10:00:00.1234567Z ",
    "GitHub Actions, an error": b"2026-11-24T10:00:00.1234567Z ##[error]",
    "GitHub Actions, the first line": b"\xef\xbb\xbf2026-11-24T10:00:00.1234567Z ",
    "gh run view": b"build\tRun faas-cache\t2026-11-24T10:00:00.1234567Z ",
    "GitLab": b"2026-11-24T10:00:00.123456Z 00O ",
    "Jenkins": b"[2026-11-24T10:00:00.123Z] ",
    "colours": b"\x1b[0K\x1b[32;1m",
}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_what_ci_systems_add_is_removed(prefix: bytes) -> None:
    """Clocks, names and colours."""
    log = b"".join(prefix + line + b"\n" for line in FIRST.splitlines())
    assert read_log(log) == (("", tuple(replaced(read(FIRST), ""))),)


@pytest.mark.parametrize("name", [name for name in NAMES if "bake" not in name])
def test_a_recorded_build_is_one_build(name: str) -> None:
    """A stream of rawjson gives its own events; its lines beside those of another build, the same steps."""
    data = stream(name).removesuffix(b"\n") + b"\n"
    assert read_log(data) == (("", tuple(replaced(read(data), ""))),)
    formatter = LineFormatter()
    lines = b"".join(map(formatter.format, read(data))).splitlines()
    both = b"".join(b"a | %s\nb | %s\n" % (line, line) for line in lines)
    (a, one), (b, two) = read_log(both)
    assert ((a, b), one) == (("a", "b"), tuple(replaced(list(two), "a")))


def replaced(events: list[Event], function: str) -> list[Event]:
    """The events as those of another function."""
    import attrs

    return [attrs.evolve(event, function=function) for event in events]


@given(st.lists(st.sampled_from([*FIRST.splitlines(), b"a | #1 x", b"\x1b[1m{"]) | st.binary()))
def test_any_log_is_read(lines: list[bytes]) -> None:
    """No log raises, and no line is lost but those of steps."""
    events = [event for _, events in read_log(b"\n".join(lines)) for event in events]
    assert all(isinstance(event, StepStarted | StepFinished | Output) or event for event in events)
