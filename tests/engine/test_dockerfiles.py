"""The reader of Dockerfiles against BuildKit: the names of its steps, and what runs them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faas_cache.buildkit.names import step_kind
from faas_cache.buildkit.reports import Step
from faas_cache.model.dockerfile_inputs import step_inputs
from faas_cache.model.dockerfiles import Dockerfile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engines import EngineProject

pytestmark = pytest.mark.engine

# Two named stages and one without a name, triggers, a here-document, continuations with comments, a
# WORKDIR that makes no step, and more than nine steps in one stage.
DOCKERFILE = """\
# escape=`
ARG BASE
FROM ${BASE} AS first
ONBUILD ARG TRIGGER=t
ONBUILD RUN echo ${TRIGGER}
WORKDIR /
RUN <<END
echo 'FROM scratch'
END
COPY `
  # a comment
  requirements.txt function/*.txt /in/
FROM first AS Second
ARG SHA
ENV SHA=${SHA}
RUN echo deps > /deps
LABEL a=b
FROM ${BASE}
RUN echo 1
RUN echo 2
RUN ["sh", "-c", "echo 3"]
RUN echo 4
RUN echo 5
RUN echo 6
RUN echo 7
COPY --from=second /deps /deps
COPY --from=0 /in /in
ADD --chmod=644 function/handler.txt /handler.txt
"""


def label(step: Step) -> str:
    """The part of the name of a step in brackets."""
    return step.name.partition("]")[0] + "]"


def names(dockerfile: Dockerfile, steps: Iterable[Step]) -> set[object]:
    """What the Dockerfile has for steps of a build; `None` for one that is not found."""
    return {dockerfile.find_step(step.name) for step in steps}


def build(project: EngineProject, sha: str, handler: str) -> tuple[Dockerfile, tuple[Step, ...]]:
    """The Dockerfile, and the steps of a build, without those of FROM and of BuildKit itself."""
    build_args = {"BASE": project.environ["FAAS_CACHE_TEST_BASE"], "SHA": sha}
    project.write("max", handler, context="build/fn", build_args=build_args)
    (project.folder / "build" / "fn" / "Dockerfile").write_text(DOCKERFILE)
    done = project.faas_cache("build", "--push", "--report", "report.json")
    assert done.returncode == 0, done.stderr
    steps = project.report().functions[0].report.steps
    return Dockerfile.parse(DOCKERFILE, build_args), tuple(
        step for step in steps if step_kind(step.name) == "build"
    )


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_steps_and_their_inputs(project: EngineProject) -> None:
    """Each step is found by the name that BuildKit prints, and runs again for its inputs alone."""
    dockerfile, steps = build(project, "1", "one")
    assert names(dockerfile, steps) == set(dockerfile.steps())
    own = {label(step) for step in steps if not label(step).startswith("[second")}
    assert own == {s.label for s in dockerfile.steps() if s.stage.name != "second"}
    inputs = {step: step_inputs(dockerfile, step) for step in dockerfile.steps()}

    # Another build argument: the steps that have it in scope run, and what copies from their stage.
    _, steps = build(project, "2", "one")
    ran = names(dockerfile, [step for step in steps if not step.cached])
    in_scope = {step for step, item in inputs.items() if "SHA" in item.environment}
    assert in_scope
    assert in_scope <= ran <= in_scope | {step for step, item in inputs.items() if 1 in item.stages}

    # Another handler: what reads its file, and what comes after that.
    _, steps = build(project, "2", "two")
    ran = names(dockerfile, [step for step in steps if not step.cached])
    assert {step for step, item in inputs.items() if "function" in str(item.files)} <= ran
    assert not ran & set(dockerfile.steps_of(dockerfile.stages[2])[:7])
