"""`faas-cache plan`: prints the commands that a build would run, and runs none of them."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.loading import is_empty, load_project, nothing_to_do, plan_functions
from faas_cache.cli.output import ExitCode, print_command, print_json, print_result, warn
from faas_cache.model.text import printable
from faas_cache.render.commands import Command
from faas_cache.stack_plan import StackPlan

__all__ = ["print_plan", "run"]

# A line of JSON, in which every word is quoted, cannot be this one.
_END = "EOF"


def run(arguments: Arguments) -> int:
    """Prints one command a line, with `--bake` the one for all and its file, or the plan as JSON.

    Without `--inspect`, a current docker with buildx is assumed.
    """
    project = load_project(arguments)
    plan = plan_functions(project, arguments)
    if arguments.inspect:
        plan = project.preview(plan, bake=arguments.bake)
    return print_plan(plan, arguments)


def print_plan(plan: StackPlan, arguments: Arguments) -> int:
    """Prints the commands of a plan, also for the `--dry-run` of a build or a push."""
    bake = arguments.bake and bool(plan.plans)
    commands = plan.commands(bake=bake)  # raises the errors
    shown = commands if arguments.show_secrets else tuple(c.masked() for c in commands)
    if arguments.json:
        from faas_cache.serialization import to_dict

        print_json(to_dict(plan, secrets=arguments.show_secrets))
    else:
        reasons = _reasons(plan) if arguments.explain else {}
        equal = _equals(plan)
        for command in shown:
            print_command(f"{_script(command)}\n")
            if command.kind == "build":
                print_result("".join(reasons.get(command.function, ())))
                print_result(equal.get(command.function, ""))
    warn(*plan.diagnostics)
    if shown != commands:
        warn("secrets are masked with ***: --show-secrets prints the commands as they run")
    if skipped := nothing_to_do(plan, "build"):
        warn(skipped)
    return ExitCode.INVALID_INPUT if is_empty(plan) else ExitCode.DONE


def _script(command: Command) -> str:
    """The command for a shell, with what it reads from standard input as a here-document."""
    if not command.stdin:
        return command.shell()
    return f"{command.shell()} <<'{_END}'\n{command.stdin}\n{_END}"


def _equals(plan: StackPlan) -> dict[str, str]:
    """E8: the line that names the other functions of a build, by its function, as a comment."""
    others: dict[str, list[str]] = {}
    for name, first in plan.same_as.items():
        others.setdefault(first, []).append(name)
    return {
        first: f"# the same build: {printable(' '.join(', '.join(names).split()))}\n"
        for first, names in others.items()
    }


def _reasons(plan: StackPlan) -> dict[str, list[str]]:
    """The rule and the line behind each cache argument, by function, as shell comments."""
    whys = [(p.function, why) for p in plan.plans for why in p.why]
    locations = plan.stack.locations(why.location for _, why in whys)
    reasons: dict[str, list[str]] = {}
    for (function, why), location in zip(whys, locations, strict=True):
        part = printable(" ".join(why.part.split()))  # a line end would end the comment
        reasons.setdefault(function, []).append(f"#   {part}   {why.rule}, {location}\n")
    return reasons
