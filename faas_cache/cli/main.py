"""The command line: `faas-cache` and `python -m faas_cache`. It reads, calls, prints and exits; nothing is decided here.

Flags are read as pflag reads them for faas-cli: a flag's value is the next word whatever it begins with, there are no
abbreviations, `--flag=false` works for a boolean, and names and flags mix. Exit codes: 0 done, 1 a build failed, 2 the input
is wrong, 3 the builder cannot do it, 130 and 143 interrupted.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import attrs

from faas_cache import __version__
from faas_cache.contexts.assembly import PACKAGES, Contexts, handler_digest, judged_name, prepared
from faas_cache.model.diagnostics import Diagnostic, Location, errors, path_text
from faas_cache.model.errors import BuilderError, FaasCacheError, InvalidInput
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan, resolve, tagged
from faas_cache.render.commands import RENDERERS, Command, bake, docker_push
from faas_cache.stack.stack_file import Stack

if TYPE_CHECKING:
    from faas_cache.buildkit.progress import Progress
    from faas_cache.model.builders import Builder
    from faas_cache.runner.builds import Builds, Result

DONE, FAILED, WRONG, CANNOT = 0, 1, 2, 3
# As much of a Dockerfile as is read for its stages, in characters.
_MAX_DOCKERFILE = 2**20
STACK_FILES = ("stack.yaml", "stack.yml")
# What `plan` prints unless it is told otherwise: the form that says everything.
DEFAULT_FRONT_END = "buildx_build"

# faas-cli's builder for publishing, and the platform that it publishes for.
MULTIARCH, DEFAULT_PLATFORM = "multiarch", "linux/amd64"
_TAG_WORDS = ("", "latest", "sha", "branch", "describe", "digest")
# The variables that docker and the programs in a build read, in either case.
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# The flags that change the spec of a function.
_CHANGING = (
    *(
        "build_arg",
        "build_label",
        "build_option",
        "extra_tag",
        "platforms",
        "builder",
        "pull",
        "squash",
        "push",
    ),
)

_TRUE, _FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    if sys.stderr is None:  # it was closed before we were called
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # for as long as we run
    collecting = gc.isenabled()
    gc.disable()  # a run is short, and looking through what it holds takes a fifth of it
    try:
        return _run(list(sys.argv[1:] if words is None else words))
    except FaasCacheError as fault:
        _say(*map(str, fault.diagnostics))
        return CANNOT if isinstance(fault, BuilderError) else WRONG
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read us has gone: nothing is left to say, and Python must not try again at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    finally:
        if collecting:
            gc.enable()


def _run(words: list[str]) -> int:
    parser, commands = _parsers()
    command = words[0] if words else ""
    if command not in commands:
        parser.parse_args(
            words or ["--help"]
        )  # prints the help or the version, or refuses the word, and exits
    flags, names = _canonical(commands[command], words[1:])
    options = commands[command].parse_args(flags, Namespace(names=names))
    try:
        return _COMMANDS[command](options)
    finally:
        sys.stdout.flush()


# What the commands do.


def _plan(options: Namespace) -> int:
    """`plan`: the commands that a build would run, without running them."""
    run = _Run(options)
    front_end = options.front_end or DEFAULT_FRONT_END
    run.stop_at_errors()
    if options.inspect:
        run.inspect()
        front_end = run.front_end()
        run.stop_at_errors()
    commands = [_rendered(plan, front_end) for plan in run.plans]
    shown = commands if options.show_secrets else [command.masked() for command in commands]
    if options.json:
        _print_json(run, shown)
    else:
        reasons = _reasons(run.stack, run.plans) if options.explain else [[] for _ in run.plans]
        for command, lines in zip(shown, reasons, strict=True):
            print(command.shell(), *lines, sep="\n")
    if shown != commands:
        _say("secrets are masked with ***: --show-secrets prints what can be pasted")
    run.say(*(lost for command in commands for lost in command.lost))
    return DONE


def _build(options: Namespace) -> int:
    """`build`: every function, its context first; one failure stops no other."""
    run = _Run(options, building=True)
    run.stop_at_errors()
    if not run.stack.functions:
        raise InvalidInput(
            Diagnostic(
                name="no-function",
                message="there is no function to build",
                hint="write one under `functions:`",
            )
        )
    if options.shrinkwrap:
        return _shrinkwrap(run)
    if options.bake or any(plan.caching for plan in run.plans):
        run.inspect()
    return _run_plans(run, run.front_end())


def _publish(options: Namespace) -> int:
    """`publish`: every function built and pushed by buildx, for one platform or several."""
    options.name = options.image = options.handler = options.lang = (
        ""  # as faas-cli, it publishes what a file holds
    )
    options.push = True
    options.builder = options.builder or (None if options.shrinkwrap else _multiarch())
    run = _Run(options, building=True, platform=DEFAULT_PLATFORM)
    run.stop_at_errors()
    if options.shrinkwrap:
        return _shrinkwrap(run)
    several = any(len(plan.platforms) > 1 for plan in run.plans)
    if options.bake or any(plan.caching for plan in run.plans) or (several and not options.builder):
        run.inspect()
        run.front_end()
    if (
        several
        and run.builder is not None
        and run.builder.driver == "docker"
        and not run.builder.containerd_store
    ):
        raise BuilderError(
            Diagnostic(
                name="F5",
                message="this builder cannot build for several platforms: Docker's own needs the containerd image store for it",
                hint=f"docker buildx create --name {MULTIARCH} --driver docker-container",
            )
        )
    return _run_plans(run, "buildx_build")


def _multiarch() -> str | None:
    """The builder that faas-cli makes for publishing, where there is one."""
    from faas_cache.runner.processes import has_builder

    return MULTIARCH if has_builder(MULTIARCH) else None


def _push(options: Namespace) -> int:
    """`push`: the images of the functions."""
    run = _Run(options)
    run.stop_at_errors()
    commands = [docker_push(plan, quiet=options.quiet) for plan in run.plans]
    return _run_commands(run, commands, "pushed")


def _shrinkwrap(run: _Run) -> int:
    """`--shrinkwrap`: the contexts alone."""
    run.assemble()
    run.say()
    _say(*(f"{plan.function}: written to {plan.context}" for plan in run.plans))
    return DONE


def _run_plans(run: _Run, front_end: str) -> int:
    """The builds of a run, from plans to exit code."""
    run.stop_at_errors()
    options = run.options
    commands = (
        [bake(run.plans)] if options.bake else [_rendered(plan, front_end) for plan in run.plans]
    )
    _stop_at_errors(run.stack.placed(lost for command in commands for lost in command.lost))
    _stop_at_errors(
        run.stack.placed(fault for plan in run.plans for fault in _missing_secrets(plan))
    )
    run.assemble()
    run.say()
    if options.bake:
        _say(
            "bake: a target that fails cancels the others, and a step that several share is reported of one of them"
        )
        return _run_commands(run, [tuple(commands)], "built", front_end)
    pushes = front_end == "docker_build"
    each = [
        (command, *(docker_push(plan) if pushes and plan.output == "push" else ()))
        for plan, command in zip(run.plans, commands, strict=True)
    ]
    return _run_commands(run, each, "built", front_end)


def _run_commands(
    run: _Run, each: list[tuple[Command, ...]], done: str, front_end: str = ""
) -> int:
    """The commands of each function, and what became of them."""
    from faas_cache.runner.builds import Builds

    options = run.options
    builds = Builds(
        show=_write,
        say=_say,
        parallel=options.parallel,
        quiet=options.quiet,
        fail_fast=options.fail_fast,
        seconds=options.timeout,
        reports=_reporting(run, front_end),
    )
    if front_end and options.bake:
        results = builds.bake(run.plans, each[0][0])
    else:
        results = builds.run(list(zip(run.plans, each, strict=True)))
    return _ended(run, builds, results, done)


def _reporting(run: _Run, front_end: str) -> Literal["history", "rawjson", ""]:
    """How the builds of a run tell of themselves; the user's own choice of a progress stands, `plain` as our own lines."""
    chosen = os.environ.get("BUILDKIT_PROGRESS") or "auto"
    own = chosen not in ("auto", "plain") or any(
        f.startswith("--progress") for plan in run.plans for f in plan.builder_flags
    )
    if (
        own
        or front_end != "buildx_build"
        or run.builder is None
        or not any(plan.caching for plan in run.plans)
    ):
        return ""
    alone = run.options.parallel == 1 or len(run.plans) == 1 or run.options.bake
    drawn = alone and chosen == "auto" and sys.stderr.isatty() and not run.options.quiet
    return run.builder.reports(terminal=bool(drawn))


