"""How the builds of a plan report their progress."""

from __future__ import annotations

import pytest

from faas_cache.model.builders import Builder
from faas_cache.model.errors import InvalidInput
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import BuildOptions
from faas_cache.project import Project
from faas_cache.render.front_ends import FRONT_ENDS, FrontEnd
from faas_cache.runner.progress import PROGRESS, ProgressRequest, check_progress
from faas_cache.stack_plan import StackPlan

CURRENT = Builder(docker="28.5.2", buildx="0.29.1", containerd_store=True)
OLDER = Builder(docker="26.1.5", buildx="0.13.1", containerd_store=True)
# A terminal, or several builds at once.
ALONE: dict[str, bool] = {}
DRAWN, SEVERAL = {"terminal": True}, {"several": True}


def plan(*flags: str, caching: bool = True, builder: Builder | None = CURRENT) -> StackPlan:
    """The plan of one function for a builder."""
    cache = "max" if caching else None
    project = Project.of(
        FunctionSpec(name="fn", image="a/fn", context=".", build_cache=cache), environ={}
    )
    planned = project.plan(options=BuildOptions(builder_flags=flags))
    return planned if builder is None else planned.on(builder)


@pytest.mark.parametrize(
    ("value", "variable", "alone", "drawn", "several"),
    [
        ("auto", "", "rawjson", "history", "rawjson"),
        ("auto", "auto", "rawjson", "history", "rawjson"),
        ("auto", "plain", "rawjson", "rawjson", "rawjson"),
        ("auto", "tty", "rawjson", "history", "rawjson"),
        ("auto", "rawjson", "raw", "raw", "rawjson"),
        ("auto", "quiet", "rawjson", "rawjson", "rawjson"),
        ("auto", "other", "", "", ""),
        ("plain", "tty", "rawjson", "rawjson", "rawjson"),
        ("rawjson", "", "raw", "raw", "rawjson"),
        ("quiet", "", "rawjson", "rawjson", "rawjson"),
        ("tty", "", "rawjson", "history", "rawjson"),
    ],
)
def test_the_progress_that_was_asked_for(
    value: str, variable: str, alone: str, drawn: str, several: str
) -> None:
    """The caller's value counts before `BUILDKIT_PROGRESS`; a report is made with each that prints steps."""
    cached, environ = plan(), {"BUILDKIT_PROGRESS": variable} if variable else {}
    asked = ProgressRequest.of(cached, environ, value)
    assert [asked.choose(cached, **how) for how in (ALONE, DRAWN, SEVERAL)] == [
        alone,
        drawn,
        several,
    ]


@pytest.mark.parametrize(
    ("flags", "builder", "value", "progress"),
    [
        (["--progress=plain"], CURRENT, "plain", "plain"),
        (["--progress=tty", "--progress=plain"], CURRENT, "plain", "plain"),
        (["--progress=rawjson"], CURRENT, "rawjson", "raw"),
        (["--progress=quiet"], CURRENT, "quiet", "silent"),
        (["--progress=none"], OLDER, "none", "plain"),
        (["--progress="], CURRENT, "auto", "rawjson"),
        (["--ulimit=nofile=1", "-x"], CURRENT, "auto", "rawjson"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_builder_flag_is_followed(
    flags: list[str], builder: Builder, value: str, progress: str
) -> None:
    """It is passed on, and the report is made from what it leaves: plain lines, JSON, or the history."""
    cached = plan(*flags, builder=builder)
    asked = ProgressRequest.of(cached, {"BUILDKIT_PROGRESS": "auto"}, "auto")
    assert (asked.value, asked.fixed) == (value, value != "auto")
    assert asked.choose(cached) == progress


@pytest.mark.parametrize(
    ("value", "terminal", "progress"),
    [
        ("auto", False, ""),
        ("auto", True, ""),
        ("plain", True, "plain"),
        ("tty", True, ""),
        ("rawjson", False, "raw"),
        ("quiet", False, ""),
    ],
)
def test_without_a_cache_docker_shows_what_it_likes(
    value: str,
    terminal: bool,  # noqa: FBT001  # a column of the table
    progress: str,
) -> None:
    """Unless something was asked for."""
    plain = plan(caching=False, builder=None)
    assert ProgressRequest.of(plain, {}, value).choose(plain, terminal=terminal) == progress


def test_an_older_buildx_draws_without_a_record() -> None:
    """There is no report of what it drew, so that it draws only when asked to."""
    older = plan(builder=OLDER)
    choices = [
        ProgressRequest.of(older, {}, value).choose(older, terminal=True)
        for value in ("auto", "tty")
    ]
    assert choices == ["rawjson", ""]


def test_a_front_end_decides_what_it_can_print() -> None:
    """One of another program prints what it likes; one with plain lines is read."""
    own = FrontEnd(name="own", program="own", build=FRONT_ENDS["docker_build"].build)
    plain = FrontEnd(name="own", program="own", build=own.build, progress="plain")
    plans = [plan(builder=None).using(front_end) for front_end in (own, plain)]
    assert [ProgressRequest.of(each, {}, "auto").choose(each) for each in plans] == ["", "plain"]
    empty = Project.of(environ={}).plan()
    assert ProgressRequest.of(empty, {}, "auto").choose(empty) == ""


@pytest.mark.parametrize(
    ("value", "terminal", "several", "message"),
    [
        ("fancy", True, False, "invalid progress `fancy`"),
        ("tty", False, False, "`--progress tty` needs a terminal"),
        ("tty", True, True, "`--progress tty` conflicts with `--parallel`"),
        ("rawjson", False, True, "`--progress rawjson` conflicts with `--parallel`"),
    ],
)
def test_what_cannot_be_shown_is_an_error(
    value: str,
    terminal: bool,  # noqa: FBT001  # a column of the table
    several: bool,  # noqa: FBT001  # the same
    message: str,
) -> None:
    """Before anything runs."""
    with pytest.raises(InvalidInput) as error:
        check_progress(value, terminal=terminal, several=several)
    assert [diagnostic.message for diagnostic in error.value.diagnostics] == [message]


@pytest.mark.parametrize("value", PROGRESS)
def test_one_build_on_a_terminal_can_show_everything(value: str) -> None:
    """All of docker's values."""
    check_progress(value, terminal=True, several=False)
