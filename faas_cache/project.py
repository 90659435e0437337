"""`Project`: the only object that reads, asks, writes and runs; everything it decides is decided by the pure parts.

load ─▶ plan ─▶ prepare (builder, templates, contexts) ─▶ build or push ─▶ BuildResult
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from faas_cache.model.diagnostics import Diagnostic, Location, errors
from faas_cache.model.errors import InvalidInput, InvalidStack
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.masking import masked
from faas_cache.planning.options import PLANNING_VARIABLES, BuildOptions
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import MULTIARCH, PlanInputs, StackPlan, plan_stack

if TYPE_CHECKING:
    from faas_cache.buildkit.events import Event
    from faas_cache.contexts.assembly import Contexts
    from faas_cache.contexts.locks import ContextLock
    from faas_cache.contexts.stamps import Stamp
    from faas_cache.model.builders import Builder
    from faas_cache.model.specs import FunctionSpec
    from faas_cache.planning.plan import BuildPlan
    from faas_cache.render.commands import Command
    from faas_cache.runner.results import BuildResult
    from faas_cache.runner.stop import Stop
    from faas_cache.stack.templates import Template

__all__ = ["Project"]

STACK_FILES = ("stack.yaml", "stack.yml")
# As much of a Dockerfile as is read for its stages, in characters.
MAX_DOCKERFILE = 2**20
_NO_OPTIONS = BuildOptions()


class Project:
    """The functions of a stack file, on this machine.

    `stack` holds what was read. `root` is the project's folder as it was given; `environ` the environment of everything
    that follows, builds included. A project may be used by several threads.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        root: str | os.PathLike[str] = ".",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.stack = stack
        self.root = os.fspath(root)
        self.environ: Mapping[str, str] = FrozenMap(os.environ if environ is None else environ)
        self._folder = os.path.abspath(self.root)
        self._stamps: dict[str, Stamp] = {}
        self._lock = RLock()

    @classmethod
    def load(
        cls,
        *files: str | os.PathLike[str],
        root: str | os.PathLike[str] = ".",
        environ: Mapping[str, str] | None = None,
        envsubst: bool = True,
    ) -> Project:
        """Reads a stack file, or the first of `stack.yaml` and `stack.yml` that exists in `root`.

        Relative files are looked up in `root`; an `http` or `https` URL is fetched. Faults within functions are data: they
        are among the diagnostics of every plan. Raises `InvalidStack` only where there is no stack to speak of. Runs
        nothing and writes nothing.
        """
        environ = FrozenMap(os.environ if environ is None else environ)
        name = os.fspath(files[0]) if files else default_stack_file(root)
        path = (
            name
            if name.startswith(("http://", "https://"))
            else os.path.join(os.fspath(root), name)
        )
        try:
            stack = Stack.load(path, environ=environ, envsubst=envsubst)
        except InvalidStack as error:
            if error.stack is None:
                raise
            stack = error.stack
        return cls(stack, root=root, environ=environ)

    @classmethod
    def of(
        cls,
        *specs: FunctionSpec,
        root: str | os.PathLike[str] = ".",
        environ: Mapping[str, str] | None = None,
    ) -> Project:
        """A project of these functions, without a stack file."""
        functions = FrozenMap({spec.name: spec for spec in specs})
        return cls(Stack(functions=functions), root=root, environ=environ)

    # Plan.

    def plan(
        self,
        *names: str,
        filter: str | None = None,  # noqa: A002  # faas-cli's name for it
        regex: str | None = None,
        flags: CacheFlags | None = None,
        options: BuildOptions = _NO_OPTIONS,
        strict: bool = False,
    ) -> StackPlan:
        """Plans the functions: those named, those that match, or all but those that skip their build.

        `flags=None` takes the cache flags from the environment. `strict` turns warnings into errors. Everything that is
        wrong is in `.diagnostics`; raises nothing for what a user wrote. Runs at most `git`, for `options.tag`.
        """
        flags = CacheFlags.from_environ(self.environ) if flags is None else flags
        specs = [
            spec
            for name, spec in self.stack.functions.items()
            if not spec.skip_build and (not names or name in names)
        ]
        faults = FaultCollector()
        inputs = PlanInputs(
            root=self._folder,
            environ={k: v for k, v in self.environ.items() if k in PLANNING_VARIABLES},
            templates=self._read_templates(specs, faults),
            tags=self._read_tags(specs, options.tag, faults),
            diagnostics=faults.diagnostics,
        )
        plan = plan_stack(
            self.stack,
            names=names,
            filter=filter,
            regex=regex,
            flags=flags,
            options=options,
            strict=strict,
            inputs=inputs,
        )
        dockerfiles = self._read_dockerfiles(plan)
        return plan.with_dockerfiles(dockerfiles) if dockerfiles else plan

    def _read_templates(
        self, specs: Iterable[FunctionSpec], faults: FaultCollector
    ) -> dict[str, Template]:
        """The templates of the functions that exist, by language."""
        from faas_cache.contexts.templates import find_template

        templates: dict[str, Template] = {}
        for lang in dict.fromkeys(s.lang for s in specs if s.lang and s.context is None):
            with faults.catch():
                template = find_template(self._folder, lang)
                if template is not None:
                    templates[lang] = template
        return templates

    def _read_tags(
        self, specs: Iterable[FunctionSpec], kind: str, faults: FaultCollector
    ) -> dict[str, str]:
        """What `--tag` adds to the tag of each function."""
        if kind == "latest":
            return {}
        if kind == "digest":
            from faas_cache.contexts.digests import handler_digest

            return {s.name: handler_digest(os.path.join(self._folder, s.handler)) for s in specs}
        from faas_cache.runner.git import tag_value

        values: dict[str, str] = {}
        with faults.catch():
            value = tag_value(kind, cwd=self._folder, environ=self.environ)
            values = {spec.name: value for spec in specs}
        return values

    def _read_dockerfiles(self, plan: StackPlan) -> dict[str, str]:
        """The Dockerfiles that the checks of a plan read, by function: in the context, else in the template."""
        texts: dict[str, str | None] = {}
        dockerfiles: dict[str, str] = {}
        for build_plan in plan.plans:
            if not build_plan.caching:
                continue
            for folder in (build_plan.context, os.path.join("template", build_plan.lang)):
                path = os.path.join(self._folder, folder, "Dockerfile")
                if path not in texts:
                    texts[path] = _read_text(path)
                text = texts[path]
                if text is not None:
                    dockerfiles[build_plan.function] = text
                    break
        return dockerfiles

    # Ask.

    def inspect_builder(self, plan: StackPlan | None = None) -> Builder:
        """Describes the builder that the plan names, else the current one; for `publish`, `multiarch` where it exists.

        Raises `BuilderError` if it cannot be reached.
        """
        from faas_cache.runner.inspection import has_builder, inspect_builder

        name = None if plan is None else plan.builder_name
        if name is None and plan is not None and plan.request.options.publish:
            name = MULTIARCH if has_builder(MULTIARCH, environ=self.environ) else None
        return inspect_builder(environ=self.environ, builder=name)

    # Write.

    def prepare(
        self, plan: StackPlan, *, pull_templates: bool = True, bake: bool = False
    ) -> StackPlan:
        """Makes everything ready for a build: builder, templates, contexts; returns the plan for that builder.

        Errors are raised as soon as they are known, and before anything is written: those of the plan, then those of the
        builder. Templates that are missing are pulled from `configuration.templates`; since they bring build options, the
        plan is made again. Raises `FaasCacheError` with all errors.
        """
        plan = self._ready(plan, pull_templates=pull_templates, bake=bake)
        self._write_contexts(plan, plan.plans)
        return plan

    def write_contexts(self, plan: StackPlan, *, pull_templates: bool = True) -> None:
        """Writes the build contexts to `build/NAME` and builds nothing, like `--shrinkwrap`."""
        plan = self._with_templates(self._checked(plan), pull_templates=pull_templates)
        self._raise(self._check_sources(plan))
        self._write_contexts(plan, plan.plans)

    # Run.

    def build(
        self,
        plan: StackPlan,
        *,
        parallel: int = 1,
        bake: bool = False,
        fail_fast: bool = False,
        timeout: float | None = None,
        retry: bool = True,
        on_event: Callable[[Event], object] | None = None,
        output: Any = None,  # noqa: ANN401  # a text or binary stream
        stop: Stop | None = None,
    ) -> BuildResult:
        """Builds the functions of a plan, up to `parallel` at once, preparing what is not prepared.

        A failed build stops no other unless `fail_fast`; `timeout` is in seconds, for all of them. `on_event` receives the
        build events and `output` the builder's output (default: `sys.stderr`), one at a time in the calling thread; if
        either raises, the builds are stopped and the exception is passed on. Changes no signal handler: a
        `KeyboardInterrupt` stops the builds and is raised again. Raises `FaasCacheError` for what is known before a build
        starts.
        """
        from faas_cache.runner.builds import run_bake, run_builds

        plan = self._ready(plan, pull_templates=True, bake=bake)
        self._write_contexts(plan, [p for p in plan.plans if p.function not in self._stamps])

        def hold_context(build_plan: BuildPlan) -> AbstractContextManager[None]:
            return self._hold_context(plan, build_plan, stop)

        common = {
            "environ": self.environ,
            "cwd": self._folder,
            "timeout": timeout,
            "progress": self._progress(plan, parallel=parallel, bake=bake, output=output),
            "on_event": on_event,
            "output": output,
            "stop": stop,
            "guard": hold_context,
        }
        commands = plan.commands(bake=bake)
        if bake:
            return run_bake(plan.plans, commands[0], **common)
        by_function: dict[str, list[Command]] = {}
        for command in commands:
            by_function.setdefault(command.function, []).append(command)
        units = [(p, tuple(by_function[p.function])) for p in plan.plans]
        return run_builds(units, parallel=parallel, fail_fast=fail_fast, **common)

    def push(
        self,
        plan: StackPlan,
        *,
        parallel: int = 1,
        fail_fast: bool = False,
        timeout: float | None = None,
        on_event: Callable[[Event], object] | None = None,
        output: Any = None,  # noqa: ANN401  # a text or binary stream
        stop: Stop | None = None,
    ) -> BuildResult:
        """Pushes the images of a plan that an earlier build left; the arguments are those of `build`."""
        from faas_cache.render.docker import docker_push
        from faas_cache.runner.builds import run_builds

        plan = self._checked(plan)
        return run_builds(
            [(build_plan, docker_push(build_plan)) for build_plan in plan.plans],
            environ=self.environ,
            cwd=self._folder,
            parallel=parallel,
            fail_fast=fail_fast,
            timeout=timeout,
            on_event=on_event,
            output=output,
            stop=stop,
        )

    async def abuild(
        self,
        plan: StackPlan,
        *,
        stop: Stop | None = None,
        **arguments: Any,  # noqa: ANN401  # those of `build`
    ) -> BuildResult:
        """`build` for asyncio, with the same arguments.

        Cancelling it stops its builds, waits for them, and stops no others. `on_event` and `output` are called in the
        thread of the event loop.
        """
        from faas_cache.runner.asynchronous import run_in_thread
        from faas_cache.runner.stop import Stop

        return await run_in_thread(self.build, plan, stop=stop or Stop(), **arguments)

    # The steps of `prepare` and `build`.

    def _checked(self, plan: StackPlan) -> StackPlan:
        """The plan, if it is for this project and has no errors."""
        if plan.inputs.root != self._folder:
            raise InvalidInput(
                Diagnostic(
                    name="invalid-argument",
                    message="the plan was made for another project folder",
                    hint="plan with the project that builds",
                )
            )
        plan.raise_errors()
        return plan

    def _ready(self, plan: StackPlan, *, pull_templates: bool, bake: bool) -> StackPlan:
        """The plan for its builder, with all templates in place; nothing else is written."""
        plan = self._inspected(self._checked(plan), bake=bake)
        plan = self._with_templates(plan, pull_templates=pull_templates)
        plan.commands(bake=bake)  # raises for what the front end does not support
        self._raise(self._check_sources(plan))
        return plan

    def _inspected(self, plan: StackPlan, *, bake: bool) -> StackPlan:
        """The plan for this machine's builder, which is asked only where something depends on it.

        Without caching, `docker build` is what faas-cli runs (F3), and docker itself says what is missing.
        """
        if plan.builder is not None:
            return plan
        platforms = any(len(p.platforms) > 1 for p in plan.plans)
        publish = plan.request.options.publish and (platforms or not plan.request.options.builder)
        if not (bake or publish or any(p.caching for p in plan.plans)):
            return plan
        return self._checked(plan.on(self.inspect_builder(plan)))

    def _with_templates(self, plan: StackPlan, *, pull_templates: bool) -> StackPlan:
        """The plan once its templates exist; pulled templates bring build options, so it is made again."""
        missing = self._missing_templates(plan)
        if not missing or not pull_templates:
            return plan
        from faas_cache.contexts.templates import install_template
        from faas_cache.runner.git import clone

        for lang, source in missing.items():
            with clone(source, cwd=self._folder, environ=self.environ) as folder:
                install_template(
                    self._folder, lang, folder, source=source, name=lang.partition("@")[0]
                )
        request = plan.request
        again = self.plan(
            *request.names,
            filter=request.filter,
            regex=request.regex,
            flags=request.flags,
            options=request.options,
            strict=request.strict,
        )
        return self._checked(again if plan.builder is None else again.on(plan.builder))

    def _missing_templates(self, plan: StackPlan) -> dict[str, str]:
        """The templates that do not exist and have a source in `configuration.templates`, by language."""
        sources = self.stack.templates
        missing: dict[str, str] = {}
        for build_plan in plan.plans:
            spec = self.stack.functions[build_plan.function]
            lang = spec.lang
            if not lang or spec.context is not None or lang.lower() == "dockerfile":
                continue
            name, _, ref = lang.partition("@")
            source = sources.get(lang) or (f"{sources[name]}#{ref}" if name in sources else "")
            if source and not os.path.lexists(os.path.join(self._folder, "template", lang)):
                missing[lang] = source
        return missing

    def _check_sources(self, plan: StackPlan) -> list[Diagnostic]:
        """What the builds need from this machine: an error for each that does not exist, a note for a prebuilt context."""
        from faas_cache.contexts.prebuilt import check_context, check_prebuilt

        diagnostics: list[Diagnostic | None] = []
        for build_plan in plan.plans:
            spec = self.stack.functions[build_plan.function]
            diagnostics += self._missing_secrets(build_plan)
            if spec.context is not None:
                diagnostics.append(check_context(self._folder, spec.name, spec.context))
            else:
                diagnostics.append(check_prebuilt(self._folder, spec))
        return [d for d in diagnostics if d is not None]

    def _missing_secrets(self, build_plan: BuildPlan) -> Iterator[Diagnostic]:
        """The build secrets whose file does not exist: docker would not say which."""
        for key, path in build_plan.secrets.items():
            if not os.path.isfile(os.path.join(self._folder, path)):
                yield Diagnostic(
                    name="missing-secret-file",
                    message=f"the file `{masked(path)}` of build secret `{masked(key)[:60]}` does not exist",
                    location=Location(
                        path=("functions", build_plan.function, "build_secrets", key)
                    ),
                    hint="create it, or correct the path (relative to the project folder)",
                )

    # Contexts.

    def _contexts(self, plan: StackPlan) -> Contexts:
        """What writes the contexts of a plan."""
        from faas_cache.contexts.assembly import Contexts

        options = plan.request.options
        return Contexts(
            self._folder,
            extras=(*options.copy_extra, *self.stack.copy_extra_paths),
            outside_links=options.allow_outside_links,
        )

    def _write_contexts(self, plan: StackPlan, build_plans: Iterable[BuildPlan]) -> None:
        """Writes contexts, and remembers the stamp of each; raises with the faults of all."""
        contexts = self._contexts(plan)
        faults = FaultCollector()
        for build_plan in build_plans:
            if self._is_written_here(build_plan):
                with faults.catch():
                    self._write_context(contexts, build_plan.function)
        self._raise(faults.diagnostics)

    def _is_written_here(self, build_plan: BuildPlan) -> bool:
        """Whether the context is written by us: it is neither the function's own nor a prebuilt one."""
        from faas_cache.contexts.prebuilt import check_prebuilt

        spec = self.stack.functions[build_plan.function]
        return spec.context is None and check_prebuilt(self._folder, spec) is None

    def _write_context(
        self, contexts: Contexts, name: str, lock: ContextLock | None = None
    ) -> None:
        from faas_cache.contexts.templates import find_template, missing_template

        spec = self.stack.functions[name]
        template = find_template(self._folder, spec.lang)
        if template is None:
            raise InvalidInput(missing_template(spec.lang).under("functions", name))
        stamp = contexts.write(spec, template, lock=lock)
        with self._lock:
            self._stamps[name] = stamp

    @contextmanager
    def _hold_context(
        self, plan: StackPlan, build_plan: BuildPlan, stop: Stop | None
    ) -> Iterator[None]:
        """Holds the lock of a context, which is written again if another run replaced it."""
        from faas_cache.contexts.locks import lock_context
        from faas_cache.contexts.stamps import current_stamp

        if not self._is_written_here(build_plan):
            yield
            return
        name = build_plan.function
        with lock_context(self._folder, name, stop=stop) as lock:
            if current_stamp(self._folder, name) != self._stamps.get(name):
                self._write_context(self._contexts(plan), name, lock)
            yield

    def _raise(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Raises with the errors among the diagnostics, located in the stack file."""
        faults = errors(self.stack.with_locations(diagnostics))
        if faults:
            raise InvalidInput(*faults)


def default_stack_file(root: str | os.PathLike[str]) -> str:
    """The first of faas-cli's two names that exists in a folder, else the first."""
    names = (name for name in STACK_FILES if os.path.exists(os.path.join(root, name)))
    return next(names, STACK_FILES[0])


def _read_text(path: str) -> str | None:
    """The text of a Dockerfile; `None` where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MAX_DOCKERFILE)
    except (OSError, ValueError):
        return None