def _ended(run: _Run, builds: Builds, results: Sequence[Result], done: str) -> int:
    """What there is to say when all is over; the exit code."""
    from faas_cache.buildkit.progress import table

    said: dict[str, None] = {}
    for result in results:
        failure = result.explained.failure
        for note in result.explained.notes:
            if (
                note.cause != "missing" or not result.report.steps
            ):  # the table tells which caches were missing
                said[str(note.diagnostic("note" if note.cause == "missing" else "warning"))] = None
        said |= {str(failure.diagnostic()): None} if failure else {}
    if any(
        r.end == "failed" and (p.cache_from or p.cache_to)
        for r, p in zip(results, run.plans, strict=True)
    ):
        said[str(_G1)] = None
    _say(*said)
    reports = [result.report for result in results if result.report.steps]
    _say(*table(reports).splitlines())
    if builds.reports == "" and any(plan.caching for plan in run.plans):
        _say(
            "no report of the cache: this docker tells none (buildx 0.13 does), or a progress of your own was asked for"
        )
    _say(*(f"{result.function}: {_ENDS[result.end].format(done=done)}" for result in results))
    code = FAILED if _report_failed(run.options, results) else DONE
    if builds.received:
        return 128 + builds.received[0]
    if any(r.explained.failure and r.explained.failure.step == "daemon" for r in results):
        return CANNOT
    return FAILED if any(result.end != "done" for result in results) else code


_ENDS = {
    "done": "{done}",
    "failed": "failed",
    "stopped": "stopped, not {done}",
    "late": "stopped, not {done}: the time was up",
    "not begun": "not begun",
}
_G1 = Diagnostic(
    name="G1",
    severity="warning",
    message="a build with cache entries failed: what registries and builders take differs",
    hint='see "When a build fails" in the README, and `faas-cache registries`; `--no-build-cache` builds without',
)


def _report_failed(options: Namespace, results: Sequence[Result]) -> bool:
    """Writes the report that was asked for; whether that failed."""
    path, kind = getattr(options, "report", None), getattr(options, "report_format", "json")
    text = ""
    if kind == "github":
        path = path or os.environ.get("GITHUB_STEP_SUMMARY")
        from faas_cache.buildkit.progress import markdown

        text = markdown([result.report for result in results])
    elif path:
        import json

        text = (
            json.dumps({"functions": [_result_as_dict(result) for result in results]}, indent=2)
            + "\n"
        )
    if not path:
        print(text, end="")
        return False
    try:
        _put(path, text, more=kind == "github")
    except OSError as fault:
        _say(f"the report could not be written to {path}: {fault.strerror}")
        return True
    return False


