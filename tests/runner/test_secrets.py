"""The values of secret build arguments, in what a builder prints."""

from __future__ import annotations

import io
import os
import pty
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stack_files import write_project

from faas_cache.buildkit.events import (
    BuildStarted,
    Event,
    Output,
    StepFinished,
    StepProgress,
    StepStarted,
)
from faas_cache.planning.plan import BuildPlan
from faas_cache.project import Project
from faas_cache.runner.recording import Recorder
from faas_cache.runner.secrets import NO_SECRETS, SecretStream, SecretValues
from faas_cache.serialization import to_dict

if TYPE_CHECKING:
    from pathlib import Path

    from fake_docker import FakeDocker

VALUE = "s3cr3t-value"
SECRETS = SecretValues([VALUE])
LOG = (
    f"#5 [2/3] RUN echo {VALUE}\n#5 0.1 it is {VALUE}!\n#5 ERROR: process {VALUE} failed\n"
    f"ERROR: failed to solve: process {VALUE} failed\n"
)
FUNCTION = (
    f"  fn: {{image: a/fn, context: ., build_args: {{NPM_TOKEN: {VALUE}, OTHER: visible}}}}\n"
)
CACHED_FUNCTION = FUNCTION.replace("context", "build_cache: max, context")


@pytest.mark.parametrize(
    ("event", "masked"),
    [
        (
            StepStarted(function="fn", step="1", name=f"RUN {VALUE}\udcff", kind="build"),
            StepStarted(function="fn", step="1", name="RUN ***\udcff", kind="build"),
        ),
        (
            StepProgress(function="fn", step="1", status=f"a {VALUE}"),
            StepProgress(function="fn", step="1", status="a ***"),
        ),
        (
            StepFinished(function="fn", step="1", error=f"a {VALUE} b"),
            StepFinished(function="fn", step="1", error="a *** b"),
        ),
        (
            Output(function="fn", data=f"{VALUE}{VALUE}\n".encode()),
            Output(function="fn", data=b"******\n"),
        ),
        (BuildStarted(function=VALUE), BuildStarted(function=VALUE)),
    ],
)
def test_an_event_has_no_secret(event: Event, masked: Event) -> None:
    """In none of its texts; the name of a function is no output."""
    assert (SECRETS.mask_event(event), NO_SECRETS.mask_event(event)) == (masked, event)


def test_short_values_are_words() -> None:
    """`true` is one of every log; a value of several lines is masked line by line, the longest first."""
    secrets = SecretValues(["true", "", "-----KEY\n  abcdef\nxy\n", "abcdefgh"])
    assert secrets.mask(b"true abcdefgh abcdef xy -----KEY") == b"true *** *** xy ***"
    assert (bool(SecretValues(["true"])), NO_SECRETS.mask(b"x"), bool(secrets)) == (
        False,
        b"x",
        True,
    )


@given(
    st.lists(st.sampled_from([VALUE, VALUE[:7], VALUE[3:], "x", "\n", "s3c"]), max_size=12),
    st.lists(st.integers(0, 99), max_size=6),
)
def test_blocks_do_not_matter(words: list[str], cuts: list[int]) -> None:
    """What is shown does not depend on how the output is cut, and holds no value."""
    data = "".join(words).encode()
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    stream = SecretStream(SECRETS)
    blocks = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    shown = b"".join([*map(stream.feed, blocks), stream.close()])
    assert shown == SECRETS.mask(data)
    assert VALUE.encode() not in shown


# One begins with another, one overlaps another, and one is within another.
OVERLAPPING = ("abcdef", "abcdef-longer-token", "tokenabc", "longer")


@given(
    st.lists(st.sampled_from([*OVERLAPPING, "abc", "def", "-lon", "-token", "x"]), max_size=8),
    st.lists(st.integers(0, 60), max_size=6),
)
def test_blocks_do_not_matter_for_overlapping_values(words: list[str], cuts: list[int]) -> None:
    """The rest of a longer value never follows a shorter one that was masked."""
    secrets = SecretValues(OVERLAPPING)
    data = "".join(words).encode()
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    stream = SecretStream(secrets)
    blocks = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert b"".join([*map(stream.feed, blocks), stream.close()]) == secrets.mask(data)


def test_a_longer_value_is_masked_as_a_whole() -> None:
    """Also where a block ends after the shorter one that it begins with."""
    stream = SecretStream(SecretValues(OVERLAPPING))
    shown = [stream.feed(b"it is abcdef"), stream.feed(b"-longer-token!"), stream.close()]
    assert shown == [b"it is ", b"***!", b""]


