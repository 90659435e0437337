"""Real engines: started on demand, one test at a time, each with a project and a repository of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import attrs

from faas_cache import BuildResult, Project, from_dict
from faas_cache.cli.commands import COMMANDS

UP = (Path(__file__).parents[2] / "shared" / "engine" / "up").resolve()
REQUIRED = os.environ.get("FAAS_CACHE_REQUIRE_ENGINE") == "1"
# docker28 comes from a Debian suite that moves; it alone may be missing.
OPTIONAL_ENGINES = {"docker28"}

# An instruction of a Dockerfile as BuildKit names it; FROM is not one, since it is never built.
_STEP = re.compile(r"\[(?!internal|auth)[^\]]*\d+/\d+\] (?!FROM )(?P<step>.*)", re.DOTALL)


@cache
def engine_environment(name: str) -> dict[str, str] | None:
    """The environment of a running engine; `None` if it cannot be started, which `up` explains on stderr."""
    if not UP.exists():
        return None
    done = subprocess.run([UP, name], check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return None
    exports = re.findall(r"^export (\w+)=(.*)$", done.stdout, re.MULTILINE)
    dropped = ("DOCKER_CONTEXT", "DOCKER_BUILDKIT", "BUILDX_BUILDER", "BUILDX_CONFIG")
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    return kept | {key: shlex.split(value)[0] for key, value in exports}


@attrs.define
class EngineProject:
    """A project of one function on one engine: its folder, its image, and what a user does with it."""

    folder: Path
    environ: dict[str, str]
    image: str

    @property
    def repository(self) -> str:
        """What the names of all images of this project begin with."""
        return self.image.rpartition("/")[0]

    def write(self, setting: object, handler: str, **more: object) -> None:
        """Writes the stack file (JSON is YAML) and the build context that `faas-cli build --shrinkwrap` writes."""
        function = {
            "lang": "dockerfile",
            "handler": "./fn",
            "image": self.image,
            "build_cache": setting,
            **more,
        }
        stack = {"version": "1.0", "provider": {"name": "openfaas"}, "functions": {"fn": function}}
        (self.folder / "stack.yaml").write_text(json.dumps(stack, indent=1))
        context = self.folder / "build" / "fn"
        (context / "function").mkdir(parents=True, exist_ok=True)
        (context / "requirements.txt").write_text("requests\n")
        (context / "function" / "handler.txt").write_text(handler)
        base = self.environ["FAAS_CACHE_TEST_BASE"]
        (context / "Dockerfile").write_text(
            f"FROM {base} AS deps\n"
            "COPY requirements.txt /requirements.txt\n"
            "RUN cat /proc/sys/kernel/random/uuid > /deps\n"
            f"FROM {base}\n"
            "COPY --from=deps /deps /deps\n"
            "RUN cat /proc/sys/kernel/random/uuid > /own\n"
            "COPY function/ /function/\n"
        )

    def faas_cache(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs the command line as a user does."""
        return subprocess.run(
            self.argv(*words),
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environ,
        )

    def argv(self, *words: str) -> list[str]:
        """The command line with these words; contexts that `write` wrote are built as they are."""
        flags = {flag.name for _, group in COMMANDS[words[0]].groups for flag in group}
        written = (self.folder / "build" / "fn").exists() and not (self.folder / "fn").exists()
        more = ["--prebuilt"] if written and "--prebuilt" in flags else []
        return [sys.executable, "-m", "faas_cache", *words, *more]

    def report(self) -> BuildResult:
        """The result that `--report report.json` wrote."""
        return from_dict(json.loads((self.folder / "report.json").read_text()), BuildResult)

    def docker(self, *words: str) -> str:
        """The output of docker, which must succeed."""
        argv = ["docker", *words]
        return subprocess.run(
            argv, check=True, capture_output=True, text=True, env=self.environ
        ).stdout

    def wipe(self) -> None:
        """Empties the builder as on a new CI machine: no image of this project, no build cache."""
        images = self.docker("images", "-q", f"--filter=reference={self.repository}/*").split()
        if images:
            self.docker("rmi", "-f", *set(images))
        self.docker("builder", "prune", "-af")

    def random_numbers(self) -> str:
        """What the RUN steps wrote into the image: equal if they came from the cache."""
        return self.docker("run", "--rm", "--network", "none", self.image, "cat", "/deps", "/own")


def load(project: EngineProject, *, variant: str = "") -> Project:
    """The project of the library for this folder and engine, whatever the current directory."""
    return Project.load(root=project.folder, environ=project.environ | {"VARIANT": variant})


def write_template_stack(project: EngineProject, *lines: str) -> None:
    """Writes a stack file with two functions, and their template with these lines in its Dockerfile."""
    functions = {
        name: {
            "lang": "tiny",
            "handler": f"./{name}",
            "image": f"{project.repository}/{name}:${{VARIANT:-1}}",
        }
        for name in ("one", "two")
    }
    (project.folder / "stack.yaml").write_text(
        json.dumps({"provider": {"name": "openfaas"}, "functions": functions})
    )
    template = project.folder / "template" / "tiny"
    (template / "function").mkdir(parents=True)
    (template / "template.yml").write_text("language: tiny\n")
    dockerfile = (f"FROM {project.environ['FAAS_CACHE_TEST_BASE']}", "COPY . /app", *lines)
    (template / "Dockerfile").write_text("".join(f"{line}\n" for line in dockerfile))
    for name in functions:
        (project.folder / name).mkdir()
        (project.folder / name / "handler.txt").write_text(name)


def processes(project: EngineProject) -> list[bytes]:
    """The command lines of the processes that name the image of a project."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if project.image.encode() in line:
            lines.append(line)
    return lines


def steps(stderr: str) -> dict[str, bool]:
    """The build steps in a rawjson stream, and whether each came from the cache.

    Plain lines are mixed in; buildx before 0.15 indents an object over several lines.
    """
    names: dict[str, str] = {}
    cached: dict[str, bool] = {}
    decoder = json.JSONDecoder()
    at = stderr.find("{")
    while at >= 0:
        try:
            status, end = decoder.raw_decode(stderr, at)
        except ValueError:
            end = at + 1
            status = {}
        for vertex in status.get("vertexes") or () if isinstance(status, dict) else ():
            names[vertex["digest"]] = vertex["name"]
            cached[vertex["digest"]] = cached.get(vertex["digest"], False) or vertex.get(
                "cached", False
            )
        at = stderr.find("{", end)
    return {
        match["step"]: cached[digest]
        for digest, name in names.items()
        if (match := _STEP.match(name))
    }