def _put(path: str, text: str, *, more: bool) -> None:
    """Writes a report: behind what a summary holds already, else in place of the last one, whole or not at all."""
    from pathlib import Path

    file = Path(path)
    if more or not file.is_file():
        with file.open("a" if more else "w", encoding="utf-8") as target:
            target.write(text)
        return
    file = file.resolve()
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def _result_as_dict(result: Result) -> dict[str, object]:
    failure = result.explained.failure
    return {
        **result.report.as_dict(),
        "outcome": result.end,
        "exit_code": result.exit_code,
        "failure": failure and attrs.asdict(failure),
        "notes": [attrs.asdict(note) for note in result.explained.notes],
    }


def _explain(options: Namespace) -> int:
    """`explain`: what a log of a build from anywhere says."""
    from faas_cache.buildkit.explanations import explain
    from faas_cache.buildkit.progress import read

    found = [
        explain(_Log(progress=part)) for part in read(sys.stdin.buffer.read() if sys.stdin else b"")
    ]
    failure = next((one.failure for one in reversed(found) if one.failure), None)
    notes = list(dict.fromkeys(note for one in found for note in one.notes))
    if options.json:
        import json

        keys = ("step", "cause", "image_pushed", "message", "fix", "url")
        top = attrs.asdict(failure) if failure else dict.fromkeys(keys)
        print(json.dumps({**top, "notes": [attrs.asdict(note) for note in notes]}, indent=2))
        return DONE
    for note in notes:
        print(note.diagnostic("note"))
    print(failure.diagnostic() if failure else "the build did not fail, as far as the log tells")
    return DONE


@attrs.frozen(kw_only=True)
class _Log:
    """A build of which only a log is left."""

    progress: Progress
    exit_code: int | None = None


def _doctor(options: Namespace) -> int:
    """`doctor`: the builder of this machine, what it can do, and which functions it can serve."""
    from faas_cache.model.builders import unmet

    there = options.file is not None or any(map(os.path.exists, STACK_FILES))
    run = _Run(options) if there else None
    plans = run.plans if run else []
    builder = _inspected(options.builder or _named_builder(plans))
    lacks = {
        plan.function: [d for d in unmet([plan], builder) if d.severity == "error"]
        for plan in plans
    }
    if options.json:
        import json

        shown = {**attrs.asdict(builder), "features": sorted(builder.features)}
        functions = {name: [attrs.asdict(d) for d in found] for name, found in lacks.items()}
        print(json.dumps({"builder": shown, "functions": functions}, indent=2))
    else:
        print(*_described(builder), sep="\n")
        for name, found in lacks.items():
            print(f"{name}: {'cannot be built here' if found else 'can be built here'}")
            print(
                *(f"    {line}" for d in found for line in str(d).splitlines()),
                sep="\n",
                end="\n" if found else "",
            )
    return CANNOT if any(lacks.values()) or builder.docker is None else DONE


def _inspected(name: str | None) -> Builder:
    from faas_cache.runner.processes import inspect_builder

    return inspect_builder(builder=name)


def _described(builder: Builder) -> Iterator[str]:
    """A builder, for people."""
    there = builder.docker is not None or builder.buildx is not None
    buildkit = builder.buildkit_version if there else None
    versions = (("docker", builder.docker), ("buildx", builder.buildx), ("BuildKit", buildkit))
    for name, version in versions:
        yield f"{name}: {'not there' if version is None else version or 'of an unknown version'}"
    store = (
        ""
        if builder.driver != "docker"
        else f", {'containerd' if builder.containerd_store else 'classic'} image store"
    )
    if there:
        yield f"builder: {builder.name or 'default'}, driver {builder.driver}{store}"
    yield f"can: {', '.join(sorted(builder.features)) or 'nothing'}"


def _check(options: Namespace) -> int:
    """`check`: what there is to say of the functions before they are built, and nothing else."""
    found: Sequence[Diagnostic]
    try:
        run = _Run(options)
        if options.inspect:
            run.inspect()
        found = run.found
    except FaasCacheError as fault:
        found = fault.diagnostics
    print(_FORMATS[options.format](found), end="")
    bad = errors(found)
    counts = Counter(d.severity for d in found)
    _say(
        ", ".join(
            f"{counts[word]} {word}{'s' * (counts[word] != 1)}"
            for word in ("error", "warning", "note")
        )
    )
    if any(d.name != "F2" for d in bad):
        return WRONG
    return CANNOT if bad else DONE


def _registries(options: Namespace) -> int:
    """`registries`: what is known of registries and caches."""
    from faas_cache.model.registries import REGISTRIES

    if options.json:
        import json

        print(json.dumps([attrs.asdict(row) for row in REGISTRIES], indent=2))
        return DONE
    for row in REGISTRIES:
        print(f"{row.name}: {', '.join(row.hosts) or 'any host'}")
        print(
            f"    image index: {row.index}; image manifest: {row.image_manifest}"
            + (f"; needs {row.need}" if row.need else "")
        )
        print(
            *(f"    {text}" for text in (row.note, f"{row.evidence} ({row.date})") if text),
            sep="\n",
        )
    return DONE


def _write(lines: bytes) -> None:
    """A build's output, byte for byte."""
    try:
        sys.stderr.flush()
        sys.stderr.buffer.write(lines)
        sys.stderr.buffer.flush()
    except OSError:
        _unheard()


# From words to plans.


