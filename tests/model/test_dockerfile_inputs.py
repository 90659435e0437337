"""Steps of Dockerfiles: what BuildKit names them, and what their results depend on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.dockerfile_inputs import StepInputs, context_copies, step_inputs
from faas_cache.model.dockerfiles import Dockerfile, Stage, Step
from faas_cache.model.frozen_map import FrozenMap

TWO = """\
ARG TAG=1
FROM golang:$TAG AS build
ARG SHA
ENV CGO=0
WORKDIR /src
COPY go.mod ./
RUN go mod download
FROM alpine
COPY --from=build /src/fn /fn
COPY . /app
"""


def step(dockerfile: Dockerfile, line: int) -> Step:
    """The step on a line."""
    return next(s for s in dockerfile.steps() if s.instruction.line == line)


def inputs(text: str, line: int, **build_args: str) -> StepInputs:
    """The inputs of the step on a line."""
    dockerfile = Dockerfile.parse(text, build_args)
    return step_inputs(dockerfile, step(dockerfile, line))


# Names of steps: `tests/engine/test_dockerfiles.py` compares them with those of BuildKit.


def test_labels() -> None:
    """Each step has the number that BuildKit gives it; FROM with an image is the first."""
    assert [s.label for s in Dockerfile.parse(TWO).steps()] == [
        "[build 2/4]",
        "[build 3/4]",
        "[build 4/4]",
        "[stage-1 2/3]",
        "[stage-1 3/3]",
    ]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("FROM a AS x\nRUN b", ["[2/2]"]),
        ("FROM scratch\nCOPY b /", ["[1/1]"]),
        ("FROM a AS x\nRUN b\nFROM x\nRUN c\n", ["[x 2/2]", "[stage-1 1/1]"]),
        ("FROM a\n" + "RUN b\n" * 9, [f"[{i:>2}/10]" for i in range(2, 11)]),
        ("FROM a\nENV A=b\nCMD c\nEXPOSE 1", []),
        ("FROM a AS x\nONBUILD COPY b /\nFROM x\nRUN c", ["[stage-1 1/2]", "[stage-1 2/2]"]),
        ("FROM a\nWORKDIR /\nRUN b", ["[2/3]"]),
        ("", []),
    ],
)
def test_labels_of_other_stages(text: str, labels: list[str]) -> None:
    """A stage without an image has no FROM; one that is alone has no name."""
    assert [s.label for s in Dockerfile.parse(text).steps()] == labels


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("[build 2/4] WORKDIR /src", 5),
        ("[linux/arm64 build 4/4] RUN go mod download", 7),
        ("[linux/arm64->amd64 stage-1 3/3] COPY . /app", 10),
        # A trigger of the base image has the first number.
        ("[stage-1 3/4] COPY --from=build /src/fn /fn", 9),
        ("[stage-1 4/4] COPY . /app", 10),
        ("[build 5/6] RUN go mod download", 7),
        ("[stage-1 2/4] ONBUILD RUN make", None),
        ("[build 1/4] FROM golang", None),
        ("[build 5/4] RUN x", None),
        ("[build 4/4]", 7),
        ("[build 9/9]", None),
        ("[other 2/4] RUN x", None),
        ("[internal] load build context", None),
        ("exporting to image", None),
    ],
)
def test_find_step(name: str, line: int | None) -> None:
    """By the name of its stage, its number and its text, with a platform or without."""
    found = Dockerfile.parse(TWO).find_step(name)
    assert (None if found is None else found.instruction.line) == line


def test_find_step_among_many() -> None:
    """Numbers are padded where a stage has ten steps or more."""
    dockerfile = Dockerfile.parse("FROM a AS b\nFROM b AS c\n" + "RUN d\n" * 12)
    found = [dockerfile.find_step(f"[c {number:>2}/12] RUN d") for number in range(1, 13)]
    assert found == list(dockerfile.steps())


def test_find_step_of_a_single_stage() -> None:
    """A word in front of the number can only be a platform."""
    dockerfile = Dockerfile.parse("FROM a AS x\nRUN b")
    names = ("[2/2] RUN b", "[linux/amd64 2/2] RUN b", "[x 2/2] RUN b")
    assert [dockerfile.find_step(name) is not None for name in names] == [True, True, False]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("run make  all $A", "RUN make  all 1"),
        ("COPY \\\n  # why\n  a b /", "COPY   a b /"),
        ('RUN ["a", "b"]', 'RUN ["a", "b"]'),
        ("RUN --mount=type=cache,target=/c make", "RUN --mount=type=cache,target=/c make"),
        ("RUN <<E\nmake\nE", "RUN <<E (make)"),
        ("COPY 'a b' /", "COPY a b /"),
    ],
)
def test_find_step_of_any_form(line: str, name: str) -> None:
    """BuildKit replaces variables in a name, and removes some quotes."""
    dockerfile = Dockerfile.parse(f"FROM a\n{line}\n")
    assert dockerfile.find_step(f"[2/2] {name}") == dockerfile.steps()[0]
    assert dockerfile.find_step("[2/2] ADD x /") is None


def test_every_label_is_found() -> None:
    """Each step by its own label."""
    dockerfile = Dockerfile.parse(TWO)
    assert [dockerfile.find_step(s.label) for s in dockerfile.steps()] == list(dockerfile.steps())


# Stages.


def names(stages: tuple[Stage, ...]) -> list[str]:
    return [stage.name or str(stage.number) for stage in stages]


def test_targets() -> None:
    """A target is a name or a number; only the stages that it needs are built."""
    text = "FROM a AS x\nFROM b AS Y\nFROM x AS z\nCOPY --from=y / /\nFROM c\n"
    dockerfile = Dockerfile.parse(text)
    assert names(dockerfile.built()) == ["3"]
    assert names(dockerfile.built("Z")) == names(dockerfile.built("2")) == ["x", "y", "z"]
    assert names(dockerfile.included("z")) == ["x", "z"]
    assert dockerfile.built("no") == dockerfile.built("9") == ()
    assert dockerfile.base_images("z") == ("a", "b")
    assert Dockerfile.parse("").built() == ()


def test_base_images_with_variables() -> None:
    """Arguments before FROM have defaults, which build arguments replace."""
    text = "ARG V=1\nARG W=${V}w\nARG X\nFROM a:$V AS b\nFROM ${W}:2\nCOPY --from=b / /\nFROM $X\n"
    assert Dockerfile.parse(text).base_images("1") == ("a:1", "1w:2")
    assert Dockerfile.parse(text, {"V": "3"}).base_images("1") == ("a:3", "3w:2")
    assert Dockerfile.parse(text).base_images() == ()
    assert Dockerfile.parse(text, {"X": "b"}).base_images() == ("a:1",)
    assert Dockerfile.parse("FROM scratch").base_images() == ()


def test_platform() -> None:
    """The platform of a stage, with its variables replaced."""
    (stage,) = Dockerfile.parse("ARG P=linux/arm64\nFROM --platform=$P a").stages
    assert (stage.platform, stage.base, stage.line) == ("linux/arm64", "a", 2)


def test_declared_arguments() -> None:
    """Those of every stage, of before FROM, and of ONBUILD."""
    text = "ARG A\nFROM a\nARG B=1 C\nONBUILD ARG D\nENV E=1"
    assert Dockerfile.parse(text).declared == {"A", "B", "C", "D"}


# Inputs.


def test_inputs_of_a_copy() -> None:
    """Its files, and the variables that its words use."""
    text = "FROM a\nARG D=/d\nENV E=e\nARG F\nCOPY --chown=$E ./x/ b*/ $D/\n"
    assert inputs(text, 5) == StepInputs(
        base="a",
        files=("x", "b*"),
        arguments=FrozenMap(D="/d"),
        environment=FrozenMap(E="e"),
    )


def test_inputs_of_a_run() -> None:
    """Every variable in scope is in its environment, whatever it uses."""
    made = inputs(TWO, 7, SHA="abc", TAG="2")
    assert made == StepInputs(
        base="golang:2", arguments=FrozenMap(SHA="abc"), environment=FrozenMap(CGO="0")
    )


def test_inputs_from_stages_and_images() -> None:
    """By name or number; only COPY counts stages, and a mount of RUN does not."""
    text = (
        "FROM a AS x\nFROM b\nCOPY --from=X /a /\nCOPY --from=0 /a /\nCOPY --from=nginx /a /\n"
        "RUN --mount=from=x,target=/x --mount=from=0,target=/y make\nCOPY --from=9 /a /\n"
    )
    made = [inputs(text, line) for line in range(3, 8)]
    assert [(m.files, m.stages, m.images) for m in made] == [
        ((), (0,), ()),
        ((), (0,), ()),
        ((), (), ("nginx",)),
        ((), (0,), ("0",)),
        ((), (), ("9",)),
    ]


def test_inputs_of_mounts() -> None:
    """A bind mount without `from` reads the context; BuildKit does not compare secrets."""
    text = (
        "FROM a\nARG S=src\nRUN --mount=source=$S,target=/s --mount=type=bind,target=/b"
        " --mount=type=cache,target=/c --mount=type=secret,id=t --mount=type=secret,target=/run/u"
        " --mount=type=secret,src=v make"
    )
    made = inputs(text, 3)
    assert (made.files, made.secrets) == (("src", "."), ("t", "u", "v"))


def test_inputs_of_add() -> None:
    """What it fetches is not in the context."""
    text = "FROM a\nARG V=1\nADD https://x/$V.tar git@h:r --exclude=y --exclude=z a.txt /\n"
    made = inputs(text, 3)
    assert (made.urls, made.files) == (
        ("https://x/1.tar", "git@h:r"),
        ("--exclude=y", "--exclude=z", "a.txt"),
    )
    made = inputs("FROM a\nADD --exclude=*.md --exclude=b . /\n", 2)
    assert (made.files, made.excludes) == ((".",), ("*.md", "b"))


def test_inputs_of_here_documents() -> None:
    """A here-document is not in the context; its variables are inputs unless it is quoted."""
    text = "FROM a\nARG A=1\nARG B=2\nCOPY <<x <<'y' z /\n$A\nx\n$B\ny\n"
    made = inputs(text, 4)
    assert (made.files, made.arguments) == (("z",), {"A": "1"})


def test_scope() -> None:
    """Variables hold from their line on, in the stages that begin from this one too."""
    text = (
        "ARG G=g\nFROM a AS b\nRUN 0\nARG A=1 G\nRUN 1\nENV A=2 B=$A\nRUN 2\nARG A=3\nRUN 3\n"
        "FROM b AS c\nARG N\nRUN 4\nFROM d\nRUN 5\nCOPY --from=c / /\n"
    )
    made = [inputs(text, line) for line in (3, 5, 7, 9, 12, 14)]
    assert [(m.base, m.arguments, m.environment) for m in made] == [
        ("a", {}, {}),
        ("a", {"A": "1", "G": "g"}, {}),
        ("a", {"G": "g"}, {"A": "2", "B": "1"}),
        ("a", {"A": "3", "G": "g"}, {"B": "1"}),
        ("a", {"A": "3", "G": "g"}, {"B": "1"}),
        ("d", {}, {}),
    ]
    assert inputs(text, 5, A="x").arguments == {"A": "x", "G": "g"}


def test_scope_of_triggers() -> None:
    """What ONBUILD sets applies in the stage that begins from it, not in its own."""
    text = "FROM a AS b\nONBUILD ARG A=1\nONBUILD RUN x\nRUN y\nFROM b\nRUN z"
    dockerfile = Dockerfile.parse(text)
    made = {s.label: step_inputs(dockerfile, s).arguments for s in dockerfile.steps()}
    assert made == {"[b 2/2]": {}, "[stage-1 1/3]": {"A": "1"}, "[stage-1 2/3]": {"A": "1"}}


def test_context_copies() -> None:
    """What the built stages copy from the context, and whether it is everything."""
    text = (
        "FROM a AS unused\nCOPY . /\nFROM b AS c\nARG D=src\nADD --exclude=.git ./ /\nCOPY * /\n"
        "FROM d\nCOPY --from=c / /\nCOPY package.json $D /\nADD https://x /\nRUN x\nCOPY a/.. /\n"
    )
    copies = context_copies(Dockerfile.parse(text))
    assert [(c.paths, c.excludes, c.is_whole, c.step.instruction.line) for c in copies] == [
        ((".",), (".git",), True, 5),
        (("*",), (), True, 6),
        (("package.json", "."), (), True, 9),
        ((".",), (), True, 12),
    ]


def test_many_copies_with_variables() -> None:
    """After the first hundred, variables stay as they are written."""
    text = "FROM a\nARG D=src\n" + "COPY $D /\n" * 101
    paths = [copy.paths for copy in context_copies(Dockerfile.parse(text))]
    assert paths == [("src",)] * 100 + [("$D",)]


TEXTS = st.text(alphabet="FROMCPYAG aS<<E'\n\\#=,-$\r\x0b0/.", max_size=200)


@given(TEXTS, st.dictionaries(st.text(alphabet="AB", min_size=1), st.text(max_size=3), max_size=2))
def test_any_text_has_steps_with_inputs(text: str, build_args: dict[str, str]) -> None:
    """Whatever the text, its steps have labels that find them, and inputs."""
    dockerfile = Dockerfile.parse(text, build_args)
    for found in dockerfile.steps():
        assert isinstance(step_inputs(dockerfile, found), StepInputs)
        assert dockerfile.find_step(found.label) is not None
    assert all(copy.paths for copy in context_copies(dockerfile))
