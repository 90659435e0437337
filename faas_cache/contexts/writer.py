"""`ContextWriter`: writes the contexts of a project's plans, and holds them while they are built.

It remembers the stamp of each context that it wrote until that was built: a later build writes it
again, because its sources may have changed. All methods may be called by several threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

import attrs

from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.extras import extra_fault, extra_paths
from faas_cache.contexts.ignoring import ignore_names
from faas_cache.contexts.locks import ContextLock, StopSignal, lock_context
from faas_cache.contexts.project_sources import is_written, written_specs
from faas_cache.contexts.stamps import Stamp, current_stamp
from faas_cache.contexts.state import cannot_write
from faas_cache.contexts.templates import DOCKERFILE
from faas_cache.model.faults import FaultCollector
from faas_cache.model.frozen_map import EMPTY
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.templates import Template
from faas_cache.stack_plan import StackPlan

__all__ = ["ContextWriter"]

# In place of a template that does not exist yet: the handler alone.
_NO_TEMPLATE = Template(name=DOCKERFILE, handler_folder="")


@attrs.frozen(kw_only=True)
class _Recipe:
    """What a context is made of, besides the content of the files."""

    lang: str
    handler: str
    extras: tuple[str, ...]
    outside_links: bool
    ignore_names: tuple[str, ...]


class ContextWriter:
    """Writes the contexts of one project, whose folder is `root`; `environ` is that of docker."""

    def __init__(self, root: str, environ: Mapping[str, str] = EMPTY) -> None:
        self._root = root
        self._environ = environ
        self._lock = Lock()
        self._written: dict[str, tuple[_Recipe, Stamp]] = {}

    def write(
        self,
        plan: StackPlan,
        faults: FaultCollector,
        *,
        again: bool = True,
        stop: StopSignal | None = None,
    ) -> None:
        """Writes the contexts of a plan; none of them if one cannot be made of its sources.

        With `again=False`, a context that this writer wrote and that was not built since is kept.
        `stop` ends the wait for another run that holds a context.
        """
        contexts = _contexts(self._root, plan)
        specs = [spec for spec in written_specs(plan) if again or not self._is_written(plan, spec)]
        if len(specs) > 1:  # `Contexts.write` reads all sources of one context before it writes
            for spec in specs:
                with faults.catch():
                    self._check(contexts, plan, spec, plan.inputs.templates[spec.lang])
        if not faults.errors:
            for spec in specs:
                with faults.catch():
                    self._write(contexts, plan, spec, stop=stop)

    def check(self, plan: StackPlan, faults: FaultCollector) -> None:
        """Reads the sources of the contexts of a plan, as far as they exist; writes nothing.

        What cannot be a source at all is left to `check_sources`.
        """
        by_extras: dict[tuple[str, ...], Contexts] = {}
        for name in plan.specs:
            if not is_written(plan, name):
                continue
            spec, paths = plan.stack.functions[name], extra_paths(plan, name)
            extras = tuple(path for path in paths if extra_fault(self._root, path) is None)
            if extras not in by_extras:
                by_extras[extras] = _contexts(self._root, plan, extras)
            template = plan.inputs.templates.get(spec.lang, _NO_TEMPLATE)
            with faults.catch():
                self._check(by_extras[extras], plan, spec, template)

    @contextmanager
    def hold(self, plan: StackPlan, name: str, stop: StopSignal | None) -> Iterator[None]:
        """Holds the lock of a context, which is written again if another run replaced it.

        A context that is not written, because it is the function's own or was left by another run,
        has no lock.
        """
        spec = next((s for s in written_specs(plan) if s.name == name), None)
        if spec is None:
            yield
            return
        with lock_context(self._root, name, stop=stop) as lock:
            if not self._is_written(plan, spec):
                self._write(_contexts(self._root, plan), plan, spec, lock=lock)
            try:
                yield
            finally:
                with self._lock:
                    self._written.pop(name, None)

    def _check(
        self, contexts: Contexts, plan: StackPlan, spec: FunctionSpec, template: Template
    ) -> None:
        try:
            contexts.tree(spec, template, ignore_names(plan, spec.name, self._environ))
        except OSError as error:
            raise cannot_write(self._root, spec.name, error) from error

    def _write(
        self,
        contexts: Contexts,
        plan: StackPlan,
        spec: FunctionSpec,
        *,
        lock: ContextLock | None = None,
        stop: StopSignal | None = None,
    ) -> None:
        recipe = self._recipe(plan, spec)
        stamp = contexts.write(
            spec,
            plan.inputs.templates[spec.lang],
            lock=lock,
            stop=stop,
            ignore_names=recipe.ignore_names,
        )
        with self._lock:
            self._written[spec.name] = recipe, stamp

    def _is_written(self, plan: StackPlan, spec: FunctionSpec) -> bool:
        stamp = current_stamp(self._root, spec.name)
        with self._lock:
            return self._written.get(spec.name) == (self._recipe(plan, spec), stamp)

    def _recipe(self, plan: StackPlan, spec: FunctionSpec) -> _Recipe:
        return _Recipe(
            lang=spec.lang,
            handler=spec.handler,
            extras=_extras(plan),
            outside_links=plan.request.options.allow_outside_links,
            ignore_names=ignore_names(plan, spec.name, self._environ),
        )


def _contexts(root: str, plan: StackPlan, extras: tuple[str, ...] | None = None) -> Contexts:
    """What writes the contexts of a plan."""
    extras = _extras(plan) if extras is None else extras
    return Contexts(root, extras, outside_links=plan.request.options.allow_outside_links)


def _extras(plan: StackPlan) -> tuple[str, ...]:
    return (*plan.request.options.copy_extra, *plan.stack.copy_extra_paths)