class _Run:
    """What the flags and the stack file come to: the plans of the functions that were asked for, and what is said of them.

    Raises with the faults of every function. `others` are the plans of the functions that were not asked for, as far as
    their own settings say where they export to (E5: settings are judged over the whole file, flags over the selection).
    """

    def __init__(self, options: Namespace, *, building: bool = False, platform: str = "") -> None:
        _refuse_contradictions(options)
        self.options = options
        self.platform = platform
        self.writing: bool = (
            building and options.shrinkwrap
        )  # contexts alone: what a cache would do is not asked
        whole = _stack(options)
        self.stack = whole.selected(options.filter, options.regex)
        self.contexts = Contexts(
            extras=(*options.copy_extra, *whole.copy_extra_paths),
            outside_links=options.allow_outside_links,
        )
        self.proxies = {name: value for name in _PROXIES if (value := os.environ.get(name))}
        self.changes = (platform, self.proxies, *(getattr(options, name) for name in _CHANGING))
        flags = _flags(options)
        faults: list[Diagnostic] = []
        selected = _selected(self.stack, options.names)
        if building and not options.disable_stack_pull:
            self.pull_templates(selected)
        self.specs: dict[str, FunctionSpec] = {}
        self.plans = self.resolved(selected, flags, faults, self.specs)
        if faults:
            raise InvalidInput(*self.stack.placed(dict.fromkeys(faults)))
        self.others: list[BuildPlan] = []
        if flags.enabled and flags.build_cache is None and not flags.cache_to:
            names = {spec.name for spec in selected}
            rest = [
                spec
                for name, spec in whole.functions.items()
                if name not in names and not spec.skip_build
            ]
            self.others = self.resolved(
                (s for s in rest if s.build_cache is not None), flags, [], {}
            )
        self.builder: Builder | None = None
        self.dockerfiles = {} if self.writing else _dockerfiles(self.plans)
        self.found = self.judge()

    def resolved(
        self,
        specs: Iterable[FunctionSpec],
        flags: CacheFlags,
        faults: list[Diagnostic],
        used: dict[str, FunctionSpec],
    ) -> list[BuildPlan]:
        """The plans of these functions; what is wrong with the others of them is added to `faults`."""
        plans: list[BuildPlan] = []
        for spec in specs:
            try:
                used[spec.name] = self.with_flags(spec)
                plans.append(resolve(used[spec.name], flags))
            except FaasCacheError as fault:
                faults += fault.diagnostics
        return plans

    def with_flags(self, spec: FunctionSpec) -> FunctionSpec:
        """The function's spec with what the flags, its template and the environment say, and the context that is written."""
        if any(self.changes) or spec.build_secrets:
            spec = self.changed(spec)
        if self.options.tag not in ("", "latest") and spec.image:
            spec = attrs.evolve(
                spec, tag_as=tagged(spec.image, self.options.tag, self.tag_value(spec))
            )
        if spec.name in self.stack.own_contexts:
            return spec
        _stop_at_errors([d for d in judged_name(spec.name) if d.severity == "error"])
        if not spec.lang:
            return attrs.evolve(spec, context=f"build/{spec.name}")
        return prepared(spec, self.contexts.template(spec.lang))

    def changed(self, spec: FunctionSpec) -> FunctionSpec:
        """The spec with what the flags and the environment say for all functions."""
        options = self.options
        flags = dict(options.build_arg)
        if several := [value for key, value in options.build_arg if key == PACKAGES]:
            flags[PACKAGES] = " ".join(several)
        secrets = {
            key: os.path.abspath(os.path.expanduser(path))
            for key, path in spec.build_secrets.items()
        }  # noqa: PTH100, PTH111  # text is what it is
        return attrs.evolve(
            spec,
            build_args={**self.proxies, **spec.build_args, **flags},
            build_labels={**spec.build_labels, **dict(options.build_label)},
            build_secrets=secrets,
            build_options=tuple(dict.fromkeys((*spec.build_options, *options.build_option))),
            extra_tags=(*spec.extra_tags, *options.extra_tag),
            platforms=options.platforms or spec.platforms or self.platform,
            builder_flags=(
                *spec.builder_flags,
                *options.builder_flag,
                *((f"--builder={options.builder}",) if options.builder else ()),
            ),
            pull=spec.pull or options.pull,
            squash=spec.squash or options.squash,
            output="push" if options.push else spec.output,
        )

    def tag_value(self, spec: FunctionSpec) -> str:
        """What `--tag` adds to the image of a function."""
        if self.options.tag == "digest":
            return handler_digest(spec.handler)
        from faas_cache.runner.processes import tag_value

        return tag_value(self.options.tag)

    def pull_templates(self, specs: Iterable[FunctionSpec]) -> None:
        """Takes the templates that are missing from where `configuration.templates` says."""
        from faas_cache.runner.processes import cloned

        for lang in dict.fromkeys(
            spec.lang for spec in specs if spec.lang and spec.name not in self.stack.own_contexts
        ):
            name, _, ref = lang.partition("@")
            source = self.stack.templates.get(lang) or (
                f"{found}#{ref}" if (found := self.stack.templates.get(name)) else ""
            )
            if source and lang.lower() != "dockerfile" and not os.path.lexists(f"template/{lang}"):
                _say(f"template {lang}: taken from {masked(source)}")
                with cloned(source) as folder:
                    self.contexts.take_template(lang, folder, source, name)

    def assemble(self) -> None:
        """Writes the contexts of the functions; raises with the faults of all."""
        faults: list[Diagnostic] = []
        for plan in self.plans:
            spec = self.specs[plan.function]
            try:
                if plan.function in self.stack.own_contexts:
                    _stop_at_errors(_missing_context(plan))
                else:
                    self.assemble_one(spec)
            except FaasCacheError as fault:
                faults += fault.diagnostics
        if faults:
            raise InvalidInput(*self.stack.placed(dict.fromkeys(faults)))

    def assemble_one(self, spec: FunctionSpec) -> None:
        """The context of one function; one that was left by `--shrinkwrap` serves where the handler is not there."""
        there = os.path.isdir(spec.context)  # noqa: PTH112  # pathlib costs more than it gives
        if there and (not spec.lang or not os.path.lexists(spec.handler)):
            cause = "its handler is not there" if spec.lang else "it has no `lang`"
            message = f"{spec.context} is built as it was left, for {cause}"
            place = Location(path=("functions", spec.name))
            self.found += (
                Diagnostic(name="context", severity="note", message=message, location=place),
            )
            return
        if not spec.lang:
            raise InvalidInput(
                Diagnostic(
                    name="context",
                    message="the function names no `lang`, so there is nothing to make its build context of",
                    location=Location(path=("functions", spec.name)),
                    hint="write `lang: TEMPLATE` or `lang: dockerfile`, or give the function a `context`",
                )
            )
        template = self.contexts.template(spec.lang)
        if template is None:
            raise InvalidInput(
                Diagnostic(
                    name="template",
                    message=f"there is no template {masked(spec.lang)[:60]!r} in the folder `template`",
                    location=Location(path=("functions", spec.name, "lang")),
                    hint=f"run `faas-cli template store pull {masked(spec.lang)[:60]}`, or name its source under"
                    " `configuration.templates`",
                )
            )
        self.contexts.assemble(spec, template)

    def judge(self) -> tuple[Diagnostic, ...]:
        """Everything there is to say, each once and with its place; under `--strict` a warning is an error."""
        said: tuple[Diagnostic, ...] = ()
        if not self.writing:
            from faas_cache.planning.checks import check

            said = check(self.plans, self.builder, os.environ, self.dockerfiles, others=self.others)
        flags = {
            ("build_args", key) for key in (*dict(self.options.build_arg), *self.proxies)
        }  # they are not in the file
        kept = (d for d in said if d.name != "secret-in-file" or d.location.path[2:] not in flags)
        names = (
            d
            for p in self.plans
            if p.function not in self.stack.own_contexts
            for d in judged_name(p.function)
        )
        placed = self.stack.placed(dict.fromkeys((*self.stack.diagnostics, *names, *kept)))
        placed = tuple(
            d
            for d in placed
            if d.name != "secret-in-file" or not self.stack.from_variable(d.location)
        )
        if not self.options.strict:
            return placed
        return tuple(
            attrs.evolve(d, severity="error") if d.severity == "warning" else d for d in placed
        )

    def inspect(self) -> None:
        """Asks this machine what its builder can do, and judges again."""
        self.builder = _inspected(_named_builder(self.plans))
        self.found = self.judge()

    def front_end(self) -> str:
        """The front end of the run (F3); raises `BuilderError`."""
        if self.builder is None:
            return "docker_build"
        return self.builder.front_end(self.plans, bake=getattr(self.options, "bake", False))

    def stop_at_errors(self) -> None:
        """Raises where something was said that stops a build."""
        _stop_at_errors(self.found)

    def say(self, *more: Diagnostic) -> None:
        """What was found and more, for people, each once."""
        _say(*map(str, dict.fromkeys((*self.found, *self.stack.placed(more)))))


