"""`.pre-commit-hooks.yaml`: it can be read, and its entry is a command line of this package."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from documents import parse_command
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
HOOKS: list[dict[str, Any]] = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())
# What pre-commit requires of a hook.
REQUIRED = {"id", "name", "entry", "language"}


def test_the_hook_of_the_documentation_exists() -> None:
    """Its id is what a `.pre-commit-config.yaml` names."""
    assert [hook["id"] for hook in HOOKS] == ["faas-cache-check"]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_is_a_valid_command_line(hook: dict[str, Any]) -> None:
    """Its program is installed with the package, and the command line accepts its arguments."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    program, *words = shlex.split(hook["entry"])
    assert hook.keys() >= REQUIRED
    assert (hook["language"], program in scripts) == ("python", True)
    parse_command([*words, *hook.get("args", ())])


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("stack.yaml", True),
        ("stack.yml", True),
        ("functions/stack.yaml", True),
        ("mystack.yaml", False),
        ("stack.yaml.bak", False),
    ],
)
def test_a_hook_runs_for_stack_files(path: str, matches: bool) -> None:  # noqa: FBT001  # a column
    """pre-commit searches for its pattern in each path; the command reads the stack file itself."""
    (hook,) = HOOKS
    assert bool(re.search(hook["files"], path)) == matches
    assert hook["pass_filenames"] is False