def test_arguments_among_the_builder_flags_are_masked() -> None:
    """One that is passed by name alone has its value in the environment."""
    plan = BuildPlan(
        function="fn",
        tags=["a/fn"],
        build_args={"API_TOKEN": "from-the-file"},
        builder_flags=["--build-arg=DB_PASSWORD=in-a-flag", "--build-arg=NPM_TOKEN"],
    )
    secrets = SecretValues.of([plan], {"NPM_TOKEN": "in-the-environment"})
    shown = secrets.mask(b"from-the-file in-a-flag in-the-environment")
    assert shown == b"*** *** ***"


@pytest.mark.parametrize("length", [1023, 1024, 1025, 1029, 1030, 2050, 100_000])
def test_a_long_value_is_masked_in_pieces(length: int) -> None:
    """Of it, nothing is left that is longer than a word, and little is held back."""
    value = "".join(f"{number:x}" for number in range(length))[:length]
    secrets = SecretValues([value])
    stream = SecretStream(secrets)
    data = f"before {value} after\n".encode() * 3
    shown = b"".join(stream.feed(data[at : at + 4096]) for at in range(0, len(data), 4096))
    shown += stream.close()
    assert not any(value[at : at + 6].encode() in shown for at in range(0, length - 6, 7))
    assert (
        shown.count(b"before ***"),
        length - 1 - secrets.settled(value[:-1].encode()) < 1030,
    ) == (3, True)


def built(root: Path, fake: FakeDocker, functions: str, **how: object) -> tuple[str, str]:
    """What a failed build shows, and its result as JSON."""
    fake.describe()
    fake.answer("*build *", stderr=LOG, exit_code=1)
    output = io.BytesIO()
    project = Project.load(root=write_project(root, functions), environ=fake.environ)
    events: list[Event] = []
    result = project.build(project.plan(), output=output, on_event=events.append, **how)  # type: ignore[arg-type]  # its options
    assert result.functions[0].status == "failed"
    return output.getvalue().decode(), f"{to_dict(result)} {[to_dict(event) for event in events]}"


@pytest.mark.parametrize("functions", [FUNCTION, CACHED_FUNCTION], ids=["plain", "rawjson"])
@pytest.mark.parametrize("how", [{}, {"verbose": True}, {"quiet": True}, {"progress": "plain"}])
def test_a_build_shows_no_secret(
    tmp_path: Path, fake_docker: FakeDocker, functions: str, how: dict[str, object]
) -> None:
    """Neither in its log nor in its report, in any form of progress."""
    shown, report = built(tmp_path / "p", fake_docker, functions, **how)
    assert ("it is ***!" in shown, VALUE in shown, VALUE in report) == (True, False, False)


@pytest.mark.parametrize(
    ("log", "shown"),
    [(f"it is {VALUE}", "it is ***"), ("it is s3cr3t-", "it is s3cr3t-"), ("", "")],
)
def test_the_end_of_the_output_is_shown(
    tmp_path: Path, fake_docker: FakeDocker, log: str, shown: str
) -> None:
    """Also where it might be the beginning of a value."""
    fake_docker.answer("*build *", stderr=log)
    output = io.BytesIO()
    root = write_project(tmp_path / "p", FUNCTION)
    project = Project.load(root=root, environ=fake_docker.environ)
    project.build(project.plan(), output=output)
    assert output.getvalue().decode() == shown


def test_a_drawing_shows_no_secret(tmp_path: Path, fake_docker: FakeDocker) -> None:
    """On a terminal, where the explanation is made from what was drawn."""
    master, theirs = pty.openpty()
    fake_docker.describe()
    fake_docker.answer("*build *", stderr=LOG, exit_code=1)
    project = Project.load(
        root=write_project(tmp_path / "p", FUNCTION), environ=fake_docker.environ
    )
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        result = project.build(project.plan(), output=terminal)
        screen = os.read(master, 65536).decode()
    os.close(master)
    assert ("it is ***!" in screen, VALUE in screen) == (True, False)
    (function,) = result.functions
    assert function.explanation is not None
    assert "***" in function.explanation.error


def test_the_beginning_of_a_secret_is_not_drawn_before_its_end() -> None:
    """A block may end within a value; at the end, what is left was none."""
    shown: list[bytes] = []
    recorder = Recorder("fn", None, shown.append, lambda _: None, "nothing", secrets=SECRETS)
    for block in (b"s3cr", b"3t-value;", b"s3cr"):
        recorder.draw(block)
    recorder.close(0)
    assert (len(shown) < 4, b"".join(shown)) == (True, b"***;s3cr")