def _flags(options: Namespace) -> CacheFlags:
    return CacheFlags(
        build_cache=options.build_cache,
        cache_from=options.cache_from,
        cache_to=options.cache_to,
        no_cache=options.no_cache,
        export=not options.no_cache_export,
        ignore_export_errors=options.ignore_cache_errors,
        scope=options.cache_scope,
        fallback_scopes=options.cache_scope_fallback,
        enabled=not options.no_build_cache,
    )


def _dockerfiles(plans: Iterable[BuildPlan]) -> dict[str, str]:
    """The Dockerfiles whose stages decide what an inline cache can hold: in the context, or in the template of the language."""
    known: dict[str, str | None] = {}
    found: dict[str, str] = {}
    for plan in plans:
        if "inline" not in plan.needs or "cache-export" in plan.needs:
            continue
        for path in (f"{plan.context}/Dockerfile", f"template/{plan.lang}/Dockerfile"):
            if path not in known:
                known[path] = _text_of(path)
            if (text := known[path]) is not None:
                found[plan.function] = text
                break
    return found


def _text_of(path: str) -> str | None:
    """The text of a Dockerfile, or None where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # pathlib costs more than it gives
            return file.read(_MAX_DOCKERFILE)
    except (OSError, ValueError):
        return None


def _stack_file(given: str | None) -> str:
    """The file that was named, or the first of the usual two that is there."""
    if given is not None:
        return given or STACK_FILES[0]
    return next((name for name in STACK_FILES if os.path.exists(name)), STACK_FILES[0])  # noqa: PTH110  # pathlib costs more than it gives


def _selected(stack: Stack, names: list[str]) -> list[FunctionSpec]:
    """The functions to build, in file order: those named, or all, without those that skip their build."""
    unknown = [name for name in names if name not in stack.functions]
    if unknown:
        from faas_cache.model.diagnostics import nearest

        raise InvalidInput(
            *(
                Diagnostic(
                    name="no-function",
                    message=f"there is no function {masked(name)[:60]!r} in the stack file",
                    hint=nearest(name, stack.functions)
                    or f"it has: {', '.join(list(stack.functions)[:20]) or 'none'}",
                )
                for name in unknown
            )
        )
    wanted = (spec for name, spec in stack.functions.items() if not names or name in names)
    return [spec for spec in wanted if not spec.skip_build]


def _refuse_contradictions(options: Namespace) -> None:
    """Flags that make no sense, before anything is read, asked or written."""
    report = getattr(options, "report", None)
    if report and (os.path.isdir(report) or not os.path.isdir(os.path.dirname(report) or ".")):  # noqa: PTH112, PTH120  # pathlib costs more than it gives
        message = f"--report {report}: a report cannot be written there"
        raise InvalidInput(_usage(message, "name a file in a folder that is there"))
    switches = [
        f"--{key.replace('_', '-')}"
        for key in ("build_cache", "cache_from", "cache_to")
        if getattr(options, key)
    ]
    if options.no_build_cache and switches:
        message = f"--no-build-cache takes caching away, and {', '.join(switches)} asks for it"
        raise InvalidInput(_usage(message, "leave one of them out"))


def _usage(message: str, hint: str) -> Diagnostic:
    return Diagnostic(name="usage", message=message, hint=hint)


def _stack(options: Namespace) -> Stack:
    """The stack file; one of a single function that the flags describe where there is no file, or no function in it."""
    path = _stack_file(options.file)
    named = FunctionSpec(
        name=options.name, image=options.image, handler=options.handler, lang=options.lang
    )
    described = named != FunctionSpec(name="")
    if options.file == "" or (described and options.file is None and not os.path.exists(path)):  # noqa: PTH110  # pathlib costs more than it gives
        found = Stack(functions=FrozenMap[FunctionSpec]({}))
    else:
        found = Stack.load(path, envsubst=options.envsubst)
    if found.functions or not described:
        return found
    missing = [
        f"--{key}" for key in ("name", "image", "handler", "lang") if not getattr(named, key)
    ]
    if missing:
        message = f"without a function in a stack file, one needs {', '.join(missing)} too"
        raise InvalidInput(_usage(message, "or name a file with -f"))
    return attrs.evolve(found, functions=FrozenMap({named.name: named}))


def _named_builder(plans: list[BuildPlan]) -> str | None:
    """The buildx builder that a builder flag names; a run has one front end, and so one builder."""
    flags = (flag for plan in plans for flag in plan.builder_flags)
    return next(
        (flag.removeprefix("--builder=") for flag in flags if flag.startswith("--builder=")), None
    )


def _rendered(plan: BuildPlan, front_end: str) -> Command:
    return RENDERERS[front_end](plan)


def _missing_context(plan: BuildPlan) -> list[Diagnostic]:
    """The build context that is not there; a URL or `-` is the builder's business."""
    if "://" in plan.context or os.path.isdir(plan.context):  # noqa: PTH112  # pathlib costs more than it gives
        return []
    return [
        Diagnostic(
            name="context",
            message=f"the build context {plan.context!r} of {plan.function!r} is no folder",
            location=Location(path=("functions", plan.function)),
            hint="write it with `faas-cli build --shrinkwrap`, or give the function a `context`",
        )
    ]


