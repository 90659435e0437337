"""Stack files and projects that tests write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from faas_cache.stack_plan import StackPlan

if TYPE_CHECKING:
    from fake_docker import FakeDocker

HEAD = "version: 1.0\nprovider: {name: openfaas}\nfunctions:\n"
# One function that is cached, in a context of its own.
CACHED = "  fn: {image: a/fn, context: ., build_cache: max}\n"
# Two functions without a cache, in a context of their own.
TWO = "  one: {image: a/one, context: .}\n  two: {image: a/two, context: .}\n"
# What `docker buildx build` is called with for `CACHED`.
CACHE = (
    "--cache-from type=registry,ref=a/fn:buildcache"
    " --cache-to type=registry,ref=a/fn:buildcache,mode=max"
    " --build-arg BUILDKIT_INLINE_CACHE=1"
)
# A template, and a function that uses it.
TEMPLATE = {
    "template/py/template.yml": "build_options: [{name: dev, packages: [make, gcc]}]\n",
    "template/py/Dockerfile": "FROM a\n",
}
PYTHON = "  fn: {image: a/fn, lang: py, handler: ./fn}\n"
HANDLER = {"fn/handler.py": "x = 1\n"}
# The options of git that make a commit possible anywhere.
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.com")
_QUESTIONS = (("version",), ("info",), ("buildx", "version"), ("buildx", "inspect"))


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Writes files below a folder, which is returned."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def write_project(
    folder: Path, functions: str, files: Mapping[str, str] | None = None, *, after: str = ""
) -> Path:
    """Writes a stack file with these functions, and other files; returns the folder."""
    return write_files(folder, {"stack.yaml": HEAD + functions + after, **(files or {})})


def names(plan: StackPlan) -> list[str]:
    """The name of each diagnostic of a plan."""
    return [diagnostic.name for diagnostic in plan.diagnostics]


def shells(plan: StackPlan) -> list[str]:
    """The commands of a plan as text."""
    return [command.shell() for command in plan.commands()]


def builds(fake: FakeDocker) -> list[str]:
    """What docker was called with, but for questions; the file of the metadata is left out."""
    lines = []
    for call in fake.calls:
        if any(call.argv[: len(question)] == question for question in _QUESTIONS):
            continue
        words = list(call.argv)
        if "--metadata-file" in words:
            at = words.index("--metadata-file")
            del words[at : at + 2]
        lines.append(" ".join(words))
    return lines


def tree(folder: Path) -> dict[str, str]:
    """The files below a folder, by their relative path."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_text() for path in paths}
