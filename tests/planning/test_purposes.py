"""Plans of a push and of contexts: what only a build needs is not an error there."""

import json
from typing import Any

import pytest

from faas_cache.model.errors import InvalidInput
from faas_cache.planning.options import BuildOptions
from faas_cache.render.front_ends import FRONT_ENDS
from faas_cache.stack.stack_file import Stack
from faas_cache.stack.templates import Template
from faas_cache.stack_plan import PlanInputs, Request, StackPlan, plan_stack

FAULTY = {
    "lang": "gone",
    "handler": "./gone",
    "image": "a/fn:1",
    "build_cache": "Max",
    "builder_flags": ["x"],
    "build_options": ["nope"],
    "platforms": "linux/amd64,linux/arm64",
}


def plan(functions: dict[str, Any], **arguments: Any) -> StackPlan:  # noqa: ANN401  # those of plan_stack
    """The plan of a stack file with these functions."""
    text = json.dumps({"provider": {"name": "openfaas"}, "functions": functions})
    return plan_stack(Stack.loads(text, {}, file="stack.yaml"), **arguments)


def shells(stack_plan: StackPlan) -> list[str]:
    """The commands as text."""
    return [command.shell() for command in stack_plan.commands()]


def test_a_push_only_needs_the_image() -> None:
    """A build of the same function has errors."""
    options = BuildOptions(extra_tags=["v1"])
    pushed = plan({"fn": FAULTY}, purpose="push", options=options)
    assert (pushed.diagnostics, shells(pushed)) == (
        (),
        ["docker push a/fn:1", "docker push a/fn:v1"],
    )
    assert plan({"fn": FAULTY}).errors


def test_a_push_of_another_program() -> None:
    """Buildx pushes while it builds, so docker pushes what it built."""
    pushed = plan({"fn": FAULTY}, purpose="push")
    programs = [pushed.using(FRONT_ENDS[n]) for n in ("buildah_build", "buildx_build")]
    assert [shells(each)[0].split()[0] for each in programs] == ["buildah", "docker"]


def test_contexts_only_need_their_sources() -> None:
    """The plan has neither commands nor images."""
    contexts = plan({"fn": {**FAULTY, "image": None}}, purpose="contexts")
    assert (contexts.diagnostics, contexts.commands()) == ((), ())
    assert [(p.context, p.tags) for p in contexts.plans] == [("build/fn", ())]


def test_a_purpose_is_one_of_three() -> None:
    """Anything else is an error that lists them."""
    with pytest.raises(InvalidInput) as caught:
        Request(purpose="deploy")  # type: ignore[arg-type]  # what is tested
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.message, diagnostic.hint, diagnostic.location.path) == (
        "unknown purpose `deploy`",
        "use one of build, push, contexts",
        ("purpose",),
    )


@pytest.mark.parametrize(
    ("environ", "ssh", "warnings"),
    [
        (None, ("default",), []),
        ({"SSH_AUTH_SOCK": "/agent"}, ("default",), []),
        ({"SSH_AUTH_SOCK": ""}, (), ["missing-ssh-agent"]),
        ({}, (), ["missing-ssh-agent"]),
    ],
)
def test_a_template_mounts_the_agent_that_there_is(
    environ: dict[str, str] | None, ssh: tuple[str, ...], warnings: list[str]
) -> None:
    """A1: BuildKit is enabled in any case, as for faas-cli; what a function asks for is kept."""
    inputs = PlanInputs(environ=environ, templates={"go": Template(name="go", mount_ssh=True)})
    fn = {"lang": "go", "handler": "fn", "image": "a/fn"}
    planned = plan({"fn": fn, "own": {**fn, "image": "a/own", "ssh": ["key=./k"]}}, inputs=inputs)
    assert [d.name for d in planned.diagnostics] == warnings
    assert [p.ssh for p in planned.plans] == [ssh, ("key=./k",)]
    assert [dict(p.env) for p in planned.plans] == [{"DOCKER_BUILDKIT": "1"}] * 2