def _missing_secrets(plan: BuildPlan) -> Iterator[Diagnostic]:
    """The build secrets whose file is not there: docker would tell without a name."""
    for key, path in plan.secrets.items():
        if not os.path.isfile(path):  # noqa: PTH113  # pathlib costs more than it gives
            yield Diagnostic(
                name="secret-file",
                message=f"the build secret {masked(key)[:60]!r} has no file: {path} is not there",
                location=Location(path=("functions", plan.function, "build_secrets", key)),
                hint="make it, or correct the path, which is relative to the folder that you are in",
            )


# What is printed.


def _as_text(found: Iterable[Diagnostic]) -> str:
    return "".join(f"{item}\n" for item in found)


def _as_json(found: Iterable[Diagnostic]) -> str:
    import json

    return json.dumps({"diagnostics": [attrs.asdict(item) for item in found]}, indent=2) + "\n"


def _as_github(found: Iterable[Diagnostic]) -> str:
    """Workflow commands, which GitHub Actions shows beside the lines they speak of."""
    lines = []
    for item in found:
        place = {
            "file": item.location.file,
            "line": item.location.line,
            "col": item.location.column,
            "title": item.name,
        }
        properties = ",".join(
            f"{key}={_escaped(str(value), ':,')}"
            for key, value in place.items()
            if value is not None
        )
        text = "\n".join(
            filter(None, (path_text(item.location.path), item.message, item.hint, item.url))
        )
        lines.append(
            f"::{'notice' if item.severity == 'note' else item.severity} {properties}::{_escaped(text)}\n"
        )
    return "".join(lines)


def _escaped(text: str, more: str = "") -> str:
    """A text as a workflow command holds it."""
    return "".join(f"%{ord(c):02X}" if c in f"%\r\n{more}" else c for c in text)


_FORMATS = {"text": _as_text, "json": _as_json, "github": _as_github}


def _say(*lines: str) -> None:
    """Words for people; one that has closed the terminal or the pipe stops no build."""
    try:
        for line in lines:
            print(line, file=sys.stderr, flush=True)
    except OSError:
        _unheard()


