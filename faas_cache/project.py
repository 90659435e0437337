"""`Project`: the only object that reads files, asks programs, writes and builds.

load ─▶ plan ─▶ prepare (builder, templates, contexts) ─▶ build or push ─▶ BuildResult

It decides nothing: what it reads goes to the pure parts as data, and what they return is run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from faas_cache.contexts.stack_files import expand_names
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError, InvalidInput, InvalidStack
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.masking import masked_message
from faas_cache.planning.options import BuildOptions
from faas_cache.runner.project_plans import plan_request
from faas_cache.runner.stop import Deadline
from faas_cache.stack.reading import is_url, read_stack
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import Request, StackPlan

if TYPE_CHECKING:
    from typing import TypedDict, Unpack

    from faas_cache.buildkit.events import Event
    from faas_cache.model.builders import Builder
    from faas_cache.model.specs import FunctionSpec
    from faas_cache.planning.requests import Purpose
    from faas_cache.runner.preparation import Preparation
    from faas_cache.runner.results import BuildResult
    from faas_cache.runner.stop import Stop
    from faas_cache.runner.terminal import Output
    from faas_cache.stack.edit import Edit

    class RunArguments(TypedDict, total=False):
        """The arguments of `Project.build` that say how programs run."""

        parallel: int
        fail_fast: bool
        timeout: float | None
        quiet: bool
        verbose: bool
        on_event: Callable[[Event], object] | None
        output: Output

    class BuildArguments(RunArguments, total=False):
        """All arguments of `Project.build` but the plan and `stop`."""

        bake: bool
        retry: bool
        inputs: bool
        progress: str


__all__ = ["STACK_FILES", "Project", "default_stack_file"]

FilePath: TypeAlias = str | os.PathLike[str]

STACK_FILES = ("stack.yaml", "stack.yml")
_NO_OPTIONS = BuildOptions()


class Project:
    """The functions of a stack file, on this machine.

    A project may be used by several threads at once.

    Attributes:
        stack: What was read.
        root: The folder of the project as it was given; nothing depends on the current folder.
        environ: The environment of everything that follows, builds included.
    """

    def __init__(
        self, stack: Stack, *, root: FilePath = ".", environ: Mapping[str, str] | None = None
    ) -> None:
        self.stack = stack
        self.root: str = os.fspath(root)
        self.environ: Mapping[str, str] = FrozenMap(os.environ if environ is None else environ)
        self._folder = _absolute(self.root)
        self._file = ""  # the one file that was loaded, as it is opened

    @classmethod
    def load(
        cls,
        *files: FilePath,
        root: FilePath = ".",
        environ: Mapping[str, str] | None = None,
        envsubst: bool = True,
    ) -> Project:
        """Reads a stack file: by default the first of `stack.yaml` and `stack.yml` in `root`.

        A relative path is one in `root`; an `http` or `https` URL is fetched; a pattern such as
        `*.yml` means the files that match it, in the order of their names. Of several files,
        the functions are named `FILE: NAME`, and can be planned and checked, but not built. Raises
        `InvalidStack` only where there is no stack to speak of: faults within functions are among
        the diagnostics of every plan. Runs nothing and writes nothing.
        """
        environ = FrozenMap(os.environ if environ is None else environ)
        faults = FaultCollector()
        names = expand_names(files or (default_stack_file(root),), root, faults)
        project = cls(
            _load(names, root, environ, faults, envsubst=envsubst, pipes=bool(files)),
            root=root,
            environ=environ,
        )
        if len(names) == 1:
            project._file = _opened(names[0], root)
        return project

    @classmethod
    def of(
        cls, *specs: FunctionSpec, root: FilePath = ".", environ: Mapping[str, str] | None = None
    ) -> Project:
        """A project of these functions, without a stack file."""
        functions = FrozenMap({spec.name: spec for spec in specs})
        return cls(Stack(functions=functions), root=root, environ=environ)

    def plan(  # noqa: PLR0913  # the fields of a request
        self,
        *names: str,
        filter: str | None = None,  # noqa: A002  # faas-cli's name for it
        regex: str | None = None,
        flags: CacheFlags | None = None,
        options: BuildOptions = _NO_OPTIONS,
        strict: bool = False,
        purpose: Purpose = "build",
    ) -> StackPlan:
        """Plans the functions: those named, those that match, or all but those that are skipped.

        `flags=None` takes the cache flags from the environment; `strict` turns warnings into
        errors. `purpose` is `build`, `push` or `contexts`: what only a build needs is not an error
        for the others. Everything that is wrong is in `.diagnostics`. Runs at most `git`, for
        `options.tag`.
        """
        faults = FaultCollector()
        if flags is None:
            flags = CacheFlags()
            with faults.catch():
                flags = CacheFlags.from_environ(self.environ)
        request = Request(
            names=self.stack.full_names(names),
            filter=filter,
            regex=regex,
            flags=flags,
            options=options,
            strict=strict,
            purpose=purpose,
        )
        return plan_request(self.stack, request, self._folder, self.environ, faults)

    def inspect_builder(self, plan: StackPlan | None = None) -> Builder:
        """Describes the builder that the plan names, else the current one.

        For `publish`, that is `multiarch` where it exists. Raises `BuilderError` if the builder
        does not exist or does not respond.
        """
        return self._preparation.inspect(plan)

    def check_sources(self, plan: StackPlan) -> StackPlan:
        """The plan with diagnostics about the files that a build reads.

        These are handlers, templates, contexts, extra paths and files of build secrets. Writes
        nothing and runs nothing.
        """
        return self._preparation.with_sources(plan)

    def preview(self, plan: StackPlan, *, bake: bool = False) -> StackPlan:
        """The plan that `build` would run here; raises what `build` raises before it starts.

        Inspects the builder if the plan depends on it. Writes nothing; a template that `build`
        would pull may still add build options.
        """
        plan = self._preparation.on_builder(plan, bake=bake)
        return self._preparation.checked(self._preparation.with_sources(plan))

    def prepare(
        self,
        plan: StackPlan,
        *,
        pull_templates: bool = True,
        bake: bool = False,
        timeout: float | None = None,
    ) -> StackPlan:
        """Makes everything ready for a build: builder, templates, contexts; returns the plan.

        Nothing is written before all errors are raised: those of the plan, of the builder, and of
        the sources. Templates that are missing are pulled from `configuration.templates`; they
        bring build options, so the plan is made again. Waits at most `timeout` seconds.
        """
        end = Deadline(timeout)
        plan = self._preparation.planned(plan, "build")
        return self._preparation.prepare(plan, pull=pull_templates, bake=bake, deadline=end)

    def write_contexts(self, plan: StackPlan, *, pull_templates: bool = True) -> StackPlan:
        """Writes the contexts to `build/NAME` and builds nothing; no builder is needed.

        Faults that only docker or git would report are not errors. Returns the plan with the
        templates that were pulled, as `prepare` does.
        """
        contexts = self._preparation.planned(plan, "contexts")
        written = self._preparation.with_templates(contexts, pull=pull_templates)
        self._preparation.write_contexts(written)
        if written.request.purpose == plan.request.purpose:
            return written
        same = written.inputs.templates == contexts.inputs.templates
        return plan if same else self._preparation.again(plan)

    def build(  # noqa: PLR0913  # what a run has
        self,
        plan: StackPlan,
        *,
        parallel: int = 1,
        bake: bool = False,
        fail_fast: bool = False,
        timeout: float | None = None,
        retry: bool = True,
        inputs: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        progress: str = "auto",
        on_event: Callable[[Event], object] | None = None,
        output: Output = None,
        stop: Stop | None = None,
    ) -> BuildResult:
        """Builds the functions of a plan, up to `parallel` at once, preparing what is not prepared.

        A failed build stops no other unless `fail_fast`; `timeout` is in seconds, for everything;
        `retry` builds a function once more whose cache is broken (rule G3); `inputs` records
        digests of what each function was built from, for `compare`.
        `on_event` receives the build events, `output` (by default `sys.stderr`) what the builders
        print, with `quiet` that of failed builds only, with `verbose` the commands too; they are
        called one at a time in this thread, and if either raises, the builds are stopped and the
        exception is passed on. `progress` has docker's values: `auto`, `plain` for every step,
        `tty`, `rawjson`, `quiet`, `none`.
        Changes no signal handler: a `KeyboardInterrupt` stops the builds and is raised again.
        Raises `FaasCacheError` for what is known before a build starts.
        """
        from faas_cache.runner.stack_builds import build_stack

        deadline = Deadline(timeout, stop)
        plan = self._preparation.checked(self._preparation.planned(plan, "build"))
        if stop is None or not stop.stopped:
            try:
                plan = self._preparation.ready(plan, bake=bake, deadline=deadline)
                self._preparation.write_contexts(plan.distinct(), again=False, stop=deadline)
            except FaasCacheError:
                if stop is None or not stop.stopped:
                    raise
        return build_stack(
            plan,
            environ=self.environ,
            guard=lambda item: self._preparation.hold(plan, item.function, stop),
            parallel=parallel,
            bake=bake,
            fail_fast=fail_fast,
            timeout=deadline.remaining,
            quiet=quiet,
            on_event=on_event,
            output=output,
            stop=stop,
            retry=retry,
            inputs=inputs,
            verbose=verbose,
            progress=progress,
        )

    async def abuild(
        self, plan: StackPlan, *, stop: Stop | None = None, **arguments: Unpack[BuildArguments]
    ) -> BuildResult:
        """`build` for asyncio, with the same arguments.

        Cancelling it stops its builds, waits for them, and stops no others. `on_event` and `output`
        are called in the thread of the event loop.
        """
        from faas_cache.runner.asynchronous import run_in_thread
        from faas_cache.runner.callbacks import in_event_loop

        return await run_in_thread(
            lambda own, in_loop: self.build(plan, stop=own, **in_event_loop(arguments, in_loop)),
            stop,
        )

    def push(
        self, plan: StackPlan, *, stop: Stop | None = None, **arguments: Unpack[RunArguments]
    ) -> BuildResult:
        """Pushes the images of a plan that an earlier build left.

        Faults that concern only a build are not errors here. The arguments are those of `build`
        except `bake`, `retry`, `inputs` and `progress`.
        """
        from faas_cache.runner.stack_builds import push_stack

        plan = self._preparation.checked(self._preparation.planned(plan, "push"))
        return push_stack(plan, environ=self.environ, stop=stop, **arguments)

    def set_cache(
        self,
        mode: str,
        *names: str,
        default: bool = False,
        force: bool = False,
        dry_run: bool = False,
    ) -> Edit:
        """Writes `build_cache: MODE` into the stack file, and leaves everything else as it is.

        For the functions that are named, for all of them, or with `default` for the whole stack. A
        setting in the object form is replaced only with `force`; `dry_run` writes nothing. The file
        is replaced as a whole, keeps its mode, and is left alone if it changed meanwhile. Raises
        `InvalidInput` for what cannot be edited.
        """
        edit = _edit(self, mode, names, default=default, force=force)
        if edit.changed and not dry_run:
            from faas_cache.contexts.replacement import replace_file

            try:
                replace_file(self._file, edit.after, expected=edit.before)
            except OSError as error:
                message = f"cannot write the stack file: {error.strerror}"
                raise _invalid(message, "check the permissions of its folder") from error
        return edit

    @cached_property
    def _preparation(self) -> Preparation:
        """What prepares the plans; it remembers which contexts it wrote."""
        from faas_cache.contexts.writer import ContextWriter
        from faas_cache.runner.preparation import Preparation

        contexts = ContextWriter(self._folder, self.environ)
        return Preparation(root=self._folder, environ=self.environ, contexts=contexts)


def _load(  # noqa: PLR0913  # what loading needs, and the faults that are known already
    names: tuple[str, ...],
    root: FilePath,
    environ: Mapping[str, str],
    faults: FaultCollector,
    *,
    envsubst: bool,
    pipes: bool,
) -> Stack:
    """The stack of a file, or of several; raises with the faults of all that are unreadable."""
    stacks: dict[str, Stack] = {}
    for name in names:
        with faults.catch():
            stacks[name] = _load_stack(name, root, environ, envsubst=envsubst, pipes=pipes)
    faults.raise_errors(InvalidStack)
    if len(names) == 1:
        return stacks[names[0]]
    from faas_cache.stack.combination import combine

    return combine({masked_message(name): stack for name, stack in stacks.items()})


def _load_stack(
    name: str, root: FilePath, environ: Mapping[str, str], *, envsubst: bool, pipes: bool
) -> Stack:
    """A stack file as far as it can be read; locations have the name as it was given."""
    data = read_stack(_opened(name, root), pipes=pipes)
    try:
        return Stack.loads(data, environ, envsubst=envsubst, file=masked_message(name))
    except InvalidStack as error:
        if error.stack is None:
            raise
        return error.stack  # type: ignore[no-any-return]  # `InvalidStack` is in a lower package


def _opened(name: str, root: FilePath) -> str:
    """The path of a file of a project, or a URL, as it is opened."""
    is_here = os.fspath(root) == os.curdir or is_url(name)
    return name if is_here else os.path.join(root, name)


def default_stack_file(root: FilePath) -> str:
    """The first of faas-cli's two names that exists in a folder, else the first."""
    names = (name for name in STACK_FILES if os.path.exists(os.path.join(root, name)))
    return next(names, STACK_FILES[0])


def _edit(
    project: Project, mode: str, names: tuple[str, ...], *, default: bool, force: bool
) -> Edit:
    """The edit of the stack file of a project, as the file is now."""
    from faas_cache.stack.edit import edit_setting

    path = project._file  # noqa: SLF001  # of this module
    if not path or "://" in path:
        message = "the project has no single stack file that can be edited"
        raise _invalid(message, "load the project from one file")
    return edit_setting(
        read_stack(path),
        mode,
        names,
        default=default,
        force=force,
        file=project.stack.file or path,
        environ=project.environ,
    )


def _absolute(root: str) -> str:
    try:
        return os.path.abspath(root)
    except OSError as error:
        message = f"cannot find the current folder: {error.strerror}"
        raise _invalid(message, "change to a folder that exists") from error


def _invalid(message: str, hint: str) -> InvalidInput:
    return InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))