def _unheard() -> None:
    """Nobody reads our stderr any more: what is written there from now on goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _stop_at_errors(found: Iterable[Diagnostic]) -> None:
    found = tuple(found)
    if errors(found):
        raise InvalidInput(*found)


def _reasons(stack: Stack, plans: list[BuildPlan]) -> list[list[str]]:
    """The rule and the place behind each cache argument of each plan, as comments that a shell skips."""
    places = iter(stack.places(why.location for plan in plans for why in plan.why))
    return [[f"#   {why.part}   {why.rule}, {next(places)}" for why in plan.why] for plan in plans]


def _print_json(run: _Run, commands: list[Command]) -> None:
    """One object: the functions in order, each with what it would run and why, and what is said of none of them alone."""
    import json

    of = {
        plan.function: [d for d in run.found if d.location.path[:2] == ("functions", plan.function)]
        for plan in run.plans
    }
    functions = [
        {
            "function": plan.function,
            "argv": list(command.argv),
            "env": dict(command.env),
            "tags": list(plan.tags),
            "cache_from": _flag_values(command.argv, "--cache-from"),
            "cache_to": _flag_values(command.argv, "--cache-to"),
            "needs": sorted(plan.needs),
            "lost": [attrs.asdict(item) for item in command.lost],
            "diagnostics": [attrs.asdict(item) for item in of[plan.function]],
            "why": [
                {"part": w.part, "rule": w.rule, "path": list(w.location.path)} for w in plan.why
            ],
        }
        for plan, command in zip(run.plans, commands, strict=True)
    ]
    said = {item for items in of.values() for item in items}
    report = {
        "functions": functions,
        "diagnostics": [attrs.asdict(item) for item in run.found if item not in said],
    }
    print(json.dumps(report, indent=2))


def _flag_values(argv: Sequence[str], flag: str) -> list[str]:
    return [value for word, value in pairwise(argv) if word == flag]


# Flags.


def _boolean(word: str) -> bool:
    if word not in (*_TRUE, *_FALSE):
        raise ArgumentTypeError(f"{word!r} is no boolean: write true or false")
    return word in _TRUE


def _pair(word: str) -> tuple[str, str]:
    """A `KEY=VALUE`, cut at the first `=` and trimmed as faas-cli does; anything else is refused, which faas-cli drops."""
    key, _, value = (part.strip() for part in word.partition("="))
    if not key or not value:
        raise ArgumentTypeError(
            f"{masked(word)!r} is not KEY=VALUE; an empty value can be written in the stack file"
        )
    return key, value


def _count(word: str) -> int:
    """A number of functions, at least one."""
    if not word.isascii() or not word.isdecimal() or not 0 < int(word[:4]) < 1000:  # noqa: PLR2004  # more is a slip
        raise ArgumentTypeError(f"{word!r} is no number from 1 to 999")
    return int(word)


def _seconds(word: str) -> float:
    """A time as Go spells durations, in whole units; a bare number is of seconds."""
    match = re.fullmatch(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s?)?", word, re.ASCII)
    parts = [int(part or 0) for part in match.groups()] if match else []
    if not any(parts):
        raise ArgumentTypeError(f"{word!r} is no time: write 90, 90s, 10m or 1h30m")
    return float(parts[0] * 3600 + parts[1] * 60 + parts[2])


def _tag_word(word: str) -> str:
    """A word of `--tag`, in any case."""
    if word.lower() not in _TAG_WORDS:
        raise ArgumentTypeError(f"{word!r} is none of {', '.join(_TAG_WORDS[1:])}")
    return word.lower()


def _parsers() -> tuple[ArgumentParser, dict[str, ArgumentParser]]:
    """The parser of the program, which only helps, and the parser of each command."""
    top = ArgumentParser(
        prog="faas-cache",
        description="A shared Docker layer cache for OpenFaaS functions.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=__version__)
    kinds = top.add_subparsers(metavar="COMMAND", required=True)
    plan = _command(
        kinds.add_parser, "plan", "print the commands that a build would run, and run nothing"
    )
    _switch(plan, "--inspect", "ask this machine's docker which form it takes")
    plan.add_argument(
        "--front-end",
        metavar="NAME",
        choices=list(RENDERERS),
        help=f"print this form: {', '.join(RENDERERS)}",
    )
    _switch(plan, "--json", "print JSON for programs")
    _switch(plan, "--explain", "print the rule and the line behind each cache argument")
    _switch(plan, "--show-secrets", "print credentials instead of ***")
    build = _command(kinds.add_parser, "build", "write the build contexts, and build the functions")
    publish = _command(
        kinds.add_parser,
        "publish",
        "build the functions with buildx, for several platforms, and push them",
    )
    for parser in (build, publish):
        _switch(parser, "--shrinkwrap", "write the build contexts to build/NAME, and build nothing")
        _switch(parser, "--disable-stack-pull", "take no template from `configuration.templates`")
    checks = _command(
        kinds.add_parser, "check", "say what a build would lose or overwrite, and build nothing"
    )
    _switch(checks, "--inspect", "ask this machine's docker what it can do")
    checks.add_argument(
        "--format", metavar="NAME", choices=list(_FORMATS), default="text", help=", ".join(_FORMATS)
    )
    push = _command(kinds.add_parser, "push", "push the images of the functions")
    for parser in (build, publish):
        _switch(
            parser,
            "--bake",
            "build all functions as one `docker buildx bake`, which shares steps between them",
        )
        parser.add_argument("--report", metavar="FILE", help="write what the cache did to a file")
        parser.add_argument(
            "--report-format",
            metavar="NAME",
            choices=["json", "github"],
            default="json",
            help="json; github: a job's summary",
        )
    for parser in (build, publish, push):
        _switch(parser, "--fail-fast", "stop all builds when one fails")
        parser.add_argument(
            "--timeout",
            metavar="TIME",
            type=_seconds,
            help="stop after so long: 90, 90s, 10m or 1h30m",
        )
        _switch(parser, "--quiet", "show what docker prints only where it fails")
        parser.add_argument(
            "--parallel", metavar="N", type=_count, default=1, help="so many functions at once"
        )
    doctor = _command(
        kinds.add_parser, "doctor", "show this machine's builder, and which functions it can serve"
    )
    _switch(doctor, "--json", "print JSON for programs")
    explains = kinds.add_parser(
        "explain", help="say why a build failed, from its log on standard input", allow_abbrev=False
    )
    explains.usage = "faas-cache explain [--json] < LOG"
    _switch(explains, "--json", "print JSON for programs")
    registries = kinds.add_parser(
        "registries", help="print what is known of registries and caches", allow_abbrev=False
    )
    registries.usage = "faas-cache registries [--json]"
    _switch(registries, "--json", "print JSON for programs")
    return top, {
        "plan": plan,
        "build": build,
        "publish": publish,
        "push": push,
        "check": checks,
        "doctor": doctor,
        "explain": explains,
        "registries": registries,
    }


def _command(add_parser: object, name: str, text: str) -> ArgumentParser:
    """A command's parser with the flags that all of them share."""
    parser: ArgumentParser = add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
    )  # type: ignore[operator]  # argparse gives it no public type
    parser.usage = f"faas-cache {name} [flags] [FUNCTION...]"
    parser.add_argument(
        "-f",
        "--yaml",
        dest="file",
        metavar="FILE",
        help="the stack file (./stack.yaml, then ./stack.yml)",
    )
    parser.add_argument(
        "--filter",
        metavar="GLOB",
        help="only functions whose whole name matches; `*` stands for anything",
    )
    parser.add_argument(
        "--regex",
        metavar="REGEX",
        help="only functions in whose name this expression of RE2 is found",
    )
    parser.add_argument(
        "--envsubst",
        metavar="",
        type=_boolean,
        default=True,
        help="put variables in for `${…}` (--envsubst=false: do not)",
    )
    parser.add_argument(
        "--build-cache",
        metavar="MODE",
        help="`inline` or `max`, in place of every function's `build_cache`",
    )
    for flag, what in (("--cache-from", "import"), ("--cache-to", "export")):
        _repeated(parser, flag, "ENTRY", f"an {what}, in place of `{flag[8:]}` of every function")
    _repeated(parser, "--builder-flag", "ARG", "one more argument for the builder, as written")
    _repeated(parser, "--build-arg", "KEY=VALUE", "a build argument", _pair, short="-b")
    _repeated(parser, "--build-label", "KEY=VALUE", "a label of the image", _pair)
    _repeated(parser, "--build-option", "NAME", "a build option of the template", short="-o")
    _repeated(
        parser, "--copy-extra", "PATH", "a path of the project to copy into every build context"
    )
    _repeated(parser, "--extra-tag", "TAG", "one more tag for the image")
    parser.add_argument(
        "--tag",
        metavar="WORD",
        type=_tag_word,
        default="",
        help="latest, sha, branch, describe or digest",
    )
    parser.add_argument(
        "--platforms",
        metavar="LIST",
        default="",
        help="platforms, parted by commas, in place of the file's",
    )
    parser.add_argument("--builder", metavar="NAME", help="the buildx builder to use")
    for flag in ("--image", "--handler", "--name", "--lang"):
        parser.add_argument(
            flag,
            metavar="TEXT",
            default="",
            help="of the one function, where there is no stack file",
        )
    _switch(parser, "--pull", "look for newer base images")
    _switch(
        parser,
        "--squash",
        "squash the layers of the image: not with BuildKit, and not with a cache",
    )
    _switch(parser, "--allow-outside-links", "follow links that lead outside the project")
    parser.add_argument(
        "--cache-scope", metavar="NAME", help="keep the cache of `max` under a tag of its own"
    )
    _repeated(parser, "--cache-scope-fallback", "NAME", "a scope to import from as well")
    _switch(parser, "--no-build-cache", "as if no function had a `build_cache`")
    _switch(parser, "--no-cache-export", "import only: for pull requests and laptops")
    _switch(parser, "--ignore-cache-errors", "a cache that cannot be exported fails no build")
    _switch(parser, "--no-cache", "build every step anew; exports refresh the cache")
    _switch(parser, "--push", "push the image")
    _switch(parser, "--strict", "take warnings for errors")
    return parser


def _repeated(  # noqa: PLR0913  # the parts of a flag
    parser: ArgumentParser,
    flag: str,
    metavar: str,
    text: str,
    read: Callable[[str], object] = str,
    short: str = "",
) -> None:
    names = (short, flag) if short else (flag,)
    parser.add_argument(*names, metavar=metavar, type=read, action="append", default=[], help=text)


def _switch(parser: ArgumentParser, flag: str, text: str) -> None:
    parser.add_argument(flag, metavar="", type=_boolean, default=False, help=text)


def _canonical(parser: ArgumentParser, words: list[str]) -> tuple[list[str], list[str]]:
    """The words as pflag takes them: every flag with its value in one word, and the names apart."""
    flags: list[str] = []
    names: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            names += rest
        elif not word.startswith("-") or word == "-":
            names.append(word)
        else:
            flags.append(_with_value(parser, word, rest))
    return flags, names


def _with_value(parser: ArgumentParser, word: str, rest: Iterable[str]) -> str:
    """One flag with its value: its own, `true` for a boolean without one, else the next word whatever it is."""
    flag, equals, value = word.partition("=")
    if not flag.startswith("--") and len(flag) > 2:  # noqa: PLR2004  # -fFILE
        flag, equals, value = word[:2], "=", word[2:].removeprefix("=")
    action = next((a for a in parser._actions if flag in a.option_strings), None)  # noqa: SLF001  # argparse has no public look-up
    if action is None or action.nargs == 0:
        return word  # argparse refuses it, or prints the help
    if not equals:
        value = "true" if action.type is _boolean else next(iter(rest), SUPPRESS)
    if value is SUPPRESS:
        return word  # argparse says that a value is missing
    return f"{action.option_strings[-1]}={value}"


_COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "plan": _plan,
    "build": _build,
    "publish": _publish,
    "push": _push,
    "check": _check,
    "doctor": _doctor,
    "explain": _explain,
    "registries": _registries,
}

if __name__ == "__main__":
    sys.exit(main())
